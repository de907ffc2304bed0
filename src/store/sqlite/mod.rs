//! A store in an SQLite file. docs/store.md has its tables, and what to do at each trouble.
//!
//! Drafts wait in the `queue`; one thread (`writer`) takes all that are there and writes them
//! in one transaction (`batch`), so that a thousand messages cost one commit. Between batches
//! it does the `upkeep`. Clients read on connections of their own (`pool`), and another
//! thread (`checkpoint`) keeps the log beside the file short.

mod batch;
mod builder;
mod checkpoint;
mod database;
mod erase;
mod error;
mod file;
mod import;
mod index;
mod opening;
mod place;
mod pool;
mod queue;
mod read;
mod receipts;
mod retention;
mod rooms;
mod rows;
mod scan;
mod schema;
mod search;
mod statistics;
mod upkeep;
mod writer;

pub use builder::{Durability, SqliteBuilder};
pub use scan::Scan;
pub use statistics::SqliteStatistics;

use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;

use self::database::Database;
use self::opening::Access;
use self::pool::Pool;
use self::queue::Queue;
use self::statistics::Counted;
use self::writer::Writer;
use super::{
    Bounds, Draft, Erasure, Found, Outcome, Position, Record, Retention, Search, Store, StoreError,
    StoreErrorKind, StoreStatistics, Tail, Ticket,
};

/// The rooms' logs in one SQLite file, which outlives the process.
///
/// ```
/// use chinwag::store::{Sqlite, Store};
///
/// let folder = tempfile::tempdir()?;
/// let store = Sqlite::builder(folder.path().join("chat.db")).open()?;
/// assert!(store.outlives_process());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Two processes may have the same file open for a while, when one takes over from the
/// other: each hears what the other appends. When it is dropped, what was taken is
/// written first.
pub struct Sqlite {
    shared: Arc<Shared>,
    /// The writer and who makes checkpoints, once the store is open.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the threads share.
#[derive(Debug)]
struct Shared {
    path: PathBuf,
    epoch: String,
    access: Access,
    queue: Queue,
    pool: Arc<Pool>,
    /// Held for a batch, or for a portion of anything else; never while the tail gets
    /// something, and never taken by an append.
    database: Mutex<Database>,
    /// What came of the last transaction. Taken under no other lock, and held for a line.
    health: Mutex<Result<(), StoreError>>,
    counted: Arc<Counted>,
}

impl Shared {
    fn new(database: Database) -> Self {
        Self {
            path: database.path.clone(),
            epoch: database.epoch.clone(),
            access: database.options.access,
            queue: Queue::default(),
            pool: database.pool.clone(),
            counted: database.counted.clone(),
            database: Mutex::new(database),
            health: Mutex::new(Ok(())),
        }
    }
}

impl Sqlite {
    /// How the store at `path` is to be opened.
    pub fn builder(path: impl Into<PathBuf>) -> SqliteBuilder {
        SqliteBuilder::new(path.into())
    }

    fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared), threads: Mutex::default() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Shows `each` all messages that fit, in the order of their positions, until it breaks
    /// off. What is said meanwhile is not among them. Others can write while it reads.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read.
    pub fn scan(
        &self,
        scan: &Scan,
        each: &mut dyn FnMut(&Record) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.shared.scan(scan, each)
    }

    /// Appends all `records`, in this order, with their own times but new positions; how
    /// many. The store has to be open [exclusively](SqliteBuilder::exclusive).
    ///
    /// # Errors
    ///
    /// At the first record that is an error, and where the store cannot be written: then
    /// nothing is appended.
    pub fn import(
        &self,
        records: &mut dyn Iterator<Item = Result<Record, StoreError>>,
    ) -> Result<u64, StoreError> {
        self.shared.import(records)
    }

    /// What it has counted since it was opened. Waits for nothing but the file's folder.
    pub fn file_statistics(&self) -> SqliteStatistics {
        self.shared.counted.snapshot(file::log_size(&self.shared.path))
    }

