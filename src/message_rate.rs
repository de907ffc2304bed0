//! How fast a client may talk, as the server says it and as a client keeps to it.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::Error;

/// How fast a client may talk: so many messages at once, and then so many a second. What
/// is over waits; what is over for 10 s ends the connection with 1008. See
/// [`ServerBuilder::message_rate`](crate::ServerBuilder::message_rate) and
/// [`Connection::message_rate`](crate::Connection::message_rate).
///
/// ```
/// let rate: chinwag::MessageRate = "20:10".parse()?;
/// assert_eq!((rate.burst.get(), rate.per_second.get()), (20, 10));
/// assert_eq!(rate.to_string(), "20:10");
/// # Ok::<(), chinwag::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageRate {
    /// Messages that may come at once, after a pause.
    pub burst: NonZeroU32,
    /// Messages a second in the long run.
    pub per_second: NonZeroU32,
}

impl MessageRate {
    /// The field of a server's response to an upgrade that says its rate.
    pub const HEADER: &str = "Chinwag-Message-Rate";

    /// What a server takes.
    pub(crate) fn quota(self) -> Quota {
        Quota::per_second(self.per_second).allow_burst(self.burst)
    }
}

impl fmt::Display for MessageRate {
    /// As `20:10`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.burst, self.per_second)
    }
}

impl FromStr for MessageRate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let rate = text.split_once(':').and_then(|(burst, per_second)| {
            Some(Self { burst: burst.parse().ok()?, per_second: per_second.parse().ok()? })
        });
        rate.ok_or_else(|| {
            Error::Invalid("a message rate is BURST:PER_SECOND, such as 20:10, neither of them 0".to_owned())
        })
    }
}

/// Keeps who sends within a [`MessageRate`], on its safe side: half of the burst, and a
/// tenth less a second. What was held up on its way, and then comes faster than it was sent,
/// is then not too fast either.
///
/// ```no_run
/// # fn talk(connection: chinwag::Connection, lines: Vec<String>) -> chinwag::Result<()> {
/// let pacer = connection.message_rate().map(chinwag::Pacer::new);
/// for line in lines {
///     while let Some(Err(wait)) = pacer.as_ref().map(|pacer| pacer.take()) {
///         std::thread::sleep(wait);
///     }
///     connection.send(line)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Pacer(DefaultDirectRateLimiter);

impl Pacer {
    /// One that has sent nothing yet.
    pub fn new(rate: MessageRate) -> Self {
        let period = Duration::from_millis(1100) / rate.per_second.get();
        let burst = NonZeroU32::new(rate.burst.get() / 2).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(period).unwrap_or(rate.quota()).allow_burst(burst);
        Self(RateLimiter::direct(quota))
    }

    /// Whether the next message may be sent now, and then it counts as sent.
    ///
    /// # Errors
    ///
    /// How long to wait before asking again.
    pub fn take(&self) -> Result<(), Duration> {
        self.0.check().map_err(|refused| refused.wait_time_from(DefaultClock::default().now()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_pacer_lets_half_of_the_burst_pass_and_then_says_how_long_to_wait() {
        for (rate, at_once) in [("20:10", 10), ("1:10", 1)] {
            let pacer = Pacer::new(rate.parse().unwrap());
            assert!((0..at_once).all(|_| pacer.take().is_ok()), "{rate}");
            let wait = pacer.take().unwrap_err();
            assert!(
                wait > Duration::from_millis(50) && wait <= Duration::from_millis(110),
                "{rate}: {wait:?}"
            );
        }
        assert!(Pacer::new("4294967295:4294967295".parse().unwrap()).take().is_ok());
    }

    #[test]
    fn a_rate_is_two_numbers_and_neither_is_zero() {
        for text in ["", "20", "20:", "0:10", "20:0", "20:10:5", "-1:10", "many:few", "20:4294967296"] {
            assert!(text.parse::<MessageRate>().is_err(), "{text}");
        }
    }
}
