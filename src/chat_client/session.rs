//! Who this client is to the server, and what has to be restored on a new connection.
//! A value: what comes in changes it, and what is to go out comes from it.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use super::queue::{Entry, Kind, Next, Queue, frame};
use super::rooms::Rooms;
use super::{AskError, Backoff, Kept, NotKept, Receipt};
use crate::chat::RoomName;
use crate::protocol::{Ask, ChatMessage, Event, MAX_ID_CHARS};
use crate::{Error, Message, clock};

/// What is shorter is no secret, and may stand in any text.
const MIN_SECRET: usize = 8;
/// Tells the ids of the pings behind requests from others.
const PING: char = 'p';

pub(super) struct Session {
    pub name: String,
    pub rooms: Rooms,
    pub queue: Queue,
    /// The room to connect to where this client is in none.
    first_room: Option<String>,
    secret: Option<String>,
    away: Option<String>,
    ignoring: Vec<String>,
    /// What goes out before the queue on a new connection.
    prelude: VecDeque<Message>,
    /// The rooms that are joined again on this connection, by the id of the request.
    rejoining: HashMap<String, String>,
    /// The ping behind all that restores what was: until its pong, what comes of that
    /// is no news.
    restoring: Option<String>,
    /// The server was asked whom this client ignores, to tell it of those that it has forgotten.
    is_ignoring_asked: bool,
    /// The server knows another session than the one in which messages went out, and with
    /// it none of their ids: until all is restored none goes out again, for it may be
    /// among what was missed.
    is_stranger: bool,
    /// How many messages are still to come of those that were missed, by room; all of them
    /// will.
    missed: HashMap<String, usize>,
    /// How long to wait before a message is asked for again of which the server is unsure.
    backoff: Backoff,
    /// Where the first room's log was at the latest welcome.
    welcome_pos: String,
    /// What the ids of this client's own begin with.
    prefix: String,
    counter: u64,
}

/// The fields of a welcome.
pub(super) struct Welcome {
    pub name: String,
    pub session: String,
    pub room: String,
    pub pos: String,
}

impl Session {
    pub(super) fn new(name: String, first_room: Option<String>, backoff: Backoff) -> Self {
        let prefix = data_encoding::HEXLOWER.encode(&rand::random::<[u8; 8]>());
        Self {
            name,
            rooms: Rooms::default(),
            queue: Queue::default(),
            first_room,
            secret: None,
            away: None,
            ignoring: Vec::new(),
            prelude: VecDeque::new(),
            rejoining: HashMap::new(),
            restoring: None,
            is_ignoring_asked: false,
            is_stranger: false,
            missed: HashMap::new(),
            backoff,
            welcome_pos: String::new(),
            prefix: prefix + ".",
            counter: 0,
        }
    }

