//! What a client, an address, and all of them together may take.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use chinwag::{MessageRate, Overflow, Settings};
use clap::{Args, ValueEnum};

use crate::shared::{duration, optional_duration, positive_duration};

/// Bounds in number, size and time.
#[derive(Args)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Clients at the most; others get 503. Default: what the machine holds.
    #[arg(long, value_name = "N", env = "CHINWAG_MAX_CLIENTS", value_parser = positive)]
    pub max_clients: Option<usize>,

    /// Connections that one address may have open, or off; further ones get 429. Of IPv6
    /// the first 64 bits count; this machine's own addresses are not limited.
    #[arg(long, value_name = "N", env = "CHINWAG_CONNECTIONS_PER_ADDRESS", default_value = "32", value_parser = limit::<usize>)]
    pub connections_per_address: ::std::option::Option<usize>,

    /// WebSockets that one address may open in a minute, or off; further ones get 429.
    #[arg(long, value_name = "N", env = "CHINWAG_JOINS_PER_ADDRESS", default_value = "60", value_parser = limit::<NonZeroU32>)]
    pub joins_per_address: ::std::option::Option<NonZeroU32>,

    /// How fast a client may talk: BURST messages at once, then so many a second, or off.
    /// What is over waits; what is over for 10 s ends the connection with 1008.
    #[arg(long, value_name = "BURST:PER_SECOND", env = "CHINWAG_MESSAGE_RATE", default_value = "20:10", value_parser = message_rate)]
    pub message_rate: ::std::option::Option<MessageRate>,

    /// Bytes in one message at the most; over that a client is closed with 1009.
    #[arg(long, value_name = "BYTES", env = "CHINWAG_MAX_MESSAGE_SIZE", default_value = "16384", value_parser = positive)]
    pub max_message_size: usize,

    /// Fragments in one message at the most; over that a client is closed with 1008.
    #[arg(long, value_name = "N", env = "CHINWAG_MAX_FRAGMENTS", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_fragments: u32,

    /// Pings and pongs from one client in 10 s at the most; over that it is closed with
    /// 1008. Pongs that the server asked for are not counted.
    #[arg(long, value_name = "N", env = "CHINWAG_MAX_CONTROL_FRAMES", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_control_frames: u32,

    /// Time for all of one message, or off; over that a client is closed with 1008.
    #[arg(long, value_name = "TIME", env = "CHINWAG_MESSAGE_TIMEOUT", default_value = "30s", value_parser = optional_duration)]
    pub message_timeout: ::std::option::Option<Duration>,

    /// Handshakes that may be under way at once; beyond that the oldest gives way.
    #[arg(long, value_name = "N", env = "CHINWAG_MAX_HANDSHAKES", default_value = "256", value_parser = positive)]
    pub max_handshakes: usize,

    /// Time for a handshake.
    #[arg(long, value_name = "TIME", env = "CHINWAG_HANDSHAKE_TIMEOUT", default_value = "10s", value_parser = positive_duration)]
    pub handshake_timeout: Duration,

    /// Silence after which a client is pinged, or off.
    #[arg(long, value_name = "TIME", env = "CHINWAG_PING_INTERVAL", default_value = "20s", value_parser = optional_duration)]
    pub ping_interval: ::std::option::Option<Duration>,

    /// Time for an answer to a ping; then the client is gone.
    #[arg(long, value_name = "TIME", env = "CHINWAG_PING_TIMEOUT", default_value = "20s", value_parser = positive_duration)]
    pub ping_timeout: Duration,

    /// Time for a client to answer a close frame.
    #[arg(long, value_name = "TIME", env = "CHINWAG_CLOSE_TIMEOUT", default_value = "5s", value_parser = duration)]
    pub close_timeout: Duration,

    /// Bytes that may wait for a client that reads too slowly.
    #[arg(long, value_name = "BYTES", env = "CHINWAG_OUTBOX_BYTES", default_value = "1048576", value_parser = positive)]
    pub outbox_bytes: usize,

    /// Messages that may wait for a client that reads too slowly.
    #[arg(long, value_name = "N", env = "CHINWAG_OUTBOX_MESSAGES", default_value = "1024", value_parser = positive)]
    pub outbox_messages: usize,

    /// What happens to a client for whom too much waits.
    #[arg(long, value_name = "POLICY", env = "CHINWAG_OVERFLOW", default_value = "disconnect")]
    pub overflow: Policy,

    /// How long such a client may stay behind before it is disconnected.
    #[arg(long, value_name = "TIME", env = "CHINWAG_OVERFLOW_GRACE", default_value = "5s", value_parser = duration)]
    pub overflow_grace: Duration,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Policy {
    /// Closed with 1013 after the grace.
    Disconnect,
    /// The oldest messages that wait are dropped.
    DropOldest,
    /// What does not fit is dropped.
    DropNewest,
    /// All that waits is dropped but the latest message.
    KeepLatest,
}

impl Limits {
    pub fn apply(&self, settings: &mut Settings) {
        settings.max_clients = self.max_clients;
        settings.connections_per_address = self.connections_per_address;
        settings.joins_per_address = self.joins_per_address;
        settings.message_rate = self.message_rate;
        settings.max_message_size = self.max_message_size;
        settings.max_fragments = self.max_fragments;
        settings.max_control_frames = self.max_control_frames;
        settings.message_timeout = self.message_timeout;
        settings.max_handshakes = self.max_handshakes;
        settings.handshake_timeout = self.handshake_timeout;
        settings.ping_interval = self.ping_interval;
        settings.ping_timeout = self.ping_timeout;
        settings.close_timeout = self.close_timeout;
        settings.outbox_bytes = self.outbox_bytes;
        settings.outbox_messages = self.outbox_messages;
        settings.overflow = self.overflow();
    }

    fn overflow(&self) -> Overflow {
        match self.overflow {
            Policy::Disconnect => Overflow::Disconnect { grace: self.overflow_grace },
            Policy::DropOldest => Overflow::DropOldest,
            Policy::DropNewest => Overflow::DropNewest,
            Policy::KeepLatest => Overflow::KeepLatest,
        }
    }
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("must be a whole number".to_owned()),
    }
}

/// A number from 1 on, or `off`.
fn limit<T: FromStr>(text: &str) -> Result<Option<T>, String> {
    match (text, text.parse()) {
        ("off", _) => Ok(None),
        (text, Ok(limit)) if !text.trim_start_matches('0').is_empty() => Ok(Some(limit)),
        _ => Err("must be a whole number from 1 on, or off".to_owned()),
    }
}

/// `20:10`, or `off`.
fn message_rate(text: &str) -> Result<Option<MessageRate>, String> {
    if text == "off" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| "must be BURST:PER_SECOND, such as 20:10, or off".to_owned())
}
