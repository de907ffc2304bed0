//! The lines that were typed, kept across runs: `chinwag/history` in the XDG state
//! folder, one a line, readable by the user alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

/// The most lines that are kept.
pub const MAX_LINES: usize = 1_000;

/// The file of the lines typed before. Several programs can append to it at once.
pub struct HistoryFile {
    path: PathBuf,
}

impl HistoryFile {
    /// The user's own file; none where there is no home.
    pub fn open() -> Option<Self> {
        let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))?;
        Some(Self { path: state.join("chinwag").join("history") })
    }

    /// The latest lines, the oldest first. Makes the file shorter where it has grown.
    pub fn load(&self) -> io::Result<Vec<String>> {
        let text = match fs::read(&self.path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let count = text.lines().count();
        let lines: Vec<&str> = text.lines().skip(count.saturating_sub(MAX_LINES)).collect();
        if count > 2 * MAX_LINES {
            self.replace(&lines)?;
        }
        Ok(lines.into_iter().map(unescape).collect())
    }

    /// Adds a line.
    pub fn add(&self, line: &str) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        // One write, so that the lines of several programs do not mix.
        private().append(true).open(&self.path)?.write_all((escape(line) + "\n").as_bytes())
    }

    fn replace(&self, lines: &[&str]) -> io::Result<()> {
        let path = self.path.with_extension(format!("new-{}", std::process::id()));
        let mut file: File = private().truncate(true).write(true).open(&path)?;
        file.write_all((lines.join("\n") + "\n").as_bytes())?;
        fs::rename(path, &self.path)
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    options
}

fn escape(line: &str) -> String {
    line.replace('\\', "\\\\").replace('\n', "\\n")
}

fn unescape(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' if chars.as_str().starts_with('n') => {
                chars.next();
                '\n'
            }
            '\\' => chars.next().unwrap_or('\\'),
            c => c,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_typed() {
        for line in ["hi", "one\ntwo", r"C:\new \\ end\", "\\", "\n"] {
            assert_eq!(unescape(&escape(line)), line);
            assert!(!escape(line).contains('\n'));
        }
    }
}
