//! How fast one client may talk. What is too fast waits, on that client's own thread,
//! and so in its own socket; who goes on being too fast is closed.

use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, RateLimiter};

use crate::MessageRate;
use crate::counters::add;
use crate::link::Link;

/// How long a client may be too fast.
const PATIENCE: Duration = Duration::from_secs(10);

/// One client's pace.
pub(super) struct Pace {
    limiter: DefaultDirectRateLimiter,
    rate: MessageRate,
    fast_since: Option<Instant>,
}

impl Pace {
    pub(super) fn new(rate: MessageRate) -> Box<Self> {
        Box::new(Self { limiter: RateLimiter::direct(rate.quota()), rate, fast_since: None })
    }

    /// Waits until another message may be taken. `Err` where none will be any more: with
    /// the reason, where that is for being too fast.
    // Kept out of the caller's frame, whose stack page every idle client pays for.
    #[inline(never)]
    pub(super) fn keep(&mut self, link: &Link) -> Result<(), Option<String>> {
        let Err(refused) = self.limiter.check() else {
            self.fast_since = None;
            return Ok(());
        };
        add(&link.counters().paced, 1);
        let mut wait = refused.wait_time_from(DefaultClock::default().now());
        let since = *self.fast_since.get_or_insert_with(Instant::now);
        loop {
            let left = PATIENCE.saturating_sub(since.elapsed());
            if link.wait_closing(wait.min(left)) {
                return Err(None);
            }
            match self.limiter.check() {
                Ok(()) => return Ok(()),
                Err(_) if left.is_zero() => {
                    let (rate, seconds) = (self.rate.per_second, PATIENCE.as_secs());
                    return Err(Some(format!("too fast: over {rate} messages a second for {seconds} s")));
                }
                Err(refused) => wait = refused.wait_time_from(DefaultClock::default().now()),
            }
        }
    }
}
