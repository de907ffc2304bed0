//! One binary: what a user relies on, over real sockets.
#![allow(missing_docs, clippy::unwrap_used)]

mod browser;
mod chat_client;
mod chat_client_json;
mod chat_session;
mod client;
mod conversation;
mod embedding;
mod examples;
mod foreign;
mod guards;
mod hostile;
mod hub;
mod life;
mod load;
mod page;
mod programs;
mod properties;
mod raw_server;
mod refusal;
mod rooms;
mod support;
mod terminal;
mod tls;
mod wire;
