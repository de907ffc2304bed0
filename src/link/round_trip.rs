//! How long a ping takes there and back. The ping carries when it was sent, and the
//! pong brings that back (RFC 6455, section 5.5.3), so nothing is kept in between.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Link;
use crate::clock::later;
use crate::counters::nanos;
use crate::frame;
use crate::outbox::{Kind, Watch};

/// What a peer sends back later is no measurement.
const LONGEST: Duration = Duration::from_secs(60);

impl Link {
    pub(super) fn ping(&self) {
        let sent = self.drain.micros(self.drain.now()).to_be_bytes();
        self.expect_pong();
        self.outbox.push_control(frame::ping(&sent, self.mask()), Kind::Fixed);
    }

    /// A ping is about to be sent.
    pub(crate) fn expect_pong(&self) {
        self.pings.add();
    }

    /// A pong came in.
    pub(super) fn note_pong(&self, payload: &[u8]) {
        let Ok(sent) = payload.try_into().map(u64::from_be_bytes) else { return };
        let took = self.drain.micros(self.drain.now()).checked_sub(sent).map(Duration::from_micros);
        let Some(took) = took.filter(|took| *took <= LONGEST) else { return };
        self.counters().round_trip.observe(nanos(took));
        // Zero is for not measured.
        self.round_trip.store(took.as_micros().max(1) as u32, Ordering::SeqCst);
        if self.is_measured.swap(false, Ordering::SeqCst) {
            self.drain.signal();
        }
    }

    /// The latest measurement.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        match self.round_trip.load(Ordering::SeqCst) {
            0 => None,
            micros => Some(Duration::from_micros(micros.into())),
        }
    }

    /// Pings, and waits for the pong at most `timeout`.
    pub(crate) fn measure_round_trip(&self, timeout: Duration) -> Option<Duration> {
        self.is_measured.store(true, Ordering::SeqCst);
        self.ping();
        let is_done = || self.is_closing() || !self.is_measured.load(Ordering::SeqCst);
        let is_done = self.drain.wait_until_or(later(Instant::now(), timeout), is_done);
        self.round_trip().filter(|_| is_done && !self.is_closing())
    }
}
