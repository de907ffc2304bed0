//! What people say of themselves and of rooms: names, topics, being away, whom they do
//! not want to hear.

use super::{Done, Problem, State, Topic, now};
use crate::chat::sessions::MAX_IGNORED;
use crate::chat::{Name, NameKey};
use crate::protocol::Event;
use crate::{ClientId, Turn};

/// The longest topic, and the longest reason to be away.
const MAX_CHARS: usize = 200;

impl State {
    /// Somebody has another name, which was free.
    pub(in crate::chat) fn rename(&mut self, turn: &mut Turn<'_>, who: ClientId, name: Name) {
        let key = name.key();
        let Some(person) = self.people.get_mut(&who) else { return };
        let from = std::mem::replace(&mut person.name, name.clone()).to_string();
        let before = std::mem::replace(&mut person.key, key.clone());
        // What was said before is this person's still.
        person.speaker.lock().clone_from(&key);
        if self.names.get(&before) == Some(&who) {
            self.names.remove(&before);
        }
        self.names.insert(key.clone(), who);
        self.follow(who, &before, &key, &name);
        self.mutes.rename(who, &key);
        let event = Event::Renamed { from, name: name.to_string(), time: now() };
        let Some(person) = self.people.get(&who) else { return };
        self.tell_neighbours(turn, person, &event);
        // A ban of it may have come since it was asked for.
        self.evict_banned(turn, who);
    }

    /// Who ignores somebody does so under the new name, and no more under the old one,
    /// which may be another's soon. One does not ignore oneself.
    fn follow(&mut self, who: ClientId, before: &NameKey, after: &NameKey, name: &Name) {
        self.hear_again(who, after);
        if let Some(session) = self.session_of(who) {
            session.ignoring.remove(after);
        }
        if before == after {
            return;
        }
        let Some(by) = self.ignored_by.remove(before) else { return };
        for id in &by {
            if let Some(session) = self.session_of(*id) {
                session.ignoring.remove(before);
                session.ignoring.insert(after.clone(), name.to_string());
            }
        }
        self.ignored_by.entry(after.clone()).or_default().extend(by);
    }

    /// This client hears the holder of a name, as far as that goes.
    pub(super) fn hear_again(&mut self, who: ClientId, key: &NameKey) {
        if let Some(by) = self.ignored_by.get_mut(key) {
            by.remove(&who);
            if by.is_empty() {
                self.ignored_by.remove(key);
            }
        }
    }

    pub(super) fn topic(
        &mut self,
        turn: &mut Turn<'_>,
        who: ClientId,
        room: &str,
        text: Option<String>,
    ) -> Done {
        let (name, room) = self.room_of(who, room)?;
        let Some(text) = text else {
            let topic = room.topic.as_ref();
            let (by, time) = (topic.map(|topic| topic.by.clone()), topic.map(|topic| topic.time));
            let text = topic.map_or_else(String::new, |topic| topic.text.clone());
            self.answer(turn, who, &Event::Topic { room: name.to_string(), text, by, time });
            return Ok(());
        };
        let text = short(&text)?;
        self.check_voice(who)?;
        let (by, time) = (self.person(who)?.name.to_string(), now());
        let event = Event::Topic {
            room: name.to_string(),
            text: text.clone(),
            by: Some(by.clone()),
            time: Some(time),
        };
        if let Some(room) = self.rooms.get_mut(&name) {
            room.topic = (!text.is_empty()).then_some(Topic { text, by, time });
        }
        turn.broadcast_each(&self.rooms[&name].hub_room, |edition| self.write(&event, edition), &[]);
        Ok(())
    }

    pub(super) fn away(&mut self, turn: &mut Turn<'_>, who: ClientId, why: Option<String>) -> Done {
        let why = why.map(|why| short(&why)).transpose()?;
        if why.is_some() {
            self.check_voice(who)?;
        }
        let Some(person) = self.people.get_mut(&who) else { return Ok(()) };
        if person.away == why {
            let state = if why.is_some() { "away for that" } else { "not away" };
            return Err(Problem::new("bad_request", format!("you are {state} already")));
        }
        person.away.clone_from(&why);
        let (name, time) = (person.name.to_string(), now());
        let event = match why {
            Some(text) => Event::Away { name, text, time },
            None => Event::Back { name, time },
        };
        let person = self.person(who)?;
        self.tell_neighbours(turn, person, &event);
        Ok(())
    }

    pub(super) fn ignore(&mut self, turn: &mut Turn<'_>, who: ClientId, name: Option<&str>) -> Done {
        if let Some(name) = name {
            let name = parse_name(name)?;
            if name.key() == self.person(who)?.key {
                return Err(Problem::new("bad_name", "you cannot ignore yourself"));
            }
            let Some(session) = self.session_of(who) else { return Ok(()) };
            if session.ignoring.len() >= MAX_IGNORED {
                return Err(Problem::new(
                    "bad_request",
                    format!("one can ignore {MAX_IGNORED} people at most"),
                ));
            }
            session.ignoring.insert(name.key(), name.to_string());
            self.ignored_by.entry(name.key()).or_default().insert(who);
        }
        self.list_ignored(turn, who)
    }

    pub(super) fn unignore(&mut self, turn: &mut Turn<'_>, who: ClientId, name: &str) -> Done {
        let name = parse_name(name)?;
        let removed = self.session_of(who).and_then(|session| session.ignoring.remove(&name.key()));
        if removed.is_none() {
            return Err(Problem::new("no_such_name", format!("you do not ignore {name}")));
        }
        self.hear_again(who, &name.key());
        self.list_ignored(turn, who)
    }

    fn list_ignored(&mut self, turn: &mut Turn<'_>, who: ClientId) -> Done {
        let ignoring = self.session_of(who).map(|session| session.ignoring.values().cloned().collect());
        let mut names: Vec<String> = ignoring.unwrap_or_default();
        names.sort_unstable();
        self.answer(turn, who, &Event::Ignoring { names });
        Ok(())
    }
}

pub(super) fn short(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.chars().count() > MAX_CHARS {
        return Err(Problem::new("bad_request", format!("this is longer than {MAX_CHARS} characters")));
    }
    Ok(text.to_owned())
}

pub(in crate::chat) fn parse_name(name: &str) -> Result<Name, Problem> {
    Name::parse(name).map_err(|error| Problem::new("bad_name", format!("name not allowed: {error}")))
}
