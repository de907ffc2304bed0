//! What clients read: history, and what they missed.

use std::sync::Arc;

use rusqlite::{CachedStatement, Params, Result, params};

use super::Shared;
use super::opening::Access;
use super::rows::{self, COLUMNS, number, position, unsigned};
use crate::store::{Bounds, Position, Record, StoreError};

impl Shared {
    /// Does `work` with a connection that reads.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T>,
    ) -> Result<T, StoreError> {
        if self.access == Access::Exclusive {
            // There can be no second connection.
            let mut database = self.database.lock();
            database.verify().map_err(|trouble| database.told("read", trouble))?;
            return work(&database.connection).map_err(|error| database.told("read", error.into()));
        }
        self.pool.with(work).inspect_err(|error| self.counted.failed(error.kind()))
    }

    pub(super) fn bounds(&self, room: &str) -> Result<Bounds, StoreError> {
        // A room that nobody knows ends where those did that are forgotten.
        let sql = "SELECT
            coalesce((SELECT gone FROM rooms WHERE name = ?1), (SELECT value FROM meta WHERE key = 'forgotten')),
            coalesce((SELECT head FROM rooms WHERE name = ?1), (SELECT value FROM meta WHERE key = 'forgotten')),
            max((SELECT value FROM meta WHERE key = 'latest'),
                (SELECT coalesce(max(number), 0) FROM messages))";
        self.read(|connection| {
            connection.prepare_cached(sql)?.query_row([room], |row| {
                let (gone, head, latest) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(Bounds { gone: position(gone), head: position(head), latest: position(latest) })
            })
        })
    }

    pub(super) fn after(
        &self,
        room: &str,
        after: Position,
        until: Position,
        limit: usize,
    ) -> Result<Vec<Arc<Record>>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages
             WHERE room = (SELECT id FROM rooms WHERE name = ?1) AND number > ?2 AND number <= ?3
             ORDER BY number LIMIT ?4"
        );
        self.read(|connection| {
            let values = params![room, number(after), number(until), limit as i64];
            records(connection.prepare_cached(&sql)?, values, room)
        })
    }

    pub(super) fn before(
        &self,
        room: &str,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Arc<Record>>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages
             WHERE room = (SELECT id FROM rooms WHERE name = ?1) AND number < ?2
             ORDER BY number DESC LIMIT ?3"
        );
        let mut found = self.read(|connection| {
            let values = params![room, before.map_or(i64::MAX, number), limit as i64];
            records(connection.prepare_cached(&sql)?, values, room)
        })?;
        found.reverse();
        Ok(found)
    }

    pub(super) fn count(&self, room: &str, after: Position, until: Position) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM messages
                   WHERE room = (SELECT id FROM rooms WHERE name = ?1) AND number > ?2 AND number <= ?3";
        self.read(|connection| {
            let values = params![room, number(after), number(until)];
            let count = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
            Ok(unsigned(count))
        })
    }
}

/// All that a query of one room finds.
fn records(mut statement: CachedStatement<'_>, values: impl Params, room: &str) -> Result<Vec<Arc<Record>>> {
    let room = Arc::<str>::from(room);
    statement.query_map(values, |row| rows::record(row, room.clone()))?.collect()
}
