//! What was said in each room, as far as memory keeps it. A message gets its position
//! here, and so its place in the order of its room.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Name, NameKey, RoomName};
use crate::protocol::{ChatMessage, Event};
use crate::store::Retention;

/// So many logs are kept, but for those of rooms that somebody is in, which all are.
const MAX_LOGS: usize = 1000;
/// All logs together have so many bytes at most; beyond that those go that nothing was
/// said in for the longest time, of empty rooms first.
const MAX_BYTES: usize = 128 * 1024 * 1024;
/// What a message takes beside its text, at most.
const OVERHEAD: usize = 512;

/// What was said in all rooms.
pub(super) struct Logs {
    /// Tells the positions of this store from those of others.
    epoch: String,
    rooms: HashMap<RoomName, Log>,
    /// The number of the latest message of all rooms.
    latest: u64,
    /// Of all logs, in memory.
    bytes: usize,
    retention: Retention,
}

struct Log {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// The number of the latest message that is not kept any more; before all
    /// entries.
    gone: u64,
    /// How many messages have been in it.
    count: u64,
    used: u64,
    /// Somebody is in the room.
    is_open: bool,
}

/// One message that is kept.
#[derive(Clone)]
pub(super) struct Entry {
    pub number: u64,
    /// Which message of its room it is, from 1 on.
    pub nth: u64,
    /// Always an [`Event::Message`].
    pub said: Arc<Event>,
    pub from: Speaker,
}

/// Who said something, by the key of the name that it has now, or had last.
pub(super) type Speaker = Arc<Mutex<NameKey>>;

/// A place in a room's log: behind this message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    number: u64,
    nth: u64,
}

/// What follows a place.
pub(super) struct Tail {
    pub entries: Vec<Entry>,
    /// How many messages before these, but behind the place, are gone.
    pub gone: u64,
}

impl Logs {
    pub(super) fn new(retention: Retention) -> Self {
        let epoch = format!("{:08x}", rand::random::<u32>());
        Self { epoch, rooms: HashMap::new(), latest: 0, bytes: 0, retention }
    }

    pub(super) fn retention(&self) -> Retention {
        self.retention
    }

    /// Holds for each room from the next message on.
    pub(super) fn set_retention(&mut self, retention: Retention) {
        self.retention = retention;
    }

    /// Keeps what `make` makes of its position.
    pub(super) fn append(
        &mut self,
        room: &RoomName,
        from: Speaker,
        make: impl FnOnce(String) -> ChatMessage,
    ) -> Arc<Event> {
        // A log that is new begins before this message.
        self.log(room);
        self.latest += 1;
        let number = self.latest;
        let said = Arc::new(Event::Message(make(self.position(number))));
        let retention = self.retention;
        let log = self.log(room);
        log.count += 1;
        let entry = Entry { number, nth: log.count, said: said.clone(), from };
        let added = entry.size();
        log.bytes += entry.message().text.len();
        log.used = number;
        log.entries.push_back(entry);
        let removed = log.trim(retention);
        self.bytes = self.bytes + added - removed;
        while self.bytes > MAX_BYTES && self.forget_oldest(true) {}
        said
    }

