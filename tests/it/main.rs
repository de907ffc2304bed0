//! One binary: what a user relies on, over real sockets.
#![allow(missing_docs, clippy::unwrap_used)]

mod chat_client;
mod client;
mod raw_server;
