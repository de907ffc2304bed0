//! What is kept of one room.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::store::{Bounds, Position, Record, Retention};

/// What a message takes beside its text, at most.
const OVERHEAD: usize = 512;

/// One room's log.
#[derive(Debug)]
pub(super) struct Log {
    records: VecDeque<Arc<Record>>,
    /// Of their text.
    bytes: usize,
    /// The number of the latest message that is not kept any more; before all
    /// records.
    gone: u64,
    /// The number of the latest message there ever was.
    pub used: u64,
}

/// What is not kept any more.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Freed {
    pub messages: usize,
    /// Of memory.
    pub bytes: usize,
}

impl Log {
    /// A log of which all up to `gone` may be missing.
    pub(super) fn new(gone: u64) -> Self {
        Self { records: VecDeque::new(), bytes: 0, gone, used: gone }
    }

    pub(super) fn push(&mut self, record: Arc<Record>) {
        self.bytes += record.text.len();
        self.used = number(&record);
        self.records.push_back(record);
    }

    pub(super) fn bounds(&self, latest: u64) -> Bounds {
        Bounds { gone: position(self.gone), head: position(self.used), latest: position(latest) }
    }

    pub(super) fn between(
        &self,
        after: Position,
        until: Position,
    ) -> impl ExactSizeIterator<Item = &Arc<Record>> {
        let from = self.records.partition_point(|record| record.position <= after);
        let end = self.records.partition_point(|record| record.position <= until).max(from);
        self.records.range(from..end)
    }

    pub(super) fn before(&self, before: Option<Position>, limit: usize) -> Vec<Arc<Record>> {
        let is_before = |before| self.records.partition_point(|record| record.position < before);
        let end = before.map_or(self.records.len(), is_before);
        self.records.range(end.saturating_sub(limit)..end).cloned().collect()
    }

    /// Drops what is beyond `retention`, where nothing before `oldest` is kept: milliseconds
    /// since 1970.
    pub(super) fn trim(&mut self, retention: Retention, oldest: Option<u64>) -> Freed {
        let mut freed = Freed::default();
        while let Some(first) = self.records.front() {
            let is_old = oldest.is_some_and(|oldest| first.time < oldest);
            let is_over = self.records.len() > retention.messages || self.bytes > retention.bytes;
            if !is_old && !is_over {
                break;
            }
            freed += self.pop();
        }
        freed
    }

    /// Drops the first of what is kept.
    pub(super) fn pop(&mut self) -> Freed {
        let Some(first) = self.records.pop_front() else { return Freed::default() };
        self.bytes -= first.text.len();
        self.gone = number(&first);
        Freed { messages: 1, bytes: size(&first) }
    }

    /// Deletes what somebody said. No more is gone for that: nobody is to notice.
    pub(super) fn erase(&mut self, author: &str) -> Freed {
        let (mut freed, mut text) = (Freed::default(), 0);
        self.records.retain(|record| {
            let is_meant = &*record.author == author;
            if is_meant {
                freed += Freed { messages: 1, bytes: size(record) };
                text += record.text.len();
            }
            !is_meant
        });
        self.bytes -= text;
        freed
    }

    /// All of it.
    pub(super) fn free(&self) -> Freed {
        let bytes = self.bytes + self.records.len() * OVERHEAD;
        Freed { messages: self.records.len(), bytes }
    }
}

impl std::ops::AddAssign for Freed {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
    }
}

/// What a message takes in memory, at most.
pub(super) fn size(record: &Record) -> usize {
    record.text.len() + OVERHEAD
}

pub(super) fn position(number: u64) -> Position {
    Position(number.into())
}

fn number(record: &Record) -> u64 {
    // It was made from one.
    record.position.0 as u64
}
