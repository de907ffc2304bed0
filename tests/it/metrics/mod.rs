//! What a server says of itself to those who watch it.

mod counting;
mod dashboards;
mod health;
mod promql;
mod scrape;
mod store;

use chinwag::chat::Chat;
use chinwag::metrics::Metrics;
use chinwag::{Server, ServerBuilder};

pub use scrape::{Scrape, get, scrape};

/// A chat that is watched, on a port of its own.
fn watched(builder: ServerBuilder) -> Server {
    let chat = Chat::new();
    let health = builder.monitor();
    let metrics = Metrics::new(builder.monitor()).chat(&chat);
    builder
        .paths(Chat::PATHS)
        .handler(chat.gate())
        .http(move |request| health.respond(request).or_else(|| metrics.respond(request)))
        .bind("127.0.0.1:0")
        .unwrap()
}
