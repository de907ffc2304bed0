//! What falls due for a connection: the handshake's end, keepalive, a message that
//! takes too long, a reader too slow, a probe, the end of what let the client in, the
//! closing. Runs on the drain's thread, when an alarm rings.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{LINGER, Link, NEVER, Stage};
use crate::CloseCode;
use crate::transport::Half;

impl Link {
    /// Does what is due at `now`; returns when to look again. Called by the drain.
    pub(super) fn attend(&self, now: u64) -> Option<u64> {
        let stage = self.stage.load(Ordering::SeqCst);
        if stage == Stage::Open as u8 {
            return self.attend_open(now);
        }
        if stage == Stage::Deciding as u8 {
            return None;
        }
        let deadline = self.deadline.load(Ordering::SeqCst);
        if now < deadline {
            return Some(deadline);
        }
        if stage == Stage::Greeting as u8 {
            self.end_greeting();
        } else {
            self.outbox.abort();
        }
        None
    }

    /// The greeter wakes, answers 408, and has a moment for that; one that lingers
    /// after a refusal has had it. False once the request is here.
    pub(super) fn end_greeting(&self) -> bool {
        if self.is_closing() {
            self.outbox.abort();
            return true;
        }
        self.greeting_timed_out.store(true, Ordering::SeqCst);
        if !self.pass(Stage::Greeting, Stage::Closing) {
            return false;
        }
        self.transport.shutdown(Half::Read);
        self.end_by(LINGER);
        true
    }

    fn attend_open(&self, now: u64) -> Option<u64> {
        let expires = Some(self.expires.load(Ordering::SeqCst)).filter(|at| *at != NEVER);
        if expires.is_some_and(|at| at <= now) {
            self.close(CloseCode::POLICY, "your access has expired", false);
            return None;
        }
        let slow_until = self.outbox.slow_until().map(|at| self.drain.ticks(at));
        if slow_until.is_some_and(|at| at <= now) {
            self.close(CloseCode::TRY_AGAIN, "too slow to keep up", true);
            return None;
        }
        let message_timeout = self.life.message_timeout.map(millis);
        let message_since = self.message_since.load(Ordering::Relaxed);
        let is_late =
            message_since != NEVER && message_timeout.is_some_and(|limit| now >= message_since + limit);
        // Where the rest has come, it is this side that does not read it.
        if is_late && !self.transport.has_input() {
            self.close(CloseCode::POLICY, "the message took too long", true);
            return None;
        }
        let probe_until = self.attend_probe(now)?;
        let ping = self.attend_keepalive(now)?;
        // Half the limit, so that reading need not set an alarm for each message.
        let message = message_timeout.map(|limit| now + (limit / 2).max(1));
        [expires, slow_until, probe_until, ping, message].into_iter().flatten().min()
    }

    /// `None` where the peer was given up, else when a probe will have failed.
    fn attend_probe(&self, now: u64) -> Option<Option<u64>> {
        let mut pending = self.probe.lock();
        let Some(probe) = *pending else { return Some(None) };
        if probe.reads == self.reads.load(Ordering::SeqCst) && now < probe.until {
            return Some(Some(probe.until));
        }
        *pending = None;
        drop(pending);
        if probe.reads != self.reads.load(Ordering::SeqCst) {
            return Some(None);
        }
        if !self.transport.has_input() {
            self.give_up(CloseCode::POLICY, "no answer to a ping");
            return None;
        }
        // An answer that a busy handler has not let be read counts too.
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.drain.signal();
        Some(None)
    }

    /// `None` where the peer was given up, else when to look again.
    fn attend_keepalive(&self, now: u64) -> Option<Option<u64>> {
        let Some(interval) = self.life.ping_interval.map(millis) else { return Some(None) };
        let pinged = self.pinged.load(Ordering::Relaxed);
        if pinged != NEVER {
            let until = pinged + millis(self.life.ping_timeout);
            if now < until {
                return Some(Some(until));
            }
            if !self.transport.has_input() {
                self.give_up(CloseCode::POLICY, "keepalive missed: no answer to a ping");
                return None;
            }
            // The peer has spoken; it is our own side that does not read, as
            // while a handler blocks or a client only sends.
            self.seen.store(pinged, Ordering::Relaxed);
            self.pinged.store(NEVER, Ordering::Relaxed);
        }
        let due = self.seen.load(Ordering::Relaxed) + interval;
        if now < due {
            return Some(Some(due));
        }
        self.pinged.store(now, Ordering::Relaxed);
        self.ping();
        Some(Some(now + millis(self.life.ping_timeout)))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).min(u64::MAX / 4)
}
