//! A socket file that was nobody else's at any moment.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use crate::server::remove_stale;

/// A socket file, removed in the end where it is still the one that was made.
pub(super) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

/// Binds a socket that only its owner can open. One that a dead server left is replaced;
/// one that somebody listens on, and a file of another kind, is not.
pub(super) fn bind_private(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    if path.as_os_str().is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path is empty"));
    }
    remove_stale(path)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A socket takes its mode from the process's mask, which is not this thread's alone: so
    // it is made where nobody else gets to, and comes to its place with the mode it needs.
    let owner_only = Permissions::from_mode(0o700);
    let folder =
        tempfile::Builder::new().prefix(".").rand_bytes(6).permissions(owner_only).tempdir_in(parent)?;
    let made = folder.path().join("s");
    let listener = UnixListener::bind(&made)?;
    fs::set_permissions(&made, Permissions::from_mode(0o600))?;
    // Fails where something is there, which a renaming would not.
    fs::hard_link(&made, path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => io::Error::from(io::ErrorKind::AddrInUse),
        _ => error,
    })?;
    let identity = identity(path)?;
    Ok((listener, SocketFile { path: path.to_owned(), identity }))
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|meta| (meta.dev(), meta.ino()))
}

impl SocketFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
