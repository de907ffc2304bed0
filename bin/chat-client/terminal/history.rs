//! Where the lines that were typed are kept across runs: `chinwag/history` in the XDG
//! state folder, readable by the user alone.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

/// The most lines that are kept.
pub const MAX_LINES: usize = 1_000;

/// The user's own file; none where there is no home.
pub fn path() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))?;
    Some(state.join("chinwag").join("history"))
}

/// Makes the folder of the file.
pub fn make_folder(path: &std::path::Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => DirBuilder::new().recursive(true).mode(0o700).create(folder),
        None => Ok(()),
    }
}
