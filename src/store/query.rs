//! What a store is asked, and answers.

use std::sync::Arc;
use std::time::Duration;

use super::{Position, Record};

/// How much of each room is kept; what is beyond any of these goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Messages.
    pub messages: usize,
    /// Bytes of their text.
    pub bytes: usize,
    /// Their age.
    pub age: Option<Duration>,
}

impl Default for Retention {
    /// 1,000 messages and 1 MiB, of any age.
    fn default() -> Self {
        Self { messages: 1000, bytes: 1024 * 1024, age: None }
    }
}

/// The place of a room's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Behind this all is kept. [`Position::START`] where nothing of the room ever went.
    pub gone: Position,
    /// The latest message that ever was in the room, also where that is deleted or not kept
    /// any more; [`Position::START`] or `gone` where there was none.
    pub head: Position,
    /// The greatest position that anybody can have of any room.
    pub latest: Position,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// In these rooms.
    pub rooms: Vec<Arc<str>>,
    /// Messages with all of these words, without regard to case and accents; one that ends
    /// with `*` stands for all that begin so.
    pub words: String,
    /// Before this one.
    pub before: Option<Position>,
    /// So many at most.
    pub limit: usize,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The latest, the oldest of them first.
    pub records: Vec<Arc<Record>>,
    /// There are more before them.
    pub more: bool,
}

/// What is to be deleted: all that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// What somebody said under this name, as it is [compared](crate::chat::NameKey).
    pub author: Arc<str>,
    /// In this room only.
    pub room: Option<Arc<str>>,
}

/// How much there is in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStatistics {
    /// Messages that are kept.
    pub messages: u64,
    /// What they take: bytes of memory, or of the file.
    pub bytes: u64,
    /// Drafts that wait to be written.
    pub queued: usize,
}
