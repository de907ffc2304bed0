//! chinwag
mod client;
mod clock;
mod close;
mod error;
mod frame;
mod handler;
mod hub;
mod link;
mod message;
mod outbox;
mod request;
mod server;
mod text;
mod transport;
mod wire;

#[cfg(feature = "chat")]
pub mod chat;

pub use client::{
    Canceller, ConnectOptions, Connection, ConnectionState, MessageWriter, Messages, Piece, Receiver, Sender,
};
pub use clock::{Clock, ClockHand};
pub use close::{CloseCode, CloseReason, ClosedBy};
pub use error::{Error, RefusedResponse, Result};
pub use handler::{Acceptance, Handler};
pub use hub::{Batch, Client, ClientId, Hub, Room};
pub use message::Message;
pub use outbox::Overflow;
pub use request::{Refusal, Request};
pub use server::{Event, Listener, LocalAddr, Server, ServerBuilder, ShutdownHandle};
pub use text::Escaped;
pub use transport::PeerAddr;
pub use wire::{Direction, WireContent, WireFrame, WireObserver, WirePrinter, WireRecord};
