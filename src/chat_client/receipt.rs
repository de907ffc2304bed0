//! What became of a request.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Tells what became of one request. A clone tells the same; all dropped, nothing
/// changes for the request.
///
/// It is settled once: when the server confirms the request, when it refuses it, or
/// when it can be confirmed no more.
#[derive(Clone)]
pub struct Receipt {
    id: Arc<str>,
    slot: Arc<Slot>,
}

#[derive(Default)]
struct Slot {
    outcome: Mutex<Option<Result<Kept, NotKept>>>,
    settled: Condvar,
}

/// The server has done what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kept {
    /// The room that it was said in; none for a whisper and other requests.
    pub room: Option<String>,
    /// Its place in the room's log; none for a whisper and other requests.
    pub pos: Option<String>,
}

/// Why a request will not be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotKept {
    /// The server refused it.
    Refused {
        /// For programs. `not_kept` of what was said: the server's store does not take it
        /// now, and it may be said again later.
        code: String,
        /// For people; the server's words: show them through [`Escaped`](crate::Escaped).
        reason: String,
    },
    /// A question, and the connection was lost before its answer came. Ask again once
    /// there is another.
    Lost,
    /// It was said to those who were there, and is in no log: the server's store failed,
    /// and its operator wants that people can go on talking. Said again it would come
    /// twice.
    Unstored,
    /// The server could not tell whether it is kept, however often it was asked: its store
    /// does not answer. It may be in the log, and may still come.
    Unsure,
    /// The chat ended first. The server may have got the request all the same.
    Ended,
}

impl Receipt {
    pub(super) fn new(id: &str) -> Self {
        Self { id: id.into(), slot: Arc::default() }
    }

    /// The id that the request went out under: it is in one's own copy of a message
    /// or whisper, and in the `ack` or `error` that answers it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What became of the request, where that is known already. Never waits.
    pub fn outcome(&self) -> Option<Result<Kept, NotKept>> {
        self.slot.outcome.lock().clone()
    }

    /// Waits until the request is settled; while the connection is lost, too. The
    /// updates must be read meanwhile, or dropped.
    ///
    /// # Errors
    ///
    /// [`NotKept`], and why.
    pub fn wait(&self) -> Result<Kept, NotKept> {
        let mut outcome = self.slot.outcome.lock();
        loop {
            match &*outcome {
                Some(outcome) => return outcome.clone(),
                None => self.slot.settled.wait(&mut outcome),
            }
        }
    }

    /// Waits as [`wait`](Self::wait) does, at the longest for `timeout`; `Ok(None)`
    /// where nothing is known by then.
    ///
    /// # Errors
    ///
    /// [`NotKept`], and why.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Option<Kept>, NotKept> {
        let deadline = crate::clock::later(Instant::now(), timeout);
        let mut outcome = self.slot.outcome.lock();
        let is_open = |outcome: &mut Option<_>| outcome.is_none();
        self.slot.settled.wait_while_until(&mut outcome, is_open, deadline);
        outcome.clone().transpose()
    }

    /// The first outcome counts.
    pub(super) fn settle(&self, outcome: Result<Kept, NotKept>) {
        self.slot.outcome.lock().get_or_insert(outcome);
        self.slot.settled.notify_all();
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt").field("id", &self.id).field("outcome", &self.outcome()).finish()
    }
}

impl fmt::Display for NotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { reason, .. } => write!(f, "{}", crate::Escaped::new(reason).cut(300)),
            Self::Lost => f.write_str("the connection was lost before the answer came"),
            Self::Unstored => f.write_str("it was said, but is not kept: the server's store fails"),
            Self::Unsure => f.write_str("the server could not tell whether it is kept"),
            Self::Ended => f.write_str("the chat ended before the server confirmed it"),
        }
    }
}

impl std::error::Error for NotKept {}
