//! A ready-made chat: rooms, people, what was said, and who may be called what.
//! Clients speak the text of 2012, byte for byte as in the article, or
//! [`chinwag.v1`](crate::protocol); both hear each other. Written on this crate's
//! public API alone.
//!
//! ```
//! use chinwag::{Server, chat::Chat};
//!
//! let server = Server::builder().paths(Chat::PATHS).handler(Chat::new().gate()).start()?;
//! let mut john = server.connect_memory("/?name=John")?;
//! assert_eq!(john.recv()?.as_text(), Some("John joined."));
//! assert_eq!(john.recv()?.as_text(), Some("Welcome John."));
//! john.send("hi")?;
//! assert_eq!(john.recv()?.as_text(), Some("John says: hi"));
//! # Ok::<(), chinwag::Error>(())
//! ```
//!
//! Rooms come into being when somebody joins, and go when nobody is left; what was said
//! in them is kept a while longer. One client can be in several. Another chat, or a
//! game's lobby, comes of the same with a [`Dialect`] of its own.

mod bans;
mod builder;
mod client_info;
mod dialect;
mod erasure;
mod headcount;
mod identity;
mod looking_back;
mod member;
mod mutes;
mod name;
mod pending;
mod permit;
mod positions;
mod recent;
mod resume;
mod roll;
mod room_name;
mod search;
mod sessions;
mod settings;
mod state;
mod statistics;
mod tail;

pub use builder::ChatBuilder;
pub use client_info::ClientInfo;
pub use dialect::{Dialect, Json, Listener, Reading, Speaker, Text};
pub use identity::{Identity, Role, RoleError};
pub use member::Member;
pub use name::{Name, NameError, NameKey};
pub use permit::Permit;
pub use room_name::{RoomName, RoomNameError};
pub use settings::{ChatSettings, OnStoreFailure};
pub use state::Problem;
pub use statistics::ChatStatistics;

use std::sync::{Arc, OnceLock};

use crossbeam_channel::bounded;
use parking_lot::Mutex;

use crate::protocol::{Ask, ChatMessage, Event, RoomInfo};
use crate::store::{Store, StoreError};
use crate::{Acceptance, CloseCode, Handler, Hub, Refusal, Request, Response};
use bans::BansFile;
use dialect::{Dialects, Listener as To};
use identity::{Authenticate, other_name};
use member::Lease;
use roll::{Claim, Roll};
use search::Turnstile;
use sessions::Token;
use state::{Operator, State};

/// The room of who asks for none.
const LOBBY: &str = "lobby";

/// The chat: who is here, and its rules.
///
/// The query of a newcomer names it (`/?name=John`) and perhaps a room; see [`Name`] and
/// [`RoomName`] for what is allowed, and [`protocol`](crate::protocol) for more that a
/// query may have. A name that is taken is refused with 409, unless its holder does not
/// answer a ping within 2 s, or is the same client come back. With `history=N` a client
/// hears the last N messages of its room, 100 at most: in text mode before it joins, as
/// the lines that they were.
///
/// A chat belongs to one server; its clones are the same chat.
#[derive(Clone)]
pub struct Chat {
    shared: Arc<Shared>,
}

struct Shared {
    roll: Arc<Roll>,
    /// Locked in the hub's turn, and elsewhere for a few lines at a time.
    state: Mutex<State>,
    store: Arc<dyn Store>,
    /// The store has this chat's tail.
    begun: OnceLock<()>,
    /// Held while somebody who comes back is sent a portion of what was missed.
    portions: Mutex<()>,
    dialects: Dialects,
    authenticate: Option<Authenticate>,
    bans_file: Option<BansFile>,
    searches: Turnstile,
}

impl Shared {
    /// Has the file of bans hold what is in force. Not for the hub's turn: it writes.
    fn keep_bans(&self) -> Result<(), Problem> {
        let Some(file) = &self.bans_file else { return Ok(()) };
        let latest = || {
            let bans = &self.state.lock().bans;
            (bans.version(), bans.list(state::now()))
        };
        file.save(latest).map_err(|error| {
            let path = file.path().display();
            ::log::error!("failed to write the bans to {path}: {error}; they hold until the server ends");
            Problem::new("not_kept", format!("it holds until the server ends, and is not kept: {error}"))
        })
    }
}

impl Chat {
    /// The paths that the chat is found at; the last is that of the article.
    pub const PATHS: [&'static str; 3] = ["/", "/ws", "/WebSockets/api/websockets"];
    /// People up to which comings and goings are announced.
    pub const ANNOUNCE_UP_TO: usize = 1000;

    /// A chat as it is without options.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Options.
    pub fn builder() -> ChatBuilder {
        ChatBuilder::new()
    }

    /// Lets newcomers in, for [`ServerBuilder::handler`](crate::ServerBuilder::handler).
    /// May wait some 8 s where a name's holder does not answer.
    pub fn gate(&self) -> impl Fn(&Request) -> Result<Acceptance, Refusal> + Send + Sync + 'static {
        let chat = self.clone();
        move |request| chat.admit(request, |member| member)
    }

