//! Why a connection ended: the code and the words on the wire, who closed it,
//! and whether the closing handshake was completed.

use std::fmt;

/// A close code of [RFC 6455, section 7.4](https://www.rfc-editor.org/rfc/rfc6455#section-7.4).
///
/// ```
/// use chinwag::CloseCode;
///
/// assert_eq!(CloseCode::GOING_AWAY.value(), 1001);
/// assert!(CloseCode::from(4000).is_sendable());
/// assert!(!CloseCode::ABNORMAL.is_sendable());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the conversation is over, as one side asked.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the server shuts down, or the browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// 1003: data of a kind that is not taken here, such as binary in a text chat.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1005: the peer closed without giving a code. Never on the wire.
    pub const NO_STATUS: Self = Self(1005);
    /// 1006: the peer vanished without closing. Never on the wire.
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: a text message that is not UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// 1008: a rule of the server was broken: kicked, too fast, keepalive missed.
    pub const POLICY: Self = Self(1008);
    /// 1009: a message over the size limit.
    pub const TOO_BIG: Self = Self(1009);
    /// 1011: a failure on this side, such as a handler that panicked.
    pub const INTERNAL: Self = Self(1011);
    /// 1012: the server restarts.
    pub const RESTART: Self = Self(1012);
    /// 1013: try again later; here, a client too slow to keep up.
    pub const TRY_AGAIN: Self = Self(1013);

    /// The number on the wire.
    pub const fn value(self) -> u16 {
        self.0
    }

    /// Whether a close frame may carry this code: registered ones, and 3000 to
    /// 4999 for libraries and applications.
    pub const fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl From<u16> for CloseCode {
    fn from(value: u16) -> Self {
        Self(value)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClosedBy {
    /// This side: the application, a limit, or a shutdown.
    Local,
    /// The other side, by a close frame or by vanishing.
    Peer,
}

/// Why and how a connection ended.
///
/// A peer that vanishes is an ordinary end, not an error: its code is
/// [`CloseCode::ABNORMAL`] and [`clean`](Self::clean) is false.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseReason {
    /// The code that the close frame carried, or 1005 or 1006 where there was none.
    pub code: CloseCode,
    /// The words beside the code. The peer's own words where it closed:
    /// show them through [`Escaped`](crate::Escaped).
    pub reason: String,
    /// Who closed first.
    pub by: ClosedBy,
    /// Whether both close frames were exchanged.
    pub clean: bool,
}

impl CloseReason {
    /// An end that this side decided on; not clean until the peer answers.
    pub fn local(code: CloseCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), by: ClosedBy::Local, clean: false }
    }

    /// An end that the peer decided on, by a close frame.
    pub(crate) fn peer(code: CloseCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), by: ClosedBy::Peer, clean: true }
    }

    /// The peer is gone without a close frame.
    pub(crate) fn vanished(reason: impl Into<String>) -> Self {
        Self { code: CloseCode::ABNORMAL, reason: reason.into(), by: ClosedBy::Peer, clean: false }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = match self.by {
            ClosedBy::Local => "this side",
            ClosedBy::Peer => "the peer",
        };
        write!(f, "closed by {who} with {}", self.code)?;
        if !self.reason.is_empty() {
            write!(f, " ({})", crate::Escaped::new(&self.reason))?;
        }
        if !self.clean {
            f.write_str(", without a closing handshake")?;
        }
        Ok(())
    }
}
