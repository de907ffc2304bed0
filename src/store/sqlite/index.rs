//! The index of words, which follows the log: what was said is put into it when it is quiet,
//! or when much waits; a [search](super::search) looks through the rest itself. So a message
//! costs nothing more when it is said, and one that does not stay costs nothing at all.
//!
//! The index has the words as [`words`](crate::store::words) folds them, and the room of the
//! message as a word that nobody can type. It has no text of its own: what is taken out of it
//! has to be what was put in, so it is made anew where another version folds otherwise.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::database::Database;
use super::error::Result;
use super::rows::unsigned;
use super::upkeep::PORTION;
use crate::store::words;

/// While people talk, so many messages wait.
const LAG: u64 = 8192;
/// Where nobody said anything for so long, none does.
const QUIET: Duration = Duration::from_secs(1);

/// What is known of the index without asking the file.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Messages that were said since somebody looked.
    waiting: u64,
    /// When something was said.
    said: Option<Instant>,
    /// There is something to do.
    is_due: bool,
}

impl Index {
    /// So many messages came in.
    pub(super) fn note(&mut self, count: u64) {
        if count > 0 {
            self.waiting += count;
            self.said = Some(Instant::now());
            self.is_due |= self.waiting >= LAG;
        }
    }

    /// What is done once a second: has the rest follow where it is quiet. It `lags` where
    /// there is a rest.
    pub(super) fn look(&mut self, lags: bool) {
        let is_quiet = self.said.is_none_or(|said| said.elapsed() >= QUIET);
        self.is_due |= lags && is_quiet;
    }
}

/// Puts a portion of messages into the index; whether there are more.
pub(super) fn step(db: &mut Database) -> Result<bool> {
    if !db.index.is_due {
        return Ok(false);
    }
    let done = db.transaction(Database::index_portion)?;
    db.counted.less_unindexed(done as u64);
    if done < PORTION {
        db.counted.set_unindexed(0);
        (db.index.is_due, db.index.waiting) = (false, 0);
    }
    Ok(db.index.is_due)
}

/// The words of a message, as they are in the index.
fn entry(room: i64, text: &str) -> String {
    let mut entry = room_word(room);
    entry.push(' ');
    entry.push_str(&words::folded(text));
    entry
}

/// Stands for a room. No word of a text has such a character.
pub(super) fn room_word(room: i64) -> String {
    format!("\u{e000}{room}")
}

impl Database {
    fn index_portion(&mut self) -> Result<usize> {
        let connection = &self.connection;
        let sql = "SELECT number, room, text FROM messages WHERE number > ?1 ORDER BY number LIMIT ?2";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![self.totals.indexed, PORTION as i64])?;
        let mut insert = connection.prepare_cached("INSERT INTO words (rowid, text) VALUES (?1, ?2)")?;
        let (mut count, mut last) = (0, self.totals.indexed);
        while let Some(row) = rows.next()? {
            let text = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
            last = row.get(0)?;
            insert.execute(params![last, entry(row.get(1)?, text)])?;
            count += 1;
        }
        // Nobody else appends while this transaction is open.
        self.totals.indexed = if count < PORTION { self.totals.latest } else { last };
        Ok(count)
    }

    /// Takes a message out of the index that is about to be deleted, in the open
    /// transaction.
    pub(super) fn unindex(&self, number: i64) -> Result<()> {
        if number > self.totals.indexed {
            return Ok(());
        }
        let sql = "SELECT room, text FROM messages WHERE number = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([number])?;
        let Some(row) = rows.next()? else { return Ok(()) };
        let text = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        let sql = "INSERT INTO words (words, rowid, text) VALUES ('delete', ?1, ?2)";
        self.connection.prepare_cached(sql)?.execute(params![number, entry(row.get(0)?, text)])?;
        Ok(())
    }

    /// Whether what is taken out of the index is overwritten at once, as the text is, rather
    /// than by and by.
    pub(super) fn overwrite_words(&self, is_wanted: bool) -> Result<()> {
        let sql = "INSERT INTO words (words, rank) VALUES ('secure-delete', ?1)";
        self.connection.prepare_cached(sql)?.execute([is_wanted])?;
        Ok(())
    }

    /// Begins the index anew where another version has folded the words, in the open
    /// transaction.
    pub(super) fn check_index(&mut self) -> Result<()> {
        if is_ours(&self.connection)? {
            return Ok(());
        }
        self.connection.execute_batch("INSERT INTO words (words) VALUES ('delete-all')")?;
        let sql = "UPDATE meta SET value = ?1 WHERE key = 'words'";
        self.connection.prepare_cached(sql)?.execute([words::version()])?;
        self.totals.indexed = 0;
        self.counted.set_unindexed(unsigned(self.rooms.messages));
        Ok(())
    }
}

/// Whether the index has words as this version folds them.
pub(super) fn is_ours(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT value FROM meta WHERE key = 'words'";
    let version = connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, String>(0))?;
    Ok(version == words::version())
}
