//! What both ends of a connection share: its transport, its outbox, its
//! deadlines, and the reason it ended with.

mod controls;
mod deadlines;
mod drain;
mod reader;
mod received;
mod round_trip;
mod scanner;
mod stream;

pub(crate) use drain::Drain;
pub(crate) use reader::{Data, End, Reader};

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use controls::Pings;
use received::Received;

use crate::clock::later;
use crate::counters::ConnectionCounters;
use crate::frame::{self, Mask};
use crate::outbox::{Outbox, OutboxOptions, Sent, Watch};
use crate::transport::{Half, Handshake, PeerAddr, Transport};
use crate::wire::Tap;
use crate::{ClientStatistics, CloseCode, CloseReason};

/// How long a closed connection is still read, so that the system does not
/// answer input that nobody took with a reset that overtakes our last words.
const LINGER: Duration = Duration::from_secs(2);
/// No such moment, in the atomics below.
const NEVER: u64 = 0;

/// The limits that a connection lives by.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub handshake_timeout: Duration,
    pub ping_interval: Option<Duration>,
    pub ping_timeout: Duration,
    pub message_timeout: Option<Duration>,
    pub close_timeout: Duration,
    pub max_message_size: usize,
    pub max_fragments: u32,
    pub max_control_frames: u32,
}

impl Default for Life {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(10),
            ping_interval: Some(Duration::from_secs(20)),
            ping_timeout: Duration::from_secs(20),
            message_timeout: Some(Duration::from_secs(30)),
            close_timeout: Duration::from_secs(5),
            max_message_size: 64 * 1024,
            max_fragments: 1024,
            // Keepalive takes one in 20 s, and a program that measures its line some in a second.
            max_control_frames: 1000,
        }
    }
}

/// What a connection is made from.
pub(crate) struct LinkParts {
    pub id: u64,
    pub transport: Arc<dyn Transport>,
    pub peer: PeerAddr,
    pub life: Arc<Life>,
    pub outbox: Arc<OutboxOptions>,
    pub tap: Option<Arc<Tap>>,
    pub side: Side,
}

/// Which end of the connection this is. A client masks what it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Client,
}

/// A ping that somebody waits for an answer to.
#[derive(Clone, Copy)]
struct Probe {
    /// When it will have been unanswered for too long.
    until: u64,
    /// How many reads there were before it.
    reads: u64,
}

#[repr(u8)]
enum Stage {
    Greeting = 0,
    /// The request is with the embedder's gate.
    Deciding = 1,
    Open = 2,
    Closing = 3,
}

/// One connection. Its reading thread, the hub and the drain share it.
pub(crate) struct Link {
    pub id: u64,
    pub outbox: Outbox,
    pub transport: Arc<dyn Transport>,
    pub life: Arc<Life>,
    pub tap: Option<Arc<Tap>>,
    pub side: Side,
    drain: Arc<Drain>,
    /// Who is at the other end of the transport.
    neighbour: PeerAddr,
    /// For whom that one speaks, where it is a proxy.
    client: OnceLock<Box<PeerAddr>>,
    stage: AtomicU8,
    /// When the stage has lasted too long. This and the moments below are
    /// milliseconds on the drain's clock.
    deadline: AtomicU64,
    /// When what let the client in ends.
    expires: AtomicU64,
    /// When bytes last came in.
    seen: AtomicU64,
    /// When the ping was sent that no byte has followed yet.
    pinged: AtomicU64,
    /// Since when a message is under way that is not whole.
    message_since: AtomicU64,
    /// The probe that nothing has answered yet.
    probe: Mutex<Option<Probe>>,
    received: Received,
    pings: Pings,
    /// Counts reads, so that a probe can tell a sign of life.
    reads: AtomicU64,
    /// Somebody wants to be woken by the next read.
    is_probed: AtomicBool,
    /// The latest round-trip time in microseconds, zero where there is none.
    round_trip: AtomicU32,
    /// Somebody wants to be woken by the next pong.
    is_measured: AtomicBool,
    greeting_timed_out: AtomicBool,
    /// The first reason to end that was found on this side.
    reason: Mutex<Option<CloseReason>>,
}

