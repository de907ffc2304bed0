//! Looking for words: what is in the index by that, and the rest, which is the latest, one
//! message after the other.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::Shared;
use super::index::{is_ours, room_word};
use super::rows::{self, COLUMNS, number};
use crate::store::words::{self, Words};
use crate::store::{Found, Record, Search, StoreError, StoreErrorKind};

/// A search may take so long.
const MAX_TIME: Duration = Duration::from_secs(5);
/// The index is asked for so many rooms at most; where there are more, what it finds of
/// other rooms is left out here.
const MAX_ROOMS: usize = 64;

/// The names of the rooms that are looked into, by their ids.
type Rooms = HashMap<i64, Arc<str>>;

/// One search, in one transaction.
struct Looking<'a> {
    connection: &'a Connection,
    words: &'a Words,
    rooms: Rooms,
    limit: usize,
    /// Nothing is looked for that is not before this number.
    before: i64,
    deadline: Instant,
    /// The latest first.
    hits: Vec<Arc<Record>>,
    is_late: bool,
}

impl Shared {
    pub(super) fn search(&self, search: &Search) -> Result<Found, StoreError> {
        let words = words::parse(&search.words)?;
        let (mut hits, is_late) = self.read(|connection| {
            // All of it is to be of one moment.
            let transaction = connection.unchecked_transaction()?;
            let looking = Looking::new(&transaction, search, &words)?;
            looking.look()
        })?;
        if is_late {
            let why = format!("the search in {} took too long", self.path.display());
            return Err(StoreError::new(StoreErrorKind::Other, why));
        }
        let more = hits.len() > search.limit;
        hits.truncate(search.limit);
        hits.reverse();
        Ok(Found { records: hits, more })
    }
}

impl<'a> Looking<'a> {
    fn new(connection: &'a Connection, search: &Search, words: &'a Words) -> Result<Self> {
        let mut rooms = Rooms::new();
        let mut statement = connection.prepare_cached("SELECT id FROM rooms WHERE name = ?1")?;
        for room in &search.rooms {
            if let Some(id) = statement.query_row([&**room], |row| row.get(0)).optional()? {
                rooms.insert(id, room.clone());
            }
        }
        let before = search.before.map_or(i64::MAX, number);
        let deadline = Instant::now() + MAX_TIME;
        // One more tells whether there are more.
        let limit = search.limit.saturating_add(1);
        Ok(Self { connection, words, rooms, limit, before, deadline, hits: Vec::new(), is_late: false })
    }

    /// What was found, the latest first, and whether it was given up.
    fn look(mut self) -> Result<(Vec<Arc<Record>>, bool)> {
        if self.rooms.is_empty() {
            return Ok((self.hits, false));
        }
        let indexed = match is_ours(self.connection)? {
            true => self
                .connection
                .prepare_cached("SELECT value FROM meta WHERE key = 'indexed'")?
                .query_row([], |row| row.get(0))?,
            false => 0,
        };
        self.look_behind(indexed)?;
        self.look_up(indexed)?;
        Ok((self.hits, self.is_late))
    }

    /// Whether it has enough, or looked for too long.
    fn is_over(&mut self) -> bool {
        self.is_late |= Instant::now() >= self.deadline;
        self.is_late || self.hits.len() >= self.limit
    }

    /// Looks through what is not in the index yet.
    fn look_behind(&mut self, indexed: i64) -> Result<()> {
        let sql = format!(
            "SELECT {COLUMNS}, room FROM messages WHERE number > ?1 AND number < ?2 ORDER BY number DESC"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut found = statement.query(params![indexed, self.before])?;
        while !self.is_over()
            && let Some(row) = found.next()?
        {
            self.try_row(row)?;
        }
        Ok(())
    }

    /// Asks the index.
    fn look_up(&mut self, indexed: i64) -> Result<()> {
        let sql = "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid <= ?2 ORDER BY rowid DESC";
        let mut statement = self.connection.prepare_cached(sql)?;
        let last = indexed.min(self.before.saturating_sub(1));
        let mut found = statement.query(params![self.expression(), last])?;
        let sql = format!("SELECT {COLUMNS}, room FROM messages WHERE number = ?1");
        let mut message = self.connection.prepare_cached(&sql)?;
        while !self.is_over()
            && let Some(row) = found.next()?
        {
            let mut messages = message.query([row.get::<_, i64>(0)?])?;
            // One that is deleted with a shell is in the index still.
            if let Some(row) = messages.next()? {
                self.try_row(row)?;
            }
        }
        Ok(())
    }

    fn try_row(&mut self, row: &rusqlite::Row<'_>) -> Result<()> {
        let Some(room) = self.rooms.get(&row.get(7)?) else { return Ok(()) };
        if self.words.fit(row.get_ref(5)?.as_str()?) {
            self.hits.push(rows::record(row, room.clone())?);
        }
        Ok(())
    }

    /// What the index is asked for. Words are in quotes, and have none.
    fn expression(&self) -> String {
        let word = |word: &words::Word| format!("\"{}\"{}", word.text, if word.is_prefix { "*" } else { "" });
        let mut all = self.words.iter().map(word).collect::<Vec<_>>();
        if self.rooms.len() <= MAX_ROOMS {
            let rooms = self.rooms.keys().map(|id| format!("\"{}\"", room_word(*id))).collect::<Vec<_>>();
            all.push(format!("({})", rooms.join(" OR ")));
        }
        all.join(" AND ")
    }
}
