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
        let receipt = "INSERT INTO receipts (number, session, id, room, time) VALUES (?1, ?2, ?3, ?4, ?5)";
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

    fn note(&mut self, key: &Key, number: i64, room: i64, time: i64) -> rusqlite::Result<()> {
        self.receipt.execute(params![number, &key.session[..], key.id, room, time])?;
        Ok(())
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

    /// Makes ready for drafts. What is in the log by now is no news.
    pub(super) fn expect_drafts(&mut self) -> Result<()> {
        self.poll()?;
        Ok(self.receipts.want(&self.connection)?)
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
        let Self { connection, rooms, receipts, totals, evidence, written, path, .. } = self;
        let mut statements = Statements::new(connection)?;
        for (ticket, draft) in drafts {
            let ticket = Some(ticket);
            if let Some(known) = receipts.known(connection, &draft)? {
                deliveries.push(Delivery { ticket, outcome: Ok(known) });
                continue;
            }
            let number = totals.latest + 1;
            let room = rooms.id(connection, &draft.room, totals.forgotten)?;
            let (record, key) = draft.at(position(number));
            let (bytes, time) = (record.text.len(), signed(record.time));
            if let Err(error) = statements.add(&record, room) {
                if !is_statements_own(&error) {
                    return Err(error.into());
                }
                let outcome = Err(Trouble::from(error).told(path, "write a message to"));
                deliveries.push(Delivery { ticket, outcome });
                continue;
            }
            if let Some(key) = key {
                statements.note(&key, number, room, time)?;
                receipts.note(&key, number);
                totals.receipts += 1;
            }
            totals.latest = number;
            rooms.add(room, number, bytes as i64, time);
            *written += bytes as u64;
            let record = Arc::new(record);
            *evidence = Some(record.clone());
            deliveries.push(Delivery { ticket, outcome: Ok(Appended::New(record)) });
        }
        Ok(())
    }
}
