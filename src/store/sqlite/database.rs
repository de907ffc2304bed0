//! The connection that writes, and what is known of the file without asking it. Belongs to
//! whoever holds its lock: the writer for each batch, others for a portion of an erasure.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, params};

use super::error::{Result, Trouble, is_unsynced, may_be_whole};
use super::file::FileId;
use super::index::Index;
use super::opening::Options;
use super::pool::Pool;
use super::receipts::Receipts;
use super::rooms::Rooms;
use super::rows::{now_micros, unsigned};
use super::statistics::Counted;
use super::upkeep::Upkeep;
use crate::store::{Record, StoreError};

/// How long a transaction waits for another process's.
pub(super) const BUSY: Duration = Duration::from_secs(1);
/// The same, while the store fails anyway.
pub(super) const BUSY_FAILING: Duration = Duration::from_millis(50);
/// So far behind the latest message numbering goes on when a file is opened.
const LEAP: i64 = 1_000_000;
/// What a transaction writes beside its messages, roughly.
const TRANSACTION_BYTES: u64 = 5 * 4096;

#[derive(Debug)]
pub(super) struct Database {
    pub path: PathBuf,
    pub options: Options,
    pub pool: Arc<Pool>,
    pub connection: Connection,
    /// The file that the connection has; none where that is closed, for another is at the
    /// path.
    pub file: Option<FileId>,
    /// The store was closed, and opens no file any more.
    pub is_closed: bool,
    /// When the path was last looked at.
    pub looked: Option<Instant>,
    pub epoch: String,
    pub totals: Totals,
    patience: Duration,
    /// As the file has them.
    saved: Totals,
    pub rooms: Rooms,
    /// Changes whenever somebody else has written.
    data_version: i64,
    /// What is known may be wrong: a transaction came to nothing.
    pub is_stale: bool,
    /// The latest message that the tail has, or is about to get.
    pub seen: i64,
    /// The last message of the open transaction, by which one can tell later whether it
    /// came to something.
    pub evidence: Option<Arc<Record>>,
    /// A commit has failed, and what it left in the log beside the file is not overwritten
    /// yet: should the process end now, the next might find it whole.
    pub is_doubtful: bool,
    pub receipts: Receipts,
    pub upkeep: Upkeep,
    pub index: Index,
    pub counted: Arc<Counted>,
    /// Something was erased, and the log beside the file still has it.
    pub is_sweep_due: bool,
    /// What was written since the last checkpoint, roughly.
    pub written: u64,
}

/// The numbers in the table `meta`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// The greatest number that was ever given.
    pub latest: i64,
    /// The greatest number in rooms that are forgotten.
    pub forgotten: i64,
    pub receipts: i64,
    /// All messages up to this number are in the index of words.
    pub indexed: i64,
}

impl Database {
    pub(super) fn new(
        path: PathBuf,
        options: Options,
        pool: Arc<Pool>,
        connection: Connection,
        file: FileId,
    ) -> Self {
        Self {
            path,
            pool,
            connection,
            file: Some(file),
            is_closed: false,
            looked: None,
            epoch: String::new(),
            totals: Totals::default(),
            patience: BUSY,
            saved: Totals::default(),
            rooms: Rooms::default(),
            data_version: 0,
            is_stale: true,
            seen: 0,
            evidence: None,
            is_doubtful: false,
            receipts: Receipts::default(),
            upkeep: Upkeep::new(options.max_bytes),
            index: Index::default(),
            counted: Arc::default(),
            is_sweep_due: false,
            written: 0,
            options,
        }
    }

    /// As it is told to others.
    pub(super) fn told(&self, doing: &str, trouble: Trouble) -> StoreError {
        trouble.told(&self.path, doing)
    }

