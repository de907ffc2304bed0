//! Questions, and their answers.

use std::time::Duration;

use super::{Done, Problem, State, now};
use crate::chat::identity::is_among;
use crate::chat::{ChatStatistics, ClientInfo, Role, RoomName};
use crate::protocol::{Ask, ChatMessage, Event, Inside, RoomInfo};
use crate::{Client, ClientId, Turn};

/// So many names or rooms at most are listed.
const MAX_LISTED: usize = 1000;
/// So many messages at most are in one answer, and so many bytes of text, but for the
/// first.
const MAX_HISTORY: usize = 100;
const MAX_HISTORY_BYTES: usize = 128 * 1024;

impl State {
    /// What a question is answered with that need not be asked in the hub's turn, and
    /// whether it is about another room than the one that the asker speaks in.
    pub(in crate::chat) fn answer_to(&self, who: ClientId, ask: &Ask) -> Result<(Event, bool), Problem> {
        Ok(match ask {
            Ask::Who { room } => {
                let room = self.meant_room(who, room)?;
                let is_aside = self.person(who)?.current_room().as_ref() != Some(&room);
                (self.present_event(&room), is_aside)
            }
            Ask::History { room, before, limit } => {
                let (room, _) = self.room_of(who, room)?;
                let unknown = || Problem::new("bad_position", "this position is not of this server's store");
                let number = |before: &String| self.logs.number(before).ok_or_else(unknown);
                let before = before.as_ref().map(number).transpose()?;
                let limit = limit.unwrap_or(MAX_HISTORY).clamp(1, MAX_HISTORY);
                (self.history_event(who, &room, before, limit), false)
            }
            _ => (Event::Rooms { rooms: self.room_infos() }, false),
        })
    }

    /// Whether this asks who is in a room where comings and goings are not announced.
    pub(in crate::chat) fn is_crowd(&self, who: ClientId, ask: &Ask) -> bool {
        let Ask::Who { room } = ask else { return false };
        let room = self.meant_room(who, room).ok().and_then(|room| self.rooms.get(&room));
        room.is_some_and(|room| room.people.len() > self.announce_up_to)
    }

    pub(super) fn present_event(&self, room: &RoomName) -> Event {
        let mut people = self.people_in(room);
        let total = people.len();
        people.truncate(MAX_LISTED);
        let name = |person: &&super::Person| person.name.to_string();
        let away = people.iter().filter(|person| person.away.is_some()).map(name).collect();
        Event::Present { room: room.to_string(), names: people.iter().map(name).collect(), total, away }
    }

    /// The names of those who are in a room, in order.
    pub(in crate::chat) fn names_in(&self, room: &RoomName) -> Vec<String> {
        self.people_in(room).into_iter().map(|person| person.name.to_string()).collect()
    }

    /// Those who are in a room, in the order of their names.
    fn people_in(&self, room: &RoomName) -> Vec<&super::Person> {
        let ids = self.rooms.get(room).into_iter().flat_map(|room| &room.people);
        let mut people = ids.filter_map(|id| self.people.get(id)).collect::<Vec<_>>();
        people.sort_unstable_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
        people
    }

    /// The last messages of a room, the oldest first.
    pub(in crate::chat) fn latest(&self, room: &RoomName, limit: usize) -> Vec<ChatMessage> {
        let latest = self.logs.before(room, None).take(limit);
        let mut messages = latest.map(|entry| entry.message().clone()).collect::<Vec<_>>();
        messages.reverse();
        messages
    }

    /// How much there is of everything.
    pub(in crate::chat) fn statistics(&self) -> ChatStatistics {
        let (log_messages, log_bytes) = self.logs.size();
        ChatStatistics {
            people: self.people.len(),
            rooms: self.rooms.len(),
            sessions: self.sessions.len(),
            log_messages,
            log_bytes,
        }
    }

    /// The rooms that somebody is in, in order.
    pub(in crate::chat) fn room_infos(&self) -> Vec<RoomInfo> {
        let mut rooms = self.rooms.iter().collect::<Vec<_>>();
        rooms.sort_unstable_by_key(|(name, _)| *name);
        let info = |(name, room): (&RoomName, &super::RoomState)| {
            let topic = room.topic.as_ref().map_or_else(String::new, |topic| topic.text.clone());
            let locked = self.locks.contains_key(name);
            RoomInfo { room: name.to_string(), people: room.people.len(), topic, locked }
        };
        rooms.into_iter().take(MAX_LISTED).map(info).collect()
    }

    pub(super) fn history_event(
        &self,
        who: ClientId,
        room: &RoomName,
        before: Option<u64>,
        limit: usize,
    ) -> Event {
        let mut entries = self.heard(who, self.logs.before(room, before)).peekable();
        let (mut messages, mut bytes) = (Vec::new(), 0);
        while let Some(entry) = entries.peek() {
            bytes += entry.message().text.len();
            if messages.len() >= limit || (bytes > MAX_HISTORY_BYTES && !messages.is_empty()) {
                break;
            }
            messages.push(entry.message().clone());
            entries.next();
        }
        messages.reverse();
        Event::History {
            room: room.to_string(),
            messages,
            more: entries.peek().is_some(),
            pos: self.logs.head(),
        }
    }

    /// What is known of somebody, whose round-trip time was measured, with those of the
    /// rooms that the asker may know of.
    pub(in crate::chat) fn whois(
        &self,
        turn: &mut Turn<'_>,
        who: ClientId,
        name: &str,
        rtt: Option<Duration>,
        allowed: Option<&[RoomName]>,
    ) -> Done {
        let person = self.person_named(name)?;
        let places = person.places.lock();
        let mut rooms = places
            .iter()
            .filter(|room| is_among(allowed, room.as_str()))
            .map(RoomName::to_string)
            .collect::<Vec<_>>();
        drop(places);
        rooms.sort_unstable();
        let is_asked_inside = self.person(who)?.role == Role::Operator;
        let inside = if is_asked_inside { self.inside(person) } else { Inside::default() };
        let event = Event::Whois {
            name: person.name.to_string(),
            rooms,
            since: person.since,
            idle: person.active.elapsed().as_millis() as u64,
            rtt: rtt.map(|rtt| rtt.as_micros() as f64 / 1000.0),
            away: person.away.clone(),
            role: person.role.shown(),
            inside,
        };
        self.answer(turn, who, &event);
        Ok(())
    }

    /// All who are here, and their clients; the numbers are still to come.
    pub(in crate::chat) fn client_infos(&self) -> Vec<(Client, ClientInfo)> {
        let info = |person: &super::Person| {
            let mut rooms = person.places.lock().iter().map(RoomName::to_string).collect::<Vec<_>>();
            rooms.sort_unstable();
            let info = ClientInfo {
                id: person.client.id().value(),
                name: person.name.to_string(),
                role: person.role.shown(),
                rooms,
                since: person.since,
                idle: person.active.elapsed().as_millis() as u64,
                inside: self.inside(person),
                rtt: None,
                bytes_in: 0,
                bytes_out: 0,
                messages_in: 0,
                messages_out: 0,
                dropped: 0,
                queued_bytes: 0,
                queued_messages: 0,
            };
            (person.client.clone(), info)
        };
        self.people.values().map(info).collect()
    }

    /// What only operators are told of somebody.
    fn inside(&self, person: &super::Person) -> Inside {
        Inside {
            address: person.client.peer_addr().tcp().map(|addr| addr.ip().to_string()),
            subject: person.subject.as_deref().map(str::to_owned),
            muted: self.mutes.find(person.client.id(), now()).is_some(),
        }
    }
}
