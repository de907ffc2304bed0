//! Drafts that wait to be written.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use crate::store::{Draft, StoreError, StoreErrorKind, Ticket};

/// So many wait at most, and so many bytes of them; beyond that an append is refused.
const MAX_DRAFTS: usize = 8192;
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Between the hub's turns, which put drafts in, and the writer, which takes all at once.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Held for a push or a swap, never across anything that waits.
    waiting: Mutex<Waiting>,
    wake: Condvar,
    /// Those that the writer has taken, and not told the outcome of.
    taken: AtomicUsize,
}

#[derive(Debug, Default)]
struct Waiting {
    drafts: Vec<(Ticket, Draft)>,
    bytes: usize,
    is_due: bool,
    /// There is somebody who takes them.
    is_open: bool,
    is_closing: bool,
}

impl Queue {
    pub(super) fn push(&self, ticket: Ticket, draft: Draft) -> Result<(), StoreError> {
        let mut waiting = self.waiting.lock();
        if !waiting.is_open {
            return Err(StoreError::new(StoreErrorKind::Other, "the store is not open for appending"));
        }
        let bytes = waiting.bytes + size(&draft);
        if waiting.drafts.len() >= MAX_DRAFTS || bytes > MAX_BYTES {
            return Err(StoreError::new(StoreErrorKind::Behind, "too much waits to be written"));
        }
        waiting.bytes = bytes;
        waiting.drafts.push((ticket, draft));
        Ok(())
    }

    /// There is a writer.
    pub(super) fn open(&self) {
        self.waiting.lock().is_open = true;
    }

    /// Wakes the writer.
    pub(super) fn commit(&self) {
        self.waiting.lock().is_due = true;
        self.wake.notify_one();
    }

    /// Has the writer end when it has written all. Nothing more is taken.
    pub(super) fn close(&self) {
        let mut waiting = self.waiting.lock();
        (waiting.is_open, waiting.is_closing, waiting.is_due) = (false, true, true);
        self.wake.notify_one();
    }

    /// Takes all that waits, when somebody commits or it is `deadline`; whether that was the
    /// last. `drafts` is empty, and its room is used again.
    pub(super) fn take(&self, drafts: &mut Vec<(Ticket, Draft)>, deadline: Instant) -> bool {
        let mut waiting = self.waiting.lock();
        while !waiting.is_due && !self.wake.wait_until(&mut waiting, deadline).timed_out() {}
        std::mem::swap(&mut waiting.drafts, drafts);
        (waiting.bytes, waiting.is_due) = (0, waiting.is_closing);
        self.taken.store(drafts.len(), Ordering::Relaxed);
        waiting.is_closing
    }

    /// What was taken last is settled.
    pub(super) fn settle(&self) {
        self.taken.store(0, Ordering::Relaxed);
    }

    /// Nothing waits.
    pub(super) fn is_idle(&self) -> bool {
        !self.waiting.lock().is_due
    }

    /// How many wait, or are being written.
    pub(super) fn len(&self) -> usize {
        self.waiting.lock().drafts.len() + self.taken.load(Ordering::Relaxed)
    }
}

fn size(draft: &Draft) -> usize {
    let key = draft.key.as_ref().map_or(0, |key| key.id.len());
    size_of::<Draft>() + draft.text.len() + draft.from.len() + key
}
