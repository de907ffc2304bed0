//! Whose turn it is to send data: whole messages at any time, but none into the
//! middle of one that is written in fragments (RFC 6455, section 5.4).

use parking_lot::Mutex;

#[derive(Default)]
pub(super) struct Turn(Mutex<State>);

/// Guarded for the few lines of each method; nobody waits with it.
#[derive(Default)]
struct State {
    /// Whole messages that are on their way into the outbox.
    sending: usize,
    /// A message is being written in fragments, or is about to.
    is_writing: bool,
    /// How many wait for a turn.
    waiting: usize,
}

impl Turn {
    /// Begins a whole message, unless one is written in fragments.
    pub(super) fn begin_sending(&self) -> bool {
        let mut state = self.0.lock();
        state.sending += usize::from(!state.is_writing);
        !state.is_writing
    }

    /// Whether somebody waits for this.
    pub(super) fn end_sending(&self) -> bool {
        let mut state = self.0.lock();
        state.sending -= 1;
        state.sending == 0 && state.waiting > 0
    }

    /// Claims the next turn for fragments; whole messages under way may still
    /// have to [settle](Self::is_settled).
    pub(super) fn claim_writing(&self) -> bool {
        let mut state = self.0.lock();
        !std::mem::replace(&mut state.is_writing, true)
    }

    pub(super) fn is_settled(&self) -> bool {
        self.0.lock().sending == 0
    }

    /// Whether somebody waits for this.
    pub(super) fn end_writing(&self) -> bool {
        let mut state = self.0.lock();
        state.is_writing = false;
        state.waiting > 0
    }

    /// Runs `wait`, counted among those who wait.
    pub(super) fn while_waiting(&self, wait: impl FnOnce()) {
        self.0.lock().waiting += 1;
        wait();
        self.0.lock().waiting -= 1;
    }
}
