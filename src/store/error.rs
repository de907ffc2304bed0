//! Why a store did not do what it was asked.

use std::fmt;
use std::sync::Arc;

/// Why a store did not do what it was asked. Its text is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    kind: StoreErrorKind,
    reason: Arc<str>,
}

/// What kind of trouble a store has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// More waits to be written, or read, than it takes.
    Behind,
    /// There is no room left.
    Full,
    /// Somebody else holds it for too long.
    Locked,
    /// It is not where it was.
    Gone,
    /// It may not be written.
    ReadOnly,
    /// It is damaged, or none of ours.
    Damaged,
    /// It does not do that at all.
    Unsupported,
    /// What was asked for makes no sense.
    BadRequest,
    /// Anything else.
    Other,
}

impl StoreError {
    /// An error of this kind; `reason` says in words what a person can act on.
    pub fn new(kind: StoreErrorKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into().into() }
    }

    /// What kind of trouble it is.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for StoreError {}

impl StoreErrorKind {
    /// What is wrong, in words for those who only talk: where the store is, is not for them.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Behind => "too much waits to be kept",
            Self::Full => "the server's disk is full",
            Self::Locked => "another program holds the server's log",
            Self::Gone => "the server's log is gone",
            Self::ReadOnly => "the server's log may not be written",
            Self::Damaged => "the server's log is damaged",
            Self::Unsupported => "the server's log does not do that",
            Self::BadRequest => "what was asked for makes no sense",
            Self::Other => "the server's log fails",
        }
    }

    /// One word for it, as metrics name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Behind => "behind",
            Self::Full => "full",
            Self::Locked => "locked",
            Self::Gone => "gone",
            Self::ReadOnly => "read_only",
            Self::Damaged => "damaged",
            Self::Unsupported => "unsupported",
            Self::BadRequest => "bad_request",
            Self::Other => "other",
        }
    }
}
