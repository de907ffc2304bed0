//! Bans that outlive the process: a file of one JSON object a line, replaced as a whole,
//! so that it is never seen half written. Written on the thread of who asked for the ban,
//! never in the hub's turn.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use tempfile::NamedTempFile;

use super::{Bans, MAX_BANS, Meant};
use crate::protocol::Ban;
use crate::{Error, Result};

/// The longest line that is read.
const MAX_LINE: u64 = 64 * 1024;

pub(in crate::chat) struct BansFile {
    path: PathBuf,
    /// The version that the file has. Held while it is written, before the chat's state.
    saved: Mutex<u64>,
}

impl BansFile {
    /// Opens a file of bans, or begins one, and reads what is in it and still on.
    pub(in crate::chat) fn open(path: &Path, now: u64) -> Result<(Self, Bans)> {
        let attempt = |verb: &str| format!("{verb} the bans in {}", path.display());
        // A link stays one, and what it leads to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let bans = match File::open(&path) {
            Ok(file) => read(file, &path, now)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // Better known now than at the first ban.
                write(&path, &[]).map_err(Error::io(attempt("begin")))?;
                Bans::default()
            }
            Err(error) => return Err(Error::io(attempt("read"))(error)),
        };
        let saved = Mutex::new(bans.version());
        Ok((Self { path, saved }, bans))
    }

    /// Writes what `latest` gives, with its version, unless the file has that.
    pub(in crate::chat) fn save(&self, latest: impl FnOnce() -> (u64, Vec<Ban>)) -> io::Result<()> {
        let mut saved = self.saved.lock();
        let (version, bans) = latest();
        if version != *saved {
            write(&self.path, &bans)?;
            *saved = version;
        }
        Ok(())
    }

    pub(in crate::chat) fn path(&self) -> &Path {
        &self.path
    }
}

fn read(file: File, path: &Path, now: u64) -> Result<Bans> {
    let mut bans = Bans::default();
    let mut lines = BufReader::new(file);
    for number in 1.. {
        let wrong = |what: String| {
            Error::Invalid(format!("failed to read the bans in {}, line {number}: {what}", path.display()))
        };
        let mut line = Vec::new();
        let read = io::Read::take(&mut lines, MAX_LINE).read_until(b'\n', &mut line);
        let read = read.map_err(|error| wrong(error.to_string()))?;
        if read == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let ban: Ban = serde_json::from_slice(&line).map_err(|error| wrong(error.to_string()))?;
        let (target, who) = match Meant::parse(&ban.who) {
            Ok(Meant::Target(target, who)) => (target, who),
            Ok(Meant::AddressOf(name)) => return Err(wrong(format!("{name:?} is no address"))),
            Err(problem) => return Err(wrong(problem.to_string())),
        };
        if ban.until.is_none_or(|until| until > now) {
            if bans.all.len() >= MAX_BANS {
                return Err(wrong(format!("there are more than {MAX_BANS} bans")));
            }
            bans.all.insert(target, Ban { who, ..ban });
        }
    }
    Ok(bans)
}

/// Replaces the file; it is whole at every moment, and its owner's alone at first.
fn write(path: &Path, bans: &[Ban]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    let mut text = Vec::new();
    for ban in bans {
        serde_json::to_writer(&mut text, ban)?;
        text.push(b'\n');
    }
    file.write_all(&text)?;
    if let Ok(meta) = fs::metadata(path) {
        file.as_file().set_permissions(meta.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn opened(text: &str) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans");
        fs::write(&path, text).unwrap();
        let (_, bans) = BansFile::open(&path, 1000).map_err(|error| error.to_string())?;
        Ok(bans.list(1000).into_iter().map(|ban| ban.who).collect())
    }

    #[test]
    fn what_is_still_on_is_read_and_what_is_wrong_is_told_with_its_line() {
        let line = |who: &str, rest: &str| format!(r#"{{"who":"{who}","by":"Adam","time":1{rest}}}"#) + "\n";
        let good = line("name:Eve", "")
            + "\n"
            + &line("192.0.2.7", r#","until":1001"#)
            + &line("Bob", r#","until":1000"#);
        assert_eq!(opened(&good).unwrap(), ["name:Eve", "address:192.0.2.7/32"]);
        for (bad, words) in [
            ("{", "line 3: EOF"),
            (&*line("address:Eve", ""), "line 3: \"Eve\" is no address"),
            (&*line("", ""), "line 3: name not allowed"),
            (r#"{"who":"Eve"}"#, "line 3: missing field `by`"),
        ] {
            let error = opened(&(line("name:Eve", "") + "\n" + bad)).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_found_out_at_once() {
        let error = BansFile::open(Path::new("/no/such/folder/bans"), 0).err().unwrap();
        assert!(error.to_string().starts_with("failed to begin the bans in /no/such/folder/bans"), "{error}");
    }
}
