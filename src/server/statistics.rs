//! What a server has counted, at one moment.

use super::context::Context;
use crate::Overflow;
use crate::counters::{Histogram, read};

const NANOS: f64 = 1e9;

/// What a server has counted since it was started, and what is in it now. Numbers only:
/// nothing here names a client or a room.
///
/// What is counted by kind has all kinds, also those that have not occurred, by names of
/// a fixed set.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// Clients that are registered with the hub, as of its last turn.
    pub clients: u64,
    /// The most clients that are taken.
    pub max_clients: u64,
    /// Rooms that have members, as of the hub's last turn.
    pub rooms: u64,
    /// Connections that were accepted, by whatever listener.
    pub connections: u64,
    /// Handshakes that are under way now, refusals being read among them.
    pub handshakes_under_way: u64,
    /// How handshakes ended: `joined`, `answered` (a page, a health check), `refused`,
    /// `gone` (the peer left first), `insecure` (TLS failed).
    pub handshakes: Vec<(&'static str, u64)>,
    /// Seconds from a connection's acceptance to its client's thread, where it came to that.
    pub handshake_seconds: Histogram,
    /// Refusals by cause, those before a handshake was begun among them.
    pub refusals: Vec<(&'static str, u64)>,
    /// TLS handshakes that failed, by cause.
    pub tls_failures: Vec<(&'static str, u64)>,
    /// Connections that ended, by the code in [`CloseReason`](crate::CloseReason); `3xxx`,
    /// `4xxx` and `other` for codes that are not registered.
    pub closes: Vec<(&'static str, u64)>,
    /// Messages of clients that went to their handlers.
    pub messages_received: u64,
    /// Bytes that clients sent after the handshake, as frames.
    pub bytes_received: u64,
    /// Messages that were sent to clients, one for each recipient; those that
    /// gave way in an outbox among them.
    pub messages_sent: u64,
    /// Bytes of those messages, as frames.
    pub bytes_sent: u64,
    /// Messages that gave way because their recipient was too slow.
    pub messages_dropped: u64,
    /// Messages that came in faster than the
    /// [`message_rate`](crate::ServerBuilder::message_rate) and had to wait.
    pub messages_delayed: u64,
    /// Seconds of the hub's turns that sent something: encoding, and passing to all outboxes.
    pub fan_out_seconds: Histogram,
    /// Messages that one such turn encoded.
    pub batch_messages: Histogram,
    /// Bytes of those messages.
    pub batch_bytes: Histogram,
    /// Seconds in all turns of the hub.
    pub hub_busy_seconds: f64,
    /// Commands that wait for the hub.
    pub hub_queue: u64,
    /// Commands that may wait for the hub; beyond that, who commands waits.
    pub hub_queue_capacity: u64,
    /// Bytes that wait in all outboxes.
    pub outbox_bytes: u64,
    /// Messages that wait in all outboxes.
    pub outbox_messages: u64,
    /// Clients that are more than half an outbox behind now, or missed something that
    /// they have not been told of.
    pub slow_clients: u64,
    /// Times that an outbox was full and something gave way.
    pub gaps: u64,
    /// What then happens: `disconnect`, `drop_oldest`, `drop_newest` or `keep_latest`.
    pub overflow_policy: &'static str,
    /// Seconds from a ping to its pong.
    pub round_trip_seconds: Histogram,
}

impl Statistics {
    /// Asks no thread, and takes each lock for a moment only.
    pub(super) fn of(context: &Context) -> Self {
        let hub = &context.drain.counters.hub;
        let connections = context.counters();
        let (hub_queue, hub_queue_capacity) = context.hub.queue();
        let backlog = context.drain.backlog();
        let messages_sent = read(&hub.deliveries) + read(&connections.deliveries);
        Self {
            clients: read(&hub.clients),
            max_clients: context.live.get().limits.max_clients as u64,
            rooms: read(&hub.rooms),
            connections: read(&connections.accepted),
            handshakes_under_way: context.greeting.lock().len() as u64,
            handshakes: connections.handshakes.snapshot(),
            handshake_seconds: connections.handshake_time.snapshot(NANOS),
            refusals: connections.refusals.snapshot(),
            tls_failures: connections.tls_failures.snapshot(),
            closes: connections.closes.snapshot(),
            messages_received: read(&connections.messages_received),
            bytes_received: read(&connections.bytes_received),
            messages_sent,
            bytes_sent: read(&hub.bytes_sent) + read(&connections.bytes_sent),
            messages_dropped: read(&hub.dropped) + read(&connections.dropped),
            messages_delayed: read(&connections.paced),
            fan_out_seconds: hub.fan_out.snapshot(NANOS),
            batch_messages: hub.batch_messages.snapshot(1.0),
            batch_bytes: hub.batch_bytes.snapshot(1.0),
            hub_busy_seconds: read(&hub.busy) as f64 / NANOS,
            hub_queue: hub_queue as u64,
            hub_queue_capacity: hub_queue_capacity as u64,
            outbox_bytes: backlog.bytes as u64,
            outbox_messages: backlog.messages as u64,
            slow_clients: backlog.slow as u64,
            gaps: read(&connections.gaps),
            overflow_policy: policy(context.live.get().settings.overflow),
            round_trip_seconds: connections.round_trip.snapshot(NANOS),
        }
    }
}

fn policy(overflow: Overflow) -> &'static str {
    match overflow {
        Overflow::Disconnect { .. } => "disconnect",
        Overflow::DropOldest => "drop_oldest",
        Overflow::DropNewest => "drop_newest",
        Overflow::KeepLatest => "keep_latest",
    }
}