impl Link {
    /// A new connection in its handshake, whose deadline runs from now.
    pub(crate) fn start(parts: LinkParts, drain: &Arc<Drain>) -> Arc<Self> {
        let LinkParts { id, transport, peer, life, outbox, tap, side } = parts;
        let now = drain.now();
        let deadline = later(now, life.handshake_timeout);
        let watch: Arc<dyn Watch> = drain.clone();
        let link = Arc::new(Self {
            id,
            neighbour: peer,
            client: OnceLock::new(),
            outbox: Outbox::new(id, transport.clone(), watch, outbox, tap.clone()),
            transport,
            life,
            tap,
            side,
            drain: drain.clone(),
            stage: AtomicU8::new(Stage::Greeting as u8),
            deadline: AtomicU64::new(drain.ticks(deadline)),
            expires: AtomicU64::new(NEVER),
            seen: AtomicU64::new(drain.ticks(now)),
            pinged: AtomicU64::new(NEVER),
            message_since: AtomicU64::new(NEVER),
            probe: Mutex::new(None),
            received: Received::default(),
            pings: Pings::default(),
            reads: AtomicU64::new(0),
            is_probed: AtomicBool::new(false),
            round_trip: AtomicU32::new(0),
            is_measured: AtomicBool::new(false),
            greeting_timed_out: AtomicBool::new(false),
            reason: Mutex::new(None),
        });
        drain.add(&link);
        drain.wake_at(id, deadline);
        link
    }

    /// Whose connection it is.
    pub(crate) fn peer(&self) -> PeerAddr {
        self.client.get().map_or(self.neighbour, |client| **client)
    }

    /// Who is at the other end of the transport: a proxy, perhaps.
    pub(crate) fn neighbour(&self) -> PeerAddr {
        self.neighbour
    }

    /// A proxy has said whose connection it is.
    pub(crate) fn introduce(&self, client: PeerAddr) {
        // Said once, by the greeter alone.
        let _ = self.client.set(Box::new(client));
        if let Some(tap) = &self.tap {
            tap.introduce(client);
        }
    }

    /// The request is here: what the embedder does with it has no deadline. False
    /// where it came too late.
    pub(crate) fn greeted(&self) -> bool {
        self.pass(Stage::Greeting, Stage::Deciding)
    }

    /// The handshake is done: keepalive and the time for a message run from now.
    pub(crate) fn open(&self) {
        let _ = self.pass(Stage::Greeting, Stage::Open) || self.pass(Stage::Deciding, Stage::Open);
        let now = self.drain.now();
        self.seen.store(self.drain.ticks(now), Ordering::Relaxed);
        self.received.open(self.drain.ticks(now));
        let message_timeout = self.life.message_timeout.map(|limit| limit / 2);
        if let Some(first) = self.life.ping_interval.into_iter().chain(message_timeout).min() {
            self.drain.wake_at(self.id, later(now, first));
        }
    }

    /// Closes the connection in this time, unless it is to be closed sooner.
    pub(crate) fn expire_in(&self, wait: Duration) {
        let at = later(self.drain.now(), wait);
        // Further off than the clock reaches: sooner or later something else ends it.
        if at < later(self.drain.now(), Duration::MAX) {
            let ticks = self.drain.ticks(at).max(1);
            let sooner = |old| (old == NEVER || ticks < old).then_some(ticks);
            let _ = self.expires.fetch_update(Ordering::SeqCst, Ordering::SeqCst, sooner);
            self.drain.wake_at(self.id, at);
        }
    }

