//! chinwag
#[cfg(feature = "chat")]
pub mod chat;
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

pub use clock::{Clock, ClockHand};
pub use close::{CloseCode, CloseReason, ClosedBy};
pub use error::{Error, RefusedResponse, Result};
pub use message::Message;
pub use outbox::Overflow;
pub use text::Escaped;
pub use transport::PeerAddr;
pub use wire::{Direction, WireContent, WireFrame, WireObserver, WirePrinter, WireRecord};
