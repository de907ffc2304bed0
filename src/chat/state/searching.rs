//! What one who looks for words may find, and what is told when messages are deleted.

use super::{Problem, State};
use crate::chat::RoomName;
use crate::chat::erasure::Deletion;
use crate::chat::recent::{Entry, Past};
use crate::protocol::{Erased, Event};
use crate::store::Position;
use crate::{ClientId, Turn};

impl State {
    /// The rooms that this person may look into, which are those that it is in or one of
    /// them, and from where on.
    pub(in crate::chat) fn searchable(
        &self,
        who: ClientId,
        room: Option<&str>,
        before: Option<&str>,
    ) -> Result<(Vec<RoomName>, Option<Position>), Problem> {
        let rooms = match room {
            Some(room) => vec![self.room_of(who, room)?.0],
            None => self.person(who)?.places.lock().clone(),
        };
        Ok((rooms, before.map(|before| self.position(before)).transpose()?))
    }

    /// Whether this person may know of a message, which was shown to its room, and wants to.
    pub(in crate::chat) fn is_wanted(&self, who: ClientId, room: &RoomName, entry: &Entry) -> bool {
        let head = self.recent.head(room).unwrap_or_default();
        entry.position <= head && self.heard(who, [entry]).next().is_some()
    }

    /// What was deleted that one who comes back into a room may still show.
    pub(in crate::chat) fn deleted_since(&self, room: &RoomName, since: &str) -> Vec<Erased> {
        self.deletions.since(room, self.positions.parse(since))
    }

    /// What the store had of a room when it was read is at hand now, but for what was deleted
    /// since.
    pub(in crate::chat) fn read(&mut self, room: &RoomName, past: Past) {
        self.recent.read(room, past);
        for Deletion { author, certain, .. } in self.deletions.about(room) {
            self.recent.forget(author, Some(room), *certain, *certain);
        }
    }

    /// What was deleted in the store, all up to a position, is gone here too, and those who
    /// may show it are told; what the operator is told, who may be here.
    pub(in crate::chat) fn erased(
        &mut self,
        turn: &mut Turn<'_>,
        deletion: Deletion,
        operator: Option<ClientId>,
    ) -> Event {
        let Deletion { author, certain, until, erased } = deletion;
        let room = erased.room.as_deref().and_then(|room| RoomName::parse(room).ok());
        let mut alike = self.recent.forget(&author, room.as_ref(), certain, until);
        alike.retain(|spelling| *spelling != erased.name);
        let erased = Erased { alike, ..erased };
        let is_nothing = erased.messages == Some(0) && erased.alike.is_empty();
        let told = Erased { messages: None, ..erased.clone() };
        // Nobody need hear of a name that was only mistyped.
        if !is_nothing {
            self.deletions.note(Deletion { author, certain, until, erased: told.clone() });
            let told = Event::Erased(told);
            let everyone = match &room {
                Some(room) => {
                    self.rooms.get(room).into_iter().flat_map(|room| &room.people).copied().collect()
                }
                None => self.people.keys().copied().collect::<Vec<_>>(),
            };
            self.tell_each(turn, everyone.iter().filter(|id| Some(**id) != operator), &told);
        }
        let answer = Event::Erased(erased);
        if let Some(operator) = operator {
            self.answer(turn, operator, &answer);
        }
        answer
    }
}