    /// Writes what was taken, tells what came of it, and lets go of the file, which has
    /// nothing beside it then if nobody else uses it. What comes later is not taken. Dropping
    /// the store does the same.
    pub fn close(&self) {
        self.shared.queue.close();
        for thread in self.threads.lock().drain(..) {
            // The tail may have held the last handle of this store, on the writer's thread.
            if thread.thread().id() != thread::current().id() && thread.join().is_err() {
                log::error!("a thread of the store {} has panicked", self.shared.path.display());
            }
        }
        self.shared.pool.retire();
        let why = format!("{} is closed", self.shared.path.display());
        *self.shared.health.lock() = Err(StoreError::new(StoreErrorKind::Gone, why));
        if let Err(trouble) = self.shared.database.lock().let_go() {
            log::debug!("{}", trouble.told(self.path(), "close"));
        }
    }

    fn start(&self, tail: Tail) -> std::io::Result<()> {
        let read = self.shared.database.lock().expect_drafts();
        read.map_err(|trouble| std::io::Error::other(trouble.told(self.path(), "read")))?;
        let mut threads = self.threads.lock();
        // One is enough: a second would be for the same thing.
        let (due_tx, due_rx) = crossbeam_channel::bounded(1);
        let shared = self.shared.clone();
        let name = "chinwag-store-checkpoint".to_owned();
        threads.push(thread::Builder::new().name(name).spawn(move || checkpoint::run(&shared, &due_rx))?);
        let writer = Writer::new(self.shared.clone(), tail, due_tx);
        threads.push(thread::Builder::new().name("chinwag-store".to_owned()).spawn(|| writer.run())?);
        self.shared.queue.open();
        Ok(())
    }
}

impl Store for Sqlite {
    fn epoch(&self) -> &str {
        &self.shared.epoch
    }

    fn outlives_process(&self) -> bool {
        true
    }

    fn open(&self, tail: Tail) {
        let shared = &self.shared;
        if shared.access == Access::ReadOnly {
            *shared.health.lock() = Err(shared.read_only());
        } else if self.threads.lock().is_empty()
            && let Err(error) = self.start(tail)
        {
            let why = format!("failed to begin writing {}: {error}", shared.path.display());
            *shared.health.lock() = Err(StoreError::new(StoreErrorKind::Other, why));
        }
    }

    fn append(&self, ticket: Ticket, draft: Draft) -> Option<Outcome> {
        let error = self.shared.queue.push(ticket, draft).err()?;
        self.shared.counted.failed(error.kind());
        Some(Err(error))
    }

    fn commit(&self) {
        self.shared.queue.commit();
    }

    fn bounds(&self, room: &str) -> Result<Bounds, StoreError> {
        self.shared.bounds(room)
    }

    fn after(
        &self,
        room: &str,
        after: Position,
        until: Position,
        limit: usize,
    ) -> Result<Vec<Arc<Record>>, StoreError> {
        self.shared.after(room, after, until, limit)
    }

    fn before(
        &self,
        room: &str,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Arc<Record>>, StoreError> {
        self.shared.before(room, before, limit)
    }

    fn count(&self, room: &str, after: Position, until: Position) -> Result<u64, StoreError> {
        self.shared.count(room, after, until)
    }

    fn search(&self, search: &Search) -> Result<Found, StoreError> {
        self.shared.search(search)
    }

    fn erase(&self, erasure: &Erasure) -> Result<u64, StoreError> {
        self.shared.erase(erasure)
    }

    fn set_retention(&self, retention: Retention) {
        let mut database = self.shared.database.lock();
        database.upkeep.retention = Some(retention);
        database.upkeep.look_soon();
        drop(database);
        self.shared.queue.commit();
    }

    fn health(&self) -> Result<(), StoreError> {
        self.shared.health.lock().clone()
    }

    /// Bytes are those of the file, and of the log beside it.
    fn statistics(&self) -> StoreStatistics {
        let messages = self.shared.counted.messages();
        StoreStatistics { messages, bytes: file::size(&self.shared.path), queued: self.shared.queue.len() }
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
