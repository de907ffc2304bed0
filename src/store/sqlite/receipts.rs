//! Under which keys drafts are known again: kept for a day, and not without bound.
//!
//! The table is in the order of the messages, and has no index by key: the sessions of a
//! crowd would have each message write a page of its own. Which receipt has a key is
//! known here instead, by a hash, and the receipt itself is what counts.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::database::Database;
use super::error::Result;
use super::rows::{now, position};
use super::upkeep::PORTION;
use crate::store::{Appended, Draft, Key};

/// So long each is kept at least, in milliseconds, unless there are too many.
const AGE: i64 = 24 * 60 * 60 * 1000;
/// So many are kept: some 60 MB of the file, and 18 of memory.
const MAX_RECEIPTS: i64 = 900_000;

/// Where the receipts are.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    /// By a hash of the key. What is said here may be wrong: a transaction may have come to
    /// nothing, or two keys may have one hash.
    numbers: HashMap<u64, i64>,
    hasher: RandomState,
    /// All up to this number were read from the file.
    read: i64,
    /// Somebody is going to append.
    is_wanted: bool,
}

impl Receipts {
    /// Reads what is there, now and whenever somebody else has written.
    pub(super) fn want(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.is_wanted = true;
        self.read_on(connection)
    }

    /// Reads what others have written.
    pub(super) fn read_on(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if !self.is_wanted {
            return Ok(());
        }
        let sql = "SELECT number, session, id FROM receipts WHERE number > ?1 ORDER BY number";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([self.read])?;
        while let Some(row) = rows.next()? {
            self.read = row.get(0)?;
            let hash = self.hash(row.get_ref(1)?.as_blob()?, row.get_ref(2)?.as_str()?);
            self.numbers.insert(hash, self.read);
        }
        Ok(())
    }

    fn hash(&self, session: &[u8], id: &str) -> u64 {
        self.hasher.hash_one((session, id))
    }

    pub(super) fn note(&mut self, key: &Key, number: i64) {
        self.numbers.insert(self.hash(&key.session, &key.id), number);
    }

    /// What became of an earlier draft with the same key.
    pub(super) fn known(&self, connection: &Connection, draft: &Draft) -> Result<Option<Appended>> {
        let Some(Key { session, id }) = &draft.key else { return Ok(None) };
        let Some(number) = self.numbers.get(&self.hash(session, id)) else { return Ok(None) };
        let sql = "SELECT name FROM receipts LEFT JOIN rooms ON rooms.id = room
                   WHERE number = ?1 AND session = ?2 AND receipts.id = ?3";
        let mut statement = connection.prepare_cached(sql)?;
        let values = params![number, &session[..], id];
        let found = statement.query_row(values, |row| row.get::<_, Option<Arc<str>>>(0)).optional()?;
        Ok(found.map(|room| {
            // The room may be forgotten since, and everything in it.
            let room = room.unwrap_or_else(|| draft.room.clone());
            Appended::Known { room, position: position(*number) }
        }))
    }

    fn forget(&mut self, session: &[u8], id: &str, number: i64) {
        let hash = self.hash(session, id);
        if self.numbers.get(&hash) == Some(&number) {
            self.numbers.remove(&hash);
        }
    }
}

/// Takes a portion of what is too old or too much; whether there is more of it.
pub(super) fn step(db: &mut Database) -> Result<bool> {
    if !db.upkeep.receipts && db.totals.receipts <= MAX_RECEIPTS {
        return Ok(false);
    }
    let removed = db.transaction(|db| db.remove_receipts(now() - AGE))?;
    db.upkeep.receipts = removed == PORTION;
    Ok(db.upkeep.receipts)
}

impl Database {
    pub(super) fn look_at_receipts(&mut self, now: i64) -> Result<()> {
        let sql = "SELECT coalesce(min(time), ?1) FROM (SELECT time FROM receipts ORDER BY number LIMIT 1)";
        let first: i64 = self.connection.prepare_cached(sql)?.query_row([now], |row| row.get(0))?;
        self.upkeep.receipts = first < now - AGE;
        Ok(())
    }

    fn remove_receipts(&mut self, limit: i64) -> Result<usize> {
        let too_many = usize::try_from(self.totals.receipts - MAX_RECEIPTS).unwrap_or(0);
        let sql = "SELECT number, time, session, id FROM receipts ORDER BY number LIMIT ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([PORTION as i64])?;
        let (mut count, mut last) = (0, 0);
        while let Some(row) = rows.next()? {
            if count >= too_many && row.get::<_, i64>(1)? >= limit {
                break;
            }
            (count, last) = (count + 1, row.get(0)?);
            let (session, id) = (row.get::<_, Vec<u8>>(2)?, row.get::<_, String>(3)?);
            self.receipts.forget(&session, &id, last);
        }
        drop(rows);
        self.connection.prepare_cached("DELETE FROM receipts WHERE number <= ?1")?.execute([last])?;
        self.totals.receipts -= count as i64;
        Ok(count)
    }
}
