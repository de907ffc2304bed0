//! What a server counts of itself: plain numbers, written where things happen and read
//! when somebody asks. No lock, no clock, and nothing for a single delivery: the hub
//! adds up a turn in variables of its own and puts the sums here at its end.

mod histogram;
mod labels;

pub use histogram::Histogram;
pub(crate) use histogram::Observed;
#[cfg(feature = "sqlite")]
pub(crate) use labels::Label;
#[cfg(feature = "tls")]
pub(crate) use labels::TlsFailed;
pub(crate) use labels::{Counts, HandshakeEnd, RefusalCause, TlsFailure};

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::CloseCode;

const MICRO: u64 = 1_000;
const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

// Bounds in nanoseconds.
static TURN: [u64; 15] = [
    10 * MICRO,
    25 * MICRO,
    50 * MICRO,
    100 * MICRO,
    250 * MICRO,
    500 * MICRO,
    MILLI,
    2_500 * MICRO,
    5 * MILLI,
    10 * MILLI,
    25 * MILLI,
    50 * MILLI,
    100 * MILLI,
    250 * MILLI,
    SECOND,
];
static NETWORK: [u64; 13] = [
    MILLI,
    2_500 * MICRO,
    5 * MILLI,
    10 * MILLI,
    25 * MILLI,
    50 * MILLI,
    100 * MILLI,
    250 * MILLI,
    500 * MILLI,
    SECOND,
    2_500 * MILLI,
    5 * SECOND,
    10 * SECOND,
];
static BATCH_MESSAGES: [u64; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
static BATCH_BYTES: [u64; 8] = [64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20];

/// One server's, or one client connection's.
#[derive(Default)]
pub(crate) struct Counters {
    pub hub: HubCounters,
    pub connections: ConnectionCounters,
}

/// Written by who holds the hub's turn, and so by one thread at a time: adding is a load
/// and a store.
// Apart from what other threads write all the time.
#[repr(align(64))]
pub(crate) struct HubCounters {
    pub clients: AtomicU64,
    pub rooms: AtomicU64,
    /// Nanoseconds in turns.
    pub busy: AtomicU64,
    pub deliveries: AtomicU64,
    pub bytes_sent: AtomicU64,
    pub dropped: AtomicU64,
    pub fan_out: Observed,
    pub batch_messages: Observed,
    pub batch_bytes: Observed,
}

/// Written by any thread.
#[repr(align(64))]
pub(crate) struct ConnectionCounters {
    pub messages_received: AtomicU64,
    pub bytes_received: AtomicU64,
    pub accepted: AtomicU64,
    /// What was sent without the hub.
    pub deliveries: AtomicU64,
    pub bytes_sent: AtomicU64,
    pub dropped: AtomicU64,
    /// Messages that came too fast and had to wait.
    pub paced: AtomicU64,
    /// Times that an outbox was full and something gave way.
    pub gaps: AtomicU64,
    pub handshakes: Counts<HandshakeEnd>,
    pub refusals: Counts<RefusalCause>,
    pub tls_failures: Counts<TlsFailure>,
    pub closes: Counts<CloseCode>,
    pub handshake_time: Observed,
    pub round_trip: Observed,
}

/// What one turn of the hub did.
#[derive(Default)]
pub(crate) struct TurnTally {
    /// Messages as they were encoded, and their bytes.
    pub messages: u64,
    pub bytes: u64,
    /// Messages times recipients, and the bytes of their frames.
    pub deliveries: u64,
    pub bytes_sent: u64,
    pub dropped: u64,
}

impl HubCounters {
    /// Called at the end of each turn, by who holds it.
    pub(crate) fn end_turn(&self, tally: &TurnTally, took: Duration, clients: usize, rooms: usize) {
        self.clients.store(clients as u64, Ordering::Relaxed);
        self.rooms.store(rooms as u64, Ordering::Relaxed);
        let nanos = nanos(took);
        add_alone(&self.busy, nanos);
        if tally.messages == 0 {
            return;
        }
        add_alone(&self.bytes_sent, tally.bytes_sent);
        add_alone(&self.dropped, tally.dropped);
        self.fan_out.observe_alone(nanos);
        self.batch_messages.observe_alone(tally.messages);
        self.batch_bytes.observe_alone(tally.bytes);
        // Last: who sees these has all of this turn.
        add_alone(&self.deliveries, tally.deliveries);
    }
}

impl ConnectionCounters {
    /// A message of a client's goes to its handler.
    pub(crate) fn message(&self) {
        add(&self.messages_received, 1);
    }

    pub(crate) fn sent_directly(&self, tally: &TurnTally) {
        add(&self.bytes_sent, tally.bytes_sent);
        add(&self.dropped, tally.dropped);
        add(&self.deliveries, tally.deliveries);
    }

    pub(crate) fn bytes(&self, count: usize) {
        add(&self.bytes_received, count as u64);
    }
}

impl Default for HubCounters {
    fn default() -> Self {
        Self {
            clients: AtomicU64::new(0),
            rooms: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            deliveries: AtomicU64::new(0),
            bytes_sent: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            fan_out: Observed::new(&TURN),
            batch_messages: Observed::new(&BATCH_MESSAGES),
            batch_bytes: Observed::new(&BATCH_BYTES),
        }
    }
}

impl Default for ConnectionCounters {
    fn default() -> Self {
        Self {
            messages_received: AtomicU64::new(0),
            bytes_received: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            deliveries: AtomicU64::new(0),
            bytes_sent: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            paced: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
            handshakes: Counts::default(),
            refusals: Counts::default(),
            tls_failures: Counts::default(),
            closes: Counts::default(),
            handshake_time: Observed::new(&NETWORK),
            round_trip: Observed::new(&NETWORK),
        }
    }
}

/// Counts on, from any thread.
pub(crate) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

/// The same, where no other thread writes.
fn add_alone(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Ordering::Relaxed) + count, Ordering::Release);
}

pub(crate) fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Acquire)
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
