//! A store in memory.

mod keys;
mod log;
mod order;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use self::keys::Keys;
use self::log::{Freed, Log, position, size};
use self::order::Order;
use super::words::{self, Words};
use super::{
    Appended, Bounds, Draft, Erasure, Found, Outcome, Position, Record, Retention, Search, Store, StoreError,
    StoreStatistics, Tail, Ticket,
};

/// So many logs are kept.
const MAX_LOGS: usize = 1000;
/// All logs together have so many bytes at most.
const MAX_BYTES: usize = 128 * 1024 * 1024;
/// Whoever looks through a log takes so many messages at a time, for whoever appends waits
/// meanwhile.
const PORTION: usize = 256;

/// The last messages of each room, until the process ends. What comes of a draft is known
/// at once.
///
/// Holds 1,000 rooms and some 128 MiB at most; beyond that the rooms go that nothing was
/// said in for the longest time. Of a room that is not held it is not known what it had:
/// its [`Bounds::gone`] is the latest message of all rooms that went like this.
///
/// Keys are known of the 32,768 sessions that said something last, and 262,144 in all.
///
/// What became too old is never shown, but only freed when somebody looks at its room, says
/// something there, or asks for [statistics](Store::statistics).
#[derive(Debug)]
pub struct Memory {
    epoch: String,
    /// Held for the time of one append, or to read a portion of one room.
    logs: Mutex<Logs>,
}

#[derive(Debug)]
struct Logs {
    rooms: HashMap<Arc<str>, Log>,
    /// Of the rooms.
    order: Order<Arc<str>>,
    /// The number of the latest message of all rooms.
    latest: u64,
    /// Of all logs.
    messages: usize,
    /// Of all logs, in memory.
    bytes: usize,
    /// Of logs that are gone altogether, the latest message.
    forgotten: u64,
    retention: Retention,
    keys: Keys,
}

impl Memory {
    /// A store that is empty.
    pub fn new() -> Self {
        let logs = Logs {
            rooms: HashMap::new(),
            order: Order::new(),
            latest: 0,
            messages: 0,
            bytes: 0,
            forgotten: 0,
            retention: Retention::default(),
            keys: Keys::new(),
        };
        Self { epoch: format!("{:08x}", rand::random::<u32>()), logs: Mutex::new(logs) }
    }

