//! One client of the chat: its handler.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::bounded;

use super::dialect::{Dialect, Listener, Reading, Speaker};
use super::identity::{Grant, is_among};
use super::pending::Pending;
use super::roll::Claim;
use super::sessions::Token;
use super::state::{Earlier, Newcomer, Places, Problem, parse_name, parse_room};
use super::{Name, Role, RoomName, Shared};
use crate::protocol::{Ask, Event, Request};
use crate::{Client, CloseCode, CloseReason, Escaped, Handler, Message};

/// How long a person's answer to a ping is waited for.
const ROUND_TRIP: Duration = Duration::from_secs(1);

/// One person in the [`Chat`](super::Chat).
///
/// A handler of an application's own can hold one, pass on the callbacks that it does
/// not want for itself, and [ask](Self::ask) on its behalf.
pub struct Member {
    pub(super) shared: Arc<Shared>,
    /// Let go of before the name: who takes that over goes on with the session.
    pub(super) lease: Lease,
    pub(super) claim: Claim,
    pub(super) dialect: u8,
    pub(super) role: Role,
    pub(super) subject: Option<Arc<str>>,
    /// `None` for who came in without a credential, or with one that binds to nothing.
    pub(super) grant: Option<Box<Grant>>,
    pub(super) places: Places,
    /// What this person said that is not settled yet.
    pub(super) pending: Arc<Pending>,
    /// The first room, and what is heard there of the time before.
    pub(super) room: RoomName,
    pub(super) since: Option<String>,
    pub(super) history: Option<usize>,
}

/// A session that this client has, until it is dropped.
pub(super) struct Lease {
    shared: Arc<Shared>,
    pub token: Token,
    /// Whether somebody can come back to it.
    is_kept: bool,
}

impl Lease {
    /// The session `token`, or another where that one has a connection.
    pub(super) fn take(shared: &Arc<Shared>, token: Token, is_kept: bool) -> Self {
        let token = shared.state.lock().sessions.open(token);
        Self { shared: shared.clone(), token, is_kept }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shared.state.lock().sessions.close(&self.token, self.is_kept);
    }
}

impl Member {
    /// The name that this person goes by.
    pub fn name(&self) -> &Name {
        self.claim.name()
    }

    /// Who this is, for the log.
    pub(super) fn described(&self) -> String {
        let name = Escaped::new(self.name().as_str()).to_string();
        match self.subject() {
            Some(subject) => format!("{name}, {}, subject {}", self.role, Escaped::new(subject).cut(100)),
            None => name,
        }
    }

    /// What this person may do.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whom the credential was given to that this person came in with, where it says: see
    /// [`Identity::subject`](super::Identity::subject).
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The rooms that this person is in, the one joined last at the end.
    pub fn rooms(&self) -> Vec<RoomName> {
        self.places.lock().clone()
    }

    /// Does what a request says, as if this person's client had asked for it; the answer
    /// goes to the client. May wait: for the round trip to somebody, or for this client
    /// to take what it missed.
    pub fn ask(&mut self, me: &Client, request: Request) {
        let Request { ask, id } = request;
        // All else comes behind what was said.
        if !matches!(ask, Ask::Say { .. }) {
            self.pending.wait();
        }
        if let Some(problem) = self.grant.as_ref().and_then(|grant| grant.forbids(&ask)) {
            return self.refuse(me, problem, id);
        }
        match ask {
            ask @ Ask::Say { .. } => self.say(me, ask, id),
            Ask::Nick { name } => self.rename(me, &name, id),
            Ask::Whois { name } => self.whois(me, name, id),
            Ask::Join { room, since: Some(since) } => match parse_room(&room) {
                Ok(room) => self.come_back(me, room, &since, id, false),
                Err(problem) => self.refuse(me, problem, id),
            },
            Ask::Join { room, since: None } => {
                if let Ok(room) = parse_room(&room) {
                    self.shared.prepare(&room);
                }
                self.perform(me, Ask::Join { room, since: None }, id);
            }
            // Where comings are announced, the list must not be older than the last of them.
            ask @ Ask::Who { .. } if !self.shared.state.lock().is_crowd(me.id(), &ask) => {
                self.perform(me, ask, id)
            }
            ask @ (Ask::Who { .. } | Ask::Rooms | Ask::History { .. }) => self.answer(me, &ask, id),
            ask @ Ask::Search { .. } => self.search(me, ask, id),
            Ask::Erase { name, room } => self.erase(me, &name, room.as_deref(), id),
            ask @ (Ask::Ban { .. } | Ask::Unban { .. }) => self.ban(me, ask, id),
            ask => self.perform(me, ask, id),
        }
    }