    /// Does `work` in a transaction, which is written whole or not at all.
    pub(super) fn transaction<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.evidence = None;
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let done = self.refresh().and_then(|()| work(self)).and_then(|done| {
            self.save()?;
            Ok(done)
        });
        match done {
            Ok(done) => {
                self.commit()?;
                self.counted.set_messages(unsigned(self.rooms.messages));
                self.written += TRANSACTION_BYTES;
                Ok(done)
            }
            Err(trouble) => {
                self.roll_back();
                Err(trouble)
            }
        }
    }

    fn commit(&mut self) -> Result<()> {
        let committed = self.connection.prepare_cached("COMMIT")?.execute([]);
        let Err(error) = committed else {
            self.is_doubtful = false;
            return Ok(());
        };
        // Where nothing whole was left, what was in doubt before still is.
        self.is_doubtful |= may_be_whole(&error);
        self.roll_back();
        // An error is no proof: what counts is what the next reader finds.
        match self.evidence.take() {
            Some(record) if self.holds(&record).unwrap_or(false) => {
                log::warn!("{}: a transaction is written, with an error: {error}", self.path.display());
                Ok(())
            }
            _ => Err(error.into()),
        }
    }

    /// Ends a transaction that comes to nothing, if SQLite has not done so itself.
    pub(super) fn roll_back(&mut self) {
        self.is_stale = true;
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            log::debug!("{}: failed to roll back: {error}", self.path.display());
        }
    }

    pub(super) fn holds(&self, record: &Record) -> rusqlite::Result<bool> {
        let sql = "SELECT 1 FROM messages JOIN rooms ON rooms.id = room
                   WHERE number = ?1 AND name = ?2 AND time = ?3 AND author = ?4 AND text = ?5";
        let (number, time) = (record.position.0 as i64, record.time as i64);
        let values = params![number, &*record.room, time, &*record.author, record.text];
        Ok(self.connection.query_row(sql, values, |_| Ok(())).optional()?.is_some())
    }

    /// Learns what others wrote, in the open transaction.
    pub(super) fn refresh(&mut self) -> Result<()> {
        let sql = "PRAGMA data_version";
        let version = self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        if self.is_stale || version != self.data_version {
            self.load()?;
            (self.data_version, self.is_stale) = (version, false);
        }
        Ok(())
    }

    fn load(&mut self) -> Result<()> {
        let value = |key: &str| {
            let sql = "SELECT value FROM meta WHERE key = ?1";
            self.connection.prepare_cached(sql)?.query_row([key], |row| row.get::<_, i64>(0))
        };
        // Somebody with a shell may have added rows.
        let sql = "SELECT coalesce(max(number), 0) FROM messages";
        let greatest = self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        self.totals = Totals {
            latest: value("latest")?.max(greatest),
            forgotten: value("forgotten")?,
            receipts: value("receipts")?,
            indexed: value("indexed")?,
        };
        self.saved = self.totals;
        self.rooms = Rooms::load(&self.connection)?;
        self.receipts.read_on(&self.connection)?;
        self.counted.set_messages(unsigned(self.rooms.messages));
        let sql = "SELECT count(*) FROM messages WHERE number > ?1";
        let unindexed =
            self.connection.prepare_cached(sql)?.query_row([self.totals.indexed], |row| row.get(0));
        self.counted.set_unindexed(unsigned(unindexed?));
        self.upkeep.look_soon();
        Ok(())
    }

    fn save(&mut self) -> Result<()> {
        self.upkeep.note(&self.rooms);
        self.rooms.save(&self.connection)?;
        let (new, old) = (self.totals, self.saved);
        let mut update = self.connection.prepare_cached("UPDATE meta SET value = ?2 WHERE key = ?1")?;
        for (key, new, old) in [
            ("latest", new.latest, old.latest),
            ("forgotten", new.forgotten, old.forgotten),
            ("receipts", new.receipts, old.receipts),
            ("indexed", new.indexed, old.indexed),
        ] {
            if new != old {
                update.execute(params![key, new])?;
            }
        }
        self.saved = new;
        Ok(())
    }

    /// Goes on numbering behind all that anybody can have been given of this store.
    ///
    /// A file that is opened may lack its last moments: it is a backup, or the power
    /// failed. What was given then must not be given again, also where nothing at all of it
    /// is left. The time of day is behind all
    /// numbers of earlier runs, for nobody says a million messages a second; where the
    /// clock was set back, the leap is.
    pub(super) fn renumber(&mut self) -> Result<()> {
        let known = self.totals.latest;
        self.transaction(|db| {
            db.check_index()?;
            let latest = db.totals.latest.max(known);
            db.totals.latest = now_micros().max(latest.saturating_add(LEAP));
            Ok(())
        })
    }

    /// Finds out whether the store can be written, by writing. What a failed commit left is
    /// overwritten then, also where this cannot be synced either: it changes nothing, so
    /// nobody minds whether the next process finds it.
    pub(super) fn probe(&mut self) -> Result<()> {
        self.verify()?;
        let probed = self.transaction(|db| {
            // Another value each time: what changes nothing is not written.
            let sql = "INSERT INTO meta (key, value) VALUES ('probes', 1)
                       ON CONFLICT (key) DO UPDATE SET value = value + 1";
            db.connection.prepare_cached(sql)?.execute([])?;
            Ok(())
        });
        if let Err(Trouble::Sqlite(error)) = &probed
            && is_unsynced(error)
        {
            self.is_doubtful = false;
        }
        probed
    }

    /// Moves all that the log beside the file has into the file, and empties the log;
    /// whether nobody was in the way. Waits for readers only so long that no batch suffers.
    pub(super) fn truncate_log(&self) -> rusqlite::Result<bool> {
        self.connection.busy_timeout(BUSY_FAILING)?;
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let busy = self.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        self.connection.busy_timeout(self.patience)?;
        Ok(busy? == 0)
    }

    /// How long to wait for whoever holds the file locked.
    pub(super) fn set_patience(&mut self, patience: Duration) -> rusqlite::Result<()> {
        self.patience = patience;
        self.connection.busy_timeout(patience)
    }
}
