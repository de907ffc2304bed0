//! What the hub can be told to do.

use std::sync::Arc;

use bytes::Bytes;
use crossbeam_channel::Sender;

use super::state::State;
use super::turn::Turn;
use super::{Client, ClientId, Edition, Instead};
use crate::{CloseCode, Message};

/// The name of a room; `None` is the room of everyone.
pub(super) type RoomKey = Option<Arc<str>>;

pub(crate) enum Command {
    Register(Client),
    Unregister {
        client: Client,
        close_reply: Option<Bytes>,
    },
    Join {
        room: RoomKey,
        client: Client,
        edition: Edition,
    },
    Leave {
        room: RoomKey,
        id: ClientId,
    },
    Clear {
        room: RoomKey,
    },
    Broadcast {
        room: RoomKey,
        message: Message,
        instead: Box<[Instead]>,
    },
    BroadcastCounted {
        room: RoomKey,
        message: Message,
        count_tx: Sender<usize>,
    },
    BroadcastToAny {
        rooms: Box<[RoomKey]>,
        message: Message,
    },
    Send {
        to: Client,
        message: Message,
    },
    SendTo {
        id: ClientId,
        message: Message,
    },
    Close {
        client: Client,
        code: CloseCode,
        reason: Box<str>,
    },
    CloseAll {
        code: CloseCode,
        reason: Box<str>,
    },
    Ask(Box<dyn FnOnce(&State) + Send>),
    /// Answered when all that was told before is done and sent.
    Barrier(Sender<()>),
    /// A closure of an embedder's, and the room that it is about.
    Act {
        room: Option<RoomKey>,
        act: Box<dyn FnOnce(&mut Turn<'_>) + Send>,
    },
    Stop,
}
