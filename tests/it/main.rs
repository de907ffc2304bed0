//! One binary: what a user relies on, over real sockets.
#![allow(missing_docs, clippy::unwrap_used)]

mod client;
mod conversation;
mod examples;
mod foreign;
mod raw_server;
mod refusal;
mod support;
