//! What one member said that is not settled yet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

/// So many messages of one member wait for the store at most; then its own thread waits.
const MAX_PENDING: usize = 256;
/// How long that, and all else that comes behind what was said, is waited for: longer than
/// any message waits for the store.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many messages of a member are on their way into the log. What else it does comes
/// behind them, for its thread waits.
#[derive(Debug, Default)]
pub(super) struct Pending {
    count: Mutex<usize>,
    fewer: Condvar,
}

/// One message on its way into the log; settled when it is dropped, which waits for nothing.
#[derive(Debug)]
pub(super) struct OnItsWay(Arc<Pending>);

impl Drop for OnItsWay {
    fn drop(&mut self) {
        self.0.settle();
    }
}

impl Pending {
    /// One more is on its way. Waits where there are too many.
    pub(super) fn begin(self: &Arc<Self>) -> OnItsWay {
        *self.wait_below(MAX_PENDING) += 1;
        OnItsWay(self.clone())
    }

    fn settle(&self) {
        let mut count = self.count.lock();
        *count = count.saturating_sub(1);
        if *count == 0 || *count == MAX_PENDING - 1 {
            self.fewer.notify_all();
        }
    }

    /// Waits until all are settled.
    pub(super) fn wait(&self) {
        drop(self.wait_below(1));
    }

    fn wait_below(&self, limit: usize) -> MutexGuard<'_, usize> {
        let deadline = Instant::now() + PATIENCE;
        let mut count = self.count.lock();
        while *count >= limit && !self.fewer.wait_until(&mut count, deadline).timed_out() {}
        count
    }
}
