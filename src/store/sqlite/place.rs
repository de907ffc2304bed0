//! Whether the file is still where it was. A file that was moved away can be written on and
//! on, and all of it would be lost; so the path is looked at before a batch.

use std::fs;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::database::Database;
use super::error::{Result, gone, io_error};
use super::file::{self, FileId};
use super::opening;
use crate::store::{StoreError, StoreErrorKind};

/// The path is not looked at again so soon.
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl Database {
    /// Makes sure that the path leads to the file that is written. Where the same store is
    /// there in another file, goes on with that.
    pub(super) fn verify(&mut self) -> Result<()> {
        if self.is_closed {
            let why = format!("{} is closed", self.path.display());
            return Err(StoreError::new(StoreErrorKind::Gone, why).into());
        }
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
            return Ok(());
        }
        let found = FileId::of(&self.path).ok();
        if found.is_none() || found != self.file {
            self.looked = None;
            let is_empty = self.empty_log();
            match found {
                Some(file) if is_empty => self.replace(file)?,
                _ => return Err(gone(&self.path).into()),
            }
        }
        self.looked = Some(Instant::now());
        Ok(())
    }

    /// Has the file that was moved whole, and leaves no log at the path that would be taken
    /// for that of another file; whether that worked.
    fn empty_log(&self) -> bool {
        self.file.is_none() || self.truncate_log().unwrap_or(false)
    }

    /// Goes on with another file at the path, if it is the same store.
    fn replace(&mut self, file: FileId) -> Result<()> {
        let is_over = self.pool.retire();
        self.close()?;
        if !is_over {
            // Two connections to different files would share what is beside the path.
            return Err(gone(&self.path).into());
        }
        self.tidy();
        file::check(&self.path)?;
        let connection = opening::connect(&self.path, &self.options)?;
        if opening::epoch(&connection)? != self.epoch {
            let why = format!("{} is another store now; put the one back or restart", self.path.display());
            return Err(StoreError::new(StoreErrorKind::Gone, why).into());
        }
        opening::accept(&connection)?;
        self.connection = connection;
        self.is_stale = true;
        self.renumber()?;
        self.file = Some(file);
        self.pool.renew(file);
        log::warn!("{} is another file now, and the same store; goes on with it", self.path.display());
        Ok(())
    }

    /// Lets go of the file that was moved.
    fn close(&mut self) -> Result<()> {
        if self.file.take().is_some() {
            let placeholder = Connection::open_in_memory()?;
            let old = std::mem::replace(&mut self.connection, placeholder);
            old.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        }
        Ok(())
    }

    /// Lets go of the file, which is complete then.
    pub(super) fn let_go(&mut self) -> Result<()> {
        self.is_closed = true;
        if self.file.take().is_some() {
            self.connection = Connection::open_in_memory()?;
        }
        Ok(())
    }

    /// Removes what the file that was moved had beside it: a log that is empty, and the
    /// index of it. A log with something in it came with the new file.
    fn tidy(&self) {
        let log = file::beside(&self.path, "-wal");
        if fs::metadata(&log).is_ok_and(|meta| meta.len() == 0) {
            for path in [log, file::beside(&self.path, "-shm")] {
                if let Err(error) = fs::remove_file(&path) {
                    log::debug!("{}", io_error(&path, "remove", &error));
                }
            }
        }
    }
}
