//! What was said lately in each room, as it was shown: the end of each room's log, for those
//! who come in within the hub's turn, where nobody can wait for the store.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::dialect::{Dialects, Listener};
use super::positions::Positions;
use super::{Name, NameKey, RoomName};
use crate::Message;
use crate::protocol::{ChatMessage, Event};
use crate::store::{Bounds, Position, Record, Retention};

/// So many messages of a room are at hand, and so many bytes of their text.
const MAX_MESSAGES: usize = 1024;
const MAX_TEXT: usize = 512 * 1024;
/// So many rooms have some, but for those that somebody is in, which all have.
const MAX_ROOMS: usize = 1000;
/// All together take so many bytes at most; beyond that those go that nothing was said in
/// for the longest time, of empty rooms first.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// What a message takes beside its text, at most.
const OVERHEAD: usize = 512;
/// So many are read from the store for a room that has none at hand.
pub(super) const READ: usize = 128;

pub(super) struct Recent {
    rooms: HashMap<RoomName, Window>,
    bytes: usize,
    /// Counts what was said, and who came.
    uses: u64,
    retention: Retention,
}

/// The end of one room's log.
struct Window {
    entries: VecDeque<Entry>,
    /// Of their text.
    text: usize,
    /// All that was shown behind this is here; none before the store was asked.
    begins: Option<Position>,
    /// The last that was here and is not any more.
    dropped: Position,
    /// The last that was read from the store when somebody was in the room already, who may
    /// not have been shown it.
    read_late: Option<Position>,
    /// So many were shown since the room is looked into.
    shown: u64,
    /// The store may have more before it.
    has_earlier: bool,
    used: u64,
    /// Somebody is in the room.
    is_open: bool,
}

/// One message that was shown.
#[derive(Clone)]
pub(super) struct Entry {
    pub position: Position,
    pub said: Arc<Said>,
    pub from: Speaker,
}

/// What was said, and how it is put in each dialect, once somebody asked.
pub(super) struct Said {
    /// Always an [`Event::Message`].
    pub event: Event,
    written: OnceLock<Box<[OnceLock<Option<Message>>]>>,
}

/// Who said something, by the key of the name that it has now, or had last.
pub(super) type Speaker = Arc<Mutex<NameKey>>;

/// What a store had of a room when it was asked.
pub(super) struct Past {
    pub bounds: Bounds,
    /// The last [`READ`], the oldest first.
    pub entries: Vec<Entry>,
}

impl Recent {
    pub(super) fn new(retention: Retention) -> Self {
        Self { rooms: HashMap::new(), bytes: 0, uses: 0, retention }
    }

    pub(super) fn retention(&self) -> Retention {
        self.retention
    }

    /// What is too much goes at once.
    pub(super) fn set_retention(&mut self, retention: Retention) {
        self.retention = retention;
        for window in self.rooms.values_mut() {
            self.bytes -= window.trim(retention);
        }
    }

