//! One client of the chat: its handler.

use std::sync::Arc;
use std::time::Duration;

use super::dialect::{Reading, Speaker};
use super::roll::Claim;
use super::sessions::Token;
use super::state::{Earlier, Newcomer, Places, Problem, parse_room};
use super::{Name, RoomName, Shared};
use crate::protocol::{Ask, Event, Request};
use crate::{Client, CloseCode, CloseReason, Handler, Message};

/// How long a person's answer to a ping is waited for.
const ROUND_TRIP: Duration = Duration::from_secs(1);
/// So many missed messages at a time are sent to one who comes back, and how long such a
/// portion may take.
const PORTION: usize = 64;
const PATIENCE: Duration = Duration::from_secs(30);

/// One person in the [`Chat`](super::Chat).
///
/// A handler of an application's own can hold one, pass on the callbacks that it does
/// not want for itself, and [ask](Self::ask) on its behalf.
pub struct Member {
    pub(super) shared: Arc<Shared>,
    pub(super) claim: Claim,
    pub(super) token: Token,
    pub(super) dialect: u8,
    pub(super) places: Places,
    /// The first room, and what is heard there of the time before.
    pub(super) room: RoomName,
    pub(super) since: Option<String>,
    pub(super) history: Option<usize>,
}

impl Member {
    /// The name that this person goes by.
    pub fn name(&self) -> &Name {
        self.claim.name()
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
        match ask {
            Ask::Nick { name } => self.rename(me, &name, id),
            Ask::Whois { name } => self.whois(me, name, id),
            Ask::Join { room, since: Some(since) } => match parse_room(&room) {
                Ok(room) => self.come_back(me, room, &since, id),
                Err(problem) => self.refuse(me, problem, id),
            },
            ask => self.in_turn(me, |shared, who| {
                move |turn| shared.state.lock().perform(turn, who, Request { ask, id })
            }),
        }
    }

    /// Has something done in the hub's turn, about the room that this person speaks in.
    fn in_turn<A>(&self, me: &Client, act: impl FnOnce(Arc<Shared>, crate::ClientId) -> A)
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

    fn refuse(&self, me: &Client, problem: Problem, id: Option<String>) {
        self.in_turn(me, |shared, who| move |turn| shared.state.lock().refuse(turn, who, problem, id));
    }

    fn rename(&mut self, me: &Client, name: &str, id: Option<String>) {
        let name = match Name::parse(name) {
            Ok(name) => name,
            Err(error) => {
                let problem = Problem::new("bad_name", format!("name not allowed: {error}"));
                return self.refuse(me, problem, id);
            }
        };
        let old = if name.key() == *self.claim.key() {
            self.claim.respell(name.clone());
            None
        } else {
            match self.shared.roll.claim(name.clone(), &self.token) {
                Ok(claim) => Some(std::mem::replace(&mut self.claim, claim)),
                Err(refusal) => return self.refuse(me, Problem::new("name_taken", refusal.reason()), id),
            }
        };
        self.claim.attach(me);
        self.in_turn(me, |shared, who| move |turn| shared.state.lock().rename(turn, who, name));
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
        self.in_turn(me, |shared, who| {
            move |turn| {
                let state = shared.state.lock();
                if let Err(problem) = state.whois(turn, who, &name, rtt) {
                    state.refuse(turn, who, problem, id);
                }
            }
        });
    }

    /// Comes into a room again, and hears what was missed, a portion at a time, before it
    /// is live: what comes in meanwhile is in the log.
    fn come_back(&self, me: &Client, room: RoomName, since: &str, id: Option<String>) {
        // All that was asked before is done then.
        if !me.wait_caught_up(PATIENCE) {
            return;
        }
        let Some(mut after) = self.tell_resumed(me, &room, since) else { return };
        while let Some(last) = self.send_portion(me, &room, after) {
            after = last;
            if !me.wait_caught_up(PATIENCE) {
                return me.close(CloseCode::TRY_AGAIN, "too slow to keep up");
            }
        }
        self.in_turn(me, |shared, who| {
            move |turn| {
                let mut state = shared.state.lock();
                if let Err(problem) = state.join(turn, who, &room, Earlier::After(after)) {
                    state.refuse(turn, who, problem, id);
                }
            }
        });
    }

