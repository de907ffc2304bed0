//! What has passed over one client's connection, in numbers.

use std::time::Duration;

/// What a connection has carried until now: see
/// [`Client::statistics`](super::Client::statistics). Bytes are those of the WebSocket,
/// without what TLS adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientStatistics {
    /// How long the connection has been open.
    pub connected_for: Duration,
    /// Bytes that came from the client.
    pub bytes_in: u64,
    /// Bytes that the system took for the client.
    pub bytes_out: u64,
    /// Messages that came from the client.
    pub messages_in: u64,
    /// Messages for the client that were sent, or wait to be.
    pub messages_out: u64,
    /// Messages that were dropped because the client reads too slowly.
    pub dropped: u64,
    /// Bytes that wait for the client.
    pub queued_bytes: usize,
    /// Messages that wait for the client.
    pub queued_messages: usize,
    /// How long a ping last took there and back; see
    /// [`Client::round_trip`](super::Client::round_trip).
    pub round_trip: Option<Duration>,
}
