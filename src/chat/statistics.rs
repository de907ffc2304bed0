//! How large a chat is at one moment.

#[cfg(feature = "metrics")]
use std::time::Duration;

use super::Chat;

/// How large a chat is now. Numbers only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChatStatistics {
    /// People in at least one room.
    pub people: usize,
    /// Rooms that somebody is in.
    pub rooms: usize,
    /// Sessions that are known, with a connection and without.
    pub sessions: usize,
    /// Messages that are at hand in memory, of all rooms: the latest of what the
    /// [store](crate::store::Store::statistics) has.
    pub log_messages: usize,
    /// Bytes of memory that those take, at most.
    pub log_bytes: usize,
    /// Messages that were refused because the store did not take them.
    pub refused: u64,
    /// Messages that were heard all the same, and are kept for nobody.
    pub degraded: u64,
    /// Messages of which nobody knows whether they are kept, for the store has not answered in
    /// time.
    pub unsure: u64,
}

impl Chat {
    /// How large this chat is now.
    pub fn statistics(&self) -> ChatStatistics {
        self.shared.state.lock().statistics()
    }

    /// The same; `None` where the chat is busy for all of this time.
    #[cfg(feature = "metrics")]
    pub(crate) fn statistics_within(&self, timeout: Duration) -> Option<ChatStatistics> {
        self.shared.state.try_lock_for(timeout).map(|state| state.statistics())
    }
}
