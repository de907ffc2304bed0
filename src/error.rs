//! The one error of the crate. A peer that leaves is not one: see
//! [`CloseReason`].

use std::fmt;
use std::io;

use crate::CloseReason;

/// A result whose error is [`Error`] unless said otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong. Each says what was attempted; the cause is in
/// [`source`](std::error::Error::source).
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused something: an address in use, no thread or
    /// descriptor left, a host that does not answer.
    Io {
        /// What was attempted, such as `bind 127.0.0.1:9001`.
        attempt: String,
        /// The system's answer.
        source: io::Error,
    },
    /// An address, option or header that cannot be used. Mend it and try again.
    Invalid(String),
    /// The server answered the handshake with a status other than 101, and said why.
    Refused(Box<RefusedResponse>),
    /// The peer's handshake broke the rules of RFC 6455 or HTTP.
    Handshake(String),
    /// TLS did not come about: the other side's certificate cannot be trusted, ours was
    /// not taken, or the other side does not speak TLS. It says which.
    Tls(String),
    /// A time limit passed. It says which.
    TimedOut(String),
    /// Another thread cancelled the attempt.
    Cancelled,
    /// The connection has ended, and why.
    Closed(CloseReason),
    /// The peer broke the WebSocket protocol, in words, and the reason it was
    /// closed with.
    Protocol(String, CloseReason),
    /// A callback of the embedder's panicked; the connection was closed with 1011.
    Panicked(String),
    /// The server was asked to stop, and some handlers had not returned in time.
    /// Their threads were left behind: this many.
    StillRunning(usize),
}

/// The answer of a server that refused an upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedResponse {
    /// The HTTP status, such as 409.
    pub status: u16,
    /// Header fields in the order received; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, cut at 16 KiB; what is not UTF-8 in it is replaced.
    pub body: String,
}

impl RefusedResponse {
    /// The first header field named `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl Error {
    pub(crate) fn io(attempt: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let attempt = attempt.into();
        move |source| Self::Io { attempt, source }
    }

    /// The reason the connection ended with, where this error means that it did.
    pub fn close_reason(&self) -> Option<&CloseReason> {
        match self {
            Self::Closed(reason) | Self::Protocol(_, reason) => Some(reason),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { attempt, source } => write!(f, "failed to {attempt}: {source}"),
            Self::Invalid(what) => f.write_str(what),
            Self::Refused(response) => {
                write!(f, "the server refused with status {}", response.status)?;
                match response.body.trim().lines().next() {
                    None => Ok(()),
                    Some(line) => write!(f, ": {}", crate::Escaped::new(line.trim_end()).cut(200)),
                }
            }
            Self::Handshake(what) => {
                write!(f, "the handshake failed: {}", crate::Escaped::new(what).cut(300))
            }
            Self::Tls(what) => crate::Escaped::new(what).cut(600).fmt(f),
            Self::TimedOut(what) => write!(f, "timed out: {what}"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::Closed(reason) => write!(f, "the connection is closed: {reason}"),
            Self::Protocol(what, _) => {
                write!(f, "the peer broke the protocol: {}", crate::Escaped::new(what).cut(300))
            }
            Self::Panicked(what) => write!(f, "a handler panicked: {}", crate::Escaped::new(what).cut(300)),
            Self::StillRunning(count) => {
                write!(f, "stopped, but {count} handlers had not returned in time and were left behind")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