    fn perform(&self, me: &Client, ask: Ask, id: Option<String>) {
        self.in_turn(me, |shared, who| {
            move |turn| shared.state.lock().perform(turn, who, Request { ask, id }, None)
        });
    }

    fn say(&self, me: &Client, ask: Ask, id: Option<String>) {
        let on_its_way = self.pending.begin();
        self.in_turn(me, |shared, who| {
            move |turn| shared.state.lock().perform(turn, who, Request { ask, id }, Some(on_its_way))
        });
    }

    /// Has a ban put in force or lifted, and then kept: this thread may wait for the disk.
    fn ban(&self, me: &Client, ask: Ask, id: Option<String>) {
        let (done_tx, done_rx) = bounded(1);
        self.in_turn(me, |shared, who| {
            let id = id.clone();
            move |turn| {
                shared.state.lock().perform(turn, who, Request { ask, id }, None);
                let _ = done_tx.send(());
            }
        });
        // Nothing comes of it where the hub has ended.
        let kept = done_rx.recv().map_or(Ok(()), |()| self.shared.keep_bans());
        if let Err(problem) = kept {
            self.refuse(me, problem, id);
        }
    }

    /// Has something done in the hub's turn, most likely about the room joined last.
    pub(super) fn in_turn<A>(&self, me: &Client, act: impl FnOnce(Arc<Shared>, crate::ClientId) -> A)
    where
        A: FnOnce(&mut crate::Turn<'_>) + Send + 'static,
    {
        let act = act(self.shared.clone(), me.id());
        let room = self.places.lock().last().cloned();
        match room {
            Some(room) => me.room(room).atomically(act),
            None => me.hub().atomically(act),
        }
    }

    fn rename(&mut self, me: &Client, name: &str, id: Option<String>) {
        let name = match parse_name(name) {
            Ok(name) => name,
            Err(problem) => return self.refuse(me, problem, id),
        };
        if name == *self.claim.name() {
            return self.refuse(me, Problem::new("bad_name", "you are called that already"), id);
        }
        let forbidden = self.grant.as_ref().and_then(|grant| grant.forbids_name(self.claim.name(), &name));
        let allowed = || self.shared.state.lock().check_rename(me.id(), &name.key());
        if let Err(problem) = forbidden.map_or_else(allowed, Err) {
            return self.refuse(me, problem, id);
        }
        let old = if name.key() == *self.claim.key() {
            self.claim.respell(name.clone());
            None
        } else {
            match self.shared.roll.claim(name.clone(), &self.lease.token) {
                Ok(claim) => Some(std::mem::replace(&mut self.claim, claim)),
                Err(refusal) => return self.refuse(me, Problem::new("name_taken", refusal.reason()), id),
            }
        };
        self.claim.attach(me);
        self.in_turn(me, |shared, who| {
            move |turn| {
                let mut state = shared.state.lock();
                state.rename(turn, who, name);
                state.note_active(who);
            }
        });
        // Free for others from here on: they come behind this turn.
        drop(old);
    }

    fn whois(&self, me: &Client, name: String, id: Option<String>) {
        let other = self.shared.state.lock().client_named(&name);
        let rtt = match other {
            Ok(other) if other == *me => me.round_trip(),
            Ok(other) => other.measure_round_trip(ROUND_TRIP).or_else(|| other.round_trip()),
            Err(problem) => return self.refuse(me, problem, id),
        };
        let rooms = self.grant.as_ref().and_then(|grant| grant.rooms().cloned());
        self.in_turn(me, |shared, who| {
            move |turn| {
                let mut state = shared.state.lock();
                state.note_active(who);
                if let Err(problem) = state.whois(turn, who, &name, rtt, rooms.as_deref()) {
                    state.refuse(turn, who, problem, id);
                }
            }
        });
    }

    /// A question that need not be asked in the hub's turn: the answer is made here, where
    /// only the asker waits for it. What was asked before is done by then.
    fn answer(&self, me: &Client, ask: &Ask, id: Option<String>) {
        if !self.wait_in_order(me) {
            return;
        }
        let answer = match ask {
            Ask::History { room, before, limit } => {
                self.history(me, room, before.as_deref(), *limit).map(|event| (event, false))
            }
            ask => self.shared.state.lock().answer_to(me.id(), ask),
        };
        match answer {
            Ok((event @ Event::History { .. }, _)) => {
                self.dialect().write_history(&event).into_iter().for_each(|message| me.send(message));
            }
            Ok((mut event, is_aside)) => {
                if let Event::Rooms { rooms } = &mut event {
                    let allowed = self.grant.as_ref().and_then(|grant| grant.rooms());
                    rooms.retain(|info| is_among(allowed.map(|rooms| &**rooms), &info.room));
                }
                if let Some(message) = self.dialect().write(&event, Listener { is_own: true, is_aside }) {
                    me.send(message);
                }
            }
            Err(problem) => self.refuse(me, problem, id),
        }
    }

    pub(super) fn dialect(&self) -> &dyn Dialect {
        &**self.shared.dialects.get(self.dialect)
    }

    fn leave(&self, me: &Client, code: CloseCode, reason: &str) {
        self.pending.wait();
        me.close(code, reason);
    }

    fn newcomer(&self, me: &Client) -> Newcomer {
        Newcomer {
            client: me.clone(),
            name: self.claim.name().clone(),
            key: self.claim.key().clone(),
            role: self.role,
            subject: self.subject.clone(),
            token: self.lease.token.clone(),
            dialect: self.dialect,
            places: self.places.clone(),
        }
    }

    fn read(&self, text: &str) -> Reading {
        let speaker = Speaker {
            name: self.claim.name().as_str(),
            role: self.role,
            names: &|| self.shared.roll.names(),
            whisperer: &|| self.shared.state.lock().whisperer(&self.lease.token),
        };
        self.dialect().read(&speaker, text)
    }
}

impl Handler for Member {
    fn on_open(&mut self, me: &Client) {
        self.claim.attach(me);
        if let Some(grant) = &mut self.grant {
            grant.hold(me);
        }
        let (shared, newcomer, room) = (self.shared.clone(), self.newcomer(me), self.room.clone());
        let since = self.since.take();
        let earlier = self.history.map_or(Earlier::Usual, Earlier::Latest);
        let is_back = since.is_some();
        self.shared.begin(me.hub());
        self.shared.prepare(&room);
        me.hub().atomically(move |turn| {
            let who = newcomer.client.id();
            let mut state = shared.state.lock();
            state.arrive(turn, newcomer, &room);
            if !is_back {
                state.enter(turn, who, &room, earlier);
            }
        });
        if let Some(since) = since {
            self.come_back(me, self.room.clone(), &since, None, true);
        }
    }

    fn on_text(&mut self, me: &Client, text: &str) {
        match self.read(text) {
            Reading::Request(request) => self.ask(me, request),
            Reading::Answer(messages) => {
                self.pending.wait();
                messages.into_iter().for_each(|message: Message| me.send(message));
            }
            Reading::Quit => self.leave(me, CloseCode::NORMAL, "Bye"),
            Reading::Close(code, reason) => self.leave(me, code, reason),
        }
    }

    fn on_binary(&mut self, me: &Client, _data: &[u8]) {
        self.leave(me, CloseCode::UNSUPPORTED, "this chat takes text only");
    }

    fn on_closing(&mut self, _me: &Client, _reason: &CloseReason) {
        // It hears what became of all that it said.
        self.pending.wait();
    }

    fn on_close(&mut self, me: &Client, _reason: &CloseReason) {
        // An application's handler may not pass on the other callback.
        self.pending.wait();
        let (shared, who) = (self.shared.clone(), me.id());
        me.hub().atomically(move |turn| shared.state.lock().part(turn, who));
    }
}
