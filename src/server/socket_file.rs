//! The file of a Unix domain socket, which outlives the socket unless somebody removes it.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A socket's file, removed at the end where it is ours by then.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    is_ours: AtomicBool,
}

impl SocketFile {
    pub(super) fn ours(path: &Path) -> Arc<Self> {
        Arc::new(Self { path: path.to_owned(), is_ours: AtomicBool::new(true) })
    }

    pub(super) fn of_another(path: &Path) -> Arc<Self> {
        Arc::new(Self { path: path.to_owned(), is_ours: AtomicBool::new(false) })
    }

    /// The process that had it before will not remove it any more.
    pub(super) fn claim(&self) {
        self.is_ours.store(true, Ordering::SeqCst);
    }

    /// Another process goes on with it.
    pub(super) fn give_up(&self) {
        self.is_ours.store(false, Ordering::SeqCst);
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if *self.is_ours.get_mut() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes a socket file on which nobody listens.
pub(crate) fn remove_stale(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
    let is_dead =
        || UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if is_socket && is_dead() { fs::remove_file(path) } else { Ok(()) }
}
