//! The rooms that this client is in, and how far it has heard each. A value.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use indexmap::IndexMap;

use crate::chat::RoomName;
use crate::protocol::ChatMessage;

/// How many of a room's latest positions are remembered, to know a message that comes
/// twice.
const REMEMBERED: usize = 256;
/// How many messages without a position are remembered.
const UNPLACED: usize = 64;
/// Many times what a server lets one be in. A hostile one could name rooms without end.
const MAX_ROOMS: usize = 1024;
/// The protocol has none longer, in characters of at most four bytes.
const MAX_POSITION: usize = 4 * 64;

/// In the order joined; the first is the one that a connection begins in.
#[derive(Default)]
pub(super) struct Rooms(IndexMap<String, Progress>);

#[derive(Default)]
struct Progress {
    /// The position to resume from.
    pos: Option<String>,
    latest: VecDeque<String>,
    /// Marks of messages that were heard and in no log. A store that was silent for long may
    /// have one all the same, and then it comes again among what was missed.
    unplaced: VecDeque<u64>,
}

impl Rooms {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The rooms, each with the position to resume from.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(room, progress)| (room.as_str(), progress.pos.as_deref()))
    }

    pub(super) fn has(&self, room: &str) -> bool {
        self.0.contains_key(room)
    }

    /// This client is in `room`; where its place in the log is not known, it is `pos`.
    pub(super) fn enter(&mut self, room: &str, pos: Option<&str>) {
        if !self.has(room) && (self.0.len() == MAX_ROOMS || RoomName::parse(room).is_err()) {
            return;
        }
        let progress = self.0.entry(room.to_owned()).or_default();
        if progress.pos.is_none() {
            progress.pos = pos.filter(|pos| is_position(pos)).map(str::to_owned);
        }
    }

    pub(super) fn remove(&mut self, room: &str) {
        self.0.shift_remove(room);
    }

    /// The server is not known to be the same: other messages may have the positions
    /// that were heard of before.
    pub(super) fn forget_latest(&mut self) {
        self.0.values_mut().for_each(|progress| progress.latest.clear());
    }

    /// Resumes from elsewhere the next time.
    pub(super) fn set_pos(&mut self, room: &str, pos: &str) {
        if let Some(progress) = self.0.get_mut(room) {
            progress.pos = Some(pos).filter(|pos| is_position(pos)).map(str::to_owned);
        }
    }

    /// A message came; whether it is new. One that is in no log has no position to go on
    /// from.
    pub(super) fn hear(&mut self, message: &ChatMessage) -> bool {
        let Some(progress) = self.0.get_mut(&message.room) else { return true };
        if message.pos.is_empty() {
            push(&mut progress.unplaced, mark(message), UNPLACED);
            return true;
        }
        if !is_position(&message.pos) {
            return true;
        }
        if progress.latest.contains(&message.pos) {
            return false;
        }
        push(&mut progress.latest, message.pos.clone(), REMEMBERED);
        progress.pos = Some(message.pos.clone());
        if progress.unplaced.is_empty() {
            return true;
        }
        let mark = mark(message);
        let place = progress.unplaced.iter().position(|heard| *heard == mark);
        place.and_then(|place| progress.unplaced.remove(place)).is_none()
    }
}

fn push<T>(queue: &mut VecDeque<T>, item: T, limit: usize) {
    if queue.len() == limit {
        queue.pop_front();
    }
    queue.push_back(item);
}

/// The same for one message, said at one moment.
fn mark(message: &ChatMessage) -> u64 {
    let mut hasher = DefaultHasher::new();
    (message.time, &message.from, &message.text, message.action).hash(&mut hasher);
    hasher.finish()
}

fn is_position(pos: &str) -> bool {
    pos.len() <= MAX_POSITION
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_makes_up_is_not_kept_without_end() {
        let mut rooms = Rooms::default();
        rooms.enter(&"r".repeat(60_000), None);
        assert_eq!(rooms.names().count(), 0, "no room has such a name");
        (0..MAX_ROOMS + 1).for_each(|room| rooms.enter(&format!("r{room}"), Some(&"p".repeat(60_000))));
        assert_eq!(rooms.names().count(), MAX_ROOMS);
        assert!(rooms.iter().all(|(_, pos)| pos.is_none()), "no position is so long");
        rooms.enter("r0", Some("1-1"));
        assert_eq!(rooms.iter().next(), Some(("r0", Some("1-1"))), "a room that is known is entered again");
    }
}
