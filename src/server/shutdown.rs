//! Stops a server: no more clients, those that it has told so and closed one after the
//! other, the queues sent, every thread joined, all of it bounded in time.
//!
//! ```text
//!  newcomers   taken │ 503                                  │ nobody listens
//!  clients           │ hook │ closed, spread over a window  │ their answers │ cut
//!                  begin                                  all told     drain time-out
//! ```

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use parking_lot::{Condvar, Mutex};
use rand::seq::SliceRandom;

use super::client_thread;
use super::context::Context;
use super::listen::Listener;
use super::stage::{Goodbye, Stage};
use crate::clock::later;
use crate::hub::Command;
use crate::{Error, Result};

/// How long callbacks have to return once their connections have been cut.
const CALLBACKS: Duration = Duration::from_secs(1);
/// How long the embedder's hook may keep a shutdown waiting.
const HOOK: Duration = Duration::from_secs(1);
/// How long a handshake under way may take until it comes in, where another process
/// takes those that follow.
const LATECOMERS: Duration = Duration::from_secs(1);
/// How long the hub has to answer before it counts as stuck, in a closure of the
/// embedder's that does not return.
const HUB: Duration = Duration::from_secs(1);
/// The longest that one client waits for its turn to be closed after the one before.
const PACE: Duration = Duration::from_millis(10);

pub(in crate::server) struct Stopper {
    context: Arc<Context>,
    accepting: Mutex<Option<Accepting>>,
    /// Its drop ends the offer of a take-over.
    held: Mutex<Option<UnixStream>>,
    /// Its drop lets go of those who wait for a reader of events.
    stop_tx: Mutex<Option<Sender<()>>>,
    is_begun: AtomicBool,
    /// Connections are to be cut without waiting.
    is_hurried: AtomicBool,
    threads: Mutex<Option<Threads>>,
    /// How many callbacks were left behind, once all is over.
    outcome: Mutex<Option<usize>>,
    ended: Condvar,
}

pub(super) struct Threads {
    pub hub: JoinHandle<()>,
    pub drain: JoinHandle<()>,
}

/// The thread that accepts, which owns the listeners.
pub(super) struct Accepting {
    pub thread: JoinHandle<()>,
    /// What is written here has it look at the stage again.
    pub wake: UnixStream,
    pub listeners: Weak<Vec<Listener>>,
}

/// How a shutdown is to go.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub goodbye: Goodbye,
    /// Instead of the drain time-out.
    pub timeout: Option<Duration>,
    /// Another process accepts from now on: nobody is refused here.
    pub hands_over: bool,
}

impl Plan {
    pub(super) fn stop(timeout: Option<Duration>) -> Self {
        Self { goodbye: Goodbye::Stop, timeout, hands_over: false }
    }

    pub(super) fn restart() -> Self {
        Self { goodbye: Goodbye::Restart, ..Self::stop(None) }
    }
}

impl Stopper {
    pub(super) fn new(
        context: Arc<Context>,
        accepting: Accepting,
        stop_tx: Option<Sender<()>>,
        threads: Threads,
    ) -> Self {
        Self {
            context,
            accepting: Mutex::new(Some(accepting)),
            held: Mutex::default(),
            stop_tx: Mutex::new(stop_tx),
            is_begun: AtomicBool::new(false),
            is_hurried: AtomicBool::new(false),
            threads: Mutex::new(Some(threads)),
            outcome: Mutex::new(None),
            ended: Condvar::new(),
        }
    }

    pub(super) fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// The listeners, while anything is accepted.
    pub(super) fn listeners(&self) -> Option<Arc<Vec<Listener>>> {
        self.accepting.lock().as_ref().and_then(|accepting| accepting.listeners.upgrade())
    }

    /// Drops `held` when a shutdown begins, or at once where it has.
    pub(super) fn hold_until_stopped(&self, held: UnixStream) {
        *self.held.lock() = Some(held);
        if self.is_begun() {
            self.held.lock().take();
        }
    }

    pub(super) fn is_begun(&self) -> bool {
        self.is_begun.load(Ordering::SeqCst)
    }

