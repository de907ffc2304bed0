//! Calls off an attempt to connect from another thread.

use std::fmt;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use parking_lot::Mutex;

/// Calls off attempts to connect, from any thread.
///
/// Give a clone to [`ConnectOptions::canceller`](crate::ConnectOptions::canceller)
/// and keep one. Cancelling lasts: an attempt that starts later fails at once.
/// A connection that stands already is not touched.
///
/// ```
/// use chinwag::{Canceller, ConnectOptions, Error};
///
/// let canceller = Canceller::new();
/// canceller.cancel();
/// let result = ConnectOptions::new().canceller(&canceller).connect("ws://127.0.0.1:9/");
/// assert!(matches!(result, Err(Error::Cancelled)));
/// ```
#[derive(Clone)]
pub struct Canceller {
    /// Dropped to cancel, which every waiting receiver sees.
    cancel_tx: Arc<Mutex<Option<Sender<()>>>>,
    cancel_rx: Receiver<()>,
}

impl Canceller {
    /// A canceller that has not been used.
    pub fn new() -> Self {
        let (cancel_tx, cancel_rx) = bounded(0);
        Self { cancel_tx: Arc::new(Mutex::new(Some(cancel_tx))), cancel_rx }
    }

    /// Fails the attempts under way, and later ones, with
    /// [`Error::Cancelled`](crate::Error::Cancelled). Does not block, and may be
    /// called any number of times.
    pub fn cancel(&self) {
        self.cancel_tx.lock().take();
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.cancel_rx.try_recv() == Err(TryRecvError::Disconnected)
    }

    /// Becomes ready (disconnected) when cancelled.
    pub(crate) fn receiver(&self) -> Receiver<()> {
        self.cancel_rx.clone()
    }
}

impl Default for Canceller {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller").field("is_cancelled", &self.is_cancelled()).finish()
    }
}
