//! Coming and going: into the chat, into a room, out of it again.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use super::{Done, Person, Places, Problem, RoomState, State, now};
use crate::chat::dialect::Listener;
use crate::chat::recent::Entry;
use crate::chat::sessions::{Session, Token, digest};
use crate::chat::{Name, NameKey, Role, RoomName};
use crate::protocol::Event;
use crate::store::Position;
use crate::{Client, ClientId, Edition, Turn};

/// One client can be in so many rooms.
const MAX_ROOMS: usize = 32;

/// Somebody who has passed the gate.
pub(in crate::chat) struct Newcomer {
    pub client: Client,
    pub name: Name,
    pub key: NameKey,
    pub role: Role,
    pub subject: Option<Arc<str>>,
    pub token: Token,
    pub dialect: u8,
    pub places: Places,
}

/// What one who comes into a room hears of what was said there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::chat) enum Earlier {
    /// So many messages as the chat has for newcomers, where the dialect wants them.
    Usual,
    /// So many messages.
    Latest(usize),
    /// All after this one, as if it had been there.
    After(Position),
}

impl State {
    /// Somebody is in the chat now, and in no room yet.
    pub(in crate::chat) fn arrive(&mut self, turn: &mut Turn<'_>, newcomer: Newcomer, room: &RoomName) {
        let Newcomer { client, name, key, role, subject, token, dialect, places } = newcomer;
        let id = client.id();
        // One's own name may be among them by now.
        let session = self.sessions.get(&token).map(Session::use_it);
        for ignored in
            session.into_iter().flat_map(|session| session.ignoring.keys()).filter(|ignored| **ignored != key)
        {
            self.ignored_by.entry(ignored.clone()).or_default().insert(id);
        }
        self.names.insert(key.clone(), id);
        let (since, active) = (now(), Instant::now());
        let speaker = Arc::new(Mutex::new(key.clone()));
        self.mutes.arrive(id, &key, &token, subject.as_ref(), since);
        let (away, digest) = (None, digest(&token));
        let person = Person {
            client,
            name,
            key,
            role,
            subject,
            speaker,
            token,
            digest,
            dialect,
            places,
            since,
            active,
            away,
        };
        let is_first = self.dialect(&person).welcomes_first();
        self.people.insert(id, person);
        if is_first {
            self.welcome(turn, id, room);
        }
        // A ban may have come between the gate and here.
        self.evict_banned(turn, id);
    }

    /// Somebody comes into the first room.
    pub(in crate::chat) fn enter(
        &mut self,
        turn: &mut Turn<'_>,
        who: ClientId,
        room: &RoomName,
        earlier: Earlier,
    ) {
        if let Err(problem) = self.come_in(turn, who, room, earlier) {
            return self.refuse(turn, who, problem, None);
        }
        if self.people.get(&who).is_some_and(|person| !self.dialect(person).welcomes_first()) {
            self.welcome(turn, who, room);
        }
        self.introduce(turn, who, room, earlier);
    }

    fn welcome(&self, turn: &mut Turn<'_>, who: ClientId, room: &RoomName) {
        let Some(person) = self.people.get(&who) else { return };
        let (name, session) = (person.name.to_string(), person.token.to_string());
        let role = person.role.shown();
        let (room, pos) = (room.to_string(), self.head(room));
        let event = Event::Welcome { name, session, room, pos, role };
        self.answer(turn, who, &event);
    }

    /// Somebody comes into a room, or speaks in one from now on.
    pub(in crate::chat) fn join(
        &mut self,
        turn: &mut Turn<'_>,
        who: ClientId,
        name: &RoomName,
        earlier: Earlier,
    ) -> Done {
        let person = self.person(who)?;
        if self.rooms.get(name).is_some_and(|room| room.people.contains(&who)) {
            return self.switch(turn, who, name);
        }
        let had_room = person.current_room().is_some();
        self.come_in(turn, who, name, earlier)?;
        self.introduce(turn, who, name, earlier);
        if had_room {
            self.tell_current(turn, who);
        }
        Ok(())
    }

    /// Whether this person can come into one more room.
    pub(in crate::chat) fn check_room(&self, who: ClientId, name: &RoomName) -> Done {
        let person = self.person(who)?;
        let places = person.places.lock();
        if places.contains(name) {
            return Err(Problem::new("already_in_room", format!("you are in {name} already")));
        }
        if places.len() >= MAX_ROOMS {
            return Err(Problem::new("too_many_rooms", format!("one can be in {MAX_ROOMS} rooms at most")));
        }
        self.check_lock(name, person.role, &person.token)
    }

