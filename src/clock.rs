//! The time that keepalive, deadlines and grace periods go by, and a kind that
//! a test moves by hand.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Whether there is still something to wake.
type Waker = Box<dyn Fn() -> bool + Send + Sync>;

/// Longer than any time-out that is meant; `Instant` cannot reach much further.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// The moment `wait` after `now`. A wait without end, such as [`Duration::MAX`],
/// becomes a year.
pub(crate) fn later(now: Instant, wait: Duration) -> Instant {
    now + wait.min(FOREVER)
}

/// Where a server or a connection takes its time from.
///
/// The default is the system's monotonic clock. [`Clock::manual`] gives one
/// that stands still until a test moves it:
///
/// ```
/// use chinwag::Clock;
/// use std::time::Duration;
///
/// let (clock, hand) = Clock::manual();
/// let before = clock.now();
/// hand.advance(Duration::from_secs(20));
/// assert_eq!(clock.now() - before, Duration::from_secs(20));
/// ```
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<Manual>>);

struct Manual {
    now: Mutex<Instant>,
    wakers: Mutex<Vec<Waker>>,
}

/// Moves a manual [`Clock`].
#[derive(Clone)]
pub struct ClockHand(Arc<Manual>);

impl Clock {
    /// The system's monotonic clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still, and the hand that moves it.
    pub fn manual() -> (Self, ClockHand) {
        let manual = Arc::new(Manual { now: Mutex::new(Instant::now()), wakers: Mutex::default() });
        (Self(Some(manual.clone())), ClockHand(manual))
    }

    /// The time now.
    pub fn now(&self) -> Instant {
        match &self.0 {
            None => Instant::now(),
            Some(manual) => *manual.now.lock(),
        }
    }

    /// How long a wait for `deadline` may last in real time; `None` is until
    /// woken, which on a manual clock every advance does.
    pub(crate) fn timeout(&self, deadline: Option<Instant>) -> Option<Duration> {
        let left = deadline?.saturating_duration_since(self.now());
        (self.0.is_none() || left.is_zero()).then_some(left)
    }

    /// Calls `waker` after each advance, until it says that it wakes nobody.
    pub(crate) fn on_advance(&self, waker: impl Fn() -> bool + Send + Sync + 'static) {
        if let Some(manual) = &self.0 {
            manual.wakers.lock().push(Box::new(waker));
        }
    }
}

impl ClockHand {
    /// Moves the clock on. What falls due is done by the server's own threads,
    /// shortly after this returns.
    pub fn advance(&self, by: Duration) {
        *self.0.now.lock() += by;
        self.0.wakers.lock().retain(|wake| wake());
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Clock::manual" } else { "Clock::system" })
    }
}

impl fmt::Debug for ClockHand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClockHand")
    }
}
