//! A client's connection: both halves in one, for who needs one thread only.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::attempt::Established;
use super::shared::Shared;
use super::{ConnectOptions, MessageWriter, Messages, Receiver, Sender};
use crate::link::{Drain, Link, LinkParts, Reader, Side};
use crate::{CloseCode, CloseReason, Error, Message, MessageRate, PeerAddr, Result};

/// A connection to a WebSocket server.
///
/// Sending takes `&self`, receiving `&mut self`; [`split`](Self::split) gives a
/// half for each, which work at the same time on different threads, with no lock
/// held while one waits for the network.
///
/// Two threads belong to a connection: the caller's own, which receives, and a
/// small one that sends on what the system did not take, pings, and keeps the
/// deadlines. Both halves dropped, it says 1001 without waiting for an answer
/// and drops what waits in the outbox: [`close`](Self::close) to have all of it
/// sent. Dropping ends that thread and does not wait for the network.
///
/// ```no_run
/// let mut connection = chinwag::Connection::connect("ws://127.0.0.1:9001/?name=John")?;
/// connection.send("hi")?;
/// println!("{}", connection.recv()?);
/// connection.close(chinwag::CloseCode::NORMAL, "")?;
/// # Ok::<(), chinwag::Error>(())
/// ```
pub struct Connection {
    sender: Sender,
    receiver: Receiver,
}

/// Where a connection is between open and closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionState {
    /// Messages go both ways.
    Open,
    /// Our close frame is queued or sent; messages still come in.
    CloseSent,
    /// The peer's close frame came and was answered; the transport is ending.
    CloseReceived,
    /// It has ended.
    Closed,
    /// [`abort`](Connection::abort) ended it.
    Aborted,
}

impl Connection {
    /// Connects to `url` with the default [options](ConnectOptions), and waits
    /// until the handshake is done, at the longest 10 s.
    ///
    /// # Errors
    ///
    /// As [`ConnectOptions::connect`].
    pub fn connect(url: &str) -> Result<Self> {
        ConnectOptions::new().connect(url)
    }

    /// Takes over a transport whose handshake is done.
    pub(super) fn start(options: &ConnectOptions, established: Established) -> Result<Self> {
        let Established { transport, peer, tap, accepted } = established;
        let drain = Drain::start(options.clock.clone(), "chinwag-drain-client");
        let (drain, drain_thread) = drain.map_err(Error::io("start the connection's thread"))?;
        let parts = LinkParts {
            id: drain.next_id(),
            transport,
            peer,
            life: Arc::new(options.life.clone()),
            outbox: Arc::new(options.outbox.clone()),
            tap,
            side: Side::Client,
        };
        let link = Link::start(parts, &drain);
        link.open();
        let reader = Reader::client(&link, accepted.early);
        let shared = Shared::new(link, (drain, drain_thread), accepted.headers, accepted.subprotocol);
        let shared = Arc::new(shared);
        Ok(Self { sender: Sender { shared: shared.clone() }, receiver: Receiver::new(reader, shared) })
    }

    /// A half that sends and one that receives, for different threads.
    pub fn split(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }

    /// One more sender, for another thread.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Sends a whole message. See [`Sender::send`].
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] once the connection is closing or lost, and why.
    pub fn send(&self, message: impl Into<Message>) -> Result<()> {
        self.sender.send(message)
    }

    /// Waits for the next message, for as long as the connection lasts. Answers
    /// pings meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] once the connection has ended, and why; an ordinary end
    /// too. [`Error::Protocol`] once where the peer broke the protocol or sent a
    /// message over the limit, then [`Error::Closed`].
    pub fn recv(&mut self) -> Result<Message> {
        self.receiver.recv()
    }

    /// Waits for the next message, at the longest for `timeout`; `Ok(None)` where
    /// none came.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Option<Message>> {
        self.receiver.recv_timeout(timeout)
    }

    /// The next message where one is there already; never waits.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn try_recv(&mut self) -> Result<Option<Message>> {
        self.receiver.try_recv()
    }

    /// The messages that come, until the connection ends; then
    /// [`close_reason`](Self::close_reason) says why.
    pub fn iter(&mut self) -> impl Iterator<Item = Message> + '_ {
        self.receiver.iter()
    }

    /// Begins a text message that is written piece by piece. See [`MessageWriter`].
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] once the connection is closing or lost.
    pub fn text_writer(&self) -> Result<MessageWriter<str>> {
        self.sender.text_writer()
    }

    /// Begins a binary message that is written piece by piece. See [`MessageWriter`].
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] once the connection is closing or lost.
    pub fn binary_writer(&self) -> Result<MessageWriter<[u8]>> {
        self.sender.binary_writer()
    }

    /// Sends a ping. See [`Sender::ping`].
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a payload over 125 bytes, [`Error::Closed`] once the
    /// connection is closing or lost.
    pub fn ping(&self, payload: &[u8]) -> Result<()> {
        self.sender.ping(payload)
    }

    /// Closes with a code and a reason (RFC 6455, section 7): sends what is
    /// queued and our close frame, throws away what still comes in, and waits for
    /// the peer's answer, at the longest for the
    /// [close time-out](ConnectOptions::close_timeout). Where the connection is
    /// closing already, waits for that. Returns why and how it ended.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a code that must not be sent (1005 sends none), or a
    /// reason over 123 bytes; the connection stays as it is.
    pub fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<CloseReason> {
        self.receiver.close(code, reason)
    }

    /// Half-closes: sends our close frame, while receiving goes on until the peer
    /// closes too. See [`Sender::close_output`].
    ///
    /// # Errors
    ///
    /// As [`close`](Self::close).
    pub fn close_output(&self, code: impl Into<CloseCode>, reason: &str) -> Result<()> {
        self.sender.close_output(code, reason)
    }

    /// Ends the connection at once, without a close frame; what is queued is lost.
    pub fn abort(&self) {
        self.sender.abort();
    }

    /// Where the connection is between open and closed. A peer that closed or
    /// vanished is noticed by receiving.
    pub fn state(&self) -> ConnectionState {
        self.sender.state()
    }

    /// Why the connection is closing or closed; `None` while it is open.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.sender.close_reason()
    }

    /// The subprotocol that the server chose, of those that were offered.
    pub fn subprotocol(&self) -> Option<&str> {
        self.sender.shared.subprotocol.as_deref()
    }

    /// The header fields of the server's response, in the order received; names in
    /// lower case.
    pub fn response_headers(&self) -> &[(String, String)] {
        &self.sender.shared.headers
    }

    /// The first header field of the server's response named `name`, in any case.
    pub fn response_header(&self, name: &str) -> Option<&str> {
        let found = self.response_headers().iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// How fast this server lets its clients talk, where it says so: what is sent faster
    /// waits there, and for too long ends the connection. See [`Pacer`](crate::Pacer).
    pub fn message_rate(&self) -> Option<MessageRate> {
        self.response_header(MessageRate::HEADER)?.trim().parse().ok()
    }

    /// Who is at the other end: the server, or the proxy before it.
    pub fn peer_addr(&self) -> PeerAddr {
        self.sender.shared.link.peer()
    }
}

impl IntoIterator for Connection {
    type Item = Message;
    type IntoIter = Messages;

    /// The messages that come, until the connection ends.
    fn into_iter(self) -> Messages {
        self.receiver.into_iter()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("peer", &self.peer_addr()).field("state", &self.state()).finish()
    }
}