    /// The last `limit` messages of a room that fit, the latest first. Others may talk
    /// while it looks.
    fn hits(&self, room: &str, words: &Words, before: Option<Position>, limit: usize) -> Vec<Arc<Record>> {
        let (mut hits, mut before) = (Vec::new(), before);
        while hits.len() < limit {
            let portion = self.logs.lock().fresh(room).map(|log| log.before(before, PORTION));
            let Some(first) = portion.as_ref().and_then(|portion| portion.first()) else { break };
            before = Some(first.position);
            hits.extend(portion.into_iter().flatten().rev().filter(|record| words.fit(&record.text)));
        }
        hits.truncate(limit);
        hits
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for Memory {
    fn epoch(&self) -> &str {
        &self.epoch
    }

    fn outlives_process(&self) -> bool {
        false
    }

    /// Nothing ever comes later.
    fn open(&self, _tail: Tail) {}

    fn append(&self, _ticket: Ticket, draft: Draft) -> Option<Outcome> {
        Some(Ok(self.logs.lock().append(draft)))
    }

    fn commit(&self) {}

    fn bounds(&self, room: &str) -> Result<Bounds, StoreError> {
        let mut logs = self.logs.lock();
        let (latest, forgotten) = (logs.latest, position(logs.forgotten));
        let unknown = Bounds { gone: forgotten, head: forgotten, latest: position(latest) };
        Ok(logs.fresh(room).map_or(unknown, |log| log.bounds(latest)))
    }

    fn after(
        &self,
        room: &str,
        after: Position,
        until: Position,
        limit: usize,
    ) -> Result<Vec<Arc<Record>>, StoreError> {
        let mut logs = self.logs.lock();
        let records = logs.fresh(room).map(|log| log.between(after, until).take(limit).cloned().collect());
        Ok(records.unwrap_or_default())
    }

    fn before(
        &self,
        room: &str,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Arc<Record>>, StoreError> {
        let mut logs = self.logs.lock();
        Ok(logs.fresh(room).map(|log| log.before(before, limit)).unwrap_or_default())
    }

    fn count(&self, room: &str, after: Position, until: Position) -> Result<u64, StoreError> {
        let mut logs = self.logs.lock();
        Ok(logs.fresh(room).map_or(0, |log| log.between(after, until).len() as u64))
    }

    fn search(&self, search: &Search) -> Result<Found, StoreError> {
        let words = words::parse(&search.words)?;
        // One more tells whether there are more.
        let limit = search.limit.saturating_add(1);
        let hits = |room: &Arc<str>| self.hits(room, &words, search.before, limit);
        let mut records = search.rooms.iter().flat_map(hits).collect::<Vec<_>>();
        records.sort_unstable_by_key(|record| record.position);
        records.dedup_by_key(|record| record.position);
        let beyond = records.len().saturating_sub(search.limit);
        Ok(Found { records: records.split_off(beyond), more: beyond > 0 })
    }

    fn erase(&self, erasure: &Erasure) -> Result<u64, StoreError> {
        let rooms = match &erasure.room {
            Some(room) => vec![room.clone()],
            None => self.logs.lock().rooms.keys().cloned().collect(),
        };
        // Others may talk between two rooms.
        let erased = rooms.iter().map(|room| self.logs.lock().erase(room, &erasure.author));
        Ok(erased.sum::<usize>() as u64)
    }

    fn set_retention(&self, retention: Retention) {
        let mut logs = self.logs.lock();
        logs.retention = retention;
        logs.trim();
    }

    fn health(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn statistics(&self) -> StoreStatistics {
        let mut logs = self.logs.lock();
        if logs.retention.age.is_some() {
            logs.trim();
        }
        StoreStatistics { messages: logs.messages as u64, bytes: logs.bytes as u64, queued: 0 }
    }
}

impl Logs {
    fn append(&mut self, draft: Draft) -> Appended {
        if let Some(key) = &draft.key
            && let Some(known) = self.keys.find(key, self.latest)
        {
            return known;
        }
        let (retention, oldest, room) = (self.retention, self.oldest(), draft.room.clone());
        let number = self.latest + 1;
        let (record, key) = draft.at(position(number));
        let record = Arc::new(record);
        let log = self.log(&room);
        log.push(record.clone());
        let freed = log.trim(retention, oldest);
        self.latest = number;
        self.messages += 1;
        self.bytes += size(&record);
        self.free(freed);
        if let Some(key) = key {
            self.keys.insert(key, room, number);
        }
        while self.bytes > MAX_BYTES {
            self.make_space();
        }
        Appended::New(record)
    }

    /// The log of a room, made where there is none.
    fn log(&mut self, room: &Arc<str>) -> &mut Log {
        if !self.rooms.contains_key(room) {
            if self.rooms.len() >= MAX_LOGS {
                self.forget_oldest();
            }
            self.order.insert(self.latest + 1, room.clone());
            self.rooms.insert(room.clone(), Log::new(self.forgotten));
        }
        self.rooms.get_mut(room).expect("it was made")
    }

    /// The log of a room, without what is too old.
    fn fresh(&mut self, room: &str) -> Option<&Log> {
        let oldest = self.oldest();
        let log = self.rooms.get_mut(room)?;
        if oldest.is_some() {
            let freed = log.trim(self.retention, oldest);
            self.messages -= freed.messages;
            self.bytes -= freed.bytes;
        }
        Some(log)
    }

    fn trim(&mut self) {
        let (retention, oldest) = (self.retention, self.oldest());
        let mut freed = Freed::default();
        for log in self.rooms.values_mut() {
            freed += log.trim(retention, oldest);
        }
        self.free(freed);
    }

    fn erase(&mut self, room: &str, author: &str) -> usize {
        // What is too old is not there any more.
        self.fresh(room);
        let freed = self.rooms.get_mut(room).map_or(Freed::default(), |log| log.erase(author));
        self.free(freed);
        freed.messages
    }

    /// Forgets a log, or the first message of the only one.
    fn make_space(&mut self) {
        if self.rooms.len() > 1 {
            return self.forget_oldest();
        }
        let freed = self.rooms.values_mut().next().map_or(Freed::default(), Log::pop);
        self.free(freed);
    }

    /// Forgets the log that was used the longest time ago.
    fn forget_oldest(&mut self) {
        let used = |room: &Arc<str>| self.rooms.get(room).map_or(0, |log| log.used);
        let oldest = self.order.pop_oldest(used).expect("every room is in the order");
        let log = self.rooms.remove(&oldest).expect("what is in the order is there");
        self.forgotten = self.forgotten.max(log.used);
        self.free(log.free());
    }

    fn free(&mut self, freed: Freed) {
        self.messages -= freed.messages;
        self.bytes -= freed.bytes;
    }

    /// Nothing before this time is kept, where age matters.
    fn oldest(&self) -> Option<u64> {
        let age = self.retention.age?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.as_ref().map_or(0, Duration::as_millis);
        Some(now.saturating_sub(age.as_millis()) as u64)
    }
}
