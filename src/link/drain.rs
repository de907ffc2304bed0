//! The one thread that waits for what nobody else waits for: sockets that were
//! full and take bytes again, and deadlines. It never blocks on anything else
//! and runs no code of the embedder's.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use parking_lot::{Condvar, Mutex};

use super::Link;
use crate::Clock;
use crate::counters::{Counters, add};
use crate::outbox::{Backlog, Watch};
use crate::transport::{Transport, Writable};

const WAKE: Token = Token(usize::MAX);
const EVENTS: usize = 256;

pub(crate) struct Drain {
    /// What its connections and their hub count.
    pub counters: Arc<Counters>,
    clock: Clock,
    /// Ticks count milliseconds from here.
    epoch: Instant,
    registry: Registry,
    waker: Arc<Waker>,
    is_stopped: AtomicBool,
    next_id: AtomicU64,
    links: Mutex<HashMap<u64, Arc<Link>>>,
    /// Connections without a descriptor that take bytes again.
    ready: Mutex<Vec<u64>>,
    alarms: Mutex<Alarms>,
    /// Guards nothing; those who wait for a link's change hold it while they look.
    changes: Mutex<()>,
    changed: Condvar,
    myself: Weak<Drain>,
}

/// One alarm at the most for each connection, the earliest asked for.
#[derive(Default)]
struct Alarms {
    queue: BinaryHeap<Reverse<(Instant, u64)>>,
    due: HashMap<u64, Instant>,
}

impl Drain {
    /// Starts the thread; [`stop`](Self::stop) ends it.
    pub(crate) fn start(clock: Clock, name: &str) -> io::Result<(Arc<Self>, JoinHandle<()>)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let registry = poll.registry().try_clone()?;
        // One tick early, so that no moment is ever tick 0, which means never.
        let epoch = clock.now() - Duration::from_millis(1);
        let drain = Arc::new_cyclic(|myself| Self {
            counters: Arc::default(),
            epoch,
            registry,
            waker: waker.clone(),
            clock: clock.clone(),
            is_stopped: AtomicBool::new(false),
            next_id: AtomicU64::new(1),
            links: Mutex::default(),
            ready: Mutex::default(),
            alarms: Mutex::default(),
            changes: Mutex::default(),
            changed: Condvar::new(),
            myself: myself.clone(),
        });
        let waker = Arc::downgrade(&waker);
        clock.on_advance(move || waker.upgrade().is_some_and(|waker| waker.wake().is_ok()));
        let running = drain.clone();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || running.run(poll))?;
        Ok((drain, thread))
    }

    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        self.wake();
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn ticks(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.epoch).as_millis() as u64
    }

    pub(super) fn micros(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.epoch).as_micros() as u64
    }

    pub(super) fn add(&self, link: &Arc<Link>) {
        self.links.lock().insert(link.id, link.clone());
    }

    pub(super) fn remove(&self, id: u64) {
        // Dropped after the lock is released: it may be the last owner.
        let link = self.links.lock().remove(&id);
        self.alarms.lock().due.remove(&id);
        self.signal();
        drop(link);
    }

    /// Ends a handshake as its deadline would, or the lingering after a refusal;
    /// false where neither is under way.
    pub(crate) fn end_greeting(&self, id: u64) -> bool {
        self.link(id).is_some_and(|link| link.end_greeting())
    }

    /// All connections, in no order.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        self.links.lock().values().cloned().collect()
    }

    pub(crate) fn link_count(&self) -> usize {
        self.links.lock().len()
    }

    /// What waits in all outboxes together, and how many clients are behind. Holds each
    /// outbox's lock for a moment, and none across.
    pub(crate) fn backlog(&self) -> Backlog {
        self.links().iter().map(|link| link.outbox.backlog()).fold(Backlog::default(), |sum, one| Backlog {
            bytes: sum.bytes + one.bytes,
            messages: sum.messages + one.messages,
            slow: sum.slow + one.slow,
        })
    }

    /// Wakes those who wait in [`wait_until`](Self::wait_until).
    pub(crate) fn signal(&self) {
        let _guard = self.changes.lock();
        self.changed.notify_all();
    }

    /// Waits until `done`, which is asked again whenever a link changes.
    pub(crate) fn wait_until(&self, done: impl Fn() -> bool) {
        let mut guard = self.changes.lock();
        while !done() {
            self.changed.wait(&mut guard);
        }
    }

    /// The same, in real time at most until `deadline`; whether `done` came true.
    pub(crate) fn wait_until_or(&self, deadline: Instant, done: impl Fn() -> bool) -> bool {
        let mut guard = self.changes.lock();
        while !done() {
            if self.changed.wait_until(&mut guard, deadline).timed_out() {
                return done();
            }
        }
        true
    }

    fn wake(&self) {
        // Fails only without the descriptor that `self` owns.
        let _ = self.waker.wake();
    }

    fn run(&self, mut poll: Poll) {
        let mut events = Events::with_capacity(EVENTS);
        while !self.is_stopped.load(Ordering::SeqCst) {
            let next = self.alarms.lock().queue.peek().map(|Reverse((at, _))| *at);
            if let Err(error) = poll.poll(&mut events, self.clock.timeout(next))
                && error.kind() != io::ErrorKind::Interrupted
            {
                log::error!("the drain failed to wait for sockets: {error}");
                thread::sleep(Duration::from_millis(100));
            }
            for event in events.iter().filter(|event| event.token() != WAKE) {
                self.drain(event.token().0 as u64);
            }
            for id in self.take_ready() {
                self.drain(id);
            }
            self.ring();
        }
        self.links.lock().clear();
    }

    fn drain(&self, id: u64) {
        if let Some(link) = self.link(id) {
            link.outbox.drain();
        }
    }

    /// Attends to the connections whose alarm is due.
    fn ring(&self) {
        let now = self.clock.now();
        while let Some(id) = self.next_due(now) {
            let next = self.link(id).and_then(|link| link.attend(self.ticks(now)));
            if let Some(next) = next {
                self.wake_at(id, self.epoch + Duration::from_millis(next));
            }
        }
    }

    // These three are functions so that no lock outlives the statement: a guard
    // in the head of a loop is held through its body, which takes it again.

    fn take_ready(&self) -> Vec<u64> {
        std::mem::take(&mut *self.ready.lock())
    }

    fn next_due(&self, now: Instant) -> Option<u64> {
        self.alarms.lock().pop_due(now)
    }

    fn link(&self, id: u64) -> Option<Arc<Link>> {
        self.links.lock().get(&id).cloned()
    }
}

