//! WebSockets for programs without an async runtime: a chat and broadcast server,
//! and a client whose two halves work on two threads.
//!
//! # Talk and listen at once
//!
//! [`Connection::split`] gives a [`Sender`], which can be cloned and used from any
//! thread, and a [`Receiver`] for another. No lock is held while one of them waits
//! for the network, so a thread that receives never keeps one from sending:
//!
//! ```no_run
//! let (sender, receiver) = chinwag::Connection::connect("ws://127.0.0.1:9001/?name=John")?.split();
//! std::thread::spawn(move || receiver.into_iter().for_each(|message| println!("{message}")));
//! for line in std::io::stdin().lines().map_while(Result::ok) {
//!     sender.send(line)?;
//! }
//! # Ok::<(), chinwag::Error>(())
//! ```
//!
//! # Broadcast from a loop of your own
//!
//! A [`Server`]'s threads run from the moment it is bound. Telling it something is
//! putting it into a queue, from any thread, at any time:
//!
//! ```
//! # fn read_sensor() -> f64 { 21.5 }
//! let server = chinwag::Server::bind("127.0.0.1:0")?;
//! for _ in 0..3 {
//!     server.broadcast(format!("{} °C", read_sensor()));
//! }
//! # Ok::<(), chinwag::Error>(())
//! ```
//!
//! # Answer each client
//!
//! A [`Handler`] is one value for each client. Its callbacks run one at a time, on
//! that client's own thread, and **may block**: a query, a file, a slow device
//! delays that client and nobody else.
//!
//! ```
//! use chinwag::{Client, Handler, Server};
//!
//! struct Shout;
//!
//! impl Handler for Shout {
//!     fn on_text(&mut self, me: &Client, text: &str) {
//!         me.send(text.to_uppercase());
//!     }
//! }
//!
//! let server = Server::builder().handler(|_request| Ok(Shout)).bind("127.0.0.1:0")?;
//! # Ok::<(), chinwag::Error>(())
//! ```
//!
//! An application with a loop of its own (a game, a window, a tool that selects over
//! channels) takes [events](ServerBuilder::events) instead. Both ways are tested
//! without a socket through [`Server::connect_memory`], and time moves by hand with
//! [`Clock::manual`].
//!
//! # How a message passes
//!
//! ```text
//!  client's thread        hub's thread                    any client's outbox
//!  ┌──────────────┐      ┌───────────────────────┐       ┌──────────────────────┐
//!  │ read, unmask │      │ order, encode once    │ bytes │ empty: send at once, │
//!  │ call handler ├─────►│ for a whole batch,    ├──────►│  never waiting       │
//!  └──────────────┘ queue│ one push per member   │       │ full: the drain's    │
//!                        └───────────────────────┘       │  thread sends on     │
//!                                                        └──────────────────────┘
//! ```
//!
//! An idle hub need not even be woken: in a small room the client's thread does what
//! the hub would. Who waits for whom goes one way: a client's thread may wait for the hub, and the
//! hub waits for nobody. A client that reads too slowly meets its [`Overflow`] policy
//! and delays nobody else. Within a [`Room`] all members see the same messages in
//! the same order.
//!
//! # Limits, on by default
//!
//! | what | default | option |
//! |---|---|---|
//! | a message | 64 KiB, 1,024 fragments, 30 s | [`max_message_size`](ServerBuilder::max_message_size), [`max_fragments`](ServerBuilder::max_fragments), [`message_timeout`](ServerBuilder::message_timeout) |
//! | pings and pongs | 1,000 in 10 s | [`max_control_frames`](ServerBuilder::max_control_frames) |
//! | a handshake | 10 s in all, 16 KiB, 256 at once | [`handshake_timeout`](ServerBuilder::handshake_timeout), [`max_handshakes`](ServerBuilder::max_handshakes) |
//! | silence | a ping after 20 s, gone after 20 s more | [`ping_interval`](ServerBuilder::ping_interval), [`ping_timeout`](ServerBuilder::ping_timeout) |
//! | a slow reader | 1 MiB or 1,024 messages, then 5 s | [`outbox_bytes`](ServerBuilder::outbox_bytes), [`outbox_messages`](ServerBuilder::outbox_messages), [`overflow`](ServerBuilder::overflow) |
//! | a close | 5 s for the answer | [`close_timeout`](ServerBuilder::close_timeout) |
//! | clients | what the machine holds, then 503 | [`max_clients`](ServerBuilder::max_clients) |
//! | one address | 32 connections, 60 WebSockets a minute | [`connections_per_address`](ServerBuilder::connections_per_address), [`joins_per_address`](ServerBuilder::joins_per_address) |
//! | a talker | none here, 20 at once and 10 a second in `chat-server` | [`message_rate`](ServerBuilder::message_rate) |
//! | a shutdown | 10 s, clients sent away over 5 s | [`drain_timeout`](ServerBuilder::drain_timeout) |
//!
//! A running server changes them by [`Server::settings`].
//!
//! # Coming from `Microsoft.WebSockets` and `ClientWebSocket`
//!
//! | there | here |
//! |---|---|
//! | `AcceptWebSocketRequest(handler)` | [`ServerBuilder::handler`], or a [`Refusal`] |
//! | `WebSocketHandler.OnOpen` | [`Handler::on_open`] |
//! | `OnMessage(string)`, `OnMessage(byte[])` | [`Handler::on_text`], [`Handler::on_binary`] |
//! | `OnClose` | [`Handler::on_close`], with a [`CloseReason`] |
//! | `OnError` | [`Handler::on_error`] |
//! | `Send(string)`, `Send(byte[])` | [`Client::send`] |
//! | `Close` | [`Client::close`] |
//! | `MaxIncomingMessageSize` | [`ServerBuilder::max_message_size`] |
//! | `WebSocketContext` | [`Client::request`] |
//! | `WebSocketCollection.Add`, `Remove`, `Clear` | [`Room::add`], [`Room::remove`], [`Room::clear`] |
//! | `Contains`, `Count`, enumeration | [`Room::contains`], [`Room::len`], [`Room::clients`] |
//! | `Broadcast(string)`, `Broadcast(byte[])` | [`Room::broadcast`], [`Hub::broadcast`] |
//! | `ClientWebSocket.ConnectAsync`, its token | [`Connection::connect`], [`Canceller`] |
//! | `SendAsync`, its `endOfMessage` | [`Connection::send`], [`Connection::text_writer`], [`Connection::binary_writer`] |
//! | `ReceiveAsync` | [`Connection::recv`], [`recv_timeout`](Connection::recv_timeout), [`try_recv`](Connection::try_recv), [`iter`](Connection::iter) |
//! | `CloseAsync`, `CloseOutputAsync`, `Abort` | [`Connection::close`], [`close_output`](Connection::close_output), [`abort`](Connection::abort) |
//! | `State`, `CloseStatus`, `CloseStatusDescription` | [`Connection::state`], [`Connection::close_reason`] |
//! | `SubProtocol` | [`Connection::subprotocol`] |
//! | `Options.SetRequestHeader`, `Cookies`, `AddSubProtocol` | [`ConnectOptions::header`], [`cookie`](ConnectOptions::cookie), [`subprotocol`](ConnectOptions::subprotocol) |
//! | `Options.Credentials`, `Proxy` | [`ConnectOptions::basic_auth`], [`bearer`](ConnectOptions::bearer), [`proxy`](ConnectOptions::proxy) |
//! | `Options.KeepAliveInterval`, `KeepAliveTimeout` | [`ConnectOptions::ping_interval`], [`ping_timeout`](ConnectOptions::ping_timeout) |
//!
//! # Features
//!
//! | feature | what | default |
//! |---|---|---|
//! | `chat` | `chinwag::chat`, the chat as a handler; `page`, its web page; `chat_client`, a client that comes back; `protocol`, what they speak; `admin`, an operator's way in | on |
//! | `auth` | `chinwag::auth`: tokens in a file, and signed ones (JWT), for the chat's door | on |
//! | `metrics` | `metrics`, for Prometheus; [`Server::statistics`] is there in any case | on |
//! | `tls` | `wss://` on both sides (rustls): [`Listener::tls`], [`ServerTls`], [`ConnectOptions::ca_file`] | on |
//! | `programs` | `chat-server` and `chat-client` | on |
//!
//! An embedder turns off what is not needed (`default-features = false`). The library never
//! prints, never exits, installs no logger and handles no signal.
mod client;
mod clock;
mod close;
mod counters;
mod error;
mod frame;
mod handler;
mod hub;
mod link;
mod message;
mod message_rate;
mod outbox;
#[cfg(any(feature = "auth", feature = "tls"))]
mod reloading;
mod request;
mod response;
mod server;
mod text;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod wire;

