//! What a server counts, for Prometheus and all that read its text (OpenMetrics 1.0).
//! `docs/metrics.md` lists every metric.
//!
//! ```
//! use chinwag::chat::Chat;
//! use chinwag::metrics::Metrics;
//! use chinwag::{Server, page};
//!
//! let chat = Chat::new();
//! let builder = Server::builder();
//! let health = builder.monitor();
//! let metrics = Metrics::new(builder.monitor()).chat(&chat);
//! let server = builder
//!     .handler(chat.gate())
//!     .http(move |request| health.respond(request).or_else(|| metrics.respond(request)))
//!     .start()?;
//! # drop(server);
//! # Ok::<(), chinwag::Error>(())
//! ```
//!
//! Numbers only: no name, room, address or text is among them, and every label has a
//! fixed set of values. Who asks never waits for the hub, but for the second that it
//! has to say that it is [alive](crate::Monitor::alive).

#[cfg(feature = "chat")]
mod chat;
#[cfg(target_os = "linux")]
mod process;
mod server;
mod writer;

pub use prometheus_client;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

#[cfg(feature = "chat")]
use crate::chat::Chat;
use crate::{Monitor, PeerAddr, Refusal, Request, Response};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The format before OpenMetrics: the same text, in which nothing says that counters are.
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers `/metrics`.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    is_local: bool,
}

impl Metrics {
    /// What this server and its process count.
    pub fn new(monitor: Monitor) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(server::ServerCollector(monitor)));
        #[cfg(target_os = "linux")]
        registry.register_collector(Box::new(process::ProcessCollector));
        Self { registry, is_local: false }
    }

    /// And how large this chat is.
    #[cfg(feature = "chat")]
    pub fn chat(self, chat: &Chat) -> Self {
        self.collector(chat::ChatCollector(chat.clone()))
    }

    /// And what an application counts itself.
    pub fn collector(mut self, collector: impl Collector) -> Self {
        self.registry.register_collector(Box::new(collector));
        self
    }

    /// Answers none but clients on this machine; others get 403. Of no use behind a
    /// reverse proxy on this machine whose word for its clients' addresses is not taken.
    pub fn local_only(mut self) -> Self {
        self.is_local = true;
        self
    }

    /// All of it as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }

    /// The text at `/metrics`; `None` for any other path. For
    /// [`ServerBuilder::http`](crate::ServerBuilder::http).
    pub fn respond(&self, request: &Request) -> Option<Response> {
        if request.path() != "/metrics" {
            return None;
        }
        if self.is_local && !is_local(request.peer_addr()) {
            return Some(Refusal::forbidden("metrics are for this machine only").into());
        }
        let mut accepted = request.header_values("Accept");
        let is_known = accepted.any(|accepted| accepted.contains("application/openmetrics-text"));
        let content_type = if is_known { OPEN_METRICS } else { PLAIN };
        let response = Response::new(200).header("Content-Type", content_type);
        Some(response.header("Vary", "Accept").header("Cache-Control", "no-store").body(self.text()))
    }
}

fn is_local(peer: PeerAddr) -> bool {
    peer.tcp().is_none_or(|addr| addr.ip().to_canonical().is_loopback())
}
