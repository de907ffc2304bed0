//! Opening the file for who writes: what it has to be, and how SQLite is to treat it.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::builder::Durability;
use super::database::{BUSY, Database};
use super::error::{Result, Trouble, store_error};
use super::schema;
use crate::store::{StoreError, StoreErrorKind};

/// How long another process may hold the file while it is opened.
const OPENING: Duration = Duration::from_secs(5);
/// The log beside the file is cut back to this when it begins anew.
const LOG_BYTES: i64 = 16 * 1024 * 1024;

#[derive(Debug, Clone)]
pub(super) struct Options {
    pub durability: Durability,
    pub access: Access,
    pub max_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Read and written, beside others.
    Shared,
    /// Read and written, and nobody else has it open.
    Exclusive,
    /// Only read, beside others.
    ReadOnly,
}

/// Opens a file that [is a store](super::file::check), or empty, with tables of this
/// version. It stays as it is, should it be refused later: see [`accept`].
pub(super) fn connect(path: &Path, options: &Options) -> Result<Connection, StoreError> {
    let opened = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.busy_timeout(OPENING)?;
        connection.set_prepared_statement_cache_capacity(64);
        if options.access == Access::Exclusive {
            // Before anything is read, or SQLite shares the file first.
            connection.busy_timeout(Duration::ZERO)?;
            connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;")?;
        }
        if options.access == Access::ReadOnly {
            read_only(&connection, path)?;
        } else {
            read_write(&connection, path, options)?;
        }
        Ok(connection)
    };
    opened().map_err(|trouble| match trouble {
        Trouble::Sqlite(error) if options.access == Access::Exclusive => in_use(path, &error),
        trouble => trouble.told(path, "open"),
    })
}

/// The file is the right one: who closes it last tidies up.
pub(super) fn accept(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    connection.busy_timeout(BUSY)
}

/// What tells the positions of this store from those of others.
pub(super) fn epoch(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row("SELECT value FROM meta WHERE key = 'epoch'", [], |row| row.get(0))
}

fn read_only(connection: &Connection, path: &Path) -> Result<()> {
    let version = schema::version(connection)?;
    schema::check_version(version, path)?;
    if !schema::is_latest(version) {
        let why = format!("{} was made by an older version; start the server with it first", path.display());
        return Err(StoreError::new(StoreErrorKind::Unsupported, why).into());
    }
    connection.pragma_update(None, "query_only", true)?;
    Ok(())
}

fn read_write(connection: &Connection, path: &Path, options: &Options) -> Result<()> {
    if connection.is_readonly("main")? {
        let why = format!("{} may not be written", path.display());
        return Err(StoreError::new(StoreErrorKind::ReadOnly, why).into());
    }
    let version = schema::version(connection)?;
    schema::check_version(version, path)?;
    if !schema::is_latest(version) {
        bring_forward(connection)?;
    }
    let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0))?;
    if mode != "wal" {
        let why = format!("{} is on a file system that SQLite cannot have a log on", path.display());
        return Err(StoreError::new(StoreErrorKind::Unsupported, why).into());
    }
    if !schema::is_latest(version) {
        // The version is in the header then, where it is found without SQLite.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    let synchronous = match options.durability {
        Durability::Process => "NORMAL",
        Durability::Disk => "FULL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    // A thread of its own does that, so that no batch waits for it.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "secure_delete", "FAST")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    Ok(())
}

fn bring_forward(connection: &Connection) -> Result<()> {
    connection.execute_batch("BEGIN EXCLUSIVE")?;
    let done = schema::migrate(connection).and_then(|()| connection.execute_batch("COMMIT"));
    if done.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    Ok(done?)
}

fn in_use(path: &Path, error: &rusqlite::Error) -> StoreError {
    let told = store_error(path, "open", error);
    if told.kind() != StoreErrorKind::Locked {
        return told;
    }
    let why = format!("{} is in use; stop the server that has it open", path.display());
    StoreError::new(StoreErrorKind::Locked, why)
}

impl Database {
    /// Begins a store of which nothing was ever given.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.epoch = epoch(&self.connection)?;
        accept(&self.connection)?;
        self.refresh()?;
        self.seen = self.totals.latest;
        Ok(())
    }

    /// Reads what has to be known before anything else is done.
    pub(super) fn start(&mut self) -> Result<()> {
        self.epoch = epoch(&self.connection)?;
        accept(&self.connection)?;
        if self.options.access == Access::ReadOnly {
            self.refresh()?;
        } else {
            self.renumber()?;
        }
        self.seen = self.totals.latest;
        Ok(())
    }
}
