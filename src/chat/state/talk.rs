//! Talking: to a room, and to one person.

use super::{Done, State, now};
use crate::chat::NameKey;
use crate::chat::dialect::Listener;
use crate::chat::sessions::Said;
use crate::protocol::{ChatMessage, Event};
use crate::{ClientId, Instead, Turn};

impl State {
    pub(super) fn say(
        &mut self,
        turn: &mut Turn<'_>,
        who: ClientId,
        room: &str,
        text: String,
        action: bool,
        id: Option<&str>,
    ) -> Done {
        let (name, room) = self.room_of(who, room)?;
        let hub_room = room.hub_room.clone();
        if self.was_said(turn, who, id) {
            return Ok(());
        }
        self.check_voice(who)?;
        let person = self.person(who)?;
        let (key, from, token) = (person.key.clone(), person.name.to_string(), person.token.clone());
        let speaker = person.speaker.clone();
        let message =
            |pos| ChatMessage { room: name.to_string(), from, text, pos, time: now(), action, id: None };
        let said = self.logs.append(&name, speaker, message);
        let mut instead = self.deaf_to(&key, who);
        if let (Some(id), Event::Message(message)) = (id, &*said) {
            let kept = Said::InRoom(name, message.pos.clone());
            let ack = ack(id, &kept);
            if let Some(session) = self.sessions.get(&token) {
                session.note_said(id, kept);
            }
            let own = Event::Message(ChatMessage { id: Some(id.to_owned()), ..message.clone() });
            let dialect = self.dialect(self.person(who)?);
            let own =
                [own, ack].iter().filter_map(|event| dialect.write(event, Listener::default())).collect();
            instead.push(Instead::of(who, own));
        }
        turn.broadcast_each(&hub_room, |edition| self.write(&said, edition), &instead);
        Ok(())
    }

    pub(super) fn whisper(
        &mut self,
        turn: &mut Turn<'_>,
        who: ClientId,
        to: &str,
        text: String,
        action: bool,
        id: Option<&str>,
    ) -> Done {
        if self.was_said(turn, who, id) {
            return Ok(());
        }
        self.check_voice(who)?;
        let other = self.person_named(to)?;
        let person = self.person(who)?;
        let (key, token, from) = (person.key.clone(), person.token.clone(), person.name.to_string());
        let (other_id, other_token, to) = (other.client.id(), other.token.clone(), other.name.to_string());
        let whisper = |id| Event::Whisper { from: from.clone(), to, text, time: now(), action, id };
        let mut event = whisper(None);
        let is_deaf = self.ignored_by.get(&key).is_some_and(|by| by.contains(&other_id));
        if other_id != who && !is_deaf {
            self.tell(turn, other_id, &event, Listener::default());
            if let Some(session) = self.sessions.get(&other_token) {
                session.whisperer = Some(who);
            }
        }
        if let Event::Whisper { id: own, .. } = &mut event {
            *own = id.map(str::to_owned);
        }
        self.answer(turn, who, &event);
        if let Some(id) = id {
            self.answer(turn, who, &ack(id, &Said::Whispered));
            if let Some(session) = self.sessions.get(&token) {
                session.note_said(id, Said::Whispered);
            }
        }
        Ok(())
    }

    /// Tells everyone something in the server's name.
    pub(in crate::chat) fn notify(&self, turn: &mut Turn<'_>, event: &Event) {
        self.tell_each(turn, self.people.keys(), event);
    }

    /// Tells each of these, putting it into words once for each dialect.
    pub(super) fn tell_each<'a>(
        &self,
        turn: &mut Turn<'_>,
        who: impl IntoIterator<Item = &'a ClientId>,
        event: &Event,
    ) {
        let write = |number| self.dialects.get(number).write(event, Listener::default());
        let messages = (0..self.dialects.len()).map(write).collect::<Vec<_>>();
        for person in who.into_iter().filter_map(|id| self.people.get(id)) {
            if let Some(message) = &messages[usize::from(person.dialect)] {
                turn.send(&person.client, message.clone());
            }
        }
    }

    /// Whether this was said before under the same id; then it gets the same answer.
    fn was_said(&mut self, turn: &mut Turn<'_>, who: ClientId, id: Option<&str>) -> bool {
        let Some((id, person)) = id.zip(self.people.get(&who)) else { return false };
        let Some(said) = self.sessions.get(&person.token).and_then(|session| session.said(id)) else {
            return false;
        };
        self.answer(turn, who, &ack(id, &said));
        true
    }

    /// Those who are not to hear the holder of a name.
    fn deaf_to(&self, key: &NameKey, speaker: ClientId) -> Vec<Instead> {
        let deaf = self.ignored_by.get(key).into_iter().flatten().copied();
        deaf.filter(|id| *id != speaker).map(Instead::nothing).collect()
    }
}

fn ack(id: &str, said: &Said) -> Event {
    let (room, pos) = match said {
        Said::InRoom(room, pos) => (Some(room.to_string()), Some(pos.clone())),
        Said::Whispered => (None, None),
    };
    Event::Ack { id: id.to_owned(), room, pos }
}
