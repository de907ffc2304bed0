//! Stops a server: no more clients, the queues sent, everyone closed, every
//! thread joined, all of it bounded in time.

use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use parking_lot::{Condvar, Mutex};

use super::client_thread;
use super::context::{Context, SHUTDOWN_REASON};
use crate::clock::later;
use crate::hub::Command;
use crate::{CloseCode, Error, Result};

/// How long callbacks have to return once their connections have been cut.
const CALLBACKS: Duration = Duration::from_secs(1);

pub(super) struct Stopper {
    context: Arc<Context>,
    /// Its end wakes the accepting thread.
    wake: UnixStream,
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
    pub accept: JoinHandle<()>,
    pub hub: JoinHandle<()>,
    pub drain: JoinHandle<()>,
}

impl Stopper {
    pub(super) fn new(
        context: Arc<Context>,
        wake: UnixStream,
        stop_tx: Option<Sender<()>>,
        threads: Threads,
    ) -> Self {
        Self {
            context,
            wake,
            stop_tx: Mutex::new(stop_tx),
            is_begun: AtomicBool::new(false),
            is_hurried: AtomicBool::new(false),
            threads: Mutex::new(Some(threads)),
            outcome: Mutex::new(None),
            ended: Condvar::new(),
        }
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

    pub(super) fn shutdown(self: &Arc<Self>, timeout: Option<Duration>) -> Result<()> {
        let timeout = timeout.unwrap_or_else(|| self.context.live.get().settings.drain_timeout);
        if timeout.is_zero() {
            self.is_hurried.store(true, Ordering::SeqCst);
            self.context.drain.signal();
        }
        if client_thread::is_current() {
            return self.shutdown_elsewhere(timeout);
        }
        let Some(threads) = self.threads.lock().take() else {
            self.wait();
            return self.result();
        };
        let Threads { accept, hub, drain } = threads;
        self.begin(accept);
        let left = self.drain(later(Instant::now(), timeout));
        self.end([hub, drain], left);
        *self.outcome.lock() = Some(left);
        self.ended.notify_all();
        self.result()
    }

    /// A callback cannot wait for its own end.
    fn shutdown_elsewhere(self: &Arc<Self>, timeout: Duration) -> Result<()> {
        if self.is_begun.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        let stopper = self.clone();
        let name = "chinwag-shutdown".to_owned();
        let thread = thread::Builder::new().name(name).spawn(move || drop(stopper.shutdown(Some(timeout))));
        thread.map(drop).map_err(Error::io("start a thread for the shutdown"))
    }

    fn result(&self) -> Result<()> {
        match *self.outcome.lock() {
            Some(left @ 1..) => Err(Error::StillRunning(left)),
            _ => Ok(()),
        }
    }

    fn begin(&self, accept: JoinHandle<()>) {
        self.is_begun.store(true, Ordering::SeqCst);
        self.context.is_stopping.store(true, Ordering::SeqCst);
        self.stop_tx.lock().take();
        let _ = self.wake.shutdown(Shutdown::Both);
        // From here on nobody comes any more. A panic of a thread's own was reported
        // when it happened.
        let _ = accept.join();
        self.context.evict_all();
        self.context.hub.close_all(CloseCode::GOING_AWAY, SHUTDOWN_REASON);
    }

    /// Waits for all connections to end, then cuts those that have not; returns
    /// how many are held by a callback even so.
    fn drain(&self, deadline: Instant) -> usize {
        let drain = &self.context.drain;
        drain.wait_until_or(deadline, || self.is_hurried.load(Ordering::SeqCst) || drain.link_count() == 0);
        for link in drain.links() {
            link.abort(SHUTDOWN_REASON);
        }
        drain.wait_until_or(Instant::now() + CALLBACKS, || drain.link_count() == 0);
        drain.link_count()
    }

    fn end(&self, threads: [JoinHandle<()>; 2], left: usize) {
        self.context.hub.tell(Command::Stop);
        self.context.drain.stop();
        for thread in threads {
            let _ = thread.join();
        }
        for thread in self.context.take_threads() {
            if left == 0 || thread.is_finished() {
                let _ = thread.join();
            }
        }
    }
}