    /// Lets one newcomer in, for a gate of an application's own: `handler` makes a handler
    /// of the [`Member`], which is one itself. The name is held until that is dropped.
    ///
    /// # Errors
    ///
    /// A refusal that says what is wrong: 400, 403 for what the newcomer's [`Identity`] does
    /// not allow, 409 for a name that is taken, or what
    /// [`authenticate`](ChatBuilder::authenticate) refused with.
    pub fn admit<H: Handler + 'static>(
        &self,
        request: &Request,
        handler: impl FnOnce(Member) -> H,
    ) -> Result<Acceptance, Refusal> {
        let member = self.admission(request)?.member(&self.shared);
        ::log::info!("{} is {}", request.peer_addr(), member.described());
        let (dialect, places) = (self.shared.dialects.get(member.dialect).clone(), member.places.clone());
        let (_, subprotocol) = self.shared.dialects.choose(request.subprotocols());
        let acceptance = Acceptance::new(handler(member));
        let Some(subprotocol) = subprotocol else { return Ok(acceptance) };
        Ok(acceptance.subprotocol(subprotocol).gap_notice(move |dropped| {
            let rooms = places.lock().iter().map(RoomName::to_string).collect::<Vec<_>>();
            let room = rooms.last().cloned().unwrap_or_default();
            dialect.write(&Event::Gap { room, dropped, rooms }, To::default())
        }))
    }

    fn admission(&self, request: &Request) -> Result<Admission, Refusal> {
        let addr = request.peer_addr().tcp().map(|addr| addr.ip());
        // Before a credential is looked at, which may take a while.
        self.shared.state.lock().check_ban(None, addr, None)?;
        let identity = self.identify(request)?;
        let subject = identity.subject.as_deref().map(Arc::from);
        let name = identity
            .name
            .clone()
            .or_else(|| request.query("name"))
            .ok_or_else(|| Refusal::bad_request("a name is needed in the query, such as /?name=John"))?;
        let name =
            Name::parse(&name).map_err(|error| Refusal::bad_request(format!("name not allowed: {error}")))?;
        let parse_room = |room: &str| {
            RoomName::parse(room).map_err(|error| Refusal::bad_request(format!("room not allowed: {error}")))
        };
        let asked = request.query("room").filter(|room| !room.is_empty());
        let asked = asked.as_deref().map(parse_room).transpose()?;
        let room = identity.first_room(asked, parse_room(LOBBY)?)?;
        let history = match request.query("history").map(|history| history.parse::<usize>()) {
            None => None,
            Some(Ok(history)) => Some(history.min(100)),
            Some(Err(_)) => return Err(Refusal::bad_request("history must be a number of messages")),
        };
        let (dialect, _) = self.shared.dialects.choose(request.subprotocols());
        let session = {
            let state = self.shared.state.lock();
            state.check_ban(Some(&name.key()), None, subject.as_ref())?;
            let token = request.query("session");
            let token = state.sessions.find(token.as_deref(), self.shared.store.outlives_process());
            state.check_lock(&room, identity.role, &token)?;
            token
        };
        let claim = self.shared.roll.claim(name, &session)?;
        let since = request.query("since");
        Ok(Admission { identity, subject, claim, session, dialect, room, since, history })
    }

    /// Who a newcomer is; anybody, where nobody asks.
    fn identify(&self, request: &Request) -> Result<Identity, Refusal> {
        let Some(authenticate) = &self.shared.authenticate else { return Ok(Identity::default()) };
        let identity = authenticate(request)?;
        let is_other = |name: &str| request.query("name").is_some_and(|asked| !is_same_name(name, &asked));
        match &identity.name {
            Some(name) if is_other(name) => Err(Refusal::forbidden(other_name(name))),
            _ => Ok(identity),
        }
    }

    /// Answers what a page asks with a plain GET on `/ws` that has a name in its query:
    /// whether that could come in, for a browser does not tell why its WebSocket was
    /// refused. For
    /// [`ServerBuilder::http`](crate::ServerBuilder::http). Answers 204, or what the
    /// gate would.
    pub fn check(&self, request: &Request) -> Option<Response> {
        let is_meant = request.path() == "/ws" && request.query("name").is_some();
        // The claim is given back at once, and the session left alone.
        is_meant.then(|| self.admission(request).map_or_else(Response::from, |_| Response::new(204)))
    }

    /// The rooms that somebody is in, in order.
    pub fn rooms(&self) -> Vec<RoomInfo> {
        self.shared.state.lock().room_infos()
    }

    /// The rooms that take no newcomers and that nobody is in, in order.
    pub fn locked_empty_rooms(&self) -> Vec<String> {
        self.shared.state.lock().locked_empty_rooms()
    }

    /// The names of those who are in a room, in order.
    pub fn present(&self, room: &RoomName) -> Vec<String> {
        self.shared.state.lock().names_in(room)
    }

    /// The last messages of a room, the oldest first, at most `limit`. Waits for the store.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read.
    pub fn history(&self, room: &RoomName, limit: usize) -> Result<Vec<ChatMessage>, StoreError> {
        self.shared.latest(room, limit)
    }

    /// Why what is said is not kept now, in words for an operator; none where it is. What
    /// becomes of it meanwhile, [`OnStoreFailure`] says.
    pub fn store_trouble(&self) -> Option<String> {
        let trouble = self.shared.state.lock().trouble().map(str::to_owned);
        trouble.or_else(|| self.shared.store.health().err().map(|error| error.to_string()))
    }

    /// Does what an operator says who is not in the chat: kicks, bans, mutes, locks and so
    /// on, in the name of `by`. Returns what the operator is told: [`Event::Moderated`],
    /// [`Event::Bans`], [`Event::Notice`] or [`Event::Erased`].
    ///
    /// Waits for the hub, where bans are [kept](ChatBuilder::bans_file) for the disk, and for
    /// the store where that is to delete something; not to be called inside
    /// [`Hub::atomically`].
    ///
    /// ```
    /// use chinwag::protocol::Ask;
    /// use chinwag::{Server, chat::Chat};
    ///
    /// let chat = Chat::new();
    /// let server = Server::builder().handler(chat.gate()).start()?;
    /// let (who, reason) = ("Eve".to_owned(), "spam".to_owned());
    /// chat.moderate(server.hub(), "the night watch", Ask::Ban { who, lasting: None, reason }).unwrap();
    /// let error = server.connect_memory("/?name=eve").unwrap_err();
    /// assert!(error.to_string().ends_with("403: the name Eve is banned: spam"));
    /// # Ok::<(), chinwag::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Why it was not done. A ban that is in force and could not be written to its file is
    /// `not_kept`; `unavailable` is a store that could not delete.
    pub fn moderate(&self, hub: &Hub, by: impl Into<String>, order: Ask) -> Result<Event, Problem> {
        if matches!(order, Ask::Erase { .. }) {
            return self.erase(hub, &by.into(), &order);
        }
        let (answer_tx, answer_rx) = bounded(1);
        let (shared, operator) = (self.shared.clone(), Operator::Elsewhere(by.into()));
        hub.atomically(move |turn| {
            // Nobody waits any more where the asker has panicked.
            let _ = answer_tx.send(shared.state.lock().order(turn, operator, order));
        });
        let answer = answer_rx.recv().map_err(|_| Problem::new("stopped", "the server has stopped"))??;
        self.shared.keep_bans()?;
        Ok(answer)
    }

    /// Tells everyone that the server stops or restarts, for
    /// [`ServerBuilder::on_shutdown`](crate::ServerBuilder::on_shutdown).
    pub fn farewell(&self) -> impl FnOnce(&Hub, CloseCode) + Send + 'static {
        let chat = self.clone();
        move |hub, code| {
            let text = match code {
                CloseCode::RESTART => "the server restarts and is back in a moment",
                _ => "the server is going away",
            };
            chat.notice(hub, text);
        }
    }

    /// Has the store begin its work for the server that this hub is of. The first who comes in
    /// has it begin anyway; before that nothing gets too old in it, and what is wrong with it
    /// may not show.
    pub fn begin(&self, hub: &Hub) {
        self.shared.begin(hub);
    }

    /// Where what is said is kept.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.shared.store
    }

    /// What is announced and kept, as it is now.
    pub fn settings(&self) -> ChatSettings {
        self.shared.state.lock().settings()
    }

    /// Changes that while people are here. `change` must not ask or tell the chat itself.
    pub fn change_settings(&self, change: impl FnOnce(&mut ChatSettings)) {
        let mut state = self.shared.state.lock();
        let mut settings = state.settings();
        let before = settings.retention();
        change(&mut settings);
        state.set(&settings);
        drop(state);
        if settings.retention() != before {
            self.shared.store.set_retention(settings.retention());
        }
    }

    /// Tells everyone something in the server's name.
    pub fn notice(&self, hub: &Hub, text: impl Into<String>) {
        let (shared, event) = (self.shared.clone(), Event::Notice { text: text.into() });
        hub.atomically(move |turn| shared.state.lock().notify(turn, &event));
    }
}

/// Somebody may come in: the name is held for that one, the session not yet.
struct Admission {
    identity: Identity,
    subject: Option<Arc<str>>,
    claim: Claim,
    session: Token,
    dialect: u8,
    room: RoomName,
    since: Option<String>,
    history: Option<usize>,
}

impl Admission {
    fn member(self, shared: &Arc<Shared>) -> Member {
        let Self { identity, subject, mut claim, session, dialect, room, since, history } = self;
        let can_come_back = shared.dialects.get(dialect).welcomes_first();
        let lease = Lease::take(shared, session, can_come_back);
        claim.set_session(&lease.token);
        let (shared, role, grant) = (shared.clone(), identity.role, identity.grant());
        let (places, pending) = (Arc::default(), Arc::default());
        Member { pending, shared, role, subject, grant, lease, claim, dialect, places, room, since, history }
    }
}

fn is_same_name(one: &str, other: &str) -> bool {
    matches!((Name::parse(one), Name::parse(other)), (Ok(one), Ok(other)) if one.key() == other.key())
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::forbidden(problem.reason())
    }
}

impl Default for Chat {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Chat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chat")
    }
}