    pub(super) fn is_over(&self) -> bool {
        self.outcome.lock().is_some()
    }

    /// Waits until a shutdown is over.
    pub(super) fn wait(&self) {
        let mut outcome = self.outcome.lock();
        while outcome.is_none() {
            self.ended.wait(&mut outcome);
        }
    }

    pub(super) fn shutdown(self: &Arc<Self>, plan: Plan) -> Result<()> {
        let timeout = plan.timeout.unwrap_or_else(|| self.context.live.get().settings.drain_timeout);
        if timeout.is_zero() {
            self.is_hurried.store(true, Ordering::SeqCst);
            self.context.drain.signal();
        }
        if client_thread::is_current() {
            return self.shutdown_elsewhere(plan);
        }
        let Some(threads) = self.threads.lock().take() else {
            self.wait();
            return self.result();
        };
        self.is_begun.store(true, Ordering::SeqCst);
        self.held.lock().take();
        let deadline = later(Instant::now(), timeout);
        let window = self.window(timeout);
        self.context.stages.set_goodbye(plan.goodbye, window);
        self.begin(plan, timeout);
        let is_told = self.dismiss(window);
        let left = self.drain(if is_told { deadline } else { Instant::now() });
        let left = left + self.end(threads, left);
        *self.outcome.lock() = Some(left);
        self.ended.notify_all();
        self.result()
    }

    /// Nothing is accepted any more, for another process does so.
    pub(super) fn leave_accepting(&self) {
        self.stop_accepting(Stage::HandingOver);
    }

    /// Begins the shutdown of a server that another process has taken over from.
    pub(super) fn hand_over(self: &Arc<Self>) -> Result<()> {
        self.shutdown_elsewhere(Plan { hands_over: true, ..Plan::restart() })
    }

    /// A callback cannot wait for its own end.
    fn shutdown_elsewhere(self: &Arc<Self>, plan: Plan) -> Result<()> {
        if self.is_begun.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        let stopper = self.clone();
        let name = "chinwag-shutdown".to_owned();
        let thread = thread::Builder::new().name(name).spawn(move || drop(stopper.shutdown(plan)));
        thread.map(drop).map_err(Error::io("start a thread for the shutdown"))
    }

    fn result(&self) -> Result<()> {
        match *self.outcome.lock() {
            Some(left @ 1..) => Err(Error::StillRunning(left)),
            _ => Ok(()),
        }
    }

    /// The time over which the clients that are here now are closed.
    fn window(&self, timeout: Duration) -> Duration {
        let clients = self.context.clients.load(Ordering::SeqCst);
        let at_pace = PACE.saturating_mul(u32::try_from(clients).unwrap_or(u32::MAX));
        self.context.live.get().settings.drain_window.min(timeout / 2).min(at_pace)
    }

    /// From here on newcomers are refused, or left to another process; the embedder is
    /// told, and the clients by it.
    fn begin(&self, plan: Plan, timeout: Duration) {
        let context = &self.context;
        if plan.hands_over || self.is_all_shared() {
            self.stop_accepting(Stage::HandingOver);
            let deadline = Instant::now() + LATECOMERS.min(timeout / 4);
            self.wait_unless_hurried(deadline, || context.greeting.lock().is_empty());
        }
        context.stages.advance(Stage::Draining);
        self.wake_accepting();
        self.stop_tx.lock().take();
        self.call_hook(Instant::now() + HOOK.min(timeout / 4));
    }

    fn call_hook(&self, deadline: Instant) {
        let Some(hook) = self.context.options.on_shutdown.lock().take() else { return };
        let context = self.context.clone();
        let done = Arc::new(AtomicBool::new(false));
        let told = done.clone();
        let call = move || {
            // It may ask for the shutdown that it is told of.
            client_thread::enter();
            if catch_unwind(AssertUnwindSafe(|| hook(&context.hub, context.goodbye().code()))).is_err() {
                log::error!("what was to be done at a shutdown panicked");
            }
            told.store(true, Ordering::SeqCst);
            context.drain.signal();
        };
        let thread = match thread::Builder::new().name("chinwag-farewell".to_owned()).spawn(call) {
            Ok(thread) => thread,
            Err(error) => {
                return log::error!("cannot start a thread for what is to be done at a shutdown: {error}");
            }
        };
        if self.wait_unless_hurried(deadline, || done.load(Ordering::SeqCst)) {
            let _ = thread.join();
        } else {
            log::warn!("going on with the shutdown before all that was to be done at its beginning is");
        }
    }