    /// How many messages there are, and what they take in memory, at most.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.rooms.values().map(|window| window.entries.len()).sum(), self.bytes)
    }

    /// Whether the store was asked for the end of this room's log. From here on what is said
    /// is kept for the answer to come.
    pub(super) fn is_read(&mut self, room: &RoomName) -> bool {
        self.window(room).begins.is_some()
    }

    /// What the store has of the room is here.
    pub(super) fn read(&mut self, room: &RoomName, past: Past) {
        let window = self.window(room);
        if window.begins.is_some() {
            return;
        }
        let Past { bounds, mut entries } = past;
        let has_more = entries.len() >= READ;
        let begins = match entries.first() {
            Some(first) if has_more => Position(first.position.0.saturating_sub(1)),
            _ => bounds.gone,
        };
        // More may have been said meanwhile than there is room for.
        window.has_earlier |= has_more;
        window.begins = Some(begins.max(window.dropped));
        let (dropped, first) = (window.dropped, window.entries.front().map(|first| first.position));
        entries.retain(|entry| entry.position > dropped && first.is_none_or(|first| entry.position < first));
        window.read_late = entries.last().map(|last| last.position).filter(|_| window.is_open);
        let added = entries.iter().map(Entry::size).sum::<usize>();
        let text = entries.iter().map(|entry| entry.message().text.len()).sum::<usize>();
        window.text += text;
        entries.into_iter().rev().for_each(|entry| window.entries.push_front(entry));
        self.bytes += added;
        self.trim(room);
    }

    /// Something was said, and is shown. False where it is here already.
    pub(super) fn push(&mut self, room: &RoomName, entry: Entry) -> bool {
        self.uses += 1;
        let used = self.uses;
        // A room that nobody looked into since it had none has none still.
        let Some(window) = self.rooms.get_mut(room) else { return true };
        if window.entries.back().is_some_and(|last| entry.position <= last.position) {
            // Better twice for who came in just now than never for who was here.
            return window.read_late.is_some_and(|late| entry.position <= late);
        }
        (window.used, window.shown) = (used, window.shown + 1);
        window.text += entry.message().text.len();
        self.bytes += entry.size();
        window.entries.push_back(entry);
        self.trim(room);
        true
    }

    /// Somebody is in this room, and may come back to know what was said from here on.
    pub(super) fn open(&mut self, room: &RoomName) {
        self.uses += 1;
        let used = self.uses;
        let window = self.window(room);
        (window.used, window.is_open) = (used, true);
    }

    /// Nobody is in this room any more.
    pub(super) fn close(&mut self, room: &RoomName) {
        if let Some(window) = self.rooms.get_mut(room) {
            window.is_open = false;
        }
    }

    /// The position of the last that was shown in a room, and how many that were since the
    /// room is looked into.
    pub(super) fn shown(&self, room: &RoomName) -> (Position, u64) {
        let shown = self.rooms.get(room).map_or(0, |window| window.shown);
        (self.head(room).unwrap_or_default(), shown)
    }

    /// The position of the last that was shown in a room.
    pub(super) fn head(&self, room: &RoomName) -> Option<Position> {
        let window = self.rooms.get(room)?;
        window.entries.back().map(|last| last.position).or(window.begins)
    }

    /// Behind this all that was shown in a room is at hand; none where the store was not
    /// asked.
    pub(super) fn begins(&self, room: &RoomName) -> Option<Position> {
        self.rooms.get(room)?.begins(self.retention)
    }

    /// Whether all that was shown in a room behind `place` is at hand.
    pub(super) fn is_at_hand(&self, room: &RoomName, place: Position) -> bool {
        self.begins(room).is_some_and(|begins| place >= begins)
    }

    /// What was shown in a room behind `place`, the oldest first; none where not all of it
    /// is at hand.
    pub(super) fn after(&self, room: &RoomName, place: Position) -> Option<Vec<Entry>> {
        let window = self.rooms.get(room).filter(|_| self.is_at_hand(room, place))?;
        let start = window.entries.partition_point(|entry| entry.position <= place);
        Some(window.entries.range(start..).cloned().collect())
    }

    /// How many that are, up to `until` and with it.
    pub(super) fn count(&self, room: &RoomName, after: Position, until: Position) -> Option<usize> {
        let entries = &self.rooms.get(room).filter(|_| self.is_at_hand(room, after))?.entries;
        let index_behind = |place| entries.partition_point(|entry| entry.position <= place);
        Some(index_behind(until).saturating_sub(index_behind(after)))
    }

    /// The messages of a room that are at hand, the latest first, and whether the store may
    /// have some before them.
    pub(super) fn latest(&self, room: &RoomName) -> (impl Iterator<Item = &Entry>, bool) {
        let window = self.rooms.get(room);
        let has_earlier = window.is_none_or(|window| window.has_earlier || window.begins.is_none());
        let retention = self.retention;
        let entries = window
            .into_iter()
            .flat_map(move |window| window.entries.range(window.fresh_from(retention)..).rev());
        (entries, has_earlier)
    }

    /// Forgets what somebody said up to a position, in one room or in all; how that one's
    /// name was spelled. What was said up to `certain` is deleted in the store, the rest
    /// perhaps.
    pub(super) fn forget(
        &mut self,
        author: &NameKey,
        room: Option<&RoomName>,
        certain: Position,
        until: Position,
    ) -> Vec<String> {
        // To compare a name takes a while, and few people say much.
        let mut known = HashMap::<String, bool>::new();
        let mut is_meant = |entry: &Entry| {
            let from = &entry.message().from;
            let is_author = known.get(from).copied().unwrap_or_else(|| {
                let is_author = Name::parse(from).is_ok_and(|name| name.key() == *author);
                known.insert(from.clone(), is_author);
                is_author
            });
            is_author && entry.position <= until
        };
        for (_, window) in self.rooms.iter_mut().filter(|(name, _)| room.is_none_or(|room| room == *name)) {
            let last = window.entries.iter().filter(|entry| is_meant(entry)).last();
            self.bytes -= match last.map(|last| last.position) {
                // The store knows what it has of that.
                Some(last) if last > certain => window.forget_all(),
                _ => window.forget(&mut is_meant),
            };
        }
        let mut spellings =
            known.into_iter().filter(|(_, is_author)| *is_author).map(|(from, _)| from).collect::<Vec<_>>();
        spellings.sort_unstable();
        spellings
    }

    fn window(&mut self, room: &RoomName) -> &mut Window {
        if !self.rooms.contains_key(room) && self.rooms.len() >= MAX_ROOMS {
            self.forget_oldest(false);
        }
        let used = self.uses;
        let new = || Window {
            entries: VecDeque::new(),
            text: 0,
            begins: None,
            dropped: Position::START,
            read_late: None,
            shown: 0,
            has_earlier: false,
            used,
            is_open: false,
        };
        self.rooms.entry(room.clone()).or_insert_with(new)
    }

    /// Drops what is too much of this room, and of all.
    fn trim(&mut self, room: &RoomName) {
        if let Some(window) = self.rooms.get_mut(room) {
            self.bytes -= window.trim(self.retention);
        }
        while self.bytes > MAX_BYTES && self.forget_oldest(true) {}
    }

    /// Drops what is at hand of the room that was used the longest time ago, of an empty
    /// room, or else of `any`; whether there was one.
    fn forget_oldest(&mut self, any: bool) -> bool {
        let rooms = self.rooms.iter().filter(|(_, room)| !room.is_open || (any && !room.entries.is_empty()));
        let oldest = rooms.min_by_key(|(_, room)| (room.is_open, room.used)).map(|(name, _)| name.clone());
        let Some(window) = oldest.as_ref().and_then(|room| self.rooms.get_mut(room)) else { return false };
        self.bytes -= window.forget_all();
        if !window.is_open
            && let Some(room) = oldest
        {
            self.rooms.remove(&room);
        }
        true
    }
}

