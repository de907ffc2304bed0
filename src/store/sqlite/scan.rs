//! Everything that is kept, one after the other: what an export is made of.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use rusqlite::{Connection, Result, params};

use super::Shared;
use super::rows::{self, COLUMNS, unsigned};
use crate::store::{Record, StoreError};

/// So many messages are read in one go, so that no transaction lasts.
const PORTION: i64 = 1000;

/// What of a store is to be read: all that fits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scan {
    /// Of this room only.
    pub room: Option<Arc<str>>,
    /// Said at this time or later: milliseconds since 1970, UTC.
    pub since_time: Option<u64>,
    /// Said before this time.
    pub until_time: Option<u64>,
}

impl Scan {
    fn fits(&self, time: u64) -> bool {
        self.since_time.is_none_or(|since| time >= since) && self.until_time.is_none_or(|until| time < until)
    }
}

/// The names of rooms, as they come up.
type Names = HashMap<i64, Arc<str>>;

impl Shared {
    /// All that is there when it begins, and is still there when it comes to it.
    pub(super) fn scan(
        &self,
        scan: &Scan,
        each: &mut dyn FnMut(&Record) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let sql = "SELECT coalesce(max(number), 0) FROM messages";
        let until = self.read(|connection| connection.query_row(sql, [], |row| row.get::<_, i64>(0)))?;
        let (mut last, mut names) = (Some(0), Names::new());
        while let Some(after) = last {
            let (records, next) =
                self.read(|connection| portion(connection, scan, after, until, &mut names))?;
            last = next;
            for record in &records {
                if each(record).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// What fits of the messages behind `after`, and the last of them that was looked at.
fn portion(
    connection: &Connection,
    scan: &Scan,
    after: i64,
    until: i64,
    names: &mut Names,
) -> Result<(Vec<Arc<Record>>, Option<i64>)> {
    let of_room = match scan.room {
        Some(_) => "room = (SELECT id FROM rooms WHERE name = ?3)",
        None => "?3 IS NULL",
    };
    let sql = format!(
        "SELECT {COLUMNS}, room FROM messages WHERE number > ?1 AND number <= ?2 AND {of_room}
         ORDER BY number LIMIT {PORTION}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params![after, until, scan.room.as_deref()])?;
    let (mut records, mut last) = (Vec::new(), None);
    while let Some(row) = found.next()? {
        last = Some(row.get(0)?);
        if scan.fits(unsigned(row.get(1)?)) {
            let room = name(connection, row.get(7)?, names)?;
            records.push(rows::record(row, room)?);
        }
    }
    Ok((records, last))
}

fn name(connection: &Connection, room: i64, names: &mut Names) -> Result<Arc<str>> {
    if let Some(name) = names.get(&room) {
        return Ok(name.clone());
    }
    let sql = "SELECT name FROM rooms WHERE id = ?1";
    let name = connection.prepare_cached(sql)?.query_row([room], |row| row.get::<_, Arc<str>>(0))?;
    names.insert(room, name.clone());
    Ok(name)
}
