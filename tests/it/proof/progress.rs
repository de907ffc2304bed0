//! How far a crowd has come: what a storm waits for.

use parking_lot::{Condvar, Mutex};
use std::time::Instant;

use crate::support::PATIENCE;

/// What happened so far, to all clients.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    pub acked: usize,
    pub refused: usize,
    /// Heard without a position.
    pub unplaced: usize,
    pub connected: usize,
    /// Clients that have nothing to say any more, and an answer to all they said.
    pub quiet: usize,
    pub is_silent: bool,
}

#[derive(Default)]
pub struct Progress {
    counts: Mutex<Counts>,
    changed: Condvar,
}

impl Counts {
    pub fn answered(&self) -> usize {
        self.acked + self.refused + self.unplaced
    }
}

impl Progress {
    pub fn note(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.counts.lock());
        self.changed.notify_all();
    }

    pub fn now(&self) -> Counts {
        *self.counts.lock()
    }

    /// Nobody says anything new from now on.
    pub fn silence(&self) {
        self.note(|counts| counts.is_silent = true);
    }

    /// Waits until so much has happened.
    #[track_caller]
    pub fn wait(&self, what: &str, mut done: impl FnMut(&Counts) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut counts = self.counts.lock();
        while !done(&counts) {
            let timed_out = self.changed.wait_until(&mut counts, deadline).timed_out();
            assert!(!timed_out || done(&counts), "not within {PATIENCE:?}: {what}; {counts:?}");
        }
    }
}