    /// What the query of the next connection says.
    pub(super) fn query(&self) -> [(&'static str, Option<&str>); 4] {
        let first = self.rooms.iter().next();
        let room = first.map(|(room, _)| room).or(self.first_room.as_deref());
        let since = first.and_then(|(_, pos)| pos);
        [("name", Some(&self.name)), ("room", room), ("session", self.secret.as_deref()), ("since", since)]
    }

    /// The same error without the session's secret, which was in the URL and which some
    /// servers repeat in their answers.
    pub(super) fn conceal(&self, error: Error) -> Error {
        let secret = self.secret.as_deref().filter(|secret| secret.len() >= MIN_SECRET);
        match (error, secret) {
            (Error::Refused(mut response), Some(secret)) => {
                let values = response.headers.iter_mut().map(|(_, value)| value);
                for text in values.chain([&mut response.body]) {
                    *text = text.replace(secret, "...");
                }
                Error::Refused(response)
            }
            (error, _) => error,
        }
    }

    pub(super) fn is_own_id(&self, id: &str) -> bool {
        id.starts_with(&self.prefix)
    }

    fn is_own_ping(&self, id: &str) -> bool {
        id.strip_prefix(&self.prefix).is_some_and(|rest| rest.starts_with(PING))
    }

    fn next_id(&mut self) -> String {
        self.counter += 1;
        format!("{}{}", self.prefix, self.counter)
    }

    fn next_ping(&mut self) -> String {
        self.counter += 1;
        format!("{}{PING}{}", self.prefix, self.counter)
    }

    pub(super) fn ask(&mut self, ask: Ask, id: Option<String>, is_online: bool) -> Result<Receipt, AskError> {
        let kind = Kind::of(&ask);
        if kind.needs_connection() && !is_online {
            return Err(AskError::Offline);
        }
        if id.as_ref().is_some_and(|id| id.chars().count() > MAX_ID_CHARS) {
            return Err(AskError::BadId);
        }
        let id = id.unwrap_or_else(|| self.next_id());
        let ping = self.next_ping();
        self.queue.push(Entry::new(ask, kind, &id, ping))
    }

    /// What is to be sent next; without a `now`, nothing is waited for but what was
    /// missed.
    pub(super) fn next(&mut self, now: Option<Instant>) -> Next {
        match self.prelude.pop_front() {
            Some(frame) => Next::Frames(vec![frame]),
            None if self.is_stranger => Next::Nothing,
            None => self.queue.next(now),
        }
    }

    /// What tells that there may be something to send that there was not before, or less to
    /// wait for: how many requests are not settled, and what holds them up.
    pub(super) fn pending(&self) -> (usize, bool, bool) {
        (self.queue.len(), self.queue.is_paused(), self.is_stranger)
    }

    /// Whether something waits until all is restored.
    pub(super) fn is_held(&self) -> bool {
        self.is_stranger && self.queue.len() > 0
    }

    pub(super) fn has_prelude(&self) -> bool {
        !self.prelude.is_empty()
    }

    /// A new connection stands; whether the server still knows this client.
    pub(super) fn welcome(&mut self, welcome: Welcome) -> bool {
        let Welcome { name, session, room, pos } = welcome;
        let is_first = self.secret.is_none();
        let is_same = self.secret.as_deref() == Some(&*session);
        (self.name, self.secret) = (name, Some(session));
        if is_first {
            self.rooms.enter(&room, Some(&pos));
        } else {
            self.restore(&room, is_same);
        }
        (self.first_room, self.welcome_pos) = (Some(room), pos);
        is_same
    }

    /// Asks for all that this client was, besides what the query says.
    fn restore(&mut self, first_room: &str, is_same: bool) {
        if !is_same {
            self.rooms.forget_latest();
            self.is_stranger = true;
        }
        if self.rooms.names().next().is_none() {
            // A connection begins in some room.
            self.restore_by(Ask::Leave { room: first_room.to_owned() });
        }
        let others = self.rooms.iter().filter(|(room, _)| *room != first_room);
        let others: Vec<_> = others.map(|(room, pos)| (room.to_owned(), pos.map(str::to_owned))).collect();
        for (room, since) in others {
            let id = self.restore_by(Ask::Join { room: room.clone(), since });
            self.rejoining.insert(id, room);
        }
        if let Some(text) = self.away.clone() {
            self.restore_by(Ask::Away { text });
        }
        // A server that was started again may know the session, and not them.
        self.is_ignoring_asked = is_same && !self.ignoring.is_empty();
        if self.is_ignoring_asked {
            self.restore_by(Ask::Ignore { name: None });
        }
        let ignoring = if is_same { Vec::new() } else { self.ignoring.clone() };
        self.ignore_again(ignoring);
    }

    /// Asks for the last that has to be restored.
    fn ignore_again(&mut self, names: Vec<String>) {
        for name in names {
            self.restore_by(Ask::Ignore { name: Some(name) });
        }
        let ping = self.next_ping();
        self.prelude.push_back(frame(Ask::Ping, &ping));
        self.restoring = Some(ping);
    }

    fn restore_by(&mut self, ask: Ask) -> String {
        let id = self.next_id();
        self.prelude.push_back(frame(ask, &id));
        id
    }

    /// The connection is lost.
    pub(super) fn lost(&mut self) {
        self.prelude.clear();
        self.rejoining.clear();
        self.missed.clear();
        self.restoring = None;
        let rooms = &self.rooms;
        // The rooms are joined again before anything else is asked.
        self.queue.rewind(|ask| match ask {
            Ask::Join { room, .. } => rooms.has(&key(room)),
            Ask::Leave { room } => !rooms.has(&key(room)),
            _ => false,
        });
    }

    /// Takes note of an event that came `now`; whether it is for the user, too.
    pub(super) fn hear(&mut self, event: &mut Event, now: Instant) -> bool {
        match event {
            Event::Message(message) => return self.hear_message(message),
            Event::Whisper { id: Some(id), .. } => {
                self.queue.answered(id, Ok(Kept { room: None, pos: None }));
            }
            Event::Ack { id, room, pos } => {
                self.queue.answered(id, Ok(Kept { room: room.clone(), pos: pos.clone() }));
            }
            Event::Pong { id: Some(id) } => return self.hear_pong(id),
            Event::Error { code, id: Some(id), .. } if self.is_unsure(code, id) => {
                let backoff = &self.backoff;
                return !self.queue.unsure(id, |times| clock::later(now, backoff.wait(times)));
            }
            Event::Error { code, reason, id: Some(id) } => self.hear_error(code, reason, id),
            Event::Joined { room, name, .. } if *name == self.name => {
                let is_return = self.restoring.is_some() && self.rooms.has(room);
                self.rooms.enter(room, None);
                return !is_return;
            }
            Event::Left { room, name, .. } if *name == self.name && self.restoring.is_none() => {
                self.rooms.remove(room);
            }
            Event::Renamed { from, name, .. } if *from == self.name => self.name.clone_from(name),
            Event::Away { name, text, .. } if *name == self.name => {
                self.away = Some(text.clone());
                return self.restoring.is_none();
            }
            Event::Back { name, .. } if *name == self.name => self.away = None,
            // While it is restored it is told in part.
            Event::Ignoring { names } if self.restoring.is_some() => {
                self.hear_ignoring(names);
                return false;
            }
            Event::Ignoring { names } => self.ignoring.clone_from(names),
            // Where it answers a newcomer to a room in which this client has heard nothing.
            Event::History { room, pos, .. } if self.rooms.has(room) && !pos.is_empty() => {
                self.rooms.enter(room, Some(pos));
            }
            Event::Resumed { room, complete, missed } => self.hear_resumed(room, *complete, *missed),
            _ => {}
        }
        true
    }

    /// Whether an error leaves open what becomes of a message. One that the store does not
    /// take a second time may be on its way since the first.
    fn is_unsure(&self, code: &str, id: &str) -> bool {
        code == "unsure" || (code == "not_kept" && self.queue.is_uncertain(id))
    }

    fn hear_message(&mut self, message: &mut ChatMessage) -> bool {
        let is_missed = self.missed.get_mut(&message.room).is_some_and(|missed| {
            let is_one = *missed > 0;
            *missed = missed.saturating_sub(1);
            is_one
        });
        if self.is_stranger && is_missed && message.from == self.name && message.id.is_none() {
            message.id = self.queue.recognize(message);
        }
        if let Some(id) = &message.id {
            let (room, pos) = (Some(message.room.clone()), Some(message.pos.clone()));
            let is_stored = !message.pos.is_empty();
            self.queue.answered(id, if is_stored { Ok(Kept { room, pos }) } else { Err(NotKept::Unstored) });
        }
        self.rooms.hear(message)
    }

    fn hear_pong(&mut self, id: &str) -> bool {
        if !self.is_own_ping(id) {
            self.queue.answered(id, Ok(Kept { room: None, pos: None }));
            return true;
        }
        if self.restoring.as_deref() == Some(id) {
            self.restoring = None;
            self.is_stranger = false;
        }
        match self.queue.passed(id) {
            Some(Ask::Join { room, since }) => self.rooms.enter(&key(&room), since.as_deref()),
            Some(Ask::Leave { room }) => self.rooms.remove(&key(&room)),
            Some(Ask::Away { text }) => self.away = Some(text),
            Some(Ask::Back) => self.away = None,
            _ => {}
        }
        false
    }

    /// The server tells whom it knows to be ignored, while that is restored.
    fn hear_ignoring(&mut self, known: &[String]) {
        if !std::mem::take(&mut self.is_ignoring_asked) {
            return;
        }
        let forgotten =
            self.ignoring.iter().filter(|name| !known.contains(name)).cloned().collect::<Vec<_>>();
        if !forgotten.is_empty() {
            self.ignore_again(forgotten);
        }
    }

    fn hear_error(&mut self, code: &str, reason: &str, id: &str) {
        self.queue.refused(id, code, reason);
        if let Some(room) = self.rejoining.remove(id) {
            self.rooms.remove(&room);
        }
    }

    fn hear_resumed(&mut self, room: &str, complete: bool, missed: usize) {
        if complete && self.rooms.has(room) {
            self.missed.insert(room.to_owned(), missed);
        }
        if !complete && missed == 0 {
            // The position may be another store's, which no message will replace. Of this
            // room nothing was said before that of the welcome.
            self.rooms.set_pos(room, &self.welcome_pos);
        }
    }
}

/// A room as events name it.
pub(super) fn key(room: &str) -> String {
    RoomName::parse(room).map_or_else(|_| room.to_owned(), |room| room.as_str().to_owned())
}
