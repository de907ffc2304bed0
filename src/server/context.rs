//! What all threads of one server share.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::proxies::Proxies;
use super::settings::{InForce, Live};
use super::stage::{Goodbye, Stage, Stages};
use super::throttle::Throttle;
use super::visitors::Visitors;
use crate::counters::{ConnectionCounters, RefusalCause};
use crate::handler::Acceptance;
use crate::hub::Hub;
use crate::link::Drain;
use crate::wire::WireObserver;
use crate::{CloseCode, Refusal, Request, Response};

/// When those that find no place should try again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Decides on a newcomer. Runs on its greeter's thread, and may block.
pub(super) type Gate = Box<dyn Fn(&Request) -> Result<Acceptance, Refusal> + Send + Sync>;

/// Answers a request that is for no WebSocket. Runs on a greeter's thread.
pub(super) type HttpAnswer = Box<dyn Fn(&Request) -> Option<Response> + Send + Sync>;

/// Called once, at the beginning of a shutdown.
pub(super) type ShutdownHook = Box<dyn FnOnce(&Hub, CloseCode) + Send>;

/// What the builder collected that stays as it is.
pub(super) struct Options {
    pub gate: Gate,
    pub http: Option<HttpAnswer>,
    pub paths: Option<HashSet<String>>,
    pub subprotocols: Vec<String>,
    pub proxies: Proxies,
    pub stack_size: usize,
    pub on_shutdown: Mutex<Option<ShutdownHook>>,
    pub observer: Option<Arc<dyn WireObserver>>,
}

pub(super) struct Context {
    pub options: Options,
    pub live: Live,
    pub hub: Hub,
    pub drain: Arc<Drain>,
    pub stages: Stages,
    /// Clients that passed the gate and have not gone.
    pub clients: AtomicUsize,
    /// Those who are being greeted, the oldest first, and since when. Each has a
    /// thread until it is a client or gone.
    pub greeting: Mutex<BTreeMap<u64, Instant>>,
    pub visitors: Arc<Visitors>,
    pub wire_counter: Arc<AtomicU64>,
    pub exhausted: Throttle,
    pub crowded: Throttle,
    threads: Mutex<HashMap<u64, JoinHandle<()>>>,
    next_thread: AtomicU64,
}

impl Context {
    pub(super) fn new(options: Options, in_force: InForce, hub: Hub, drain: Arc<Drain>) -> Self {
        Self {
            visitors: Visitors::new(in_force.settings.per_address()),
            options,
            live: Live::new(in_force),
            hub,
            drain,
            stages: Stages::default(),
            clients: AtomicUsize::new(0),
            greeting: Mutex::default(),
            wire_counter: Arc::default(),
            exhausted: Throttle::default(),
            crowded: Throttle::default(),
            threads: Mutex::default(),
            next_thread: AtomicU64::new(0),
        }
    }

    /// Whether newcomers are refused.
    pub(super) fn is_stopping(&self) -> bool {
        self.stages.now() >= Stage::Draining
    }

    /// What clients are told of a shutdown.
    pub(super) fn goodbye(&self) -> Goodbye {
        self.stages.goodbye()
    }

    pub(super) fn counters(&self) -> &ConnectionCounters {
        &self.drain.counters.connections
    }

    /// A newcomer is a client now, or gone; since when it was greeted.
    pub(super) fn done_greeting(&self, id: u64) -> Option<Instant> {
        let since = self.greeting.lock().remove(&id);
        self.drain.signal();
        since
    }

    /// Ends all handshakes whose request is not whole, and what lingers after a
    /// refusal.
    pub(super) fn evict_all(&self) {
        let ids: Vec<u64> = self.greeting.lock().keys().copied().collect();
        for id in ids {
            self.drain.end_greeting(id);
        }
    }

    /// Starts a thread that a shutdown joins.
    pub(super) fn spawn(
        self: &Arc<Self>,
        name: String,
        stack_size: usize,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        let key = self.next_thread.fetch_add(1, Ordering::Relaxed);
        let context = self.clone();
        // Held until the handle is in, so that the thread finds it at its end.
        let mut threads = self.threads.lock();
        let thread = thread::Builder::new().name(name).stack_size(stack_size).spawn(move || {
            body();
            context.leave(key);
        })?;
        threads.insert(key, thread);
        Ok(())
    }

    /// A thread that ends lets go of its handle, but for a shutdown that wants it.
    fn leave(&self, key: u64) {
        if self.stages.now() < Stage::Ending {
            self.threads.lock().remove(&key);
        }
    }

    pub(super) fn take_threads(&self) -> Vec<JoinHandle<()>> {
        self.threads.lock().drain().map(|(_, thread)| thread).collect()
    }
}

/// The refusal of a server that has no room.
pub(super) fn full(why: &str) -> Refusal {
    Refusal::new(503, format!("{why}; try again later")).retry_after(RETRY_AFTER)
}

/// One of the places for clients, held until the client has gone.
pub(super) struct Place(Arc<Context>);

impl Place {
    pub(super) fn take(context: &Arc<Context>) -> Result<Self, Refusal> {
        if context.is_stopping() {
            let refusal = Refusal::new(503, format!("{}; try again later", context.goodbye().reason()));
            let refusal = refusal.retry_after(context.stages.retry_after());
            return Err(refusal.because(RefusalCause::Stopping));
        }
        let most = context.live.get().limits.max_clients;
        let take = |taken: usize| (taken < most).then_some(taken + 1);
        match context.clients.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take) {
            Ok(_) => Ok(Self(context.clone())),
            Err(_) => Err(full(&format!("the server is full: all of its {most} places are taken"))),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Ordering::SeqCst);
    }
}