impl Window {
    /// Drops all; so many bytes of memory.
    fn forget_all(&mut self) -> usize {
        if let Some(last) = self.entries.back() {
            self.dropped = last.position;
            self.begins = self.begins.map(|_| last.position);
            self.has_earlier = true;
        }
        self.text = 0;
        std::mem::take(&mut self.entries).iter().map(Entry::size).sum()
    }

    /// Drops what is meant; so many bytes of memory.
    fn forget(&mut self, is_meant: &mut impl FnMut(&Entry) -> bool) -> usize {
        let (mut removed, mut text) = (0, 0);
        self.entries.retain(|entry| {
            let is_meant = is_meant(entry);
            if is_meant {
                removed += entry.size();
                text += entry.message().text.len();
            }
            !is_meant
        });
        self.text -= text;
        removed
    }

    /// Drops the oldest beyond the limits; so many bytes of memory.
    fn trim(&mut self, retention: Retention) -> usize {
        let mut removed = 0;
        while let Some(first) = self.entries.front() {
            let is_gone = self.entries.len() > retention.messages || self.text > retention.bytes;
            if !is_gone && self.entries.len() <= MAX_MESSAGES && self.text <= MAX_TEXT {
                break;
            }
            self.has_earlier |= !is_gone;
            self.dropped = first.position;
            self.begins = self.begins.map(|_| first.position);
            self.text -= first.message().text.len();
            removed += first.size();
            self.entries.pop_front();
        }
        removed
    }

    /// Where that is which is here and not too old.
    fn begins(&self, retention: Retention) -> Option<Position> {
        let too_old = self.fresh_from(retention).checked_sub(1).map(|last| self.entries[last].position);
        self.begins.map(|begins| too_old.map_or(begins, |too_old| begins.max(too_old)))
    }

    /// The index of the first that is not too old.
    fn fresh_from(&self, retention: Retention) -> usize {
        let Some(age) = retention.age else { return 0 };
        let oldest = super::state::now().saturating_sub(age.as_millis() as u64);
        self.entries.partition_point(|entry| entry.message().time < oldest)
    }
}

impl Entry {
    /// A message of the store's; of somebody who is not here unless a speaker is given.
    pub(super) fn of(positions: &Positions, record: &Record, speaker: Option<Speaker>) -> Self {
        let from = speaker.unwrap_or_else(|| Arc::new(Mutex::new(NameKey::kept(&record.author))));
        let message = ChatMessage {
            room: record.room.to_string(),
            from: record.from.clone(),
            text: record.text.clone(),
            pos: positions.show(record.position),
            time: record.time,
            action: record.action,
            id: None,
        };
        let said = Said { event: Event::Message(message), written: OnceLock::new() };
        Self { position: record.position, said: Arc::new(said), from }
    }

    /// How it is put to one who was away, in a dialect: once for all of them.
    pub(super) fn written(&self, dialects: &Dialects, dialect: u8) -> Option<Message> {
        let new = || (0..dialects.len()).map(|_| OnceLock::new()).collect();
        let written = &self.said.written.get_or_init(new)[usize::from(dialect)];
        written.get_or_init(|| dialects.get(dialect).write(&self.said.event, Listener::default())).clone()
    }

    fn size(&self) -> usize {
        self.message().text.len() + OVERHEAD
    }

    pub(super) fn message(&self) -> &ChatMessage {
        match &self.said.event {
            Event::Message(message) => message,
            _ => unreachable!("a log holds messages"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
