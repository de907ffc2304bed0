//! How a store is opened.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::database::Database;
use super::error::io_error;
use super::file::{self, FileId};
use super::opening::{self, Access, Options};
use super::pool::Pool;
use super::{Shared, Sqlite};
use crate::store::StoreError;

/// What an acknowledged message survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Durability {
    /// The death of the process. Where the power fails, the last moments can be lost; the
    /// file stays whole.
    #[default]
    Process,
    /// The loss of power, too: each batch waits for the disk once.
    Disk,
}

/// Opens a [`Sqlite`] store.
#[derive(Debug, Clone)]
#[must_use]
pub struct SqliteBuilder {
    path: PathBuf,
    options: Options,
}

impl SqliteBuilder {
    pub(super) fn new(path: PathBuf) -> Self {
        let max_bytes = 1024 * 1024 * 1024;
        let options = Options { durability: Durability::default(), access: Access::Shared, max_bytes };
        Self { path, options }
    }

    /// What an acknowledged message survives. Defaults to [`Durability::Process`].
    pub fn durability(mut self, durability: Durability) -> Self {
        self.options.durability = durability;
        self
    }

    /// How much text all rooms together may have, each message counted with 128 bytes more;
    /// beyond it the oldest messages go. Defaults to 1 GiB. Of each room a chat keeps what
    /// its [`Retention`](crate::store::Retention) says, within this.
    pub fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.options.max_bytes = max_bytes;
        self
    }

    /// Only reads, beside a server that writes. The file has to be there.
    pub fn read_only(mut self) -> Self {
        self.options.access = Access::ReadOnly;
        self
    }

    /// Keeps everybody else out, for as long as the store is open; refused where the file is
    /// in use. For an import, and for whatever must not happen beside a server.
    pub fn exclusive(mut self) -> Self {
        self.options.access = Access::Exclusive;
        self
    }

    /// Opens the file. One that is not there is made, and an empty one becomes a store;
    /// one of an older version is brought forward.
    ///
    /// # Errors
    ///
    /// Where the file cannot be opened, is in use
    /// ([`Locked`](crate::store::StoreErrorKind::Locked)), is none of a chat's
    /// ([`Damaged`](crate::store::StoreErrorKind::Damaged)), or was made by a newer version
    /// ([`Unsupported`](crate::store::StoreErrorKind::Unsupported)). It is left as it was
    /// then.
    pub fn open(self) -> Result<Sqlite, StoreError> {
        let Self { path, options } = self;
        if options.access != Access::ReadOnly {
            file::make(&path)?;
        }
        // What is beside the file is beside the one that a link leads to.
        let path = fs::canonicalize(&path).map_err(|error| io_error(&path, "open", &error))?;
        file::check(&path)?;
        let is_new = file::is_empty(&path)?;
        let identity = || FileId::of(&path).map_err(|error| io_error(&path, "open", &error));
        let file = identity()?;
        let connection = opening::connect(&path, &options)?;
        if identity()? != file {
            return Err(super::error::gone(&path));
        }
        let pool = Arc::new(Pool::new(path.clone(), file));
        let mut database = Database::new(path, options, pool, connection, file);
        let started = if is_new { database.begin() } else { database.start() };
        started.map_err(|trouble| database.told("open", trouble))?;
        Ok(Sqlite::new(Shared::new(database)))
    }
}
