//! What was said before: the end of a room's log at hand, and what only the store has.

use super::recent::{Entry, Past, READ};
use super::state::{Asked, Problem};
use super::{Member, RoomName, Shared};
use crate::protocol::{ChatMessage, Event};
use crate::store::{Position, StoreError};
use crate::{Client, Escaped};

/// So many pages of the store's at most are looked through for one answer, where most of
/// what is in them is of people whom the asker ignores.
const MAX_PAGES: usize = 8;

impl Shared {
    /// Has the end of a room's log at hand, for what happens in the hub's turn, as far as
    /// the store can be read.
    pub(super) fn prepare(&self, room: &RoomName) {
        if let Err(error) = self.read(room) {
            log::warn!("what was said before cannot be read: {}", Escaped::new(&error.to_string()));
        }
    }

    fn read(&self, room: &RoomName) -> Result<(), StoreError> {
        if !self.state.lock().recent.is_read(room) {
            let past = self.past(room)?;
            self.state.lock().read(room, past);
        }
        Ok(())
    }

    fn past(&self, room: &RoomName) -> Result<Past, StoreError> {
        let entries = self.before(room, None, READ)?;
        // Some of them may be gone already: then it is known that something is missing.
        let bounds = self.store.bounds(room.as_str())?;
        Ok(Past { bounds, entries })
    }

    pub(super) fn before(
        &self,
        room: &RoomName,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let records = self.store.before(room.as_str(), before, limit)?;
        let positions = self.state.lock().positions.clone();
        Ok(records.iter().map(|record| Entry::of(&positions, record, None)).collect())
    }

    pub(super) fn latest(&self, room: &RoomName, limit: usize) -> Result<Vec<ChatMessage>, StoreError> {
        Ok(self.before(room, None, limit)?.iter().map(|entry| entry.message().clone()).collect())
    }
}

impl Member {
    /// The messages of a room before a position: those at hand, or else the store's.
    pub(super) fn history(
        &self,
        me: &Client,
        room: &str,
        before: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Event, Problem> {
        let asked = self.shared.state.lock().asked(me.id(), room, before, limit)?;
        self.shared.read(&asked.room).map_err(unavailable)?;
        if let Some(event) = self.shared.state.lock().history_at_hand(me.id(), &asked) {
            return Ok(event);
        }
        self.stored_history(me, &asked)
    }

    fn stored_history(&self, me: &Client, asked: &Asked) -> Result<Event, Problem> {
        // Nobody reads beyond what was shown.
        let head = self.shared.state.lock().recent.head(&asked.room).unwrap_or_default();
        let behind_head = Position(head.0 + 1);
        let mut before = asked.before.map_or(behind_head, |before| before.min(behind_head));
        let mut entries = Vec::new();
        for page in 1.. {
            let mut older = self.shared.before(&asked.room, Some(before), READ).map_err(unavailable)?;
            let is_all = older.len() < READ;
            before = older.first().map_or(before, |first| first.position);
            let state = self.shared.state.lock();
            older.retain(|entry| state.heard(me.id(), [entry]).next().is_some());
            older.append(&mut entries);
            entries = older;
            if is_all || entries.len() > asked.limit || page == MAX_PAGES {
                return Ok(state.history_of(&asked.room, entries.iter().rev(), asked.limit, !is_all));
            }
        }
        unreachable!("the last page is looked through")
    }
}

/// The store cannot be read. Where it is, the log tells and not the asker.
pub(super) fn unavailable(error: StoreError) -> Problem {
    Problem::new("unavailable", format!("what was said cannot be read now: {}", error.kind().hint()))
}
