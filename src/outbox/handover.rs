//! The hand-over between pushers and the drain: the one subtle piece of
//! concurrency in the crate, model-checked in `model.rs`.
//!
//! The rule: while `with_drain` is set nobody but the drain sends (or a reader in its
//! place, from the front of the queue as well), and it clears it under the lock, in the moment when nothing is left, in the queue
//! or in the transport. So bytes never overtake each other, and none stays behind
//! unwatched.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::queue::{GapNotice, OutboxOptions, Overflow, Queue, Waiting};
use super::sync::{Condvar, Mutex, MutexGuard};
use crate::clock::later;
use crate::transport::{Half, Transport};
use crate::wire::Tap;

/// What the outbox asks of the thread that waits for sockets.
pub(crate) trait Watch: Send + Sync {
    /// Has `drain` called once `transport` takes bytes again, also where it does already.
    fn watch(&self, id: u64, transport: &dyn Transport) -> io::Result<()>;
    /// The same, of a transport that is being watched, after it was found full again.
    fn rewatch(&self, id: u64, transport: &dyn Transport);
    fn unwatch(&self, id: u64, transport: &dyn Transport);
    fn now(&self) -> Instant;
    /// An outbox is full, and something gives way.
    fn note_gap(&self) {}
    /// Has the connection's deadlines looked at again at `at`.
    fn wake_at(&self, id: u64, at: Instant);
}

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// Sent or queued, all of it.
    Taken,
    /// The outbox was full; this many messages gave way by its policy.
    Dropped(usize),
    /// The connection is closing or gone.
    Closed,
}

/// What an outbox has had to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Taken by the system.
    pub bytes: u64,
    /// Pushed, with those that were dropped.
    pub messages: u64,
    pub dropped: u64,
}

/// What waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Backlog {
    pub bytes: usize,
    pub messages: usize,
    /// Clients that are more than half an outbox behind, or missed something that they
    /// have not been told of.
    pub slow: usize,
}

/// What a control push carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Pong,
    /// A frame that is never dropped, such as a ping.
    Fixed,
    /// The answer to a handshake: no frame, so no observer's business here.
    Http,
}

pub(crate) struct Outbox {
    id: u64,
    transport: Arc<dyn Transport>,
    watch: Arc<dyn Watch>,
    overflow: Option<Overflow>,
    tap: Option<Arc<Tap>>,
    state: Mutex<State>,
    /// Signalled when a full queue has room again, or will never have.
    room: Condvar,
}

/// Guarded by the outbox's lock, which is held for a few lines and one
/// non-blocking send, never across a wait.
struct State {
    queue: Queue,
    with_drain: bool,
    phase: Phase,
    /// Since when the client has been behind, where the policy is a grace period.
    slow_since: Option<Instant>,
    /// End the sending half once all is sent.
    end_when_empty: bool,
    sent: Sent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Our close frame is in the queue or sent: nothing may follow it.
    Closing,
    Gone,
}

impl Outbox {
    pub(crate) fn new(
        id: u64,
        transport: Arc<dyn Transport>,
        watch: Arc<dyn Watch>,
        options: Arc<OutboxOptions>,
        tap: Option<Arc<Tap>>,
    ) -> Self {
        let overflow = options.overflow;
        let state = State {
            queue: Queue::new(options),
            with_drain: false,
            phase: Phase::Open,
            slow_since: None,
            end_when_empty: false,
            sent: Sent::default(),
        };
        Self { id, transport, watch, overflow, tap, state: Mutex::new(state), room: Condvar::new() }
    }

    /// What tells this client how many messages it missed, instead of what is usual.
    pub(crate) fn set_gap_notice(&self, notice: GapNotice) {
        self.state.lock().queue.set_gap_notice(notice);
    }

    /// Sends or queues whole data frames, `messages` of them. Never waits.
    pub(crate) fn push(&self, bytes: &Bytes, messages: usize) -> Pushed {
        self.push_locked(&mut self.state.lock(), bytes, messages)
    }

    /// Sends or queues whole data frames, and waits while they do not fit. Those
    /// that never will go as soon as nothing else waits.
    pub(crate) fn push_waiting(&self, bytes: &Bytes, messages: usize) -> Pushed {
        let mut state = self.state.lock();
        while state.phase == Phase::Open
            && !state.queue.is_empty()
            && !state.queue.fits(bytes.len(), messages)
        {
            self.room.wait(&mut state);
        }
        self.push_locked(&mut state, bytes, messages)
    }

