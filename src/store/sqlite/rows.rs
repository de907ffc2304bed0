//! Rows of messages as records, and numbers as positions.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Result, Row};

use crate::store::{Position, Record};

/// The columns that [`record`] reads; whose room it is the reader knows.
pub(super) const COLUMNS: &str = "number, time, sender, author, subject, text, action";

/// The record in a row of [`COLUMNS`].
pub(super) fn record(row: &Row<'_>, room: Arc<str>) -> Result<Arc<Record>> {
    Ok(Arc::new(Record {
        position: position(row.get(0)?),
        room,
        time: unsigned(row.get(1)?),
        from: row.get(2)?,
        author: row.get::<_, Arc<str>>(3)?,
        subject: row.get::<_, Option<Arc<str>>>(4)?,
        text: row.get(5)?,
        action: row.get(6)?,
    }))
}

/// SQLite's numbers have a sign; ours never use it.
pub(super) fn position(number: i64) -> Position {
    Position(u128::from(unsigned(number)))
}

/// The number of a position; of one that is none of this store's, the nearest.
pub(super) fn number(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}

pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// Microseconds since 1970, UTC.
pub(super) fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(0))
}

/// Milliseconds since 1970, UTC.
pub(super) fn now() -> i64 {
    now_micros() / 1000
}
