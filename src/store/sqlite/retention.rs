//! What is not to be kept any more goes, the oldest first.

use super::database::Database;
use super::error::Result;
use super::rooms::Room;
use super::rows::{now, signed};
use super::schema;
use super::upkeep::PORTION;
use crate::store::Retention;

/// So many rooms are known at most; beyond that those go that nothing was said in for the
/// longest time.
const MAX_ROOMS: usize = 100_000;

/// A message that goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Victim {
    pub number: i64,
    pub room: i64,
    /// Of its text.
    pub bytes: i64,
    pub time: i64,
}

/// Takes a portion of what is too much; whether there is more of it.
pub(super) fn step(db: &mut Database) -> Result<bool> {
    let is_too_big = db.rooms.bytes > db.upkeep.max_bytes;
    match db.upkeep.over.first().copied() {
        Some(room) => db.transaction(|db| db.trim(room))?,
        None if is_too_big => db.transaction(Database::trim_all)?,
        None => return Ok(false),
    }
    Ok(!db.upkeep.over.is_empty() || db.rooms.bytes > db.upkeep.max_bytes)
}

impl Room {
    fn is_over(&self, retention: Option<Retention>, oldest: Option<i64>) -> bool {
        let Some(Retention { messages, bytes, .. }) = retention else { return self.is_doomed };
        let is_old = self.oldest.zip(oldest).is_some_and(|(mine, limit)| mine < limit);
        let is_much = self.messages > signed(messages as u64) || self.bytes > signed(bytes as u64);
        self.is_doomed || (self.messages > 0 && (is_old || is_much))
    }
}

impl Database {
    /// Notes which rooms have too much.
    pub(super) fn look_at_rooms(&mut self, now: i64) -> Result<()> {
        self.doom_rooms();
        let oldest = self.age_limit(now);
        if oldest.is_some() {
            self.date_rooms()?;
        }
        let retention = self.upkeep.retention;
        let over = self.rooms.iter().filter(|(_, room)| room.is_over(retention, oldest));
        self.upkeep.over = over.map(|(id, _)| id).collect();
        Ok(())
    }

    /// Messages from before this moment are too old.
    fn age_limit(&self, now: i64) -> Option<i64> {
        let age = self.upkeep.retention?.age?;
        Some(now.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Finds out how old the rooms' first messages are, of a portion of rooms.
    fn date_rooms(&mut self) -> Result<()> {
        let unknown = self.rooms.iter().filter(|(_, room)| room.messages > 0 && room.oldest.is_none());
        let unknown = unknown.map(|(id, _)| id).take(PORTION).collect::<Vec<_>>();
        for id in unknown {
            let first = self.first_of(id, 1)?;
            if let Some(room) = self.rooms.get_mut(id) {
                room.oldest = Some(first.first().map_or(i64::MAX, |first| first.time));
            }
        }
        Ok(())
    }

    /// Where there are too many rooms, has the most quiet ones go.
    fn doom_rooms(&mut self) {
        let Some(many) = self.rooms.len().checked_sub(MAX_ROOMS + 1) else { return };
        let mut quiet = self.rooms.iter().map(|(id, room)| (room.head, id)).collect::<Vec<_>>();
        quiet.select_nth_unstable(many);
        for (_, id) in &quiet[..=many] {
            if let Some(room) = self.rooms.get_mut(*id) {
                room.is_doomed = true;
            }
        }
    }

    /// Takes a portion of what is too much in a room, in the open transaction.
    fn trim(&mut self, id: i64) -> Result<()> {
        let first = self.first_of(id, PORTION)?;
        if first.is_empty() && self.rooms.get(id).is_some_and(|room| room.messages > 0) {
            return self.count_again();
        }
        let (retention, limit) = (self.upkeep.retention, self.age_limit(now()));
        for victim in first {
            let Some(room) = self.rooms.get_mut(id) else { break };
            room.oldest = Some(victim.time);
            if !room.is_over(retention, limit) {
                break;
            }
            self.remove(victim, true)?;
        }
        let Some(room) = self.rooms.get(id) else {
            self.upkeep.over.remove(&id);
            return Ok(());
        };
        if room.is_doomed && room.messages <= 0 {
            self.totals.forgotten = self.totals.forgotten.max(room.head);
            self.rooms.forget(&self.connection, id)?;
            self.upkeep.over.remove(&id);
        } else if room.messages <= 0 || !(room.oldest.is_none() || room.is_over(retention, limit)) {
            self.upkeep.over.remove(&id);
        }
        Ok(())
    }

    /// Takes a portion of the oldest messages of all rooms.
    fn trim_all(&mut self) -> Result<()> {
        let sql = "SELECT number, room, octet_length(text), time FROM messages ORDER BY number LIMIT ?1";
        let first = self.victims(sql, [PORTION as i64])?;
        if first.is_empty() {
            return self.count_again();
        }
        for victim in first {
            if self.rooms.bytes <= self.upkeep.max_bytes {
                break;
            }
            self.remove(victim, true)?;
        }
        Ok(())
    }

    /// Somebody with a shell has deleted messages, and the rooms' counts are wrong.
    fn count_again(&mut self) -> Result<()> {
        self.connection.execute_batch(schema::COUNT)?;
        self.is_stale = true;
        Ok(())
    }

    /// The first messages of a room.
    fn first_of(&self, room: i64, limit: usize) -> Result<Vec<Victim>> {
        let sql = "SELECT number, room, octet_length(text), time FROM messages
                   WHERE room = ?1 ORDER BY number LIMIT ?2";
        self.victims(sql, [room, limit as i64])
    }

    fn victims(&self, sql: &str, values: impl rusqlite::Params) -> Result<Vec<Victim>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(values, |row| {
            Ok(Victim { number: row.get(0)?, room: row.get(1)?, bytes: row.get(2)?, time: row.get(3)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Deletes a message, in the open transaction; whether it was there. With `is_gone`
    /// people who missed it are told so.
    pub(super) fn remove(&mut self, victim: Victim, is_gone: bool) -> Result<bool> {
        self.unindex(victim.number)?;
        let sql = "DELETE FROM messages WHERE number = ?1";
        let is_there = self.connection.prepare_cached(sql)?.execute([victim.number])? == 1;
        if is_there {
            self.rooms.remove(victim.room, victim.bytes, is_gone.then_some(victim.number));
            self.counted.expired(u64::from(is_gone));
        }
        Ok(is_there)
    }
}