    fn push_locked(&self, state: &mut MutexGuard<'_, State>, bytes: &Bytes, messages: usize) -> Pushed {
        if state.phase != Phase::Open {
            return Pushed::Closed;
        }
        state.sent.messages += messages as u64;
        if !state.with_drain {
            self.trace(bytes);
            return match self.send(state, bytes) {
                Some(sent) if sent == bytes.len() && !self.transport.has_pending() => Pushed::Taken,
                Some(sent) => {
                    let dropped = state.queue.push_rest(bytes.clone(), messages, sent);
                    match self.hand_over(state) {
                        Pushed::Taken => self.note_dropped(state, dropped),
                        lost => lost,
                    }
                }
                None => self.lose(state),
            };
        }
        let dropped = state.queue.push_messages(bytes.clone(), messages);
        if dropped == 0 || state.queue.gap_is_in_front() {
            self.trace(bytes);
        }
        self.note_dropped(state, dropped)
    }

    /// Waits until no more than half of what may wait does, at most until `deadline`;
    /// whether that is so, and the connection still open.
    pub(crate) fn wait_half_empty(&self, deadline: Instant) -> bool {
        let mut state = self.state.lock();
        while state.phase == Phase::Open && !state.queue.is_half_empty() && Instant::now() < deadline {
            self.room.wait_until(&mut state, deadline);
        }
        state.phase == Phase::Open && state.queue.is_half_empty()
    }

    /// Sends or queues what is not data and is never dropped.
    pub(crate) fn push_control(&self, bytes: Bytes, kind: Kind) -> Pushed {
        let state = &mut self.state.lock();
        if state.phase != Phase::Open {
            return Pushed::Closed;
        }
        let what = if kind == Kind::Pong { Waiting::Pong } else { Waiting::Fixed };
        if kind != Kind::Http {
            self.trace(&bytes);
        }
        self.push_fixed(state, bytes, what)
    }

    /// Queues our close frame as the last that leaves; false where one is on its
    /// way already. `discard` has it overtake the messages that wait.
    pub(crate) fn close(&self, frame: Bytes, discard: bool) -> bool {
        let state = &mut self.state.lock();
        if state.phase != Phase::Open {
            return false;
        }
        if discard {
            state.queue.discard_messages();
        }
        // Later it would follow the close frame.
        state.queue.tell_gap_at_end();
        self.trace(&frame);
        self.push_fixed(state, frame, Waiting::Fixed);
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        self.room.notify_all();
        true
    }

    fn push_fixed(&self, state: &mut MutexGuard<'_, State>, bytes: Bytes, what: Waiting) -> Pushed {
        if state.with_drain {
            state.queue.push_control(bytes, what);
            return Pushed::Taken;
        }
        match self.send(state, &bytes) {
            Some(sent) if sent == bytes.len() && !self.transport.has_pending() => Pushed::Taken,
            Some(sent) => {
                let what = if sent == 0 { what } else { Waiting::Fixed };
                state.queue.push_control(bytes.slice(sent..), what);
                self.hand_over(state)
            }
            None => self.lose(state),
        }
    }

    /// Ends the sending half once all that waits is sent, so that the peer reads
    /// an end of input.
    pub(crate) fn end_when_sent(&self) {
        let state = &mut self.state.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        if state.with_drain {
            state.end_when_empty = true;
        } else {
            self.transport.shutdown(Half::Write);
            self.watch_pending(state);
        }
        self.room.notify_all();
    }

    /// Sends what the transport has to say by itself, such as an answer of TLS's.
    pub(crate) fn send_pending(&self) {
        let state = &mut self.state.lock();
        if state.phase == Phase::Gone {
            return;
        }
        if state.with_drain {
            // Who has just drained may have seen it as something left, though the
            // system refused nothing and so will report nothing.
            return self.send_on(state);
        }
        match self.send(state, &[]) {
            Some(_) => self.watch_pending(state),
            None => {
                self.lose(state);
            }
        }
    }

    /// Drops all that waits and ends the connection both ways.
    pub(crate) fn abort(&self) {
        self.lose(&mut self.state.lock());
        self.transport.shutdown(Half::Both);
    }

