//! The tables, version by version. docs/store.md describes the latest.

use std::path::Path;

use rusqlite::{Connection, Result};

use crate::store::{StoreError, StoreErrorKind};

/// Says that a file is chinwag's: "chwg".
pub(super) const APPLICATION_ID: i32 = 0x6368_7767;

/// What makes each version of the one before it. A step that a release had stays as it is.
const STEPS: &[&str] = &[
    // 1: the log.
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
     INSERT INTO meta VALUES
         ('epoch', printf('%08x', random() & 0xffffffff)), ('latest', 0), ('forgotten', 0), ('receipts', 0);
     CREATE TABLE rooms (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         name TEXT NOT NULL UNIQUE,
         gone INTEGER NOT NULL,
         head INTEGER NOT NULL
     ) STRICT;
     CREATE TABLE messages (
         number INTEGER PRIMARY KEY,
         room INTEGER NOT NULL,
         time INTEGER NOT NULL,
         sender TEXT NOT NULL,
         author TEXT NOT NULL,
         subject TEXT,
         text TEXT NOT NULL,
         action INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX messages_of_room ON messages (room);
     CREATE TABLE receipts (
         number INTEGER PRIMARY KEY,
         session BLOB NOT NULL,
         id TEXT NOT NULL,
         room INTEGER NOT NULL,
         time INTEGER NOT NULL
     ) STRICT;",
    // 2: how much there is of each room, so that nobody has to count at the start.
    "ALTER TABLE rooms ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE rooms ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
     UPDATE rooms SET (messages, bytes) =
         (SELECT count(*), coalesce(sum(octet_length(text)), 0) FROM messages WHERE room = rooms.id);",
    // 3: the index of words, without a copy of the text. What is in the file already follows
    // by and by.
    "CREATE VIRTUAL TABLE words USING
         fts5(text, content = '', columnsize = 0, detail = none, tokenize = 'ascii');
     INSERT INTO meta VALUES ('indexed', 0), ('words', '');",
];

/// Counts what is in each room.
pub(super) const COUNT: &str = "UPDATE rooms SET (messages, bytes) =
    (SELECT count(*), coalesce(sum(octet_length(text)), 0) FROM messages WHERE room = rooms.id);";

/// Refuses what a newer version made.
pub(super) fn check_version(version: i32, path: &Path) -> Result<(), StoreError> {
    let known = STEPS.len() as i32;
    if (0..=known).contains(&version) {
        return Ok(());
    }
    let why = format!(
        "{} was made by a newer version (schema {version}; this one knows {known}), and is left alone",
        path.display()
    );
    Err(StoreError::new(StoreErrorKind::Unsupported, why))
}

/// The version that a file has, which is more than [`STEPS`] where its log says so.
pub(super) fn version(connection: &Connection) -> Result<i32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

pub(super) fn is_latest(version: i32) -> bool {
    version == STEPS.len() as i32
}

/// Makes the tables, or brings them forward, in the transaction that is open.
pub(super) fn migrate(connection: &Connection) -> Result<()> {
    let version = version(connection)?;
    for (done, step) in STEPS.iter().enumerate().skip(version.max(0) as usize) {
        connection.execute_batch(step)?;
        connection.pragma_update(None, "user_version", done as i32 + 1)?;
    }
    if version == 0 {
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    Ok(())
}