    /// How many messages are kept, and what they take in memory, at most.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.rooms.values().map(|log| log.entries.len()).sum(), self.bytes)
    }

    /// The position of all that was said so far.
    pub(super) fn head(&self) -> String {
        self.position(self.latest)
    }

    /// Somebody is in this room, and may come back to know what was said from here on.
    pub(super) fn open(&mut self, room: &RoomName) {
        let used = self.latest;
        let log = self.log(room);
        (log.used, log.is_open) = (used, true);
    }

    /// Nobody is in this room any more.
    pub(super) fn close(&mut self, room: &RoomName) {
        let Some(log) = self.rooms.get_mut(room) else { return };
        log.is_open = false;
        if log.entries.is_empty() {
            self.rooms.remove(room);
        }
    }

    /// The place of `position` in `room`, and whether nothing behind it is gone. Of a
    /// position that is not of this store nothing is known but that all that is kept came
    /// after it.
    pub(super) fn find(&self, room: &RoomName, position: &str) -> (Mark, bool) {
        let Some(log) = self.rooms.get(room) else {
            let is_latest = self.number(position) == Some(self.latest);
            return (Mark { number: self.latest, nth: 0 }, is_latest);
        };
        let kept_from = Mark { number: log.gone, nth: log.count - log.entries.len() as u64 };
        match self.number(position) {
            Some(number) if number >= log.gone => {
                let before = log.entries.partition_point(|entry| entry.number <= number) as u64;
                (Mark { number, nth: kept_from.nth + before }, true)
            }
            _ => (kept_from, false),
        }
    }

    /// What is in the log of `room` behind a place, the oldest first.
    pub(super) fn after(&self, room: &RoomName, place: Mark) -> Tail {
        let Some(log) = self.rooms.get(room) else { return Tail { entries: Vec::new(), gone: 0 } };
        let start = log.entries.partition_point(|entry| entry.number <= place.number);
        let entries = log.entries.range(start..).cloned().collect::<Vec<_>>();
        let next = entries.first().map_or(log.count + 1, |entry| entry.nth);
        Tail { entries, gone: next.saturating_sub(place.nth + 1) }
    }

    /// The entries of `room` before `before`, or all, the latest first.
    pub(super) fn before(&self, room: &RoomName, before: Option<u64>) -> impl Iterator<Item = &Entry> {
        let entries = self.rooms.get(room).map(|log| &log.entries);
        entries.into_iter().flat_map(move |entries| {
            let end =
                before.map_or(entries.len(), |before| entries.partition_point(|entry| entry.number < before));
            entries.range(..end).rev()
        })
    }

    /// The number in a position of this store.
    pub(super) fn number(&self, position: &str) -> Option<u64> {
        let number = position.strip_prefix(&*self.epoch)?.strip_prefix('-')?;
        // A sign would be another spelling.
        number.parse().ok().filter(|number| *number <= self.latest && self.position(*number) == position)
    }

    /// Forgets what somebody said, in one room or in all; how that one's name was spelled.
    pub(super) fn forget(&mut self, author: &NameKey, room: Option<&RoomName>) -> Vec<String> {
        let mut spellings = Vec::new();
        for (_, log) in self.rooms.iter_mut().filter(|(name, _)| room.is_none_or(|room| room == *name)) {
            self.bytes -= log.forget(author, &mut spellings);
        }
        spellings.sort_unstable();
        spellings.dedup();
        spellings
    }

    fn position(&self, number: u64) -> String {
        format!("{}-{number}", self.epoch)
    }

    fn log(&mut self, room: &RoomName) -> &mut Log {
        if !self.rooms.contains_key(room) && self.rooms.len() >= MAX_LOGS {
            self.forget_oldest(false);
        }
        let latest = self.latest;
        let new = || Log {
            entries: VecDeque::new(),
            bytes: 0,
            gone: latest,
            count: 0,
            used: latest,
            is_open: false,
        };
        self.rooms.entry(room.clone()).or_insert_with(new)
    }

    /// Empties the log that was used the longest time ago, of an empty room, or else of
    /// `any`; whether there was one.
    fn forget_oldest(&mut self, any: bool) -> bool {
        let logs = self.rooms.iter().filter(|(_, log)| !log.is_open || (any && !log.entries.is_empty()));
        let oldest = logs.min_by_key(|(_, log)| (log.is_open, log.used)).map(|(room, _)| room.clone());
        let Some(log) = oldest.as_ref().and_then(|room| self.rooms.get_mut(room)) else { return false };
        self.bytes -= log.entries.iter().map(Entry::size).sum::<usize>();
        log.forget_all();
        if !log.is_open
            && let Some(room) = oldest
        {
            self.rooms.remove(&room);
        }
        true
    }
}

impl Mark {
    /// Behind this entry.
    pub(super) fn behind(entry: &Entry) -> Self {
        Self { number: entry.number, nth: entry.nth }
    }
}

impl Entry {
    fn size(&self) -> usize {
        self.message().text.len() + OVERHEAD
    }

    pub(super) fn message(&self) -> &ChatMessage {
        match &*self.said {
            Event::Message(message) => message,
            _ => unreachable!("a log holds messages"),
        }
    }
}

impl Log {
    fn forget_all(&mut self) {
        if let Some(last) = self.entries.back() {
            self.gone = last.number;
        }
        self.entries = VecDeque::new();
        self.bytes = 0;
    }

    /// Drops what somebody said; so many bytes of memory. What comes behind it closes up:
    /// nothing is missing there.
    fn forget(&mut self, author: &NameKey, spellings: &mut Vec<String>) -> usize {
        let (mut removed, mut text, mut dropped) = (0, 0, 0);
        self.entries.retain_mut(|entry| {
            let said = entry.message();
            let is_meant = Name::parse(&said.from).is_ok_and(|name| name.key() == *author);
            if is_meant {
                spellings.push(said.from.clone());
                removed += entry.size();
                text += said.text.len();
                dropped += 1;
            } else {
                entry.nth -= dropped;
            }
            !is_meant
        });
        self.count -= dropped;
        self.bytes -= text;
        removed
    }

