//! How drafts get into the log: all that came in since the last time in one transaction,
//! behind what others have appended meanwhile.

use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, params};

use super::database::Database;
use super::error::{Result, Trouble, is_statements_own};
use super::rows::{self, COLUMNS, position, signed};
use crate::store::{Appended, Delivery, Draft, Key, Record, Ticket};

/// What adds one draft.
struct Statements<'a> {
    message: CachedStatement<'a>,
    receipt: CachedStatement<'a>,
}

impl<'a> Statements<'a> {
    fn new(connection: &'a Connection) -> rusqlite::Result<Self> {
        let message = "INSERT INTO messages (number, room, time, sender, author, subject, text, action)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let receipt = "INSERT INTO receipts (number, session, id, room, time) VALUES (?1, ?2, ?3, ?4, ?5)
                       ON CONFLICT (session, id) DO NOTHING";
        Ok(Self {
            message: connection.prepare_cached(message)?,
            receipt: connection.prepare_cached(receipt)?,
        })
    }

    fn add(&mut self, record: &Record, room: i64) -> rusqlite::Result<()> {
        self.message.execute(params![
            record.position.0 as i64,
            room,
            signed(record.time),
            record.from,
            &*record.author,
            record.subject.as_deref(),
            record.text,
            record.action,
        ])?;
        Ok(())
    }

    /// Whether the key is new.
    fn note(&mut self, key: &Key, number: i64, room: i64, time: u64) -> rusqlite::Result<bool> {
        let values = params![number, &key.session[..], key.id, room, signed(time)];
        Ok(self.receipt.execute(values)? == 1)
    }
}

impl Database {
    /// Writes these, in this order. What others have appended comes first.
    ///
    /// # Errors
    ///
    /// Then nothing of it is written.
    pub(super) fn append(&mut self, drafts: impl Iterator<Item = (Ticket, Draft)>) -> Result<Vec<Delivery>> {
        self.verify()?;
        let deliveries = self.transaction(|db| {
            let mut deliveries = db.others()?;
            db.add_all(drafts, &mut deliveries)?;
            Ok(deliveries)
        })?;
        self.seen = self.totals.latest;
        self.index.note(deliveries.len() as u64);
        self.counted.more_unindexed(deliveries.len() as u64);
        Ok(deliveries)
    }

    /// What others have appended since the last time.
    pub(super) fn poll(&mut self) -> Result<Vec<Delivery>> {
        self.connection.prepare_cached("BEGIN")?.execute([])?;
        let found = self.refresh().and_then(|()| {
            let found = self.others()?;
            self.connection.prepare_cached("COMMIT")?.execute([])?;
            Ok(found)
        });
        match &found {
            Ok(_) => self.seen = self.totals.latest,
            Err(_) => self.roll_back(),
        }
        found
    }

    /// What is in the log behind all that the tail has.
    fn others(&self) -> Result<Vec<Delivery>> {
        if self.totals.latest <= self.seen {
            return Ok(Vec::new());
        }
        let sql = format!("SELECT {COLUMNS}, room FROM messages WHERE number > ?1 ORDER BY number");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut found = statement.query([self.seen])?;
        let mut deliveries = Vec::new();
        while let Some(row) = found.next()? {
            // A row whose room is unknown is in nobody's log.
            let Some(room) = self.rooms.get(row.get(7)?) else { continue };
            let record = rows::record(row, room.name.clone())?;
            deliveries.push(Delivery { ticket: None, outcome: Ok(Appended::New(record)) });
        }
        Ok(deliveries)
    }

    fn add_all(
        &mut self,
        drafts: impl Iterator<Item = (Ticket, Draft)>,
        deliveries: &mut Vec<Delivery>,
    ) -> Result<()> {
        let Self { connection, rooms, totals, evidence, written, path, .. } = self;
        let mut statements = Statements::new(connection)?;
        for (ticket, draft) in drafts {
            let number = totals.latest + 1;
            let room = rooms.id(connection, &draft.room, totals.forgotten)?;
            if let Some(key) = &draft.key
                && !statements.note(key, number, room, draft.time)?
            {
                let outcome = Ok(known(connection, &draft)?);
                deliveries.push(Delivery { ticket: Some(ticket), outcome });
                continue;
            }
            let (record, key) = draft.at(position(number));
            if let Err(error) = statements.add(&record, room) {
                if !is_statements_own(&error) {
                    return Err(error.into());
                }
                take_back(connection, number)?;
                let outcome = Err(Trouble::from(error).told(path, "write a message to"));
                deliveries.push(Delivery { ticket: Some(ticket), outcome });
                continue;
            }
            totals.latest = number;
            totals.receipts += i64::from(key.is_some());
            let bytes = record.text.len();
            rooms.add(room, number, bytes as i64, signed(record.time));
            *written += bytes as u64;
            let record = Arc::new(record);
            *evidence = Some(record.clone());
            deliveries.push(Delivery { ticket: Some(ticket), outcome: Ok(Appended::New(record)) });
        }
        Ok(())
    }
}

/// What became of the earlier draft with the same key.
fn known(connection: &Connection, draft: &Draft) -> Result<Appended> {
    let key = draft.key.as_ref().map(|key| (&key.session[..], &*key.id));
    let (session, id) = key.unwrap_or_default();
    let sql = "SELECT number, name FROM receipts LEFT JOIN rooms ON rooms.id = room
               WHERE session = ?1 AND receipts.id = ?2";
    let found = connection
        .prepare_cached(sql)?
        .query_row(params![session, id], |row| Ok((row.get(0)?, row.get::<_, Option<Arc<str>>>(1)?)))?;
    // The room may be forgotten since, and everything in it.
    let room = found.1.unwrap_or_else(|| draft.room.clone());
    Ok(Appended::Known { room, position: position(found.0) })
}

/// The message did not come in, so its key is not known either.
fn take_back(connection: &Connection, number: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM receipts WHERE number = ?1")?.execute([number])?;
    Ok(())
}
