//! Says the same thing at most once in ten seconds.

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
    /// Calls `say` with how often it went unsaid before, or counts this one.
    pub(super) fn say(&self, say: impl FnOnce(u64)) {
        let unsaid = {
            let mut state = self.0.lock();
            if state.last.is_some_and(|last| last.elapsed() < INTERVAL) {
                state.unsaid += 1;
                return;
            }
            state.last = Some(Instant::now());
            std::mem::take(&mut state.unsaid)
        };
        say(unsaid);
    }
}