    /// Goes on to the next stage, if this is the one before.
    fn pass(&self, from: Stage, to: Stage) -> bool {
        self.stage.compare_exchange(from as u8, to as u8, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Sends our close frame after what is queued, or instead of it. The peer has
    /// the close time-out to answer. False where the connection is ending already.
    pub(crate) fn close(&self, code: CloseCode, reason: &str, discard: bool) -> bool {
        {
            let mut ended = self.reason.lock();
            if ended.is_some() {
                return false;
            }
            *ended = Some(CloseReason::local(code, reason));
        }
        self.end_by(self.life.close_timeout);
        self.outbox.close(frame::close(code, reason, self.mask()), discard);
        true
    }

    /// Closes without waiting for an answer: the peer does not give any.
    pub(crate) fn give_up(&self, code: CloseCode, reason: &str) {
        self.close(code, reason, true);
        self.transport.shutdown(Half::Read);
    }

    /// A fresh key for the next frame, on the client's side.
    pub(crate) fn mask(&self) -> Mask {
        (self.side == Side::Client).then(rand::random)
    }

    /// Ends both directions at once; the reading thread wakes.
    pub(crate) fn abort(&self, reason: &str) {
        self.reason.lock().get_or_insert_with(|| CloseReason::local(CloseCode::ABNORMAL, reason));
        self.stage.store(Stage::Closing as u8, Ordering::SeqCst);
        self.outbox.abort();
        self.drain.signal();
    }

    /// Nothing more will be said on either side: lets the rest of the queue
    /// leave, and the peer read the end.
    pub(crate) fn finish(&self) {
        self.finish_within(LINGER.min(self.life.close_timeout));
    }

    /// The same, in this time.
    pub(crate) fn finish_within(&self, timeout: Duration) {
        self.end_by(timeout);
        self.outbox.end_when_sent();
    }

    /// Reads on and throws away until the peer ends its half or a deadline does.
    // Kept out of the caller's frame, whose stack page every idle client pays for.
    #[inline(never)]
    pub(crate) fn discard_rest(&self) {
        let mut buffer = [0; 1024];
        while matches!(self.read(&mut buffer, None), Ok(1..)) {}
    }

    /// The next step of the transport's handshake, and what that gave it to say.
    pub(crate) fn handshake(&self) -> io::Result<Handshake> {
        let step = self.transport.handshake(None);
        if self.transport.has_pending() {
            self.outbox.send_pending();
        }
        step
    }

    /// Reads from the transport, and has sent what that gave it to say.
    pub(crate) fn read(&self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        loop {
            let read = self.transport.read(buffer, deadline);
            if self.transport.has_pending() {
                self.outbox.send_pending();
            }
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    /// Reads from under the transport's own protocol, which has not begun.
    pub(crate) fn read_below(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.transport.read_below(buffer)
    }

    /// What the server counts, of which this is a connection.
    pub(crate) fn counters(&self) -> &ConnectionCounters {
        &self.drain.counters.connections
    }

    /// The reason that this side gave for the end, if it did.
    pub(crate) fn own_reason(&self) -> Option<CloseReason> {
        self.reason.lock().clone()
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.stage.load(Ordering::SeqCst) == Stage::Closing as u8
    }

    /// Waits until the connection is closing, at most `timeout`; whether it is.
    pub(crate) fn wait_closing(&self, timeout: Duration) -> bool {
        self.drain.wait_until_or(later(Instant::now(), timeout), || self.is_closing())
    }

    pub(crate) fn greeting_timed_out(&self) -> bool {
        self.greeting_timed_out.load(Ordering::SeqCst)
    }

    /// The thread of this connection is done with it.
    pub(crate) fn forget(&self) {
        self.stage.store(Stage::Closing as u8, Ordering::SeqCst);
        self.outbox.abort();
        self.drain.remove(self.id);
    }

    /// What has passed until now.
    pub(crate) fn statistics(&self) -> ClientStatistics {
        let ticks = self.now().saturating_sub(self.received.opened());
        let (bytes_in, messages_in) = self.received.totals();
        let Sent { bytes, messages, dropped } = self.outbox.sent();
        let (queued_bytes, queued_messages) = self.outbox.depth();
        ClientStatistics {
            connected_for: Duration::from_millis(ticks),
            bytes_in,
            bytes_out: bytes,
            messages_in,
            messages_out: messages.saturating_sub(dropped),
            dropped,
            queued_bytes,
            queued_messages,
            round_trip: self.round_trip(),
        }
    }

    /// Milliseconds on the drain's clock.
    fn now(&self) -> u64 {
        self.drain.ticks(self.drain.now())
    }

    /// So many bytes came in at `now`; whether a message is now incomplete, and whether
    /// another ended among them.
    fn note_read(&self, now: u64, bytes: usize, is_mid_message: bool, ended_one: bool) {
        self.received.add_bytes(bytes);
        self.seen.store(now, Ordering::Relaxed);
        self.pinged.store(NEVER, Ordering::Relaxed);
        if !is_mid_message {
            self.message_since.store(NEVER, Ordering::Relaxed);
        } else if ended_one || self.message_since.load(Ordering::Relaxed) == NEVER {
            self.message_since.store(now, Ordering::Relaxed);
        }
        self.reads.fetch_add(1, Ordering::SeqCst);
        if self.is_probed.load(Ordering::SeqCst) {
            self.is_probed.store(false, Ordering::SeqCst);
            self.drain.signal();
        }
    }

    /// Pings the peer and waits for any sign of life. One that gives none within
    /// `timeout` is disconnected, and this returns false.
    pub(crate) fn probe(&self, timeout: Duration) -> bool {
        let until = later(self.drain.now(), timeout);
        let before = self.reads.load(Ordering::SeqCst);
        {
            let mut probe = self.probe.lock();
            // One that waits already is not put off by another.
            if probe.is_none_or(|pending| pending.reads != before) {
                *probe = Some(Probe { until: self.drain.ticks(until), reads: before });
            }
        }
        self.is_probed.store(true, Ordering::SeqCst);
        self.ping();
        self.drain.wake_at(self.id, until);
        self.drain.wait_until(|| {
            self.is_probed.store(true, Ordering::SeqCst);
            self.is_closing() || self.reads.load(Ordering::SeqCst) != before
        });
        !self.is_closing()
    }

    fn end_by(&self, timeout: Duration) {
        let deadline = later(self.drain.now(), timeout);
        self.deadline.store(self.drain.ticks(deadline), Ordering::SeqCst);
        self.stage.store(Stage::Closing as u8, Ordering::SeqCst);
        self.drain.wake_at(self.id, deadline);
        self.drain.signal();
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.id, self.peer())
    }
}
