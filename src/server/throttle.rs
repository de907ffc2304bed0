//! Says the same thing at most once in ten seconds.

use std::fmt;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

const INTERVAL: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Throttle(Mutex<State>);

#[derive(Default)]
struct State {
    last: Option<Instant>,
    unsaid: u64,
}

impl Throttle {
    /// Logs `what`, with how often it went unsaid before, or counts this one.
    pub(super) fn log(&self, level: log::Level, what: fmt::Arguments<'_>) {
        let unsaid = {
            let mut state = self.0.lock();
            if state.last.is_some_and(|last| last.elapsed() < INTERVAL) {
                state.unsaid += 1;
                return;
            }
            state.last = Some(Instant::now());
            std::mem::take(&mut state.unsaid)
        };
        log::log!(level, "{what} ({unsaid} more since last told)");
    }
}
