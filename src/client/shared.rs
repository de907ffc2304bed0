//! What the halves of a connection share, and its end when the last is gone.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use parking_lot::Mutex;

use super::ConnectionState;
use super::turn::Turn;
use crate::link::{Drain, Link};
use crate::outbox::Pushed;
use crate::transport::Half;
use crate::{CloseCode, CloseReason, Error, Result, frame};

/// How many pieces of unread input are thrown away at the end, so that the
/// system does not answer them with a reset that overtakes our close frame.
const LAST_READS: usize = 64;

pub(super) struct Shared {
    pub link: Arc<Link>,
    pub headers: Vec<(String, String)>,
    pub subprotocol: Option<String>,
    turn: Turn,
    drain: Arc<Drain>,
    drain_thread: Option<JoinHandle<()>>,
    /// Why it ended, once nothing more will come in.
    end: Mutex<Option<CloseReason>>,
    peer_has_closed: AtomicBool,
    is_aborted: AtomicBool,
}

impl Shared {
    pub(super) fn new(
        link: Arc<Link>,
        (drain, drain_thread): (Arc<Drain>, JoinHandle<()>),
        headers: Vec<(String, String)>,
        subprotocol: Option<String>,
    ) -> Self {
        Self {
            link,
            headers,
            subprotocol,
            turn: Turn::default(),
            drain,
            drain_thread: Some(drain_thread),
            end: Mutex::new(None),
            peer_has_closed: AtomicBool::new(false),
            is_aborted: AtomicBool::new(false),
        }
    }

    /// Sends one whole frame of data, after the fragments of another message.
    pub(super) fn send(&self, flags: u8, payload: &[u8]) -> Result<()> {
        let bytes = frame::single(flags, payload, self.link.mask());
        if !self.turn.begin_sending() {
            self.wait_for_turn(|| self.turn.begin_sending())?;
        }
        let pushed = self.link.outbox.push_waiting(&bytes, 1);
        if self.turn.end_sending() {
            self.drain.signal();
        }
        self.taken(pushed)
    }

    /// Sends a fragment or a control frame; waits while the outbox is full.
    pub(super) fn push(&self, flags: u8, payload: &[u8]) -> Result<()> {
        let bytes = frame::single(flags, payload, self.link.mask());
        self.taken(self.link.outbox.push_waiting(&bytes, 1))
    }

    /// Begins a message in fragments: whole ones wait until it ends.
    pub(super) fn begin_writing(&self) -> Result<()> {
        if !self.turn.claim_writing() {
            self.wait_for_turn(|| self.turn.claim_writing())?;
        }
        if !self.turn.is_settled() {
            self.wait_for_turn(|| self.turn.is_settled()).inspect_err(|_| self.end_writing())?;
        }
        Ok(())
    }

    pub(super) fn end_writing(&self) {
        if self.turn.end_writing() {
            self.drain.signal();
        }
    }

    /// Waits for `is_mine`, at the longest until the connection closes.
    fn wait_for_turn(&self, is_mine: impl Fn() -> bool) -> Result<()> {
        let has_turn = Cell::new(false);
        self.turn.while_waiting(|| {
            self.drain.wait_until(|| {
                has_turn.set(is_mine());
                has_turn.get() || self.link.is_closing() || self.is_aborted.load(Ordering::SeqCst)
            });
        });
        if has_turn.get() { Ok(()) } else { Err(self.closed()) }
    }

    fn taken(&self, pushed: Pushed) -> Result<()> {
        match pushed {
            Pushed::Closed => Err(self.closed()),
            Pushed::Taken | Pushed::Dropped(_) => Ok(()),
        }
    }

    /// Sends our close frame behind what is queued. No matter if one was sent.
    pub(super) fn close_output(&self, code: CloseCode, reason: &str) -> Result<()> {
        if !code.is_sendable() && code != CloseCode::NO_STATUS {
            return Err(Error::Invalid(format!("close code {code} must not be sent")));
        }
        if reason.len() > frame::MAX_CONTROL - 2 {
            return Err(Error::Invalid("a close reason has at most 123 bytes".to_owned()));
        }
        if self.end.lock().is_none() {
            self.link.close(code, reason, false);
        }
        Ok(())
    }

    pub(super) fn abort(&self) {
        if self.end.lock().is_none() {
            self.is_aborted.store(true, Ordering::SeqCst);
            self.link.abort("aborted");
            self.drain.signal();
        }
    }

    /// The peer's close frame came, or the line is dead: nothing more is read.
    pub(super) fn begin_end(&self) {
        self.peer_has_closed.store(true, Ordering::SeqCst);
        self.link.finish();
    }

    pub(super) fn ended(&self, reason: &CloseReason) {
        self.end.lock().get_or_insert_with(|| reason.clone());
        self.link.forget();
    }

    pub(super) fn state(&self) -> ConnectionState {
        if self.is_aborted.load(Ordering::SeqCst) {
            ConnectionState::Aborted
        } else if self.end.lock().is_some() {
            ConnectionState::Closed
        } else if self.peer_has_closed.load(Ordering::SeqCst) {
            ConnectionState::CloseReceived
        } else if self.link.own_reason().is_some() {
            ConnectionState::CloseSent
        } else {
            ConnectionState::Open
        }
    }

    pub(super) fn close_reason(&self) -> Option<CloseReason> {
        self.end.lock().clone().or_else(|| self.link.own_reason())
    }

    fn closed(&self) -> Error {
        let lost = || CloseReason::vanished("the connection was lost");
        Error::Closed(self.close_reason().unwrap_or_else(lost))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.end.get_mut().is_none() {
            self.link.close(CloseCode::GOING_AWAY, "", false);
            self.link.transport.shutdown(Half::Write);
            let (now, mut piece) = (Instant::now(), [0; 1024]);
            let mut read = || self.link.read(&mut piece, Some(now));
            let _ = (0..LAST_READS).find(|_| !matches!(read(), Ok(1..)));
        }
        self.link.forget();
        self.drain.stop();
        // An observer may own the last half, and be dropped by the drain itself.
        let thread = self.drain_thread.take();
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != thread::current().id()) {
            let _ = thread.join();
        }
    }
}
