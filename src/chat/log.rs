//! What was said in each room, as far as memory keeps it. A message gets its position
//! here, and so its place in the order of its room.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::{NameKey, RoomName};
use crate::protocol::{ChatMessage, Event};

/// Logs of rooms that nobody is in are kept for so many rooms.
const MAX_LOGS: usize = 1000;

/// How much of each room is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retention {
    pub messages: usize,
    pub bytes: usize,
}

/// What was said in all rooms.
pub(super) struct Logs {
    /// Tells the positions of this store from those of others.
    epoch: String,
    rooms: HashMap<RoomName, Log>,
    /// The number of the latest message of all rooms.
    latest: u64,
    retention: Retention,
}

struct Log {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// The number of the latest message that is not kept any more; before all
    /// entries.
    gone: u64,
    used: u64,
}

/// One message that is kept.
#[derive(Clone)]
pub(super) struct Entry {
    pub number: u64,
    /// Always an [`Event::Message`].
    pub said: Arc<Event>,
    pub from: NameKey,
}

/// What follows a position.
pub(super) struct Since {
    /// From its successor on.
    pub after: u64,
    /// Whether nothing between is gone.
    pub complete: bool,
}

impl Logs {
    pub(super) fn new(retention: Retention) -> Self {
        let epoch = format!("{:08x}", rand::random::<u32>());
        Self { epoch, rooms: HashMap::new(), latest: 0, retention }
    }

    /// Keeps what `make` makes of its position.
    pub(super) fn append(
        &mut self,
        room: &RoomName,
        from: NameKey,
        make: impl FnOnce(String) -> ChatMessage,
    ) -> Arc<Event> {
        // A log that is new begins before this message.
        self.log(room);
        self.latest += 1;
        let number = self.latest;
        let said = Arc::new(Event::Message(make(self.position(number))));
        let retention = self.retention;
        let log = self.log(room);
        let entry = Entry { number, said: said.clone(), from };
        log.bytes += entry.message().text.len();
        log.used = number;
        log.entries.push_back(entry);
        log.trim(retention);
        said
    }

    /// The position of all that was said so far.
    pub(super) fn head(&self) -> String {
        self.position(self.latest)
    }

    /// Somebody is in this room, and comes back to know what was said from here on.
    pub(super) fn open(&mut self, room: &RoomName) {
        let used = self.latest;
        self.log(room).used = used;
    }

    /// What came after `position` in `room`. Of a position that is not of this store,
    /// nothing is known but that all that is kept came after it.
    pub(super) fn since(&self, room: &RoomName, position: &str) -> Since {
        let gone = self.rooms.get(room).map_or(self.latest, |log| log.gone);
        match self.number(position) {
            Some(number) if number >= gone => Since { after: number, complete: true },
            _ => Since { after: gone, complete: false },
        }
    }

    /// The entries of `room` behind `after`, the oldest first.
    pub(super) fn after(&self, room: &RoomName, after: u64) -> impl ExactSizeIterator<Item = &Entry> {
        let entries = self.rooms.get(room).map(|log| &log.entries);
        let start = entries.map_or(0, |entries| entries.partition_point(|entry| entry.number <= after));
        entries.into_iter().flat_map(move |entries| entries.range(start..)).collect::<Vec<_>>().into_iter()
    }

    /// The entries of `room` before `before`, or all, the latest first.
    pub(super) fn before(&self, room: &RoomName, before: Option<u64>) -> impl Iterator<Item = &Entry> {
        let entries = self.rooms.get(room).map(|log| &log.entries);
        entries
            .into_iter()
            .flatten()
            .rev()
            .skip_while(move |entry| before.is_some_and(|before| entry.number >= before))
    }

    /// The number in a position of this store.
    pub(super) fn number(&self, position: &str) -> Option<u64> {
        let number = position.strip_prefix(&*self.epoch)?.strip_prefix('-')?;
        // A sign would be another spelling.
        number.parse().ok().filter(|number| *number <= self.latest && self.position(*number) == position)
    }

    fn position(&self, number: u64) -> String {
        format!("{}-{number}", self.epoch)
    }

    fn log(&mut self, room: &RoomName) -> &mut Log {
        if !self.rooms.contains_key(room) && self.rooms.len() >= MAX_LOGS {
            self.forget_oldest();
        }
        let new = || Log { entries: VecDeque::new(), bytes: 0, gone: self.latest, used: self.latest };
        self.rooms.entry(room.clone()).or_insert_with(new)
    }

    /// A room that is in use has been used lately, so that it keeps its log.
    fn forget_oldest(&mut self) {
        let oldest = self.rooms.iter().min_by_key(|(_, log)| log.used).map(|(room, _)| room.clone());
        if let Some(room) = oldest {
            self.rooms.remove(&room);
        }
    }
}

impl Entry {
    pub(super) fn message(&self) -> &ChatMessage {
        match &*self.said {
            Event::Message(message) => message,
            _ => unreachable!("a log holds messages"),
        }
    }
}

impl Log {
    fn trim(&mut self, retention: Retention) {
        while self.entries.len() > retention.messages || self.bytes > retention.bytes {
            let Some(entry) = self.entries.pop_front() else { return };
            self.bytes -= entry.message().text.len();
            self.gone = entry.number;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::chat::Name;

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
        logs.append(&room(), from.key(), make);
        logs.head()
    }

    fn texts_since(logs: &Logs, position: &str) -> (Vec<String>, bool) {
        let since = logs.since(&room(), position);
        let room = room();
        let texts = logs.after(&room, since.after).map(|entry| entry.message().text.clone());
        (texts.collect(), since.complete)
    }

    #[test]
    fn what_came_since_a_position_is_complete_as_long_as_it_is_kept() {
        let mut logs = Logs::new(Retention { messages: 3, bytes: 100 });
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
        let mut logs = Logs::new(Retention { messages: 3, bytes: 100 });
        let position = say(&mut logs, "1");
        for foreign in ["", "x", "00000000-1", &format!("{position}9"), &position.replace('-', "-0")] {
            assert_eq!(texts_since(&logs, foreign), (vec!["1".into()], false), "{foreign}");
        }
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut logs = Logs::new(Retention { messages: 100, bytes: 10 });
        for text in ["123456", "1234", "12345"] {
            say(&mut logs, text);
        }
        let kept = logs.before(&room(), None).map(|entry| entry.message().text.len()).collect::<Vec<_>>();
        assert_eq!(kept, [5, 4]);
    }
}
