//! The file as the system sees it: which one it is, and whether it is a store at all,
//! found out without SQLite, which would already leave traces beside it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::io_error;
use super::schema;
use crate::store::{StoreError, StoreErrorKind};

/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Where the header has the schema's version and the application's number.
const USER_VERSION: usize = 60;
const APPLICATION_ID: usize = 68;
const HEADER: usize = 100;

/// Which file it is, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let meta = fs::metadata(path)?;
        Ok(Self { device: meta.dev(), inode: meta.ino() })
    }
}

/// The file that SQLite has beside this one, such as `-wal`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// How many bytes the store takes on the disk.
pub(super) fn size(path: &Path) -> u64 {
    [path.to_owned(), beside(path, "-wal")]
        .iter()
        .filter_map(|path| Some(fs::metadata(path).ok()?.len()))
        .sum()
}

/// How many bytes the log beside the file has.
pub(super) fn log_size(path: &Path) -> u64 {
    fs::metadata(beside(path, "-wal")).map_or(0, |meta| meta.len())
}

/// Makes the file where there is none, readable by its owner alone: what people say is not
/// for every account of a machine.
pub(super) fn make(path: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => sync_folder(path).map_err(|error| io_error(path, "make", &error)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(io_error(path, "make", &error)),
    }
}

/// A file's name is in its folder, and is safe from a loss of power only when that is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Whether it is a store that this version can read; an empty file can become one.
pub(super) fn check(path: &Path) -> Result<(), StoreError> {
    let refused = |kind, why: String| Err(StoreError::new(kind, format!("{} {why}", path.display())));
    let mut header = Vec::new();
    let mut file = File::open(path).map_err(|error| io_error(path, "open", &error))?;
    let read = Read::take(&mut file, HEADER as u64).read_to_end(&mut header);
    read.map_err(|error| io_error(path, "read", &error))?;
    if header.is_empty() {
        return Ok(());
    }
    if header.len() < HEADER || !header.starts_with(MAGIC) {
        return refused(StoreErrorKind::Damaged, "is no SQLite file, and is left alone".to_owned());
    }
    if number(&header, APPLICATION_ID) != schema::APPLICATION_ID {
        let why = "is a database of another application, and is left alone".to_owned();
        return refused(StoreErrorKind::Damaged, why);
    }
    schema::check_version(number(&header, USER_VERSION), path)
}

/// Whether nothing was ever written to this file.
pub(super) fn is_empty(path: &Path) -> Result<bool, StoreError> {
    let meta = fs::metadata(path).map_err(|error| io_error(path, "read", &error))?;
    Ok(meta.len() == 0)
}

fn number(header: &[u8], place: usize) -> i32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&header[place..place + 4]);
    i32::from_be_bytes(bytes)
}
