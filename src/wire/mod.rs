//! A look at the wire: the handshake and each frame as it passes, for an
//! observer that the embedder sets. Costs nothing where none is set.

mod printer;
mod tap;

pub use printer::WirePrinter;
pub(crate) use tap::{SeenFrame, Tap};

use std::time::SystemTime;

use crate::PeerAddr;

/// Sees what passes on the wire: frames that come in once they are whole, and
/// frames that go out when the connection takes them. What a slow client's policy
/// drops from its outbox later was seen all the same.
///
/// Called on the thread that sends or reads, in order for each connection and
/// direction, under a lock of that connection's: return quickly, and do not send
/// from here.
pub trait WireObserver: Send + Sync {
    /// One piece of a connection's traffic.
    fn observe(&self, record: &WireRecord<'_>);
}

impl<F: Fn(&WireRecord<'_>) + Send + Sync> WireObserver for F {
    fn observe(&self, record: &WireRecord<'_>) {
        self(record);
    }
}

/// Which way a record went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the server.
    ClientToServer,
    /// From the server to the client.
    ServerToClient,
}

/// What passed in one go: a handshake's half, or the frames that were sent or
/// came in together.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WireRecord<'a> {
    /// Counts the records of one server or one connection, from 1.
    pub number: u64,
    /// When it passed.
    pub time: SystemTime,
    /// The server's number for the client, as in its log; 0 on the client's side.
    pub connection: u64,
    /// The other end.
    pub peer: PeerAddr,
    /// Which way it went.
    pub direction: Direction,
    /// Its size on the wire in bytes, headers and masks included.
    pub size: usize,
    /// What it was.
    pub content: WireContent<'a>,
}

/// The content of a [`WireRecord`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum WireContent<'a> {
    /// An HTTP request or response head, with secrets blanked out.
    Http(&'a str),
    /// Frames that passed together.
    Frames(&'a [WireFrame<'a>]),
}

/// One frame (RFC 6455, section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WireFrame<'a> {
    /// FIN, three reserved bits, and the opcode.
    pub flags: u8,
    /// The key that the payload was masked with.
    pub mask: Option<[u8; 4]>,
    /// Its size on the wire in bytes.
    pub size: u64,
    /// Length of the payload in bytes.
    pub length: u64,
    /// The start of the payload, unmasked, at most [`WireFrame::DATA_LIMIT`] bytes.
    pub data: &'a [u8],
}

impl WireFrame<'_> {
    /// How much of a payload an observer sees, in bytes.
    pub const DATA_LIMIT: usize = 1024;

    /// The opcode's name in capitals, such as `TEXT`.
    pub fn kind(&self) -> &'static str {
        match self.flags & 0x0f {
            0x0 => "CONTINUATION",
            0x1 => "TEXT",
            0x2 => "BINARY",
            0x8 => "CLOSE",
            0x9 => "PING",
            0xa => "PONG",
            _ => "RESERVED",
        }
    }
}
