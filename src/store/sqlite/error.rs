//! SQLite's errors, in words that a person can act on.

use std::io;
use std::path::Path;

use rusqlite::{ErrorCode, ffi};

use crate::store::{StoreError, StoreErrorKind};

/// What went wrong in the middle of something: SQLite's word for it, or the store's own.
#[derive(Debug)]
pub(super) enum Trouble {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

pub(super) type Result<T, E = Trouble> = std::result::Result<T, E>;

impl Trouble {
    /// As it is told to others; `doing` is what was being done to the store at `path`.
    pub(super) fn told(self, path: &Path, doing: &str) -> StoreError {
        match self {
            Self::Sqlite(error) => store_error(path, doing, &error),
            Self::Store(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What `error` means for the store at `place`; `doing` is what was being done to it, such
/// as "write".
pub(super) fn store_error(place: &Path, doing: &str, error: &rusqlite::Error) -> StoreError {
    let path = place.display();
    let Some(code) = error.sqlite_error_code() else {
        return StoreError::new(StoreErrorKind::Other, format!("failed to {doing} {path}: {error}"));
    };
    if extended_code(error) == ffi::SQLITE_READONLY_DBMOVED {
        return gone(place);
    }
    let (kind, words) = match code {
        _ if extended_code(error) == ffi::SQLITE_IOERR_SHMSIZE => {
            (StoreErrorKind::Full, "the disk is full".to_owned())
        }
        ErrorCode::DiskFull => (StoreErrorKind::Full, "the disk is full".to_owned()),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
            (StoreErrorKind::Locked, "another process holds it locked".to_owned())
        }
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
            (StoreErrorKind::ReadOnly, "it may not be written".to_owned())
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            (StoreErrorKind::Damaged, format!("it is damaged; put a backup back ({error})"))
        }
        ErrorCode::CannotOpen => (
            StoreErrorKind::Other,
            "it or its -wal cannot be opened; are it and its folder there, and writable?".to_owned(),
        ),
        ErrorCode::SystemIoFailure => (StoreErrorKind::Other, format!("the disk reports an error ({error})")),
        _ => (StoreErrorKind::Other, error.to_string()),
    };
    StoreError::new(kind, format!("failed to {doing} {path}: {words}"))
}

fn extended_code(error: &rusqlite::Error) -> i32 {
    error.sqlite_error().map_or(ffi::SQLITE_OK, |error| error.extended_code)
}

/// Whether a commit that ended so was written, but for the wait for the disk.
pub(super) fn is_unsynced(error: &rusqlite::Error) -> bool {
    [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC].contains(&extended_code(error))
}

/// Whether a commit that ended so may have left all of itself in the log beside the file,
/// where the next process would find it. What could not be written has no end there.
pub(super) fn may_be_whole(error: &rusqlite::Error) -> bool {
    let is_cut_short = matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::ReadOnly)
    );
    !is_cut_short && extended_code(error) != ffi::SQLITE_IOERR_WRITE
}

/// What a system's error means.
pub(super) fn io_error(path: &Path, doing: &str, error: &io::Error) -> StoreError {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => StoreErrorKind::Gone,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => StoreErrorKind::ReadOnly,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreErrorKind::Full,
        _ => StoreErrorKind::Other,
    };
    StoreError::new(kind, format!("failed to {doing} {}: {error}", path.display()))
}

/// The file is not where it was.
pub(super) fn gone(path: &Path) -> StoreError {
    StoreError::new(StoreErrorKind::Gone, format!("{} is gone; put it back or restart", path.display()))
}

/// Whether only one statement failed, and its transaction can go on.
pub(super) fn is_statements_own(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch)
    )
}