impl Watch for Drain {
    fn watch(&self, id: u64, transport: &dyn Transport) -> io::Result<()> {
        match transport.writable() {
            Writable::Fd(fd) => {
                self.registry.register(&mut SourceFd(&fd.as_raw_fd()), Token(id as usize), Interest::WRITABLE)
            }
            Writable::Memory(end) => {
                let drain = self.myself.clone();
                end.when_writable(move || {
                    if let Some(drain) = drain.upgrade() {
                        drain.ready.lock().push(id);
                        drain.wake();
                    }
                });
                Ok(())
            }
        }
    }

    fn rewatch(&self, id: u64, transport: &dyn Transport) {
        // A descriptor stays registered and reports the next change by itself.
        if let Writable::Memory(_) = transport.writable() {
            let _ = self.watch(id, transport);
        }
    }

    fn unwatch(&self, _id: u64, transport: &dyn Transport) {
        if let Writable::Fd(fd) = transport.writable() {
            // Fails only where it is not registered.
            let _ = self.registry.deregister(&mut SourceFd(&fd.as_raw_fd()));
        }
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn note_gap(&self) {
        add(&self.counters.connections.gaps, 1);
    }

    fn wake_at(&self, id: u64, at: Instant) {
        if self.alarms.lock().set(id, at) {
            self.wake();
        }
    }
}

impl Alarms {
    /// Whether the new alarm is the first of all.
    fn set(&mut self, id: u64, at: Instant) -> bool {
        if self.due.get(&id).is_some_and(|&due| due <= at) {
            return false;
        }
        let is_first = self.queue.peek().is_none_or(|Reverse((first, _))| at < *first);
        self.due.insert(id, at);
        self.queue.push(Reverse((at, id)));
        is_first
    }

    fn pop_due(&mut self, now: Instant) -> Option<u64> {
        loop {
            let &Reverse((at, id)) = self.queue.peek().filter(|Reverse((at, _))| *at <= now)?;
            self.queue.pop();
            // One that an earlier alarm or the connection's end replaced is void.
            if self.due.get(&id) == Some(&at) {
                self.due.remove(&id);
                return Some(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::frame;
    use crate::link::{Life, LinkParts, Side};
    use crate::outbox::{OutboxOptions, Overflow, Pushed};
    use crate::transport::{MemoryEnd, PeerAddr, memory_pair};

    const PATIENCE: Duration = Duration::from_secs(10);

    fn start_link(drain: &Arc<Drain>) -> (Arc<Link>, MemoryEnd) {
        let (ours, theirs) = memory_pair();
        let options = OutboxOptions {
            max_bytes: 1 << 20,
            max_messages: 256,
            overflow: Some(Overflow::DropNewest),
            gap_notice: None,
        };
        let parts = LinkParts {
            id: drain.next_id(),
            transport: Arc::new(ours),
            peer: PeerAddr::Memory,
            life: Arc::new(Life::default()),
            outbox: Arc::new(options),
            tap: None,
            side: Side::Server,
        };
        (Link::start(parts, drain), theirs)
    }

    /// Runs `wait` on a thread of its own, and fails where it does not return.
    fn within_patience(what: &str, wait: impl FnOnce() + Send + 'static) {
        let (done_tx, done_rx) = mpsc::channel();
        thread::spawn(move || {
            wait();
            let _ = done_tx.send(());
        });
        assert!(done_rx.recv_timeout(PATIENCE).is_ok(), "{what} did not happen");
    }

    #[test]
    fn a_handshake_past_its_deadline_is_ended() {
        let (clock, hand) = Clock::manual();
        let (drain, thread) = Drain::start(clock, "test-drain").expect("start the drain");
        let (link, _peer) = start_link(&drain);
        hand.advance(Life::default().handshake_timeout);
        let reader = link.clone();
        within_patience("the end of the handshake", move || {
            assert_eq!(reader.transport.read(&mut [0; 8], None).expect("an end of input"), 0);
        });
        assert!(link.greeting_timed_out());
        drain.stop();
        within_patience("the drain's end", move || thread.join().expect("no panic"));
    }

    #[test]
    fn what_an_in_memory_peer_reads_late_arrives_whole() {
        let (drain, thread) = Drain::start(Clock::system(), "test-drain").expect("start the drain");
        let (link, peer) = start_link(&drain);
        let message = frame::single(frame::FIN | frame::BINARY, &[7; 60_000], None);
        for _ in 0..10 {
            assert_eq!(link.outbox.push(&message, 1), Pushed::Taken);
        }
        let mut left = 10 * message.len();
        within_patience("the arrival of all bytes", move || {
            let mut buffer = [0; 1000];
            while left > 0 {
                left -= peer.read(&mut buffer, None).expect("bytes");
            }
        });
        drain.stop();
        within_patience("the drain's end", move || thread.join().expect("no panic"));
    }
}
