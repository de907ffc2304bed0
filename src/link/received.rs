//! What came in over a connection. Only its reading thread counts, so that plain loads
//! and stores do; others look.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
pub(super) struct Received {
    /// When the handshake was done, in ticks of the drain's clock.
    opened: AtomicU64,
    bytes: AtomicU64,
    messages: AtomicU64,
}

impl Received {
    pub(super) fn open(&self, now: u64) {
        self.opened.store(now, Ordering::Relaxed);
    }

    pub(super) fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    pub(super) fn add_bytes(&self, bytes: usize) {
        add(&self.bytes, bytes as u64);
    }

    pub(super) fn add_message(&self) {
        add(&self.messages, 1);
    }

    /// Bytes and messages so far.
    pub(super) fn totals(&self) -> (u64, u64) {
        (self.bytes.load(Ordering::Relaxed), self.messages.load(Ordering::Relaxed))
    }
}

fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed) + more, Ordering::Relaxed);
}
