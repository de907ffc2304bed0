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
#[cfg(feature = "chat")]
mod store;
#[cfg(feature = "tls")]
mod tls;
mod writer;

#[cfg(feature = "sqlite")]
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
pub use prometheus_client;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

#[cfg(feature = "tls")]
use crate::ServerTls;
#[cfg(feature = "chat")]
use crate::chat::Chat;
#[cfg(feature = "sqlite")]
use crate::store::Sqlite;
use crate::{Monitor, Refusal, Request, Response};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The format before OpenMetrics: the same text, in which nothing says that counters are.
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Clients from elsewhere get a text of this age at most, for making one looks into every
/// outbox: asking often must not slow others down.
const FRESH: Duration = Duration::from_secs(1);

/// Answers `/metrics`.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    is_local: bool,
    /// What clients from elsewhere got last, and when it was made. Locked while it is
    /// made, so that all who ask then get the same.
    recent: Mutex<Option<(Instant, String)>>,
}

impl Metrics {
    /// What this server and its process count.
    pub fn new(monitor: Monitor) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(server::ServerCollector(monitor)));
        #[cfg(target_os = "linux")]
        registry.register_collector(Box::new(process::ProcessCollector));
        Self { registry, is_local: false, recent: Mutex::default() }
    }

    /// And how large this chat is, and how its store does.
    #[cfg(feature = "chat")]
    pub fn chat(self, chat: &Chat) -> Self {
        self.collector(chat::ChatCollector(chat.clone())).collector(store::StoreCollector(chat.clone()))
    }

    /// And what this store counts, beside what each store does.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(self, store: &Arc<Sqlite>) -> Self {
        self.collector(store::SqliteCollector(store.clone()))
    }

    /// And when the certificate of these listeners expires.
    #[cfg(feature = "tls")]
    pub fn tls(self, tls: &ServerTls) -> Self {
        self.collector(tls::TlsCollector(tls.clone()))
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
    /// [`ServerBuilder::http`](crate::ServerBuilder::http). Made anew for clients on this
    /// machine, and once a second at the most for those from elsewhere.
    pub fn respond(&self, request: &Request) -> Option<Response> {
        if request.path() != "/metrics" {
            return None;
        }
        // What a proxy calls its own machine is not therefore this one.
        let is_here = request.via().is_none() && request.peer_addr().is_this_machine();
        if self.is_local && !is_here {
            return Some(Refusal::forbidden("metrics are for this machine only").into());
        }
        let mut accepted = request.header_values("Accept");
        let is_known = accepted.any(|accepted| accepted.contains("application/openmetrics-text"));
        let content_type = if is_known { OPEN_METRICS } else { PLAIN };
        let response = Response::new(200).header("Content-Type", content_type);
        Some(
            response
                .header("Vary", "Accept")
                .header("Cache-Control", "no-store")
                .body(self.text_for(is_here)),
        )
    }

    fn text_for(&self, is_here: bool) -> String {
        if is_here {
            return self.text();
        }
        let mut recent = self.recent.lock();
        match &*recent {
            Some((made, text)) if made.elapsed() < FRESH => text.clone(),
            _ => recent.insert((Instant::now(), self.text())).1.clone(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use prometheus_client::encoding::DescriptorEncoder;

    use super::*;
    use crate::{PeerAddr, Server};

    fn request(path: &str, ip: &str) -> Request {
        let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        let peer = PeerAddr::Tcp(std::net::SocketAddr::new(ip.parse().unwrap(), 1));
        Request::new(head.into(), peer, None)
    }

    #[derive(Debug)]
    struct Asked(Arc<AtomicUsize>);

    impl Collector for Asked {
        fn encode(&self, _: DescriptorEncoder<'_>) -> std::fmt::Result {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    }

    #[test]
    fn who_asks_often_from_elsewhere_costs_no_more_than_one_who_does_not() {
        let asked = Arc::default();
        let metrics = Metrics::new(Server::builder().monitor()).collector(Asked(Arc::clone(&asked)));
        let first = metrics.respond(&request("/metrics", "192.0.2.1")).unwrap();
        for _ in 0..100 {
            // A machine that halts for a second here may make another.
            assert_eq!(metrics.respond(&request("/metrics", "192.0.2.2")).unwrap().status, first.status);
        }
        let strangers = asked.load(Ordering::SeqCst);
        assert!(strangers < 10, "{strangers}");
        metrics.respond(&request("/metrics", "127.0.0.1")).unwrap();
        metrics.respond(&request("/metrics", "::ffff:127.0.0.1")).unwrap();
        assert!(asked.load(Ordering::SeqCst) >= strangers + 2);
        assert!(metrics.respond(&request("/metric", "127.0.0.1")).is_none());
    }

    #[test]
    fn local_metrics_are_for_this_machine_only() {
        let metrics = Metrics::new(Server::builder().monitor()).local_only();
        let status = |ip| metrics.respond(&request("/metrics", ip)).unwrap().status;
        assert_eq!(["127.0.0.1", "::1", "192.0.2.1", "2001:db8::1"].map(status), [200, 200, 403, 403]);
    }
}
