//! How long to wait before the next attempt to connect.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::verdict::{Verdict, judge};
use crate::Error;

/// How often in a row a name may be found taken.
pub(super) const NAME_TAKEN: u32 = 5;

/// Exponential back-off with full jitter: before the attempt `n` a random time
/// between `min` and `min * 2^n`, and never more than `max`.
///
/// Many clients that lost the same server do not come back at the same moment, and a
/// server that stays away is asked ever less often.
///
/// ```
/// use chinwag::chat_client::Backoff;
/// use std::time::Duration;
///
/// let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5)).random(|| 0.5);
/// let waits = [1, 2, 3, 4].map(|attempt| backoff.wait(attempt).as_secs_f64());
/// assert_eq!(waits, [1.5, 2.5, 3.0, 3.0]);
/// ```
#[derive(Clone)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    random: Arc<dyn Fn() -> f64 + Send + Sync>,
}

impl Backoff {
    /// Waits `min` at the least and `max` at the most. A small `min` notices sooner
    /// that the server is back, a large `max` spares it. Defaults to 0.5 s and 30 s.
    ///
    /// A `max` below `min` counts as `min`.
    pub fn new(min: Duration, max: Duration) -> Self {
        Self { min, max: max.max(min), random: Arc::new(rand::random::<f64>) }
    }

    /// Where chance comes from: a number from 0 up to 1 at each call. Defaults to the
    /// thread's random number generator.
    pub fn random(self, random: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self { random: Arc::new(random), ..self }
    }

    /// A time to wait before the attempt of this number, the first being 1.
    pub fn wait(&self, attempt: u32) -> Duration {
        let ceiling = 2_u32.checked_pow(attempt).and_then(|factor| self.min.checked_mul(factor));
        let ceiling = ceiling.map_or(self.max, |ceiling| ceiling.min(self.max));
        self.min + (ceiling - self.min).mul_f64((self.random)().clamp(0.0, 1.0))
    }

    /// A time to wait before the attempt of this number, which comes after `why`:
    /// `Retry-After` is honoured, and what is left to chance comes on top of it, for many
    /// may have been told the same. `None` where another attempt would end in the same
    /// way. For clients that connect again by themselves, as those of the text mode.
    pub fn after(&self, why: &Error, attempt: u32) -> Option<Duration> {
        let wait = self.wait(attempt);
        match judge(why) {
            Verdict::Final => None,
            Verdict::Again => Some(wait),
            Verdict::NotBefore(at_least) => Some(at_least.saturating_add(wait)),
            Verdict::NameTaken => (attempt <= NAME_TAKEN).then_some(wait),
        }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_millis(500), Duration::from_secs(30))
    }
}

impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backoff").field("min", &self.min).field("max", &self.max).finish_non_exhaustive()
    }
}
