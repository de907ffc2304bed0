//! What a chat is joined with.

use crossbeam_channel::Receiver;

use super::{Backoff, ChatClient, Update};
use crate::{ConnectOptions, Result};

/// How to join a chat, and how to come back; made by [`ChatClient::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct ChatClientBuilder {
    pub(super) url: String,
    pub(super) name: String,
    pub(super) room: Option<String>,
    pub(super) options: ConnectOptions,
    pub(super) backoff: Option<Backoff>,
}

impl ChatClientBuilder {
    pub(super) fn new(url: String, name: String) -> Self {
        Self { url, name, room: None, options: ConnectOptions::new(), backoff: Some(Backoff::default()) }
    }

    /// The first room. Defaults to the one in the URL's query, or else the server's
    /// own, `lobby`.
    pub fn room(self, room: impl Into<String>) -> Self {
        Self { room: Some(room.into()), ..self }
    }

    /// How to connect, the first time and again: header fields, proxy, time-outs,
    /// observer, and a [`Canceller`](crate::Canceller), which calls off
    /// [`connect`](Self::connect) and every later attempt. The subprotocol is offered
    /// without being asked for. Defaults to [`ConnectOptions::new`].
    pub fn options(self, options: ConnectOptions) -> Self {
        Self { options, ..self }
    }

    /// How long to wait before connecting again, or `None` to end where the connection
    /// is lost. Defaults to [`Backoff::default`].
    pub fn reconnect(self, backoff: Option<Backoff>) -> Self {
        Self { backoff, ..self }
    }

    /// Joins the chat, and waits until the server has said welcome, at the longest for
    /// the [connect time-out](ConnectOptions::connect_timeout). It is tried once.
    ///
    /// The updates come through a channel that holds 256. **Read them all the time**,
    /// on this or another thread: where it is full the chat stops reading from its
    /// connection, and the server's own limits for slow clients apply. Dropped, they
    /// are thrown away and all else works.
    ///
    /// # Errors
    ///
    /// As [`ConnectOptions::connect`], and [`Error::Handshake`](crate::Error::Handshake)
    /// where the server does not speak `chinwag.v1`, [`Error::Closed`](crate::Error::Closed)
    /// where it closes before it says welcome.
    pub fn connect(self) -> Result<(ChatClient, Receiver<Update>)> {
        unimplemented!()
    }
}
