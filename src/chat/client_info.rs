//! One client of the chat, as an operator sees it.

use serde::{Deserialize, Serialize};

use super::Chat;
use crate::protocol::Inside;
use crate::{Client, ClientStatistics};

/// What is known of one client: see [`Chat::clients`]. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClientInfo {
    /// Its number, as it stands in the log.
    pub id: u64,
    /// The name.
    pub name: String,
    /// `operator` for one who keeps order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The rooms that it is in, in order.
    pub rooms: Vec<String>,
    /// When it came, since 1970, UTC.
    pub since: u64,
    /// How long ago it last did something.
    pub idle: u64,
    /// Where it comes from, whom its credential was given to, whether it may talk.
    #[serde(flatten)]
    pub inside: Inside,
    /// The round-trip time, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt: Option<f64>,
    /// Bytes that came from it.
    pub bytes_in: u64,
    /// Bytes that were sent to it.
    pub bytes_out: u64,
    /// Messages that came from it.
    pub messages_in: u64,
    /// Messages that were sent to it, or wait to be.
    pub messages_out: u64,
    /// Messages that were dropped because it reads too slowly.
    pub dropped: u64,
    /// Bytes that wait for it.
    pub queued_bytes: usize,
    /// Messages that wait for it.
    pub queued_messages: usize,
}

impl Chat {
    /// All who are here, in the order of their names, with what has passed over their
    /// connections.
    pub fn clients(&self) -> Vec<ClientInfo> {
        let people = self.shared.state.lock().client_infos();
        // The numbers are asked for without holding up the chat.
        let mut infos = people.into_iter().map(|(client, info)| info.with(&client)).collect::<Vec<_>>();
        infos.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        infos
    }
}

impl ClientInfo {
    fn with(self, client: &Client) -> Self {
        let ClientStatistics {
            bytes_in,
            bytes_out,
            messages_in,
            messages_out,
            dropped,
            queued_bytes,
            queued_messages,
            round_trip,
            ..
        } = client.statistics();
        let rtt = round_trip.map(|rtt| rtt.as_micros() as f64 / 1000.0);
        Self {
            bytes_in,
            bytes_out,
            messages_in,
            messages_out,
            dropped,
            queued_bytes,
            queued_messages,
            rtt,
            ..self
        }
    }
}
