//! What a closure can do inside the hub's turn.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::state::State;
use super::{Client, ClientId, Room};
use crate::{CloseCode, Message};

/// The hub's turn, for as long as it lasts: see [`Hub::atomically`](super::Hub::atomically).
pub struct Turn<'a> {
    state: &'a mut State,
}

/// Which form of a broadcast a member of a room gets, where there are several: one for
/// people and one for programs, say. A number of the application's own, 0 unless given;
/// what is sent without regard to editions goes to all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Edition(pub u8);

/// What one client gets instead of a broadcast. Of two for one client the first counts.
#[derive(Debug, Clone)]
pub struct Instead {
    pub(super) to: ClientId,
    pub(super) messages: Vec<Message>,
}

impl Instead {
    /// These messages, in the broadcast's place.
    pub fn of(to: ClientId, messages: Vec<Message>) -> Self {
        Self { to, messages }
    }

    /// Nothing.
    pub fn nothing(to: ClientId) -> Self {
        Self::of(to, Vec::new())
    }
}

impl<'a> Turn<'a> {
    pub(super) fn run(state: &'a mut State, act: Box<dyn FnOnce(&mut Turn<'_>) + Send>) {
        let mut turn = Turn { state };
        // The hub goes on whatever an embedder's closure does.
        if catch_unwind(AssertUnwindSafe(move || act(&mut turn))).is_err() {
            log::error!("a closure that was given to the hub panicked");
        }
    }

    /// Adds a client to a room, for the edition 0. It hears what is said from now on.
    pub fn join(&mut self, room: &Room, client: &Client) {
        self.join_as(room, client, Edition::default());
    }

    /// Adds a client to a room for an edition; a member gets that one from now on.
    pub fn join_as(&mut self, room: &Room, client: &Client, edition: Edition) {
        self.state.join(room.key(), client, edition);
    }

    /// Removes a client from a room, if it is a member.
    pub fn leave(&mut self, room: &Room, client: &Client) {
        self.state.leave(&room.key(), client.id());
    }

    /// Sends to every member, whatever its edition.
    pub fn broadcast(&mut self, room: &Room, message: impl Into<Message>) {
        let message = message.into();
        self.state.broadcast(&room.key(), &mut |_| Some(message.clone()), &[]);
    }

    /// Sends to every member what `render` makes for its edition, if anything, and to
    /// some something else instead. `render` is called once for each edition that has
    /// members in the room.
    pub fn broadcast_each(
        &mut self,
        room: &Room,
        mut render: impl FnMut(Edition) -> Option<Message>,
        instead: &[Instead],
    ) {
        self.state.broadcast(&room.key(), &mut render, instead);
    }

    /// The same to each client that is in at least one of `rooms`, once.
    pub fn broadcast_each_to(&mut self, rooms: &[Room], mut render: impl FnMut(Edition) -> Option<Message>) {
        let keys = rooms.iter().map(Room::key).collect::<Vec<_>>();
        self.state.send_now(&keys, &mut render);
    }

    /// Sends to one client.
    pub fn send(&mut self, client: &Client, message: impl Into<Message>) {
        self.state.send(client, &message.into());
    }

    /// Has `act` done at the end of the hub's turn, which may hold more than this closure:
    /// what many of them did is passed on together, say. It must be quick and never block,
    /// as all in a turn; a panic in it is logged, and ends nothing.
    pub fn at_end(&mut self, act: impl FnOnce() + Send + 'static) {
        self.state.at_end(Box::new(act));
    }

    /// Closes a connection, after what was sent to it before: see [`Client::close`].
    pub fn close(&mut self, client: &Client, code: impl Into<CloseCode>, reason: &str) {
        self.state.close(client, code.into(), reason);
    }

    /// How many members a room has.
    pub fn len(&self, room: &Room) -> usize {
        self.state.member_count(&room.key())
    }

    /// Whether a room has no member.
    pub fn is_empty(&self, room: &Room) -> bool {
        self.len(room) == 0
    }

    /// Whether this client is a member of a room.
    pub fn contains(&self, room: &Room, id: ClientId) -> bool {
        self.state.is_member(&room.key(), id)
    }

    /// The members of a room, in no order.
    pub fn clients(&self, room: &Room) -> Vec<Client> {
        self.state.members(&room.key())
    }
}

impl std::fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Turn")
    }
}
