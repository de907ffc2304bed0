//! What goes into a store, and what comes out.

use std::fmt;
use std::sync::Arc;

use super::StoreError;

/// A place in a store's logs: behind the message that has it. Of two messages of a room the
/// later one has the greater position; between rooms the order is roughly that of time.
/// Positions need not be next to each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u128);

impl Position {
    /// Before all messages.
    pub const START: Self = Self(0);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What tells the outcomes of one chat's drafts from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A message that is to be in a room's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The room.
    pub room: Arc<str>,
    /// Who says it, as that is shown.
    pub from: String,
    /// The same name as it is [compared](crate::chat::NameKey).
    pub author: Arc<str>,
    /// Whom the credential was given to that the speaker came in with.
    pub subject: Option<Arc<str>>,
    /// What is said.
    pub text: String,
    /// It is a deed: *John waves*.
    pub action: bool,
    /// When: milliseconds since 1970, UTC.
    pub time: u64,
    /// Under which it is known again.
    pub key: Option<Key>,
}

/// Under which a draft is known again, for as long as a client may send it a second time:
/// a store knows [`Key::REMEMBERED`] of a session at least, and those of sessions that were
/// in use in the last ten minutes, or as many of them as it can bear.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// A digest of the session; the session itself is a secret.
    pub session: [u8; 16],
    /// The sender's own id, unique in the session.
    pub id: String,
}

/// A message in a room's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub position: Position,
    /// The room.
    pub room: Arc<str>,
    /// Who said it.
    pub from: String,
    /// The same name as it is [compared](crate::chat::NameKey).
    pub author: Arc<str>,
    /// Whom the speaker's credential was given to.
    pub subject: Option<Arc<str>>,
    /// What was said.
    pub text: String,
    /// It is a deed.
    pub action: bool,
    /// When: milliseconds since 1970, UTC.
    pub time: u64,
}

impl Key {
    /// So many of one session are known at least.
    pub const REMEMBERED: usize = 1024;
}

impl Draft {
    /// The message that it becomes at `position`, and its key.
    pub fn at(self, position: Position) -> (Record, Option<Key>) {
        let Self { room, from, author, subject, text, action, time, key } = self;
        (Record { position, room, from, author, subject, text, action, time }, key)
    }
}

/// A message is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// It is there because of this draft.
    New(Arc<Record>),
    /// An earlier draft had the same [`Key`], and this is what that became. It may not be
    /// kept any more.
    Known {
        /// The room that it was said in.
        room: Arc<str>,
        /// Its place.
        position: Position,
    },
}

/// What came of a draft.
pub type Outcome = Result<Appended, StoreError>;

/// What a store tells its chat.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Which draft; none of this chat's where there is none, but a message that somebody
    /// else appended.
    pub ticket: Option<Ticket>,
    /// What came of it.
    pub outcome: Outcome,
}

/// Where a store passes on what came of drafts, and what others appended: in the order of
/// each room's log.
#[derive(Clone)]
pub struct Tail(Arc<dyn Fn(Vec<Delivery>) + Send + Sync>);

impl Tail {
    /// A tail that does `deliver`.
    pub fn new(deliver: impl Fn(Vec<Delivery>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(deliver))
    }

    /// Passes these on. For the store's own thread, which holds no lock that an append
    /// takes: it waits where the hub is busy.
    pub fn deliver(&self, deliveries: Vec<Delivery>) {
        (self.0)(deliveries);
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tail")
    }
}
