//! The half of a connection that sends, from any number of threads.

use std::fmt;
use std::sync::Arc;

use super::shared::Shared;
use super::{ConnectionState, MessageWriter};
use crate::frame::{FIN, MAX_CONTROL, PING, opcode};
use crate::{CloseCode, CloseReason, Error, Message, Result};

/// Sends on a connection, from any thread; made by
/// [`Connection::split`](crate::Connection::split) or
/// [`Connection::sender`](crate::Connection::sender).
///
/// A clone sends on the same connection. Messages of one thread leave in its
/// order, each whole. Sending puts into a queue and tries to send at once; it
/// waits only while the outbox is full, and not for the receiving half.
///
/// ```no_run
/// let connection = chinwag::Connection::connect("ws://127.0.0.1:9001/?name=John")?;
/// let (sender, mut receiver) = connection.split();
/// let second = sender.clone();
/// std::thread::spawn(move || second.send("from another thread"));
/// sender.send("hi")?;
/// println!("{}", receiver.recv()?);
/// # Ok::<(), chinwag::Error>(())
/// ```
#[derive(Clone)]
pub struct Sender {
    pub(super) shared: Arc<Shared>,
}

impl Sender {
    /// Sends a whole message: text from `&str` and `String`, binary from `&[u8]`
    /// and `Vec<u8>`.
    ///
    /// Returns once the message is sent or queued; waits while the outbox is full,
    /// or while another thread has a [`MessageWriter`] open.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] once the connection is closing or lost, and why. Messages
    /// that were queued before may be lost too.
    pub fn send(&self, message: impl Into<Message>) -> Result<()> {
        let message = message.into();
        self.shared.send(FIN | opcode(&message), message.as_bytes())
    }

    /// Begins a text message that is written piece by piece, each a fragment on
    /// the wire. Waits while another is being written.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] once the connection is closing or lost.
    pub fn text_writer(&self) -> Result<MessageWriter<str>> {
        MessageWriter::begin(&self.shared)
    }

    /// Begins a binary message that is written piece by piece, each a fragment on
    /// the wire. Waits while another is being written.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] once the connection is closing or lost.
    pub fn binary_writer(&self) -> Result<MessageWriter<[u8]>> {
        MessageWriter::begin(&self.shared)
    }

    /// Sends a ping (RFC 6455, section 5.5.2). Keepalive does that by itself; any
    /// answer counts as a sign of life. Waits while the outbox is full. Servers may
    /// disconnect who pings without a pause; ours do over
    /// [some in a time](crate::ServerBuilder::max_control_frames).
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a payload over 125 bytes, [`Error::Closed`] once the
    /// connection is closing or lost.
    pub fn ping(&self, payload: &[u8]) -> Result<()> {
        if payload.len() > MAX_CONTROL {
            return Err(Error::Invalid("a ping has at most 125 bytes".to_owned()));
        }
        self.shared.link.expect_pong();
        self.shared.push(FIN | PING, payload)
    }

    /// Half-closes: sends our close frame after what is queued, and returns. The
    /// receiving half goes on until the peer has closed too, at the longest for
    /// the [close time-out](crate::ConnectOptions::close_timeout). Does nothing
    /// where the connection is closing already.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a code that must not be sent (1005 sends none), or
    /// a reason over 123 bytes.
    pub fn close_output(&self, code: impl Into<CloseCode>, reason: &str) -> Result<()> {
        self.shared.close_output(code.into(), reason)
    }

    /// Ends the connection at once, without a close frame; what is queued is lost.
    /// A blocked `recv` or `send` of another thread returns. Does not block.
    pub fn abort(&self) {
        self.shared.abort();
    }

    /// Where the connection is between open and closed. A peer that closed or
    /// vanished is noticed by receiving.
    pub fn state(&self) -> ConnectionState {
        self.shared.state()
    }

    /// Why the connection is closing or closed; `None` while it is open.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.shared.close_reason()
    }

    /// Bytes and messages that wait in the outbox. The system's own buffers are
    /// not counted.
    pub fn queued(&self) -> (usize, usize) {
        self.shared.link.outbox.depth()
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("peer", &self.shared.link.peer())
            .field("state", &self.state())
            .finish()
    }
}