    /// Closes the clients; then nobody listens any more. False where the hub is stuck, by way
    /// of which they would be told.
    fn dismiss(&self, window: Duration) -> bool {
        let is_hub_alive = self.is_hub_alive();
        if is_hub_alive {
            self.close_clients(window);
        } else {
            log::error!("the hub does not answer: cutting all connections");
        }
        self.stop_accepting(Stage::Ending);
        self.context.evict_all();
        if is_hub_alive {
            // Those who came in meanwhile.
            let goodbye = self.context.goodbye();
            self.context.hub.close_all(goodbye.code(), goodbye.reason());
        }
        is_hub_alive
    }

    /// One after the other, in random order.
    fn close_clients(&self, window: Duration) {
        let (hub, goodbye) = (&self.context.hub, self.context.goodbye());
        let mut clients = hub.clients();
        clients.shuffle(&mut rand::rng());
        let (began, count) = (Instant::now(), clients.len() as f64);
        for (number, client) in clients.into_iter().enumerate() {
            let due = began + window.mul_f64(number as f64 / count);
            self.wait_unless_hurried(due, || false);
            if self.is_hurried.load(Ordering::SeqCst) {
                return;
            }
            client.close(goodbye.code(), goodbye.reason());
        }
    }

    fn is_hub_alive(&self) -> bool {
        self.context.hub.answers_within(HUB) == Some(true)
    }

    /// Waits for all connections to end, then cuts those that have not; returns
    /// how many are held by a callback even so.
    fn drain(&self, deadline: Instant) -> usize {
        let drain = &self.context.drain;
        self.wait_unless_hurried(deadline, || drain.link_count() == 0);
        for link in drain.links() {
            link.abort(self.context.goodbye().reason());
        }
        drain.wait_until_or(Instant::now() + CALLBACKS, || drain.link_count() == 0);
        drain.link_count()
    }

    /// Ends the threads, and returns how many of the server's own it left behind: the hub's,
    /// where that is stuck.
    fn end(&self, Threads { hub, drain }: Threads, left: usize) -> usize {
        let is_hub_alive = self.is_hub_alive();
        if is_hub_alive {
            self.context.hub.tell(Command::Stop);
            let _ = hub.join();
        }
        self.context.drain.stop();
        let _ = drain.join();
        for thread in self.context.take_threads() {
            if left == 0 || thread.is_finished() {
                let _ = thread.join();
            }
        }
        usize::from(!is_hub_alive)
    }

    /// Goes on to a stage in which nothing is accepted, and waits for the thread that did.
    fn stop_accepting(&self, stage: Stage) {
        self.context.stages.advance(stage);
        self.wake_accepting();
        let accepting = self.accepting.lock().take();
        if let Some(accepting) = accepting {
            // A panic of its own was reported when it happened.
            let _ = accepting.thread.join();
        }
    }

    fn wake_accepting(&self) {
        if let Some(accepting) = &*self.accepting.lock() {
            // Fails where it has ended.
            let _ = (&accepting.wake).write(&[0]);
        }
    }

    fn is_all_shared(&self) -> bool {
        self.listeners()
            .is_some_and(|listeners| !listeners.is_empty() && listeners.iter().all(Listener::is_shared))
    }

    /// Waits until `done`, at most until `deadline`; whether it is done.
    fn wait_unless_hurried(&self, deadline: Instant, done: impl Fn() -> bool) -> bool {
        let is_hurried = || self.is_hurried.load(Ordering::SeqCst);
        self.context.drain.wait_until_or(deadline, || is_hurried() || done());
        done()
    }
}
