//! Bounds how many pings and pongs a peer may send: each costs the thread that reads, and a
//! ping an answer too. Pongs that pings of ours have asked for are free, so that nobody is
//! made to break the bound by being pinged.

use std::sync::atomic::{AtomicU32, Ordering};

/// What a peer may send is counted anew after so many milliseconds.
const WINDOW: u64 = 10_000;

/// Pings that were sent since the reading thread looked last.
#[derive(Default)]
pub(super) struct Pings(AtomicU32);

impl Pings {
    /// One is about to be sent.
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn take(&self) -> u32 {
        // Mostly there is none, and a load is cheaper.
        if self.0.load(Ordering::Relaxed) == 0 { 0 } else { self.0.swap(0, Ordering::Relaxed) }
    }
}

/// What may still come, as the reading thread counts it.
pub(super) struct Controls {
    limit: u32,
    /// Pings, and pongs that nobody asked for, in this window.
    count: u32,
    /// The number of the window since the drain's clock began.
    window: u32,
    /// Pongs that are still to come.
    owed: u32,
}

impl Controls {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit, count: 0, window: 0, owed: 0 }
    }

    /// Something has come in at `now`, in milliseconds on the drain's clock. Asked once a read,
    /// where the time is known anyway.
    pub(super) fn note_read(&mut self, now: u64, pings: &Pings) {
        let window = (now / WINDOW) as u32;
        if window != self.window {
            (self.window, self.count) = (window, 0);
        }
        self.owed = self.owed.saturating_add(pings.take());
    }

    /// Counts a ping; whether it is within the limit.
    pub(super) fn ping(&mut self) -> bool {
        self.count = self.count.saturating_add(1);
        self.count <= self.limit
    }

    /// Counts a pong where nobody asked for it; whether it is within the limit.
    pub(super) fn pong(&mut self) -> bool {
        match self.owed.checked_sub(1) {
            Some(owed) => {
                self.owed = owed;
                true
            }
            None => self.ping(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_for_is_bounded_in_each_window() {
        let (mut controls, pings) = (Controls::new(2), Pings::default());
        for now in [0, WINDOW, 5 * WINDOW] {
            controls.note_read(now, &pings);
            assert_eq!([controls.ping(), controls.pong(), controls.ping()], [true, true, false], "at {now}");
            controls.note_read(now + WINDOW - 1, &pings);
            assert!(!controls.pong(), "the same window");
        }
    }

    #[test]
    fn pongs_that_were_asked_for_are_free() {
        let (mut controls, pings) = (Controls::new(1), Pings::default());
        (0..3).for_each(|_| pings.add());
        controls.note_read(0, &pings);
        assert!((0..3).all(|_| controls.pong()) && controls.ping());
        controls.note_read(1, &pings);
        assert!(!controls.pong(), "all three have been answered");
    }
}
