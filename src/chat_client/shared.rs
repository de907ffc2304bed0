//! What the handle and the two threads share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender as ChannelSender, bounded};
use parking_lot::{Condvar, Mutex};

use super::queue::Next;
use super::session::{Session, Welcome};
use super::{AskError, ChatState, Receipt};
use crate::protocol::{Ask, Event};
use crate::{Canceller, CloseCode, Connection, Error, Message, Pacer, PeerAddr, Result, Sender};

pub(super) struct Shared {
    state: Mutex<State>,
    /// There may be something to send, or the queue may be empty, or it is over.
    changed: Condvar,
    /// Cancelled to end everything at once.
    pub stop: Canceller,
    /// Holds one: a second call means no more than the first.
    hurry_tx: ChannelSender<()>,
    pub hurry_rx: Receiver<()>,
}

struct State {
    session: Session,
    phase: ChatState,
    peer: Option<PeerAddr>,
    /// The connection, from its handshake on.
    link: Option<Sender>,
    /// Keeps to the rate that its server has told.
    pacer: Option<Pacer>,
    /// Its number, from 1.
    number: u64,
    /// It was welcomed, and nothing failed to be sent.
    is_writable: bool,
    takes_requests: bool,
    leaving: Leaving,
    /// How many requests were not settled at the end.
    unsettled: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaving {
    No,
    /// After what waits to be sent.
    Wanted,
    Said,
}

/// What the thread that sends is to do.
pub(super) enum Task {
    /// On the connection of this number.
    Send(u64, Sender, Vec<Message>),
    Close(Sender),
}

/// What it is to do now.
enum Step {
    Do(Task),
    /// Nothing before this time.
    NotBefore(Instant),
    Nothing,
}

impl Shared {
    pub(super) fn new(session: Session) -> Arc<Self> {
        let (hurry_tx, hurry_rx) = bounded(1);
        let state = State {
            session,
            phase: ChatState::Connecting,
            peer: None,
            link: None,
            pacer: None,
            number: 0,
            is_writable: false,
            takes_requests: true,
            leaving: Leaving::No,
            unsettled: 0,
        };
        let (state, changed) = (Mutex::new(state), Condvar::new());
        Arc::new(Self { state, changed, stop: Canceller::new(), hurry_tx, hurry_rx })
    }

    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Session) -> T) -> T {
        look(&mut self.state.lock().session)
    }

    pub(super) fn phase(&self) -> ChatState {
        self.state.lock().phase
    }

    pub(super) fn peer(&self) -> Option<PeerAddr> {
        self.state.lock().peer
    }

    pub(super) fn ask(&self, ask: Ask, id: Option<String>) -> Result<Receipt, AskError> {
        let mut state = self.state.lock();
        if !state.takes_requests {
            return Err(AskError::Ended);
        }
        let is_online = state.phase == ChatState::Online;
        let receipt = state.session.ask(ask, id, is_online)?;
        self.changed.notify_all();
        Ok(receipt)
    }

    pub(super) fn hurry(&self) {
        if self.state.lock().phase == ChatState::Waiting {
            let _ = self.hurry_tx.try_send(());
        }
    }

    /// Waits until nothing is queued; whether that is so.
    pub(super) fn flush(&self, timeout: Duration) -> bool {
        let deadline = crate::clock::later(Instant::now(), timeout);
        let mut state = self.state.lock();
        let is_busy = |state: &mut State| state.session.queue.len() > 0 && state.phase != ChatState::Ended;
        self.changed.wait_while_until(&mut state, is_busy, deadline);
        state.session.queue.len() == 0 && state.unsettled == 0
    }

    pub(super) fn take_no_more(&self) {
        self.state.lock().takes_requests = false;
    }

    /// Has the connection closed after what waits to be sent; without one, it is over.
    pub(super) fn leave(&self) {
        let mut state = self.state.lock();
        state.leaving = Leaving::Wanted;
        if state.phase == ChatState::Online {
            self.changed.notify_all();
        } else {
            drop(state);
            self.stop();
        }
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.state.lock().leaving != Leaving::No
    }

    /// Ends everything at once. A server that listens is told.
    pub(super) fn stop(&self) {
        self.stop.cancel();
        let state = self.state.lock();
        if let Some(link) = &state.link {
            // A code that is always fine to send.
            let _ = link.close_output(CloseCode::GOING_AWAY, "");
            link.abort();
        }
        self.changed.notify_all();
    }

    pub(super) fn unsettled(&self) -> usize {
        self.state.lock().unsettled
    }
}

