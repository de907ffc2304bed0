//! Who is here, in which rooms, and what was said: the chat itself, without sockets
//! and without wording. Everything here happens in the hub's turn, one thing after the
//! other, so that all see it in one order.

mod answers;
mod coming;
mod keeping;
mod moderation;
mod rules;
mod searching;
mod settings;
mod talk;

pub(super) use answers::Asked;
pub(super) use coming::{Earlier, Newcomer};
use keeping::{Trouble, Unkept, Waiting};
pub(super) use moderation::Operator;
pub(super) use settings::parse_name;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use indexmap::IndexSet;
use parking_lot::Mutex;

use super::bans::Bans;
use super::dialect::{Dialect, Dialects, Listener};
use super::erasure::Deletions;
use super::headcount::{Headcount, Tell};
use super::mutes::Mutes;
use super::pending::OnItsWay;
use super::positions::Positions;
use super::recent::{Recent, Speaker};
use super::sessions::{Session, Sessions, Token};
use super::{ChatSettings, Name, NameKey, OnStoreFailure, Role, RoomName};
use crate::protocol::{Ask, Event, Request};
use crate::store::{Retention, Store, Ticket};
use crate::{Client, ClientId, Edition, Room, Turn};

/// The rooms that one person is in, the one joined last at the end. Shared with what
/// tells that person of a gap.
pub(super) type Places = Arc<Mutex<Vec<RoomName>>>;

pub(super) struct State {
    /// What was shown lately.
    pub recent: Recent,
    pub positions: Positions,
    store: Arc<dyn Store>,
    /// What the store has, and has not told what came of, in the order said.
    waiting: BTreeMap<Ticket, Waiting>,
    last_ticket: u64,
    /// The store is told at the end of this turn that it may write.
    is_commit_due: Arc<AtomicBool>,
    trouble: Option<Trouble>,
    unkept: Unkept,
    pub sessions: Sessions,
    pub bans: Bans,
    mutes: Mutes,
    /// Rooms that take no newcomers, with the sessions that may come back.
    locks: HashMap<RoomName, HashSet<Token>>,
    dialects: Dialects,
    people: HashMap<ClientId, Person>,
    names: HashMap<NameKey, ClientId>,
    rooms: HashMap<RoomName, RoomState>,
    /// Who does not want to hear the holder of a name.
    ignored_by: HashMap<NameKey, HashSet<ClientId>>,
    announce_up_to: usize,
    newcomers_history: usize,
    on_store_failure: OnStoreFailure,
    headcount: Headcount,
    tell_headcount: Tell,
    deletions: Deletions,
}

struct Person {
    client: Client,
    name: Name,
    key: NameKey,
    role: Role,
    subject: Option<Arc<str>>,
    speaker: Speaker,
    token: Token,
    /// Tells the session from others without telling it.
    digest: [u8; 16],
    dialect: u8,
    places: Places,
    since: u64,
    active: Instant,
    away: Option<String>,
}

struct RoomState {
    hub_room: Room,
    people: IndexSet<ClientId>,
    topic: Option<Topic>,
}

struct Topic {
    text: String,
    by: String,
    time: u64,
}

/// What a chat begins with.
pub(super) struct Setup {
    pub store: Arc<dyn Store>,
    pub settings: ChatSettings,
    pub bans: Bans,
    pub dialects: Dialects,
    pub headcount: Headcount,
    pub tell_headcount: Tell,
}

/// Why something that was asked for is not done: a code for programs, as
/// [`chinwag.v1`](crate::protocol) lists them, and words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    code: &'static str,
    reason: String,
}

pub(super) type Done = Result<(), Problem>;

impl State {
    pub(super) fn new(setup: Setup) -> Self {
        let Setup { store, settings, bans, dialects, headcount, tell_headcount } = setup;
        Self {
            recent: Recent::new(settings.retention()),
            positions: Positions::of(store.epoch()),
            store,
            waiting: BTreeMap::new(),
            last_ticket: 0,
            is_commit_due: Arc::default(),
            trouble: None,
            unkept: Unkept::default(),
            sessions: Sessions::default(),
            bans,
            mutes: Mutes::default(),
            locks: HashMap::new(),
            dialects,
            people: HashMap::new(),
            names: HashMap::new(),
            rooms: HashMap::new(),
            ignored_by: HashMap::new(),
            announce_up_to: settings.announce_up_to,
            newcomers_history: settings.history,
            on_store_failure: settings.on_store_failure,
            headcount,
            tell_headcount,
            deletions: Deletions::default(),
        }
    }

