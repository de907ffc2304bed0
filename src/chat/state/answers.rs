//! Questions, and their answers.

use std::time::Duration;

use super::keeping::Unkept;
use super::{Done, Problem, State, now};
use crate::chat::identity::is_among;
use crate::chat::recent::Entry;
use crate::chat::{ChatStatistics, ClientInfo, Role, RoomName};
use crate::protocol::{Ask, Event, Inside, RoomInfo};
use crate::store::Position;
use crate::{Client, ClientId, Turn};

/// So many names or rooms at most are listed.
const MAX_LISTED: usize = 1000;
/// So many messages at most are in one answer, and so many bytes of text, but for the
/// first.
const MAX_HISTORY: usize = 100;
const MAX_HISTORY_BYTES: usize = 128 * 1024;

/// Which messages somebody asks for.
pub(in crate::chat) struct Asked {
    pub room: RoomName,
    pub before: Option<Position>,
    pub limit: usize,
}

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

    /// How much there is of everything.
    pub(in crate::chat) fn statistics(&self) -> ChatStatistics {
        // Not the store's numbers: it may have to wait for them.
        let (log_messages, log_bytes) = self.recent.size();
        let Unkept { refused, degraded, unsure } = self.unkept;
        ChatStatistics {
            people: self.people.len(),
            rooms: self.rooms.len(),
            sessions: self.sessions.len(),
            log_messages,
            log_bytes,
            refused,
            degraded,
            unsure,
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

    /// Which part of which room's history somebody asks for, who may.
    pub(in crate::chat) fn asked(
        &self,
        who: ClientId,
        room: &str,
        before: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Asked, Problem> {
        let (room, _) = self.room_of(who, room)?;
        let before = before.map(|before| self.position(before)).transpose()?;
        Ok(Asked { room, before, limit: limit.unwrap_or(MAX_HISTORY).clamp(1, MAX_HISTORY) })
    }

    /// The position that a client names.
    pub(super) fn position(&self, text: &str) -> Result<Position, Problem> {
        let unknown = || Problem::new("bad_position", "this position is not of this server's store");
        self.positions.parse(text).ok_or_else(unknown)
    }

    /// The history that is asked for, where enough of it is at hand.
    pub(in crate::chat) fn history_at_hand(&self, who: ClientId, asked: &Asked) -> Option<Event> {
        let (entries, has_earlier) = self.recent.latest(&asked.room);
        let is_asked = |entry: &&Entry| asked.before.is_none_or(|before| entry.position < before);
        let entries = self.heard(who, entries.filter(is_asked)).take(asked.limit + 1).collect::<Vec<_>>();
        let is_enough = !has_earlier || entries.len() > asked.limit;
        is_enough.then(|| self.history_of(&asked.room, entries, asked.limit, false))
    }

    /// The last messages of a room that are at hand.
    pub(super) fn latest_at_hand(&self, who: ClientId, room: &RoomName, limit: usize) -> Event {
        let (entries, has_earlier) = self.recent.latest(room);
        self.history_of(room, self.heard(who, entries), limit, has_earlier)
    }

    /// The first of `entries`, which are the latest first, up to the limits.
    pub(in crate::chat) fn history_of<'a>(
        &self,
        room: &RoomName,
        entries: impl IntoIterator<Item = &'a Entry>,
        limit: usize,
        has_earlier: bool,
    ) -> Event {
        let mut entries = entries.into_iter().peekable();
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
        let more = has_earlier || entries.peek().is_some();
        Event::History { room: room.to_string(), messages, more, pos: self.head(room) }
    }

    /// The position of the last that was shown in a room.
    pub(super) fn head(&self, room: &RoomName) -> String {
        self.positions.show(self.recent.head(room).unwrap_or_default())
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
