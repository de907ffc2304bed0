//! Where a room's log is: what was said in it, each message at its position, for as long as
//! it is [kept](Retention).
//!
//! A [`Chat`](crate::chat::Chat) shows what is said only when its [`Store`] has given it a
//! position: what people hear is the tail of the log, so what they hear live, what they
//! missed and what they look up cannot disagree. [`Memory`] is the store that a chat has
//! unless it is [given](crate::chat::ChatBuilder::store) another; a store of an
//! application's own is an implementation of the trait, and [`conformance`] finds out
//! whether it keeps its word.
//!
//! # How a message gets into the log
//!
//! 1. In the hub's turn the chat hands a [`Draft`] to [`Store::append`], which never waits.
//!    A store that knows at once what came of it says so; another takes the draft into a
//!    bounded queue of its own.
//! 2. At the end of that turn the chat calls [`Store::commit`]: what was taken since the
//!    last time belongs into one transaction.
//! 3. The store's own thread writes, and passes the [`Outcome`]s to its [`Tail`] in the
//!    order of the log. Between them may be messages that others appended to the same
//!    log, such as another server; those have no [`Ticket`].
//! 4. The chat shows each message to its room, and gives its sender the acknowledgement.
//!
//! A draft with a [`Key`] that the store has taken in before is not appended again: the
//! outcome is the message that was.

pub mod conformance;
mod error;
mod lines;
mod memory;
mod message;
mod query;
#[cfg(feature = "sqlite")]
mod sqlite;
mod words;

pub use error::{StoreError, StoreErrorKind};
pub use lines::{Lines, line};
pub use memory::Memory;
pub use message::{Appended, Delivery, Draft, Key, Outcome, Position, Record, Tail, Ticket};
pub use query::{Bounds, Erasure, Found, Retention, Search, StoreStatistics};
#[cfg(feature = "sqlite")]
pub use sqlite::{Durability, Scan, Sqlite, SqliteBuilder, SqliteStatistics};

use std::sync::Arc;

/// A log for each room.
///
/// [`append`](Self::append) and [`commit`](Self::commit) are called in the hub's turn, one
/// after the other, and must not block: no file, no network, no lock that somebody holds
/// who waits. All other methods may block, are called from any thread, several at a time,
/// and come to an end within some seconds.
///
/// Rooms are named by [`RoomName`](crate::chat::RoomName)s. A room without messages is a
/// room, too.
pub trait Store: Send + Sync + 'static {
    /// Tells the positions of this store from those of any other: 1 to 20 letters, digits
    /// or dots, the same as long as the store is. Whoever holds a position of another store
    /// has missed all that is here.
    fn epoch(&self) -> &str;

    /// Whether another process that opens this store later finds what was appended, and the
    /// [keys](Key) of it.
    fn outlives_process(&self) -> bool;

    /// Where outcomes go that come later than their append. Called once, before the first
    /// draft.
    fn open(&self, tail: Tail);

    /// Takes a message that is to be in its room's log, behind all that were taken before.
    /// Never blocks.
    ///
    /// What came of it, where that is known at once; else nothing, and then the tail gets
    /// it under this ticket, once. Where the store's queue is full it is known at once
    /// ([`StoreErrorKind::Behind`]).
    fn append(&self, ticket: Ticket, draft: Draft) -> Option<Outcome>;

    /// What was taken since the last time may be written now, together. Never blocks.
    /// Called at the end of each hub's turn in which an append returned nothing.
    fn commit(&self);

    /// The place of a room's log: where what is kept begins, and where it ends.
    ///
    /// # Errors
    ///
    /// Where the store cannot tell.
    fn bounds(&self, room: &str) -> Result<Bounds, StoreError>;

    /// What is kept of a room behind `after`, up to `until` and with it: the first
    /// `limit`, the oldest first.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read.
    fn after(
        &self,
        room: &str,
        after: Position,
        until: Position,
        limit: usize,
    ) -> Result<Vec<Arc<Record>>, StoreError>;

    /// What is kept of a room before `before`, or up to its end: the last `limit`, the
    /// oldest first.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read.
    fn before(
        &self,
        room: &str,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Arc<Record>>, StoreError>;

    /// How many messages are kept of a room behind `after`, up to `until` and with it.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read.
    fn count(&self, room: &str, after: Position, until: Position) -> Result<u64, StoreError>;

    /// Looks for words in what is kept.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read, or does not search
    /// ([`StoreErrorKind::Unsupported`]).
    fn search(&self, search: &Search) -> Result<Found, StoreError>;

    /// Deletes messages, for good; how many. Their positions stay unused, and nobody who
    /// comes back is told that something is missing.
    ///
    /// # Errors
    ///
    /// Where the store cannot be written.
    fn erase(&self, erasure: &Erasure) -> Result<u64, StoreError>;

    /// How much of each room is kept from now on. What is beyond it goes by and by, the
    /// oldest first.
    fn set_retention(&self, retention: Retention);

    /// Whether a draft would be stored now, as far as is known without trying.
    ///
    /// # Errors
    ///
    /// Why not.
    fn health(&self) -> Result<(), StoreError>;

    /// How much there is in it, as far as that is known without looking long.
    fn statistics(&self) -> StoreStatistics;
}