/// For the thread that connects and receives.
impl Shared {
    pub(super) fn set_phase(&self, phase: ChatState) {
        let mut state = self.state.lock();
        if phase == ChatState::Waiting {
            // What was asked of an earlier wait.
            let _ = self.hurry_rx.try_recv();
        }
        state.phase = phase;
    }

    /// The handshake is done. From now on [`stop`](Self::stop) ends this connection.
    pub(super) fn connected(&self, connection: &Connection) -> Result<()> {
        let mut state = self.state.lock();
        (state.link, state.peer) = (Some(connection.sender()), Some(connection.peer_addr()));
        state.pacer = connection.message_rate().map(Pacer::new);
        state.number += 1;
        if self.stop.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Requests can be sent; whether the server still knows this client.
    pub(super) fn welcomed(&self, welcome: Welcome) -> bool {
        let mut state = self.state.lock();
        let is_same = state.session.welcome(welcome);
        (state.phase, state.is_writable) = (ChatState::Online, true);
        self.changed.notify_all();
        is_same
    }

    /// Takes note of an event; whether it is for the user, too.
    pub(super) fn hear(&self, event: &mut Event) -> bool {
        let mut state = self.state.lock();
        let before = state.session.pending();
        let is_for_user = state.session.hear(event, Instant::now());
        if state.session.pending() != before || state.session.has_prelude() {
            self.changed.notify_all();
        }
        is_for_user
    }

    pub(super) fn lost(&self) {
        let mut state = self.state.lock();
        (state.link, state.is_writable) = (None, false);
        state.session.lost();
        state.phase = ChatState::Connecting;
        self.changed.notify_all();
    }

    /// It is over: settles all that is not.
    pub(super) fn end(&self) {
        let mut state = self.state.lock();
        (state.link, state.is_writable) = (None, false);
        (state.phase, state.takes_requests) = (ChatState::Ended, false);
        state.unsettled += state.session.queue.end();
        self.changed.notify_all();
    }
}

/// For the thread that sends.
impl Shared {
    /// Waits for something to do; `None` when it is over.
    pub(super) fn next_task(&self) -> Option<Task> {
        let mut state = self.state.lock();
        loop {
            if state.phase == ChatState::Ended || self.stop.is_cancelled() {
                return None;
            }
            match state.next_step() {
                Step::Do(task) => return Some(task),
                Step::NotBefore(time) => drop(self.changed.wait_until(&mut state, time)),
                Step::Nothing => self.changed.wait(&mut state),
            }
        }
    }

    /// Waits until that connection's server takes another message; false where the
    /// connection is lost, or all is over. Who leaves waits no longer.
    pub(super) fn wait_for_turn(&self, number: u64) -> bool {
        let mut state = self.state.lock();
        loop {
            if state.number != number || !state.is_writable || self.stop.is_cancelled() {
                return false;
            }
            let pacer = state.pacer.as_ref().filter(|_| state.leaving == Leaving::No);
            match pacer.map_or(Ok(()), Pacer::take) {
                Ok(()) => return true,
                Err(wait) => drop(self.changed.wait_for(&mut state, wait)),
            }
        }
    }

    /// Nothing more can be sent on that connection; the other thread hears why.
    pub(super) fn not_writable(&self, number: u64) {
        let mut state = self.state.lock();
        if state.number == number {
            state.is_writable = false;
        }
    }
}

impl State {
    fn next_step(&mut self) -> Step {
        let Some(link) = self.link.clone().filter(|_| self.is_writable) else { return Step::Nothing };
        // Who leaves waits no longer.
        let now = (self.leaving == Leaving::No).then(Instant::now);
        match self.session.next(now) {
            Next::Frames(frames) => Step::Do(Task::Send(self.number, link, frames)),
            Next::NotBefore(time) => Step::NotBefore(time),
            // What waits for what was missed goes out first.
            Next::Nothing if self.leaving == Leaving::Wanted && !self.session.is_held() => {
                self.leaving = Leaving::Said;
                Step::Do(Task::Close(link))
            }
            Next::Nothing => Step::Nothing,
        }
    }
}
