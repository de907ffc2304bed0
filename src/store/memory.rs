//! A store in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use super::{
    Appended, Bounds, Draft, Erasure, Found, Key, Outcome, Position, Record, Retention, Search, Store,
    StoreError, StoreStatistics, Tail, Ticket, words,
};

/// So many logs are kept.
const MAX_LOGS: usize = 1000;
/// All logs together have so many bytes at most; beyond that those go that nothing was
/// said in for the longest time.
const MAX_BYTES: usize = 128 * 1024 * 1024;
/// What a message takes beside its text, at most.
const OVERHEAD: usize = 512;
/// So many sessions have keys, those that said something last.
const MAX_SESSIONS: usize = 8192;
/// So many keys are known of all sessions together.
const MAX_KEYS: usize = 512 * 1024;

/// The last messages of each room, until the process ends. What comes of a draft is known
/// at once.
///
/// Holds 1,000 rooms and some 128 MiB at most; beyond that the rooms go that nothing was
/// said in for the longest time.
#[derive(Debug)]
pub struct Memory {
    epoch: String,
    logs: Mutex<Logs>,
}

#[derive(Debug)]
struct Logs {
    rooms: HashMap<Arc<str>, Log>,
    /// The number of the latest message of all rooms.
    latest: u64,
    /// Of all logs, in memory.
    bytes: usize,
    /// Of logs that are gone altogether, the latest message.
    forgotten: u64,
    retention: Retention,
    /// By session.
    keys: HashMap<[u8; 16], Keys>,
    key_count: usize,
}

#[derive(Debug, Default)]
struct Log {
    records: VecDeque<Arc<Record>>,
    /// Of their text.
    bytes: usize,
    /// The number of the latest message that is not kept any more; before all
    /// records.
    gone: u64,
    used: u64,
}

/// What one session said, by its ids.
#[derive(Debug, Default)]
struct Keys {
    places: HashMap<String, (Arc<str>, Position)>,
    order: VecDeque<String>,
    /// The number of the message that was said last.
    used: u64,
}

impl Memory {
    /// A store that is empty.
    pub fn new() -> Self {
        let retention = Retention::default();
        let logs = Logs {
            rooms: HashMap::new(),
            latest: 0,
            bytes: 0,
            forgotten: 0,
            retention,
            keys: HashMap::new(),
            key_count: 0,
        };
        Self { epoch: format!("{:08x}", rand::random::<u32>()), logs: Mutex::new(logs) }
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
        let (latest, forgotten) = (logs.latest, logs.forgotten);
        let (gone, head) = logs.fresh(room).map_or((forgotten, forgotten), |log| {
            (log.gone, log.records.back().map_or(log.gone, |last| last.position.0 as u64))
        });
        Ok(Bounds { gone: position(gone), head: position(head), latest: position(latest) })
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
        let Some(log) = logs.fresh(room) else { return Ok(Vec::new()) };
        let end = before.map_or(log.records.len(), |before| log.index_behind(before, false));
        Ok(log.records.range(end.saturating_sub(limit)..end).cloned().collect())
    }

    fn count(&self, room: &str, after: Position, until: Position) -> Result<u64, StoreError> {
        let mut logs = self.logs.lock();
        Ok(logs.fresh(room).map_or(0, |log| log.between(after, until).len() as u64))
    }

    fn search(&self, search: &Search) -> Result<Found, StoreError> {
        let words = words::parse(&search.words)?;
        let mut logs = self.logs.lock();
        let mut all = Vec::new();
        for room in &search.rooms {
            let Some(log) = logs.fresh(room) else { continue };
            all.extend(log.records.iter().cloned());
        }
        // Others may talk while it looks.
        drop(logs);
        all.sort_unstable_by_key(|record| std::cmp::Reverse(record.position));
        all.dedup_by_key(|record| record.position);
        let is_before = |record: &Arc<Record>| search.before.is_none_or(|before| record.position < before);
        let mut hits = all.into_iter().filter(is_before).filter(|record| words.fit(&record.text));
        let mut records = hits.by_ref().take(search.limit).collect::<Vec<_>>();
        records.reverse();
        Ok(Found { records, more: hits.next().is_some() })
    }

    fn erase(&self, erasure: &Erasure) -> Result<u64, StoreError> {
        let mut logs = self.logs.lock();
        let Logs { rooms, bytes, .. } = &mut *logs;
        let mut erased = 0;
        for (room, log) in rooms {
            if erasure.room.as_ref().is_none_or(|only| only == room) {
                let removed = log.erase(&erasure.author);
                erased += removed.0;
                *bytes -= removed.1;
            }
        }
        Ok(erased)
    }

    fn set_retention(&self, retention: Retention) {
        self.logs.lock().retain(retention);
    }

