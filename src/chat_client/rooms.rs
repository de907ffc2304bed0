//! The rooms that this client is in, and how far it has heard each. A value.

use std::collections::VecDeque;

use indexmap::IndexMap;

use crate::protocol::ChatMessage;

/// How many of a room's latest positions are remembered, to know a message that comes
/// twice.
const REMEMBERED: usize = 256;

/// In the order joined; the first is the one that a connection begins in.
#[derive(Default)]
pub(super) struct Rooms(IndexMap<String, Progress>);

#[derive(Default)]
struct Progress {
    /// The position to resume from.
    pos: Option<String>,
    latest: VecDeque<String>,
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
        let progress = self.0.entry(room.to_owned()).or_default();
        if progress.pos.is_none() {
            progress.pos = pos.map(str::to_owned);
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
            progress.pos = Some(pos.to_owned());
        }
    }

    /// A message came; whether it is new. One that is in no log has no position to go on
    /// from, and comes once.
    pub(super) fn hear(&mut self, message: &ChatMessage) -> bool {
        let Some(progress) = self.0.get_mut(&message.room) else { return true };
        if message.pos.is_empty() {
            return true;
        }
        if progress.latest.contains(&message.pos) {
            return false;
        }
        if progress.latest.len() == REMEMBERED {
            progress.latest.pop_front();
        }
        progress.latest.push_back(message.pos.clone());
        progress.pos = Some(message.pos.clone());
        true
    }
}
