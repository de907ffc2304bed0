//! What a chat tells its user.

use std::fmt;
use std::time::Duration;

use crate::protocol::Event;
use crate::{CloseReason, Error};

/// What happened, in the order that it did.
#[derive(Debug)]
#[non_exhaustive]
pub enum Update {
    /// The server said something. The events of every connection begin with
    /// [`Event::Welcome`].
    Event(Event),
    /// The server said something that this version does not know: its JSON, as it came.
    Unknown(String),
    /// The connection is lost, or an attempt to get it back failed.
    Lost {
        /// Why.
        why: Error,
        /// How long from now until the next attempt.
        again_in: Duration,
        /// The number of that attempt, from 1; begins anew once a connection was stable.
        attempt: u32,
    },
    /// The next attempt begins.
    Connecting,
    /// The connection is back. What was missed follows as events.
    Back {
        /// Whether the server still knew this client. Where it does not, it was started
        /// again with another log, or this client was away for too long: what becomes of
        /// what was sent before is [here](super#once).
        same_session: bool,
    },
    /// It is over: the last update.
    Ended(Ending),
}

/// How a chat ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ending {
    /// As asked by [`close`](super::ChatClient::close).
    Left(CloseReason),
    /// The server closed the connection for good, or it was lost and this client
    /// does not reconnect.
    Closed(CloseReason),
    /// It could not be had back: refused, or not a chat any more.
    Failed(Error),
}

/// Where a chat is between its first connection and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChatState {
    /// Connected, and welcomed.
    Online,
    /// Not connected; an attempt is under way.
    Connecting,
    /// Not connected; waits before the next attempt.
    Waiting,
    /// Over.
    Ended,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left(reason) | Self::Closed(reason) => reason.fmt(f),
            Self::Failed(error) => error.fmt(f),
        }
    }
}