    fn health(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn statistics(&self) -> StoreStatistics {
        let logs = self.logs.lock();
        let messages = logs.rooms.values().map(|log| log.records.len() as u64).sum();
        StoreStatistics { messages, bytes: logs.bytes as u64, queued: 0 }
    }
}

impl Logs {
    fn append(&mut self, draft: Draft) -> Appended {
        if let Some(Key { session, id }) = &draft.key
            && let Some((room, position)) = self.keys.get(session).and_then(|keys| keys.places.get(id))
        {
            return Appended::Known { room: room.clone(), position: *position };
        }
        let room = draft.room.clone();
        // A log that is new begins before this message.
        self.make_room(&room);
        self.latest += 1;
        let (number, retention) = (self.latest, self.retention);
        let (record, key) = draft.at(position(number));
        let record = Arc::new(record);
        let log = self.rooms.get_mut(&room).expect("it was made");
        log.push(record.clone());
        self.bytes += size(&record);
        self.bytes -= log.trim(retention, now());
        if let Some(key) = key {
            self.note(key, room, position(number));
        }
        while self.bytes > MAX_BYTES && self.forget_oldest() {}
        Appended::New(record)
    }

    fn make_room(&mut self, room: &Arc<str>) {
        if self.rooms.contains_key(room) {
            return;
        }
        if self.rooms.len() >= MAX_LOGS {
            self.forget_oldest();
        }
        self.rooms.insert(room.clone(), Log { gone: self.forgotten, ..Log::default() });
    }

    /// The log of a room, without what is too old.
    fn fresh(&mut self, room: &str) -> Option<&Log> {
        let retention = self.retention;
        let log = self.rooms.get_mut(room)?;
        if retention.age.is_some() {
            self.bytes -= log.trim(retention, now());
        }
        Some(log)
    }

    /// Forgets the log that was used the longest time ago; whether there was one.
    fn forget_oldest(&mut self) -> bool {
        let oldest = self.rooms.iter().min_by_key(|(_, log)| log.used).map(|(room, _)| room.clone());
        let Some(log) = oldest.and_then(|room| self.rooms.remove(&room)) else { return false };
        self.bytes -= log.records.iter().map(|record| size(record)).sum::<usize>();
        self.forgotten = self.forgotten.max(log.used);
        true
    }

    fn retain(&mut self, retention: Retention) {
        self.retention = retention;
        let now = now();
        for log in self.rooms.values_mut() {
            self.bytes -= log.trim(retention, now);
        }
    }

    fn note(&mut self, key: Key, room: Arc<str>, position: Position) {
        let keys = self.keys.entry(key.session).or_default();
        if keys.order.len() >= Key::REMEMBERED
            && let Some(oldest) = keys.order.pop_front()
        {
            keys.places.remove(&oldest);
            self.key_count -= 1;
        }
        keys.used = self.latest;
        keys.order.push_back(key.id.clone());
        keys.places.insert(key.id, (room, position));
        self.key_count += 1;
        if self.keys.len() > MAX_SESSIONS || self.key_count > MAX_KEYS {
            self.forget_sessions();
        }
    }

    /// Forgets the eighth of the sessions that said nothing for the longest time.
    fn forget_sessions(&mut self) {
        let mut used = self.keys.values().map(|keys| keys.used).collect::<Vec<_>>();
        let eighth = used.len() / 8;
        let (_, limit, _) = used.select_nth_unstable(eighth);
        let limit = *limit;
        self.keys.retain(|_, keys| keys.used > limit);
        self.key_count = self.keys.values().map(|keys| keys.order.len()).sum();
    }
}

impl Log {
    fn push(&mut self, record: Arc<Record>) {
        self.bytes += record.text.len();
        self.used = record.position.0 as u64;
        self.records.push_back(record);
    }

    /// The index of the first record behind a place, or with it.
    fn index_behind(&self, place: Position, with_it: bool) -> usize {
        self.records
            .partition_point(|record| record.position < place || (with_it && record.position == place))
    }

    fn between(&self, after: Position, until: Position) -> impl ExactSizeIterator<Item = &Arc<Record>> {
        let from = self.index_behind(after, true);
        let end = self.index_behind(until, true).max(from);
        self.records.range(from..end)
    }

    /// Drops what is not to be kept; so many bytes of memory.
    fn trim(&mut self, retention: Retention, now: u64) -> usize {
        let oldest = retention.age.map(|age| now.saturating_sub(age.as_millis() as u64));
        let mut removed = 0;
        while let Some(first) = self.records.front() {
            let is_old = oldest.is_some_and(|oldest| first.time < oldest);
            let is_over = self.records.len() > retention.messages || self.bytes > retention.bytes;
            if !is_old && !is_over {
                break;
            }
            self.bytes -= first.text.len();
            self.gone = first.position.0 as u64;
            removed += size(first);
            self.records.pop_front();
        }
        removed
    }

    /// How many messages, and what they took.
    fn erase(&mut self, author: &str) -> (u64, usize) {
        let (mut erased, mut bytes, mut text) = (0, 0, 0);
        self.records.retain(|record| {
            let is_meant = &*record.author == author;
            if is_meant {
                (erased, bytes, text) = (erased + 1, bytes + size(record), text + record.text.len());
            }
            !is_meant
        });
        self.bytes -= text;
        (erased, bytes)
    }
}

fn size(record: &Record) -> usize {
    record.text.len() + OVERHEAD
}

fn position(number: u64) -> Position {
    Position(number.into())
}

/// Milliseconds since 1970, UTC.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.as_ref().map_or(0, Duration::as_millis) as u64
}
