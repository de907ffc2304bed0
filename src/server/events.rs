//! The other way to embed: events in a bounded queue, for an application with a
//! loop of its own.

use crossbeam_channel::{Receiver, Sender, bounded, select};

use crate::hub::Client;
use crate::{CloseReason, Error, Handler};

/// What happened to a client.
///
/// Of one client, `Open` comes first and `Close` last, each once.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A connection is open.
    Open(Client),
    /// A text message came in.
    Text(Client, String),
    /// A binary message came in.
    Binary(Client, Vec<u8>),
    /// The peer broke the protocol or a limit.
    Error(Client, String),
    /// A connection is over.
    Close(Client, CloseReason),
}

/// Puts one client's events into the queue. While that is full the client's
/// thread waits, and reads no more from it.
pub(super) struct EventHandler {
    event_tx: Sender<Event>,
    /// Disconnected once the server shuts down: then nobody may wait any more.
    stop_rx: Receiver<()>,
}

/// Where events come from, and what ends the waiting for their reader.
pub(super) struct EventSource {
    event_tx: Sender<Event>,
    stop_rx: Receiver<()>,
}

impl EventSource {
    /// The source, its queue's end for the embedder, and the sender whose drop
    /// ends all waiting.
    pub(super) fn new(capacity: usize) -> (Self, Receiver<Event>, Sender<()>) {
        let (event_tx, event_rx) = bounded(capacity);
        let (stop_tx, stop_rx) = bounded(0);
        (Self { event_tx, stop_rx }, event_rx, stop_tx)
    }

    pub(super) fn handler(&self) -> EventHandler {
        EventHandler { event_tx: self.event_tx.clone(), stop_rx: self.stop_rx.clone() }
    }
}

impl EventHandler {
    fn put(&self, event: Event) {
        let Err(full) = self.event_tx.try_send(event) else { return };
        if full.is_disconnected() {
            return;
        }
        select! {
            send(self.event_tx, full.into_inner()) -> _ => {}
            recv(self.stop_rx) -> _ => {}
        }
    }
}

impl Handler for EventHandler {
    fn on_open(&mut self, me: &Client) {
        self.put(Event::Open(me.clone()));
    }

    fn on_text(&mut self, me: &Client, text: &str) {
        self.put(Event::Text(me.clone(), text.to_owned()));
    }

    fn on_binary(&mut self, me: &Client, data: &[u8]) {
        self.put(Event::Binary(me.clone(), data.to_vec()));
    }

    fn on_error(&mut self, me: &Client, error: &Error) {
        self.put(Event::Error(me.clone(), error.to_string()));
    }

    fn on_close(&mut self, me: &Client, reason: &CloseReason) {
        self.put(Event::Close(me.clone(), reason.clone()));
    }
}