    /// Drops what is not to be kept; so many bytes of memory.
    fn trim(&mut self, retention: Retention) -> usize {
        let mut removed = 0;
        while self.entries.len() > retention.messages || self.bytes > retention.bytes {
            let Some(entry) = self.entries.pop_front() else { break };
            self.bytes -= entry.message().text.len();
            self.gone = entry.number;
            removed += entry.size();
        }
        removed
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn room() -> RoomName {
        RoomName::parse("lobby").unwrap()
    }

    fn say(logs: &mut Logs, text: &str) -> String {
        let from = Name::parse("John").unwrap();
        let make = |pos: String| ChatMessage {
            room: "lobby".to_owned(),
            from: "John".to_owned(),
            text: text.to_owned(),
            pos,
            time: 0,
            action: false,
            id: None,
        };
        logs.append(&room(), Arc::new(Mutex::new(from.key())), make);
        logs.head()
    }

    fn texts_since(logs: &Logs, position: &str) -> (Vec<String>, bool) {
        let (place, complete) = logs.find(&room(), position);
        let tail = logs.after(&room(), place);
        assert_eq!(tail.gone, 0);
        (tail.entries.iter().map(|entry| entry.message().text.clone()).collect(), complete)
    }

    #[test]
    fn what_came_since_a_position_is_complete_as_long_as_it_is_kept() {
        let mut logs = Logs::new(Retention { messages: 3, bytes: 100, age: None });
        logs.open(&room());
        let start = logs.head();
        let first = say(&mut logs, "1");
        for text in ["2", "3"] {
            say(&mut logs, text);
        }
        assert_eq!(texts_since(&logs, &start), (vec!["1".into(), "2".into(), "3".into()], true));
        assert_eq!(texts_since(&logs, &first), (vec!["2".into(), "3".into()], true));
        say(&mut logs, "4");
        assert_eq!(texts_since(&logs, &first), (vec!["2".into(), "3".into(), "4".into()], true));
        assert_eq!(texts_since(&logs, &start), (vec!["2".into(), "3".into(), "4".into()], false));
        assert_eq!(texts_since(&logs, &logs.head()), (vec![], true));
    }

    #[test]
    fn a_position_of_another_store_is_none_of_this_one() {
        let mut logs = Logs::new(Retention { messages: 3, bytes: 100, age: None });
        let position = say(&mut logs, "1");
        for foreign in ["", "x", "00000000-1", &format!("{position}9"), &position.replace('-', "-0")] {
            assert_eq!(texts_since(&logs, foreign), (vec!["1".into()], false), "{foreign}");
        }
    }

    #[test]
    fn what_goes_behind_a_place_is_counted() {
        let mut logs = Logs::new(Retention { messages: 3, bytes: 100, age: None });
        logs.open(&room());
        let first = say(&mut logs, "1");
        let (place, _) = logs.find(&room(), &first);
        for text in ["2", "3", "4", "5"] {
            say(&mut logs, text);
        }
        let tail = logs.after(&room(), place);
        assert_eq!((tail.gone, tail.entries.len()), (1, 3));
        let place = Mark::behind(&tail.entries[0]);
        assert_eq!(logs.after(&room(), place).gone, 0);
    }

    #[test]
    fn a_room_that_somebody_is_in_keeps_its_log() {
        let mut logs = Logs::new(Retention { messages: 3, bytes: 100, age: None });
        logs.open(&room());
        say(&mut logs, "quiet");
        for number in 0..MAX_LOGS + 10 {
            let other = RoomName::parse(&format!("room{number}")).unwrap();
            logs.open(&other);
            logs.close(&other);
        }
        assert_eq!(logs.before(&room(), None).count(), 1);
        assert_eq!(logs.rooms.len(), 1, "nothing was said in the others");
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut logs = Logs::new(Retention { messages: 100, bytes: 10, age: None });
        for text in ["123456", "1234", "12345"] {
            say(&mut logs, text);
        }
        let kept = logs.before(&room(), None).map(|entry| entry.message().text.len()).collect::<Vec<_>>();
        assert_eq!(kept, [5, 4]);
    }
}
