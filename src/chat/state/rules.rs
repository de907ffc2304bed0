//! What operators have said holds: who is out, who may talk, who comes into which room.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Done, Person, Problem, State, now};
use crate::chat::bans::{Target, terms};
use crate::chat::sessions::Token;
use crate::chat::{NameKey, Role, RoomName};
use crate::{ClientId, CloseCode, Turn};

/// One whose connection is to be ended.
pub(super) struct Leaving {
    pub who: ClientId,
    /// Why, as the close says it.
    pub words: String,
    /// The session that is over, too: nobody comes back in it under another name.
    pub session: Option<Token>,
}

impl State {
    /// Ends the connections of people who are out from here on, whatever they still send.
    /// In three rounds, for what ends a batch comes once then, however many they are.
    pub(super) fn evict(&mut self, turn: &mut Turn<'_>, all: Vec<Leaving>) {
        let client = |leaving: Leaving| Some((self.people.get(&leaving.who)?.client.clone(), leaving));
        let all = all.into_iter().filter_map(client).collect::<Vec<_>>();
        for (client, _) in &all {
            let Some(person) = self.people.get(&client.id()) else { continue };
            for room in person.places.lock().iter().filter_map(|place| self.rooms.get(place)) {
                turn.leave(&room.hub_room, client);
            }
        }
        for (client, leaving) in &all {
            turn.close(client, CloseCode::POLICY, &leaving.words);
        }
        for (client, leaving) in all {
            self.part(turn, client.id());
            leaving.session.iter().for_each(|session| self.sessions.forget(session));
        }
    }

    /// The same for one on whom a ban is.
    pub(super) fn evict_banned(&mut self, turn: &mut Turn<'_>, who: ClientId) {
        if let Some(leaving) = self.ban_on(who) {
            self.evict(turn, vec![leaving]);
        }
    }

    /// How one who is here has to leave, where a ban is on that one.
    pub(super) fn ban_on(&self, who: ClientId) -> Option<Leaving> {
        let person = self.people.get(&who)?;
        let addr = person.client.peer_addr().tcp().map(|addr| addr.ip());
        let words = self.check_ban(Some(&person.key), addr, person.subject.as_ref()).err()?.reason;
        Some(Leaving { who, words, session: Some(person.token.clone()) })
    }

    /// Whether somebody may come in, or be called that.
    pub(in crate::chat) fn check_ban(
        &self,
        name: Option<&NameKey>,
        addr: Option<IpAddr>,
        subject: Option<&Arc<str>>,
    ) -> Done {
        let Some(ban) = self.bans.find(name, addr, subject, now()) else { return Ok(()) };
        let what = match ban.who.split_once(':') {
            Some(("name", name)) => format!("the name {name} is"),
            Some(("address", _)) => "your address is".to_owned(),
            _ => "you are".to_owned(),
        };
        Err(Problem::new("banned", format!("{what} banned{}", terms(ban.until, &ban.reason))))
    }

    /// Whether this person may take another name.
    pub(in crate::chat) fn check_rename(&self, who: ClientId, name: &NameKey) -> Done {
        self.check_voice(who)?;
        self.check_ban(Some(name), None, None)
    }

    /// Whether this person may talk.
    pub(super) fn check_voice(&self, who: ClientId) -> Done {
        let Some(mute) = self.mutes.find(who, now()) else { return Ok(()) };
        Err(Problem::new("muted", format!("you are muted{}", terms(mute.until, &mute.reason))))
    }

    /// Whether one with this role and session may come into a room.
    pub(in crate::chat) fn check_lock(&self, room: &RoomName, role: Role, session: &Token) -> Done {
        match self.locks.get(room) {
            Some(guests) if role != Role::Operator && !guests.contains(session) => {
                Err(Problem::new("locked", format!("{room} takes no newcomers at the moment")))
            }
            _ => Ok(()),
        }
    }

    /// The locked rooms that nobody is in.
    pub(in crate::chat) fn locked_empty_rooms(&self) -> Vec<String> {
        let empty = self.locks.keys().filter(|room| !self.rooms.contains_key(*room));
        let mut empty = empty.map(RoomName::to_string).collect::<Vec<_>>();
        empty.sort_unstable();
        empty
    }
}

impl Person {
    pub(super) fn is_meant(&self, target: &Target) -> bool {
        match target {
            Target::Name(key) => self.key == *key,
            Target::Subject(subject) => self.subject.as_ref() == Some(subject),
            Target::Network(_) => {
                self.client.peer_addr().tcp().is_some_and(|addr| target.has_address(addr.ip()))
            }
        }
    }
}