    fn come_in(&mut self, turn: &mut Turn<'_>, who: ClientId, name: &RoomName, earlier: Earlier) -> Done {
        self.check_room(who, name)?;
        let client = self.person(who)?.client.clone();
        self.recent.open(name);
        self.tell_earlier(turn, who, name, earlier);
        let before = self.current_of(who);
        let new = || RoomState { hub_room: client.room(name), people: Default::default(), topic: None };
        let room = self.rooms.entry(name.clone()).or_insert_with(new);
        room.people.insert(who);
        if let Some(person) = self.people.get(&who) {
            person.places.lock().push(name.clone());
        }
        self.set_editions(turn, who, [before.as_ref(), Some(name)]);
        self.announce(
            turn,
            name,
            &Event::Joined { room: name.to_string(), name: self.person(who)?.name.to_string(), time: now() },
            who,
        );
        Ok(())
    }

    /// One who is in a room speaks there from now on, where the dialect knows of that.
    fn switch(&mut self, turn: &mut Turn<'_>, who: ClientId, name: &RoomName) -> Done {
        let person = self.person(who)?;
        if !self.dialect(person).has_current_room() {
            return Err(Problem::new("already_in_room", format!("you are in {name} already")));
        }
        let before = person.current_room();
        {
            let mut places = person.places.lock();
            places.retain(|place| place != name);
            places.push(name.clone());
        }
        self.set_editions(turn, who, [before.as_ref(), Some(name)]);
        self.tell_current(turn, who);
        Ok(())
    }

    pub(super) fn leave(&mut self, turn: &mut Turn<'_>, who: ClientId, room: &str) -> Done {
        let (name, room) = self.room_of(who, room)?;
        let hub_room = room.hub_room.clone();
        let person = self.person(who)?;
        let event = Event::Left { room: name.to_string(), name: person.name.to_string(), time: now() };
        let own = self.dialect(person).write(&event, Listener { is_own: true, is_aside: false });
        let (client, token) = (person.client.clone(), person.token.clone());
        if let Some(guests) = self.locks.get_mut(&name) {
            guests.remove(&token);
        }
        turn.leave(&hub_room, &client);
        self.drop_out(turn, who, &name, &event);
        if let Some(own) = own {
            turn.send(&client, own);
        }
        let now_in = self.current_of(who);
        self.set_editions(turn, who, [now_in.as_ref()]);
        self.tell_current(turn, who);
        Ok(())
    }

    /// Somebody has gone, and is in none of the hub's rooms any more.
    pub(in crate::chat) fn part(&mut self, turn: &mut Turn<'_>, who: ClientId) {
        let Some(person) = self.people.get(&who) else { return };
        let (name, key, token) = (person.name.to_string(), person.key.clone(), person.token.clone());
        let is_kept = self.dialect(person).welcomes_first();
        let places = person.places.lock().clone();
        for room in places {
            let event = Event::Left { room: room.to_string(), name: name.clone(), time: now() };
            self.drop_out(turn, who, &room, &event);
        }
        self.people.remove(&who);
        self.mutes.leave(who);
        // Under the same name somebody else, or the same again, may be here already.
        if self.names.get(&key) == Some(&who) {
            self.names.remove(&key);
        }
        let ignoring = self.sessions.get(&token).map(|session| session.ignoring.keys().cloned().collect());
        let ignoring: Vec<NameKey> = ignoring.unwrap_or_default();
        ignoring.iter().for_each(|ignored| self.hear_again(who, ignored));
        if !is_kept {
            self.sessions.forget(&token);
        }
    }

    fn drop_out(&mut self, turn: &mut Turn<'_>, who: ClientId, name: &RoomName, event: &Event) {
        if let Some(person) = self.people.get(&who) {
            person.places.lock().retain(|place| place != name);
        }
        let Some(room) = self.rooms.get_mut(name) else { return };
        let was_crowd = room.people.len() > self.announce_up_to;
        room.people.swap_remove(&who);
        if room.people.is_empty() {
            self.rooms.remove(name);
            self.recent.close(name);
        } else if was_crowd {
            self.note_crowd(name);
        } else {
            turn.broadcast_each(&self.rooms[name].hub_room, |edition| self.write(event, edition), &[]);
        }
    }

