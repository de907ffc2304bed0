//! What a store in a file counts of itself: plain atomics, written a batch at a time.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::Histogram;
use crate::counters::{Counts, Label, Observed, add, read};
use crate::store::{Appended, Delivery, StoreErrorKind};

const MICRO: u64 = 1_000;
const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const NANOS: f64 = SECOND as f64;

// In nanoseconds: from a write that the system takes to a disk that is very busy.
static TIMES: [u64; 14] = [
    50 * MICRO,
    100 * MICRO,
    250 * MICRO,
    500 * MICRO,
    MILLI,
    2_500 * MICRO,
    5 * MILLI,
    10 * MILLI,
    25 * MILLI,
    50 * MILLI,
    100 * MILLI,
    250 * MILLI,
    SECOND,
    5 * SECOND,
];
static MESSAGES: [u64; 13] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

/// What a [`Sqlite`](super::Sqlite) has counted since it was opened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SqliteStatistics {
    /// Messages that it has put into the file.
    pub appended: u64,
    /// Messages that another process had put there, and that it passed on.
    pub adopted: u64,
    /// Seconds of transactions that put messages into the file, with the wait for the disk
    /// where there is one.
    pub transaction_seconds: Histogram,
    /// Messages of one such transaction.
    pub transaction_messages: Histogram,
    /// Attempts to write or read that failed, by [kind](StoreErrorKind::as_str).
    pub failures: Vec<(&'static str, u64)>,
    /// Messages that were deleted because there was more, or older, than is to be kept.
    pub expired: u64,
    /// Seconds of checkpoints, which move what was written from the log of SQLite into the
    /// file itself.
    pub checkpoint_seconds: Histogram,
    /// Bytes of that log.
    pub wal_bytes: u64,
    /// Messages that are not in the index for searching yet.
    pub unindexed: u64,
}

/// Being counted.
pub(super) struct Counted {
    /// That are kept now.
    messages: AtomicU64,
    appended: AtomicU64,
    adopted: AtomicU64,
    transaction_time: Observed,
    transaction_messages: Observed,
    failures: Counts<StoreErrorKind>,
    expired: AtomicU64,
    checkpoint_time: Observed,
    unindexed: AtomicU64,
}

impl Counted {
    /// A transaction was committed, and this came of it.
    pub(super) fn transaction(&self, time: Duration, deliveries: &[Delivery]) {
        let (mut appended, mut adopted) = (0, 0);
        for Delivery { ticket, outcome } in deliveries {
            match ticket {
                None => adopted += 1,
                Some(_) => appended += u64::from(matches!(outcome, Ok(Appended::New(_)))),
            }
        }
        add(&self.appended, appended);
        add(&self.adopted, adopted);
        self.transaction_time.observe(nanos(time));
        self.transaction_messages.observe(appended);
    }

    pub(super) fn messages(&self) -> u64 {
        read(&self.messages)
    }

    /// So many are kept now.
    pub(super) fn set_messages(&self, messages: u64) {
        self.messages.store(messages, Relaxed);
    }

    /// So many messages of another process's were passed on.
    pub(super) fn adopted(&self, messages: u64) {
        add(&self.adopted, messages);
    }

    /// An attempt failed.
    pub(super) fn failed(&self, kind: StoreErrorKind) {
        self.failures.count(&kind);
    }

    /// So many messages went because there were too many.
    pub(super) fn expired(&self, messages: u64) {
        add(&self.expired, messages);
    }

    pub(super) fn checkpoint(&self, time: Duration) {
        self.checkpoint_time.observe(nanos(time));
    }

    /// So many messages are not in the index now.
    pub(super) fn set_unindexed(&self, messages: u64) {
        self.unindexed.store(messages, Relaxed);
    }

    /// So many came in that are not in the index.
    pub(super) fn more_unindexed(&self, messages: u64) {
        add(&self.unindexed, messages);
    }

    /// So many were put into the index. Others that were not went before their turn, so that
    /// there may seem to be more than there were.
    pub(super) fn less_unindexed(&self, messages: u64) {
        let left = |waiting: u64| Some(waiting.saturating_sub(messages));
        let _ = self.unindexed.fetch_update(Relaxed, Relaxed, left);
    }

    pub(super) fn snapshot(&self, wal_bytes: u64) -> SqliteStatistics {
        SqliteStatistics {
            appended: read(&self.appended),
            adopted: read(&self.adopted),
            transaction_seconds: self.transaction_time.snapshot(NANOS),
            transaction_messages: self.transaction_messages.snapshot(1.0),
            failures: self.failures.snapshot(),
            expired: read(&self.expired),
            checkpoint_seconds: self.checkpoint_time.snapshot(NANOS),
            wal_bytes,
            unindexed: read(&self.unindexed),
        }
    }
}

impl Default for Counted {
    fn default() -> Self {
        Self {
            messages: AtomicU64::default(),
            appended: AtomicU64::default(),
            adopted: AtomicU64::default(),
            transaction_time: Observed::new(&TIMES),
            transaction_messages: Observed::new(&MESSAGES),
            failures: Counts::default(),
            expired: AtomicU64::default(),
            checkpoint_time: Observed::new(&TIMES),
            unindexed: AtomicU64::default(),
        }
    }
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counted")
    }
}

impl Label for StoreErrorKind {
    const NAMES: &'static [&'static str] =
        &["behind", "full", "locked", "gone", "read_only", "damaged", "unsupported", "bad_request", "other"];

    fn index(&self) -> usize {
        *self as usize
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_failure_is_counted_under_its_own_name() {
        use StoreErrorKind::{BadRequest, Behind, Damaged, Full, Gone, Locked, Other, ReadOnly, Unsupported};
        for kind in [Behind, Full, Locked, Gone, ReadOnly, Damaged, Unsupported, BadRequest, Other] {
            let counted = Counted::default();
            counted.failed(kind);
            let failures = counted.snapshot(0).failures;
            let seen = failures.into_iter().filter(|(_, count)| *count > 0).collect::<Vec<_>>();
            assert_eq!(seen, [(kind.as_str(), 1)]);
        }
    }
}
