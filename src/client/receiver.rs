//! The half of a connection that receives: on whatever thread owns it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::shared::Shared;
use crate::link::{End, Reader};
use crate::transport::Half;
use crate::{CloseCode, CloseReason, Error, Message, Result};

/// Receives on a connection; made by [`Connection::split`](crate::Connection::split).
///
/// Pings are answered, and the peer's closing is noticed, while one of its
/// methods runs. So receive all the time, or now and then; once this half is
/// dropped nobody does. Keepalive does not take that for a dead line as long as
/// unread input waits.
///
/// ```no_run
/// let connection = chinwag::Connection::connect("ws://127.0.0.1:9001/?name=John")?;
/// let (sender, receiver) = connection.split();
/// std::thread::spawn(move || {
///     for message in receiver {
///         println!("{message}");
///     }
/// });
/// sender.send("hi")?;
/// # Ok::<(), chinwag::Error>(())
/// ```
pub struct Receiver {
    reader: Reader,
    phase: Phase,
    pub(super) shared: Arc<Shared>,
}

enum Phase {
    Open,
    /// Nothing more will be received; the peer has yet to end the transport.
    Ending(End),
    Ended,
}

impl Receiver {
    pub(super) fn new(reader: Reader, shared: Arc<Shared>) -> Self {
        Self { reader, phase: Phase::Open, shared }
    }

    /// Waits for the next message, for as long as the connection lasts.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] once the connection has ended, and why; an ordinary end
    /// too. [`Error::Protocol`] once where the peer broke the protocol or sent a
    /// message over the limit, then [`Error::Closed`].
    pub fn recv(&mut self) -> Result<Message> {
        loop {
            if let Some(message) = self.next_until(None)? {
                return Ok(message);
            }
        }
    }

    /// Waits for the next message, at the longest for `timeout`; `Ok(None)` where
    /// none came. What has come of a message is kept for the next call.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Option<Message>> {
        self.next_until(Instant::now().checked_add(timeout))
    }

    /// The next message where one is there already; never waits.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn try_recv(&mut self) -> Result<Option<Message>> {
        self.next_until(Some(Instant::now()))
    }

    /// The messages that come, until the connection ends; then
    /// [`close_reason`](Self::close_reason) says why. Each step blocks as
    /// [`recv`](Self::recv) does.
    pub fn iter(&mut self) -> impl Iterator<Item = Message> + '_ {
        std::iter::from_fn(|| self.recv().ok())
    }

    /// Closes as [`Connection::close`](crate::Connection::close) does.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a code that must not be sent, or a reason over 123
    /// bytes; the connection stays as it is.
    pub fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<CloseReason> {
        self.shared.close_output(code.into(), reason)?;
        loop {
            if let Err(Error::Closed(reason)) = self.next_until(None) {
                return Ok(reason);
            }
        }
    }

    /// Why the connection is closing or closed; `None` while it is open.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.shared.close_reason()
    }

    fn next_until(&mut self, deadline: Option<Instant>) -> Result<Option<Message>> {
        if matches!(self.phase, Phase::Open) {
            match self.reader.read(deadline) {
                Ok(data) => return Ok(data.map(|data| data.to_message())),
                Err(end) => {
                    if end.violation.is_some() {
                        self.shared.link.close(end.reason.code, &end.reason.reason, false);
                    }
                    self.shared.begin_end();
                    self.phase = Phase::Ending(end);
                }
            }
        }
        if matches!(self.phase, Phase::Ending(_)) && !self.discard_until(deadline) {
            return Ok(None);
        }
        let lost = || CloseReason::vanished("the connection was lost");
        match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Ending(End { reason, violation }) => {
                self.shared.ended(&reason);
                Err(match violation {
                    Some(what) => Error::Protocol(what, reason),
                    None => Error::Closed(reason),
                })
            }
            Phase::Open | Phase::Ended => Err(Error::Closed(self.close_reason().unwrap_or_else(lost))),
        }
    }

    /// Throws away what still comes, until the peer or the connection's deadline
    /// ends it; false where `deadline` passed first. Without this the system
    /// could answer unread input with a reset that overtakes our close frame.
    fn discard_until(&mut self, deadline: Option<Instant>) -> bool {
        let mut piece = [0; 1024];
        loop {
            match self.shared.link.read(&mut piece, deadline) {
                Ok(1..) if deadline.is_some_and(|deadline| Instant::now() >= deadline) => return false,
                Ok(1..) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return false,
                Ok(0) | Err(_) => return true,
            }
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // Who sends on learns from its errors that nobody listens.
        if let Phase::Ending(End { reason, .. }) = &self.phase {
            self.shared.link.transport.shutdown(Half::Read);
            self.shared.ended(reason);
        }
    }
}

/// The messages of a [`Receiver`], or of a [`Connection`](crate::Connection),
/// until the connection ends.
#[derive(Debug)]
pub struct Messages(Receiver);

impl Messages {
    /// The receiver again, to ask why the connection ended.
    pub fn into_receiver(self) -> Receiver {
        self.0
    }
}

impl Iterator for Messages {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        self.0.recv().ok()
    }
}

impl IntoIterator for Receiver {
    type Item = Message;
    type IntoIter = Messages;

    fn into_iter(self) -> Messages {
        Messages(self)
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let link = &self.shared.link;
        f.debug_struct("Receiver").field("peer", &link.peer()).field("state", &self.shared.state()).finish()
    }
}
