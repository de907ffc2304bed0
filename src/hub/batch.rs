//! Commands that the hub takes as one.

use super::state::Command;
use super::{Client, Hub, Room};
use crate::Message;

/// Commands that take effect together, in order, with nothing of others' between
/// them; what one client gets of them leaves in one piece where possible.
///
/// ```no_run
/// # fn on_open(me: &chinwag::Client) {
/// let lobby = me.room("lobby");
/// me.hub().batch().join(&lobby, me).broadcast(&lobby, "John joined.").send(me, "Welcome John.").commit();
/// # }
/// ```
#[must_use = "nothing happens before `commit`"]
pub struct Batch {
    hub: Hub,
    commands: Vec<Command>,
}

impl Batch {
    pub(super) fn new(hub: Hub) -> Self {
        Self { hub, commands: Vec::new() }
    }

    /// See [`Room::add`].
    pub fn join(self, room: &Room, client: &Client) -> Self {
        self.with(Command::Join { room: room.key(), client: client.clone() })
    }

    /// See [`Room::remove`].
    pub fn leave(self, room: &Room, client: &Client) -> Self {
        self.with(Command::Leave { room: room.key(), id: client.id() })
    }

    /// See [`Room::broadcast`].
    pub fn broadcast(self, room: &Room, message: impl Into<Message>) -> Self {
        self.with(Command::Broadcast { room: room.key(), message: message.into() })
    }

    /// See [`Client::send`].
    pub fn send(self, client: &Client, message: impl Into<Message>) -> Self {
        self.with(Command::Send { to: client.clone(), message: message.into() })
    }

    /// Hands all of it to the hub.
    pub fn commit(self) {
        self.hub.tell(Command::Many(self.commands));
    }

    fn with(mut self, command: Command) -> Self {
        self.commands.push(command);
        self
    }
}