    /// Tells what is to come; the number that it comes after. `None` where this person is
    /// in that room already.
    fn tell_resumed(&self, me: &Client, room: &RoomName, since: &str) -> Option<u64> {
        if self.places.lock().contains(room) {
            self.refuse(me, Problem::new("already_in_room", format!("you are in {room} already")), None);
            return None;
        }
        let (after, event) = {
            let state = self.shared.state.lock();
            let since = state.logs.since(room, since);
            let missed = state.heard(me.id(), state.logs.after(room, since.after)).count();
            (since.after, Event::Resumed { room: room.to_string(), complete: since.complete, missed })
        };
        self.send(me, &event);
        Some(after)
    }

    /// Sends the next missed messages, where there are more than the turn of joining should
    /// send; the number of the last.
    fn send_portion(&self, me: &Client, room: &RoomName, after: u64) -> Option<u64> {
        let (entries, last) = {
            let state = self.shared.state.lock();
            let entries = state.logs.after(room, after);
            if entries.len() <= PORTION {
                return None;
            }
            let portion = entries.take(PORTION).cloned().collect::<Vec<_>>();
            let last = portion.last()?.number;
            (state.heard(me.id(), portion.iter()).cloned().collect::<Vec<_>>(), last)
        };
        for entry in entries {
            self.send(me, &entry.said);
        }
        Some(last)
    }

    fn send(&self, me: &Client, event: &Event) {
        if let Some(message) = self.shared.dialects.get(self.dialect).write(event, Default::default()) {
            me.send(message);
        }
    }

    fn newcomer(&self, me: &Client) -> Newcomer {
        Newcomer {
            client: me.clone(),
            name: self.claim.name().clone(),
            key: self.claim.key().clone(),
            token: self.token.clone(),
            dialect: self.dialect,
            places: self.places.clone(),
        }
    }

    fn read(&self, text: &str) -> Reading {
        let speaker = Speaker {
            name: self.claim.name().as_str(),
            names: &|| self.shared.roll.names(),
            whisperer: &|| self.shared.state.lock().whisperer(&self.token),
        };
        self.shared.dialects.get(self.dialect).read(&speaker, text)
    }
}

impl Handler for Member {
    fn on_open(&mut self, me: &Client) {
        self.claim.attach(me);
        let (shared, newcomer, room) = (self.shared.clone(), self.newcomer(me), self.room.clone());
        let since = self.since.take();
        let earlier = self.history.map_or(Earlier::Usual, Earlier::Latest);
        let is_back = since.is_some();
        me.hub().atomically(move |turn| {
            let who = newcomer.client.id();
            let mut state = shared.state.lock();
            state.arrive(turn, newcomer, &room);
            if !is_back {
                state.enter(turn, who, &room, earlier);
            }
        });
        if let Some(since) = since {
            self.come_back(me, self.room.clone(), &since, None);
        }
    }

    fn on_text(&mut self, me: &Client, text: &str) {
        match self.read(text) {
            Reading::Request(request) => self.ask(me, request),
            Reading::Answer(messages) => messages.into_iter().for_each(|message: Message| me.send(message)),
            Reading::Quit => me.close(CloseCode::NORMAL, "Bye"),
            Reading::Close(code, reason) => me.close(code, reason),
        }
    }

    fn on_binary(&mut self, me: &Client, _data: &[u8]) {
        me.close(CloseCode::UNSUPPORTED, "this chat takes text only");
    }

    fn on_close(&mut self, me: &Client, _reason: &CloseReason) {
        let (shared, who) = (self.shared.clone(), me.id());
        me.hub().atomically(move |turn| shared.state.lock().part(turn, who));
    }
}
