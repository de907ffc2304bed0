//! Talking: to a room, and to one person.

use std::time::Instant;

use super::keeping::{Progress, Waiting};
use super::{Done, State, now};
use crate::chat::NameKey;
use crate::chat::dialect::Listener;
use crate::chat::pending::OnItsWay;
use crate::chat::sessions::Settled;
use crate::protocol::Event;
use crate::store::{Draft, Key, Ticket};
use crate::{ClientId, Instead, Turn};

impl State {
    #[expect(clippy::too_many_arguments, reason = "these are the parts of one request")]
    pub(super) fn say(
        &mut self,
        turn: &mut Turn<'_>,
        who: ClientId,
        room: &str,
        text: String,
        action: bool,
        id: Option<&str>,
        on_its_way: Option<OnItsWay>,
    ) -> Done {
        let settled = self.settled(who, id);
        // Also where it has left the room since.
        if let (Some(id), Some(Settled::Kept(room, position))) = (id, &settled) {
            self.answer(turn, who, &self.ack(id, room, *position));
            return Ok(());
        }
        let (name, _) = self.room_of(who, room)?;
        let person = self.person(who)?;
        let key = id.map(|id| Key { session: person.digest, id: id.to_owned() });
        let draft = Draft {
            room: name.shared(),
            from: person.name.to_string(),
            author: person.key.as_str().into(),
            subject: person.subject.clone(),
            text,
            action,
            time: now(),
            key,
        };
        let waiting = Waiting {
            ticket: Ticket(0),
            who,
            token: person.token.clone(),
            speaker: person.speaker.clone(),
            id: id.map(str::to_owned),
            since: Instant::now(),
            progress: Progress::Waiting,
            draft: None,
            on_its_way,
        };
        if settled.is_some() {
            self.answer_again(turn, &draft, &waiting);
            return Ok(());
        }
        self.check_voice(who)?;
        self.submit(turn, draft, waiting);
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
        if let Some(id) = id.filter(|_| self.settled(who, id).is_some()) {
            self.answer(turn, who, &whispered(id));
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
            self.answer(turn, who, &whispered(id));
            if let Some(session) = self.sessions.get(&token) {
                session.note_settled(id, Settled::Said);
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

    /// What became of what this client sent under this id before.
    fn settled(&mut self, who: ClientId, id: Option<&str>) -> Option<Settled> {
        self.session_of(who)?.settled(id?)
    }

    /// Those who are not to hear the holder of a name.
    pub(super) fn deaf_to(&self, key: &NameKey, speaker: Option<ClientId>) -> Vec<Instead> {
        let deaf = self.ignored_by.get(key).into_iter().flatten().copied();
        deaf.filter(|id| Some(*id) != speaker).map(Instead::nothing).collect()
    }
}

fn whispered(id: &str) -> Event {
    Event::Ack { id: id.to_owned(), room: None, pos: None }
}
