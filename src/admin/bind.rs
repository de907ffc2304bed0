//! A socket file that was nobody else's at any moment.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::server::remove_stale;

/// Its name where it is made.
const INNER: &str = "s";

/// A socket file, removed in the end where it is still the one that was made.
pub(super) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

/// Binds a socket that only its owner can open. One that a dead server left is replaced;
/// one that somebody listens on, and a file of another kind, is not.
pub(super) fn bind_private(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    remove_stale(path)?;
    let made = Made::beside(path)?;
    // Fails where something is there, which a renaming would not.
    fs::hard_link(made.path(), path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => io::ErrorKind::AddrInUse.into(),
        _ => error,
    })?;
    made.at(path)
}

/// The same, in the place of any socket: there is one at every moment.
pub(super) fn bind_over(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.file_type().is_socket() => {
            let made = Made::beside(path)?;
            fs::rename(made.path(), path)?;
            made.at(path)
        }
        _ => bind_private(path),
    }
}

/// A socket that is not in its place yet. A socket takes its mode from the process's mask,
/// which is not this thread's alone: so it is made where nobody else gets to, and comes to
/// its place with the mode that it needs.
struct Made {
    folder: TempDir,
    listener: UnixListener,
}

impl Made {
    fn beside(path: &Path) -> io::Result<Self> {
        if path.as_os_str().is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path is empty"));
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let owner_only = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix(".").permissions(owner_only).tempdir_in(parent)?;
        let listener = UnixListener::bind(folder.path().join(INNER))?;
        let made = Self { folder, listener };
        fs::set_permissions(made.path(), Permissions::from_mode(0o600))?;
        Ok(made)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(INNER)
    }

    fn at(self, path: &Path) -> io::Result<(UnixListener, SocketFile)> {
        Ok((self.listener, SocketFile { path: path.to_owned(), identity: identity(path)? }))
    }
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
