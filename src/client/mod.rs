//! The client side: connects, then sends and receives at the same time from as
//! many threads as one likes. Knows no hub and no server.
//!
//! ```text
//!  caller ── waits for ──► connecting thread: look up, TCP, proxy, handshake
//!    │                       (short-lived; abandoned on cancel or time-out)
//!    ▼
//!  Connection ── split ──► Sender (clones)  ──► outbox ──► socket
//!                     └──► Receiver         ◄─────────────  │
//!                          drain thread: what the system did not take,
//!                          keepalive, deadlines
//! ```

mod attempt;
mod cancel;
mod connection;
mod credentials;
mod dial;
mod exchange;
mod field;
mod handshake;
mod options;
mod proxy;
mod receiver;
mod request;
mod secure;
mod sender;
mod shared;
mod target;
mod turn;
mod writer;

pub use cancel::Canceller;
pub use connection::{Connection, ConnectionState};
pub use options::ConnectOptions;
pub use receiver::{Messages, Receiver};
pub use sender::Sender;
pub use writer::{MessageWriter, Piece};

pub(crate) use attempt::from_transport;