    /// Tells a room that somebody came; in a crowd only that one, and the others how many
    /// are here.
    fn announce(&mut self, turn: &mut Turn<'_>, name: &RoomName, event: &Event, who: ClientId) {
        let Some(room) = self.rooms.get(name) else { return };
        if room.people.len() > self.announce_up_to {
            self.tell(turn, who, event, Listener::default());
            self.note_crowd(name);
        } else {
            turn.broadcast_each(&room.hub_room, |edition| self.write(event, edition), &[]);
        }
    }

    fn note_crowd(&self, name: &RoomName) {
        if let Some(room) = self.rooms.get(name) {
            self.headcount.changed(room.hub_room.clone(), || self.tell_headcount.clone());
        }
    }

    /// What a newcomer has to know of a room.
    fn introduce(&self, turn: &mut Turn<'_>, who: ClientId, name: &RoomName, earlier: Earlier) {
        if let Some(topic) = self.rooms.get(name).and_then(|room| room.topic.as_ref()) {
            let (text, by, time) = (topic.text.clone(), Some(topic.by.clone()), Some(topic.time));
            self.answer(turn, who, &Event::Topic { room: name.to_string(), text, by, time });
        }
        let count = match earlier {
            Earlier::Usual => self.newcomers_history,
            Earlier::Latest(count) => count,
            Earlier::After(_) => 0,
        };
        if count > 0 && self.wants_history(who) {
            let history = self.latest_at_hand(who, name, count);
            self.answer(turn, who, &history);
        }
    }

    /// What was said in a room before, as if this client had been there: the latest, or
    /// all after a position.
    fn tell_earlier(&self, turn: &mut Turn<'_>, who: ClientId, name: &RoomName, earlier: Earlier) {
        let rest;
        let entries = match earlier {
            Earlier::Usual => return,
            // It comes as such, once the client is in.
            Earlier::Latest(_) if self.wants_history(who) => return,
            Earlier::After(place) => {
                rest = self.recent.after(name, place).unwrap_or_default();
                self.heard(who, &rest).collect::<Vec<_>>()
            }
            Earlier::Latest(count) => {
                let mut latest = self.heard(who, self.recent.latest(name).0).take(count).collect::<Vec<_>>();
                latest.reverse();
                latest
            }
        };
        for entry in entries {
            self.tell(turn, who, &entry.said.event, Listener::default());
        }
    }

    fn wants_history(&self, who: ClientId) -> bool {
        self.people.get(&who).is_some_and(|person| self.dialect(person).tells_history())
    }

    /// Whether this client ignores nobody.
    pub(in crate::chat) fn hears_all(&mut self, who: ClientId) -> bool {
        self.session_of(who).is_none_or(|session| session.ignoring.is_empty())
    }

    /// What of `entries` this client wants to hear.
    pub(in crate::chat) fn heard<'a>(
        &'a self,
        who: ClientId,
        entries: impl IntoIterator<Item = &'a Entry>,
    ) -> impl Iterator<Item = &'a Entry> {
        let is_heard = move |entry: &&Entry| {
            self.ignored_by.is_empty()
                || self.ignored_by.get(&*entry.from.lock()).is_none_or(|by| !by.contains(&who))
        };
        entries.into_iter().filter(is_heard)
    }

    fn current_of(&self, who: ClientId) -> Option<RoomName> {
        self.people.get(&who).and_then(Person::current_room)
    }

    /// Tells one who speaks in one room at a time which that is now, and who is there.
    fn tell_current(&self, turn: &mut Turn<'_>, who: ClientId) {
        let Some(person) = self.people.get(&who) else { return };
        if !self.dialect(person).has_current_room() {
            return;
        }
        if let Some(room) = person.current_room() {
            let event = self.present_event(&room);
            self.tell(turn, who, &event, Listener { is_own: true, is_aside: true });
        }
    }

    /// Has a person get in each of these rooms what belongs there now.
    fn set_editions<'a>(
        &self,
        turn: &mut Turn<'_>,
        who: ClientId,
        rooms: impl IntoIterator<Item = Option<&'a RoomName>>,
    ) {
        let Some(person) = self.people.get(&who) else { return };
        let has_current = self.dialect(person).has_current_room();
        let current = person.current_room();
        for name in rooms.into_iter().flatten() {
            let Some(room) = self.rooms.get(name).filter(|room| room.people.contains(&who)) else { continue };
            let is_aside = has_current && current.as_ref() != Some(name);
            let edition = Edition(person.dialect * 2 + u8::from(is_aside));
            turn.join_as(&room.hub_room, &person.client, edition);
        }
    }
}
