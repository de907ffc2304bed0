//! Watches a server from elsewhere: what it has counted, whether it is alive, and
//! whether it takes clients.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use parking_lot::RwLock;

use super::context::Context;
use super::limits::descriptors;
use super::statistics::Statistics;
use crate::{Refusal, Request, Response};

/// Time for the hub to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// With so few descriptors left, newcomers would soon find none.
const DESCRIPTORS_SPARE: u64 = 8;
/// When to ask again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// What an application wants to be so before clients are taken; or why it is not.
type Condition = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// Watches a server, from any thread. Cheap to clone, and keeps nothing of the server alive.
/// It can be had [before the server](crate::ServerBuilder::monitor), for what answers its
/// HTTP requests.
///
/// ```
/// use chinwag::Server;
///
/// let builder = Server::builder();
/// let monitor = builder.monitor();
/// let health = monitor.clone();
/// let server = builder.http(move |request| health.respond(request)).start()?;
/// assert!(monitor.ready().is_ok());
/// assert_eq!(monitor.statistics().map(|statistics| statistics.clients), Some(0));
/// server.shutdown()?;
/// assert!(monitor.ready().is_err());
/// # Ok::<(), chinwag::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Monitor(Arc<Watched>);

#[derive(Default)]
struct Watched {
    context: OnceLock<Weak<Context>>,
    conditions: RwLock<Vec<Condition>>,
}

/// Why a server does not take clients, or is not alive.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unready {
    /// It has not been started.
    NotStarted,
    /// It is being shut down.
    Stopping,
    /// It has been shut down.
    Stopped,
    /// The hub has not come to a question within a second: a closure that was given to
    /// [`Hub::atomically`](crate::Hub::atomically) blocks, or there is far too much to do.
    HubStuck,
    /// All places for clients are taken, so many.
    Full(usize),
    /// Nearly all file descriptors that this process may have are open: so many of so many.
    OutOfDescriptors(u64, u64),
    /// A [condition](Monitor::ready_when) of the application's does not hold, in its words.
    Unmet(String),
}

impl Monitor {
    pub(super) fn watch(&self, context: &Arc<Context>) {
        // A builder starts one server.
        let _ = self.0.context.set(Arc::downgrade(context));
    }

    fn context(&self) -> Result<Arc<Context>, Unready> {
        self.0.context.get().ok_or(Unready::NotStarted)?.upgrade().ok_or(Unready::Stopped)
    }

    /// What the server has counted; `None` before it was started and after it is gone.
    /// Never waits for the hub.
    pub fn statistics(&self) -> Option<Statistics> {
        self.context().ok().map(|context| Statistics::of(&context))
    }

    /// Whether the server works: its hub answers within a second. Otherwise it should be
    /// restarted.
    ///
    /// # Errors
    ///
    /// Why it does not.
    pub fn alive(&self) -> Result<(), Unready> {
        let context = self.context()?;
        match context.hub.answers_within(PATIENCE) {
            Some(true) => Ok(()),
            Some(false) => Err(Unready::HubStuck),
            None => Err(Unready::Stopped),
        }
    }

    /// Has the server ready only while `condition` holds, beside all else: that of what it
    /// depends on, say. For all who watch this server. The condition is asked on the thread
    /// that asks whether the server is ready, and must not wait. Its words are for
    /// whoever asks `/readyz`.
    pub fn ready_when(&self, condition: impl Fn() -> Result<(), String> + Send + Sync + 'static) {
        self.0.conditions.write().push(Box::new(condition));
    }

    /// Whether the server takes one more client. Otherwise others should be sent elsewhere.
    ///
    /// # Errors
    ///
    /// Why it does not.
    pub fn ready(&self) -> Result<(), Unready> {
        let context = self.context()?;
        if context.is_stopping() {
            return Err(Unready::Stopping);
        }
        let most = context.live.get().limits.max_clients;
        if context.clients.load(Ordering::SeqCst) >= most {
            return Err(Unready::Full(most));
        }
        if let Some((open, limit)) = descriptors()
            && open + DESCRIPTORS_SPARE > limit
        {
            return Err(Unready::OutOfDescriptors(open, limit));
        }
        self.alive()?;
        let conditions = self.0.conditions.read();
        conditions.iter().try_for_each(|condition| condition()).map_err(Unready::Unmet)
    }

    /// Answers `/healthz` ([`alive`](Self::alive)) and `/readyz` ([`ready`](Self::ready)),
    /// for [`ServerBuilder::http`](crate::ServerBuilder::http): 200 with `ok`, or 503 with
    /// a line that says why not. `None` for any other path.
    pub fn respond(&self, request: &Request) -> Option<Response> {
        let checked = match request.path() {
            "/healthz" => self.alive(),
            "/readyz" => self.ready(),
            _ => return None,
        };
        let response = match checked {
            Ok(()) => Response::new(200).header("Content-Type", "text/plain; charset=utf-8").body("ok\n"),
            Err(why) => Refusal::new(503, why.to_string()).retry_after(RETRY_AFTER).into(),
        };
        Some(response.header("Cache-Control", "no-store"))
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Monitor")
    }
}

impl fmt::Display for Unready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted => f.write_str("the server has not been started"),
            Self::Stopping => f.write_str("the server is shutting down"),
            Self::Stopped => f.write_str("the server has been shut down"),
            Self::HubStuck => write!(f, "the hub has not answered within {} s", PATIENCE.as_secs()),
            Self::Full(places) => write!(f, "the server is full: all of its {places} places are taken"),
            Self::OutOfDescriptors(open, limit) => {
                write!(f, "{open} of {limit} file descriptors are open: raise the limit (ulimit -n)")
            }
            Self::Unmet(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Unready {}
