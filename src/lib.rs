//! chinwag
mod client;
mod clock;
mod close;
mod error;
mod frame;
mod link;
mod message;
mod outbox;
mod text;
mod transport;
mod wire;

pub use client::{
    Canceller, ConnectOptions, Connection, ConnectionState, MessageWriter, Messages, Piece, Receiver, Sender,
};
pub use clock::{Clock, ClockHand};
pub use close::{CloseCode, CloseReason, ClosedBy};
pub use error::{Error, RefusedResponse, Result};
pub use message::Message;
pub use outbox::Overflow;
pub use text::Escaped;
pub use transport::PeerAddr;
pub use wire::{Direction, WireContent, WireFrame, WireObserver, WirePrinter, WireRecord};
