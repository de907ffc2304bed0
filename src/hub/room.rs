//! A named set of clients that hear each other.

use std::fmt;

use crossbeam_channel::bounded;

use super::command::{Command, RoomKey};
use super::{Client, ClientId, Edition, Hub, Instead, Turn};
use crate::Message;

/// A set of clients, by name. Every handle of the same name is the same room;
/// any thread may use it, without a lock of its own.
///
/// All members hear the same messages in the same order, and a join, a leave and
/// a message keep their order too. Between different rooms no order is promised.
///
/// ```
/// let server = chinwag::Server::builder().start()?;
/// let room = server.hub().room("lobby");
/// let to = room.broadcast_counted("anybody here?");
/// assert_eq!(to, 0);
/// # Ok::<(), chinwag::Error>(())
/// ```
#[derive(Clone)]
pub struct Room {
    hub: Hub,
    key: RoomKey,
}

impl Room {
    pub(super) fn new(hub: Hub, key: RoomKey) -> Self {
        Self { hub, key }
    }

    pub(super) fn key(&self) -> RoomKey {
        self.key.clone()
    }

    /// The room's name; empty for the room of everyone.
    pub fn name(&self) -> &str {
        self.key.as_deref().unwrap_or_default()
    }

    /// Adds a client. It hears what is said from now on.
    pub fn add(&self, client: &Client) {
        let edition = Edition::default();
        self.hub.tell(Command::Join { room: self.key(), client: client.clone(), edition });
    }

    /// Removes a client, if it is a member.
    pub fn remove(&self, client: &Client) {
        self.hub.tell(Command::Leave { room: self.key(), id: client.id() });
    }

    /// Removes all members. They stay connected.
    pub fn clear(&self) {
        self.hub.tell(Command::Clear { room: self.key() });
    }

    /// Sends to every member. Queues and returns.
    pub fn broadcast(&self, message: impl Into<Message>) {
        self.tell_broadcast(message.into(), Box::default());
    }

    /// Sends to every member but these.
    pub fn broadcast_except(&self, message: impl Into<Message>, except: &[ClientId]) {
        self.tell_broadcast(message.into(), except.iter().copied().map(Instead::nothing).collect());
    }

    /// As [`Hub::atomically`], for what is about this room: where it is small and the
    /// hub idle, the hub's thread need not be woken.
    pub fn atomically(&self, act: impl FnOnce(&mut Turn<'_>) + Send + 'static) {
        self.hub.tell(Command::Act { room: Some(self.key()), act: Box::new(act) });
    }

    /// Sends to every member, waits until the hub has done so, and returns to how
    /// many it went: members whose connection is closing or whose outbox was full
    /// do not count.
    pub fn broadcast_counted(&self, message: impl Into<Message>) -> usize {
        let (count_tx, count_rx) = bounded(1);
        self.hub.tell(Command::BroadcastCounted { room: self.key(), message: message.into(), count_tx });
        count_rx.recv().unwrap_or(0)
    }

    /// Whether this client is a member. Waits for the hub's answer.
    pub fn contains(&self, id: ClientId) -> bool {
        let key = self.key();
        self.hub.ask(move |state| state.is_member(&key, id)).unwrap_or(false)
    }

    /// How many members there are. Waits for the hub's answer.
    pub fn len(&self) -> usize {
        let key = self.key();
        self.hub.ask(move |state| state.member_count(&key)).unwrap_or(0)
    }

    /// Whether there is no member. Waits for the hub's answer.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The members at this moment, in no order. Waits for the hub's answer.
    pub fn clients(&self) -> Vec<Client> {
        let key = self.key();
        self.hub.ask(move |state| state.members(&key)).unwrap_or_default()
    }
}

impl Room {
    fn tell_broadcast(&self, message: Message, instead: Box<[Instead]>) {
        self.hub.tell(Command::Broadcast { room: self.key(), message, instead });
    }
}

impl PartialEq for Room {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.hub.command_tx.same_channel(&other.hub.command_tx)
    }
}

impl Eq for Room {}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Room").field(&self.name()).finish()
    }
}