    pub(super) fn settings(&self) -> ChatSettings {
        let Retention { messages, bytes, age } = self.recent.retention();
        ChatSettings {
            announce_up_to: self.announce_up_to,
            history: self.newcomers_history,
            retention_messages: messages,
            retention_bytes: bytes,
            retention_age: age,
            on_store_failure: self.on_store_failure,
        }
    }

    pub(super) fn set(&mut self, settings: &ChatSettings) {
        self.announce_up_to = settings.announce_up_to;
        self.newcomers_history = settings.history.min(100);
        self.recent.set_retention(settings.retention());
        self.on_store_failure = settings.on_store_failure;
    }

    /// Does what a client asks, and answers it. What is said may be settled later, until when
    /// it is on its way.
    pub(super) fn perform(
        &mut self,
        turn: &mut Turn<'_>,
        who: ClientId,
        request: Request,
        on_its_way: Option<OnItsWay>,
    ) {
        self.note_active(who);
        let Request { ask, id } = request;
        let done = match ask {
            Ask::Say { room, text, action } => {
                self.say(turn, who, &room, text, action, id.as_deref(), on_its_way)
            }
            ask => self.attempt(turn, who, ask, id.as_deref()),
        };
        if let Err(problem) = done {
            self.refuse(turn, who, problem, id);
        }
    }

    /// Tells a client that its request was not done.
    pub(super) fn refuse(&self, turn: &mut Turn<'_>, who: ClientId, problem: Problem, id: Option<String>) {
        let Problem { code, reason } = problem;
        self.answer(turn, who, &Event::Error { code: code.to_owned(), reason, id });
    }

    fn attempt(&mut self, turn: &mut Turn<'_>, who: ClientId, ask: Ask, id: Option<&str>) -> Done {
        match ask {
            Ask::Whisper { to, text, action } => self.whisper(turn, who, &to, text, action, id),
            Ask::Join { room, .. } => self.join(turn, who, &parse_room(&room)?, Earlier::Usual),
            Ask::Leave { room } => self.leave(turn, who, &room),
            Ask::Topic { room, text } => self.topic(turn, who, &room, text),
            Ask::Away { text } => self.away(turn, who, Some(text)),
            Ask::Back => self.away(turn, who, None),
            Ask::Ignore { name } => self.ignore(turn, who, name.as_deref()),
            Ask::Unignore { name } => self.unignore(turn, who, &name),
            Ask::Ping => {
                self.answer(turn, who, &Event::Pong { id: id.map(str::to_owned) });
                Ok(())
            }
            ask @ Ask::Who { .. } => {
                let (event, is_aside) = self.answer_to(who, &ask)?;
                self.tell(turn, who, &event, Listener { is_own: true, is_aside });
                Ok(())
            }
            // These are not for the hub's turn, or not at once.
            Ask::Say { .. }
            | Ask::Rooms
            | Ask::History { .. }
            | Ask::Search { .. }
            | Ask::Nick { .. }
            | Ask::Whois { .. }
            | Ask::Erase { .. } => Ok(()),
            order => {
                self.order(turn, Operator::Here(who), order)?;
                Ok(())
            }
        }
    }

    /// Tells one client something that it asked for.
    fn answer(&self, turn: &mut Turn<'_>, who: ClientId, event: &Event) {
        self.tell(turn, who, event, Listener { is_own: true, is_aside: false });
    }

    fn tell(&self, turn: &mut Turn<'_>, who: ClientId, event: &Event, listener: Listener) {
        if let Some(person) = self.people.get(&who)
            && let Some(message) = self.dialect(person).write(event, listener)
        {
            turn.send(&person.client, message);
        }
    }

    /// Tells everybody who shares a room with this person, and the person itself, once.
    /// Crowds are not told, as they are not told of comings and goings.
    fn tell_neighbours(&self, turn: &mut Turn<'_>, person: &Person, event: &Event) {
        let rooms = self.rooms_around(person);
        let rooms = rooms.into_iter().map(|room| room.hub_room.clone()).collect::<Vec<_>>();
        match &*rooms {
            [] => self.answer(turn, person.client.id(), event),
            [room] => turn.broadcast_each(room, |edition| self.write(event, edition), &[]),
            rooms => turn.broadcast_each_to(rooms, |edition| self.write(event, edition)),
        }
    }