#[cfg(feature = "chat")]
pub mod admin;
#[cfg(feature = "auth")]
pub mod auth;
#[cfg(feature = "chat")]
pub mod chat;
#[cfg(feature = "chat")]
pub mod chat_client;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "chat")]
pub mod page;
#[cfg(feature = "chat")]
pub mod protocol;
#[cfg(feature = "chat")]
pub mod store;

pub use client::{
    Canceller, ConnectOptions, Connection, ConnectionState, MessageWriter, Messages, Piece, Receiver, Sender,
};
pub use clock::{Clock, ClockHand};
pub use close::{CloseCode, CloseReason, ClosedBy};
pub use counters::Histogram;
pub use error::{Error, RefusedResponse, Result};
pub use handler::{Acceptance, Handler};
pub use hub::{Client, ClientId, ClientStatistics, Edition, Hub, Instead, Room, Turn};
pub use message::Message;
pub use message_rate::{MessageRate, Pacer};
pub use outbox::Overflow;
pub use request::Request;
pub use response::{Refusal, Response};
pub use server::{
    Event, Listener, LocalAddr, Monitor, Server, ServerBuilder, Settings, SettingsHandle, ShutdownHandle,
    Statistics, Takeover, TrustedProxy, Unready,
};
pub use text::Escaped;
#[cfg(feature = "tls")]
pub use tls::{ClientCertificates, ServerTls, ServerTlsBuilder};
pub use transport::{PeerAddr, TlsInfo};
pub use wire::{Direction, WireContent, WireFrame, WireObserver, WirePrinter, WireRecord};
