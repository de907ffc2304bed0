//! What one who looks for words may find, and what is told when messages are deleted.

use std::sync::Arc;

use super::{Problem, State};
use crate::chat::{NameKey, RoomName};
use crate::protocol::{Erased, Event};
use crate::store::Record;
use crate::{ClientId, Turn};

impl State {
    /// The rooms that this person may look into: those that it is in, or one of them.
    pub(in crate::chat) fn searchable(
        &self,
        who: ClientId,
        room: Option<&str>,
    ) -> Result<Vec<RoomName>, Problem> {
        match room {
            Some(room) => Ok(vec![self.room_of(who, room)?.0]),
            None => Ok(self.person(who)?.places.lock().clone()),
        }
    }

    /// Which of these this person wants to hear of.
    pub(in crate::chat) fn wanted(
        &self,
        who: ClientId,
        records: Vec<Arc<Record>>,
    ) -> Vec<(Arc<Record>, bool)> {
        let is_wanted = |record: &Record| {
            self.ignored_by.is_empty()
                || self.ignored_by.get(&NameKey::kept(&record.author)).is_none_or(|by| !by.contains(&who))
        };
        records.into_iter().map(|record| (record.clone(), is_wanted(&record))).collect()
    }

    /// What was deleted in the store is gone here too, and all who may show it are told; what
    /// the operator is told, who is `by` and perhaps here.
    pub(in crate::chat) fn erased(
        &mut self,
        turn: &mut Turn<'_>,
        author: &NameKey,
        operator: Option<ClientId>,
        erased: Erased,
    ) -> Event {
        let room = erased.room.as_deref().and_then(|room| RoomName::parse(room).ok());
        let mut alike = self.recent.forget(author, room.as_ref());
        alike.retain(|spelling| *spelling != erased.name);
        let erased = Erased { alike, ..erased };
        let told = Event::Erased(Erased { messages: None, ..erased.clone() });
        let everyone = match &room {
            Some(room) => self.rooms.get(room).into_iter().flat_map(|room| &room.people).copied().collect(),
            None => self.people.keys().copied().collect::<Vec<_>>(),
        };
        self.tell_each(turn, everyone.iter().filter(|id| Some(**id) != operator), &told);
        let answer = Event::Erased(erased);
        if let Some(operator) = operator {
            self.answer(turn, operator, &answer);
        }
        answer
    }
}