    /// The rooms of a person where comings and goings are told.
    fn rooms_around(&self, person: &Person) -> Vec<&RoomState> {
        let places = person.places.lock();
        let rooms = places.iter().filter_map(|place| self.rooms.get(place));
        rooms.filter(|room| room.people.len() <= self.announce_up_to).collect()
    }

    /// What the members of an edition are told.
    fn write(&self, event: &Event, Edition(edition): Edition) -> Option<crate::Message> {
        let listener = Listener { is_aside: edition % 2 == 1, is_own: false };
        self.dialects.get(edition / 2).write(event, listener)
    }

    fn dialect(&self, person: &Person) -> &dyn Dialect {
        &**self.dialects.get(person.dialect)
    }

    /// How many people are in a room.
    fn headcount_event(&self, room: &str) -> Option<(Event, Room)> {
        let state = self.rooms.get(room)?;
        let event = Event::Headcount { room: room.to_string(), people: state.people.len() };
        Some((event, state.hub_room.clone()))
    }

    /// Tells a room how many are in it.
    pub(super) fn tell_headcount(&self, turn: &mut Turn<'_>, room: &str) {
        if let Some((event, hub_room)) = self.headcount_event(room) {
            turn.broadcast_each(&hub_room, |edition| self.write(&event, edition), &[]);
        }
    }

    fn person(&self, who: ClientId) -> Result<&Person, Problem> {
        self.people.get(&who).ok_or_else(|| Problem::new("bad_request", "you are not here any more"))
    }

    /// The holder of a name, under whatever look-alike it is asked for.
    fn person_named(&self, name: &str) -> Result<&Person, Problem> {
        let key = Name::parse(name).ok().map(|name| name.key());
        let id = key.and_then(|key| self.names.get(&key));
        id.and_then(|id| self.people.get(id)).ok_or_else(|| {
            let name = crate::Escaped::new(name).cut(Name::MAX_CHARS).to_string();
            Problem::new("no_such_name", format!("{name} is not here"))
        })
    }

    /// A room that this person is in.
    fn room_of(&self, who: ClientId, room: &str) -> Result<(RoomName, &RoomState), Problem> {
        let name = self.meant_room(who, room)?;
        match self.rooms.get(&name) {
            Some(state) if state.people.contains(&who) => Ok((name, state)),
            _ => Err(Problem::new("not_in_room", format!("you are not in {name}"))),
        }
    }

    /// The room that a request names; none is the one that this person speaks in.
    fn meant_room(&self, who: ClientId, room: &str) -> Result<RoomName, Problem> {
        let person = self.person(who)?;
        if !room.is_empty() || !self.dialect(person).has_current_room() {
            return parse_room(room);
        }
        let in_none = || Problem::new("not_in_room", "you are in no room; /join ROOM comes into one");
        person.current_room().ok_or_else(in_none)
    }

    /// The person's client, for what takes longer than a turn.
    pub(super) fn client_named(&self, name: &str) -> Result<Client, Problem> {
        self.person_named(name).map(|person| person.client.clone())
    }

    /// What the one is called now who whispered to this person last, while here.
    pub(super) fn whisperer(&mut self, token: &Token) -> Option<String> {
        let id = self.sessions.get(token)?.whisperer?;
        Some(self.people.get(&id)?.name.to_string())
    }

    fn session_of(&mut self, who: ClientId) -> Option<&mut Session> {
        self.sessions.get(&self.people.get(&who)?.token)
    }

    /// This person does something.
    pub(super) fn note_active(&mut self, who: ClientId) {
        if let Some(person) = self.people.get_mut(&who) {
            person.active = Instant::now();
        }
    }
}

impl Person {
    fn current_room(&self) -> Option<RoomName> {
        self.places.lock().last().cloned()
    }
}

impl Problem {
    pub(crate) fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// What programs tell it by, such as `forbidden`.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The words for people. May hold a peer's: show them through
    /// [`Escaped`](crate::Escaped).
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Problem {}

pub(super) fn parse_room(room: &str) -> Result<RoomName, Problem> {
    RoomName::parse(room).map_err(|error| Problem::new("bad_room", error.to_string()))
}

/// Milliseconds since 1970, UTC.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
