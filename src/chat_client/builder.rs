//! What a chat is joined with.

use crossbeam_channel::{Receiver, bounded, never, select};

use super::address::Address;
use super::driver::Driver;
use super::session::Session;
use super::shared::Shared;
use super::{Backoff, ChatClient, Update};
use crate::protocol::SUBPROTOCOL;
use crate::{Canceller, ConnectOptions, Error, Result};

/// How many updates wait to be read. Where so many do, nothing more is received.
const UPDATES: usize = 256;

/// How to join a chat, and how to come back; made by [`ChatClient::builder`].
#[derive(Clone)]
#[must_use]
pub struct ChatClientBuilder {
    url: String,
    name: String,
    room: Option<String>,
    token: Option<String>,
    options: ConnectOptions,
    backoff: Option<Backoff>,
}

impl ChatClientBuilder {
    pub(super) fn new(url: String, name: String) -> Self {
        let (options, backoff) = (ConnectOptions::new(), Some(Backoff::default()));
        Self { url, name, room: None, token: None, options, backoff }
    }

    /// The first room. Defaults to the one in the URL's query, or else the server's
    /// own, `lobby`.
    pub fn room(self, room: impl Into<String>) -> Self {
        Self { room: Some(room.into()), ..self }
    }

    /// Shows this token to the server, at each attempt: see
    /// [`ConnectOptions::bearer`](crate::ConnectOptions::bearer). Defaults to none.
    pub fn token(self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self }
    }

    /// How to connect, the first time and again: header fields, proxy, time-outs,
    /// observer, and a [`Canceller`](crate::Canceller), which calls off
    /// [`connect`](Self::connect) and every later attempt. The subprotocol is offered
    /// without being asked for. Defaults to [`ConnectOptions::new`].
    pub fn options(self, options: ConnectOptions) -> Self {
        Self { options, ..self }
    }

    /// How long to wait before connecting again, or `None` to end where the connection
    /// is lost. Also before a message is sent again of which the server could not tell
    /// whether it is kept; with `None`, that is the default's. Defaults to
    /// [`Backoff::default`].
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
        let mut options = self.connect_options();
        let (canceller, close_timeout) = (options.canceller.clone(), options.life.close_timeout);
        let address = Address::parse(&self.url);
        let room = self.room.or_else(|| address.room.clone());
        let patience = self.backoff.clone().unwrap_or_default();
        let shared = Shared::new(Session::new(self.name, room, patience));
        options.stop = Some(shared.stop.clone());
        let (update_tx, update_rx) = bounded(UPDATES);
        let driver = Driver::new(shared.clone(), address, options, self.backoff, update_tx);
        // Takes the one result without waiting, also when nobody waits for it.
        let (first_tx, first_rx) = bounded(1);
        // Dropped where the attempt fails, it ends the threads.
        let chat = ChatClient::start(shared, close_timeout, move || driver.run(&first_tx))?;
        let cancelled = canceller.as_ref().map_or_else(never, Canceller::receiver);
        select! {
            recv(first_rx) -> first => {
                first.map_err(|_| Error::Panicked("the chat's thread".to_owned()))??;
                Ok((chat, update_rx))
            }
            recv(cancelled) -> _ => Err(Error::Cancelled),
        }
    }

    fn connect_options(&self) -> ConnectOptions {
        let options = match &self.token {
            Some(token) => self.options.clone().bearer(token),
            None => self.options.clone(),
        };
        let offers = options.subprotocols.iter().any(|name| name == SUBPROTOCOL);
        if offers { options } else { options.subprotocol(SUBPROTOCOL) }
    }
}

impl std::fmt::Debug for ChatClientBuilder {
    /// Without the token and the URL, which may hold one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChatClientBuilder")
            .field("name", &self.name)
            .field("room", &self.room)
            .field("options", &self.options)
            .field("backoff", &self.backoff)
            .finish_non_exhaustive()
    }
}