    /// Sends on. Called by the drain, when the transport takes bytes.
    pub(crate) fn drain(&self) {
        let state = &mut self.state.lock();
        if state.with_drain {
            self.send_on(state);
        }
    }

    /// Sends until nothing is left or the system refuses, and so will report room.
    fn send_on(&self, state: &mut MutexGuard<'_, State>) {
        if self.transport.has_pending() && self.send(state, &[]).is_none() {
            self.lose(state);
            return;
        }
        while let Some((bytes, is_notice)) = state.queue.front() {
            match self.send(state, &bytes) {
                Some(0) => break,
                Some(sent) => {
                    if is_notice {
                        self.trace(&bytes);
                    }
                    state.queue.advance(sent);
                }
                None => {
                    self.lose(state);
                    return;
                }
            }
        }
        if state.queue.is_half_empty() {
            state.slow_since = None;
            self.room.notify_all();
        }
        if !self.has_more(state) && std::mem::take(&mut state.end_when_empty) {
            self.transport.shutdown(Half::Write);
        }
        if self.has_more(state) {
            self.watch.rewatch(self.id, &*self.transport);
        } else {
            state.with_drain = false;
            self.watch.unwatch(self.id, &*self.transport);
        }
    }

    /// Whether there is something to send, be it only what the transport kept back.
    fn has_more(&self, state: &State) -> bool {
        !state.queue.is_empty() || self.transport.has_pending()
    }

    /// Whether a grace period has passed without the client catching up; else
    /// when it will have.
    pub(crate) fn slow_until(&self) -> Option<Instant> {
        let Some(Overflow::Disconnect { grace }) = self.overflow else { return None };
        self.state.lock().slow_since.map(|since| later(since, grace))
    }

    /// Bytes and messages that wait.
    pub(crate) fn depth(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.queue.bytes(), state.queue.messages())
    }

    /// What has been sent and dropped until now.
    pub(crate) fn sent(&self) -> Sent {
        self.state.lock().sent
    }

    /// The same, and whether this client is slow.
    pub(crate) fn backlog(&self) -> Backlog {
        let state = self.state.lock();
        let is_slow = state.slow_since.is_some() || state.queue.missed() > 0 || !state.queue.is_half_empty();
        Backlog { bytes: state.queue.bytes(), messages: state.queue.messages(), slow: is_slow.into() }
    }

    /// How many of `bytes` the system took; `None` where the connection is lost.
    fn send(&self, state: &mut State, bytes: &[u8]) -> Option<usize> {
        match self.transport.try_send(bytes) {
            Ok(sent) => {
                state.sent.bytes += sent as u64;
                Some(sent)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Some(0),
            Err(_) => None,
        }
    }

    fn hand_over(&self, state: &mut MutexGuard<'_, State>) -> Pushed {
        if self.watch.watch(self.id, &*self.transport).is_err() {
            return self.lose(state);
        }
        state.with_drain = true;
        Pushed::Taken
    }

    fn watch_pending(&self, state: &mut MutexGuard<'_, State>) {
        if self.transport.has_pending() && state.phase != Phase::Gone {
            self.hand_over(state);
        }
    }

    /// Nothing can be sent any more. The reading thread is woken, and finds out why.
    fn lose(&self, state: &mut MutexGuard<'_, State>) -> Pushed {
        if state.with_drain {
            state.with_drain = false;
            self.watch.unwatch(self.id, &*self.transport);
        }
        if state.phase != Phase::Gone {
            state.phase = Phase::Gone;
            self.transport.shutdown(Half::Read);
        }
        state.queue.clear();
        state.slow_since = None;
        self.room.notify_all();
        Pushed::Closed
    }

    fn note_dropped(&self, state: &mut MutexGuard<'_, State>, dropped: usize) -> Pushed {
        if dropped == 0 {
            return Pushed::Taken;
        }
        if state.queue.missed() == dropped as u64 {
            self.watch.note_gap();
        }
        state.sent.dropped += dropped as u64;
        if let Some(Overflow::Disconnect { grace }) = self.overflow
            && state.slow_since.is_none()
        {
            let now = self.watch.now();
            state.slow_since = Some(now);
            self.watch.wake_at(self.id, later(now, grace));
        }
        Pushed::Dropped(dropped)
    }

    fn trace(&self, bytes: &[u8]) {
        if let Some(tap) = &self.tap {
            tap.sent(bytes);
        }
    }
}
