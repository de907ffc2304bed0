//! What carries a connection's bytes: a socket of the system's, or a pair of
//! pipes in memory. One thread reads; whoever holds the outbox's lock sends,
//! without ever waiting. Or TLS over one of these, which decrypts in `read` and
//! encrypts in `try_send`.

#[cfg(test)]
mod faulty;
mod memory;
mod security;
mod socket;
#[cfg(feature = "tls")]
mod tls;

#[cfg(test)]
pub(crate) use faulty::{Faults, Faulty};
pub(crate) use memory::{MemoryEnd, memory_pair};
pub use security::TlsInfo;
pub(crate) use socket::Socket;
#[cfg(feature = "tls")]
pub(crate) use tls::Tls;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::time::Instant;

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeerAddr {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A process on this machine, through a Unix domain socket.
    Unix,
    /// This very process, through an in-memory connection.
    Memory,
}

impl PeerAddr {
    /// The IP address and port, where there is one.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(addr) => Some(*addr),
            _ => None,
        }
    }

    /// Whether it is on this machine, by a loopback address or without one.
    pub(crate) fn is_this_machine(&self) -> bool {
        self.tcp().is_none_or(|addr| addr.ip().to_canonical().is_loopback())
    }
}

impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // As a proxy tells it, often without a port.
            Self::Tcp(addr) if addr.port() == 0 => addr.ip().fmt(f),
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix => f.write_str("unix"),
            Self::Memory => f.write_str("memory"),
        }
    }
}

/// Which half of a connection to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    /// Wakes the reader with an end of input; what was sent still arrives.
    Read,
    /// Lets the peer read an end of input after what was sent.
    Write,
    Both,
}

/// How the drain learns that a transport takes bytes again.
pub(crate) enum Writable<'a> {
    /// Ask the system to watch this descriptor.
    Fd(BorrowedFd<'a>),
    /// The transport calls back by itself.
    Memory(&'a MemoryEnd),
}

/// How far a transport is with what has to be agreed on before the first byte.
#[cfg_attr(not(feature = "tls"), allow(dead_code, reason = "in the clear there is one step"))]
pub(crate) enum Handshake {
    /// The next step waits for the peer, which waits for what is pending here.
    UnderWay,
    /// Bytes can pass, protected in this way or not at all.
    Done(Option<Box<TlsInfo>>),
    /// The peer speaks HTTP in the clear where TLS is needed. What is sent from here
    /// on is not encrypted, for that is an answer it can read.
    NotTls,
}

pub(crate) trait Transport: Send + Sync {
    /// Takes the next step of the handshake that comes before the first byte, and
    /// waits for it as [`read`](Self::read) does.
    fn handshake(&self, _deadline: Option<Instant>) -> io::Result<Handshake> {
        Ok(Handshake::Done(None))
    }

    /// Waits for bytes, at the longest until `deadline`, then fails with
    /// [`io::ErrorKind::WouldBlock`]. `Ok(0)` is the end of input. Fails with
    /// [`io::ErrorKind::Interrupted`] where something became pending instead.
    fn read(&self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize>;

    /// Waits for bytes that come before the transport's own protocol, if it has one.
    fn read_below(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(buffer, None)
    }

    /// Sends what can be sent without waiting, first what is pending, and returns how
    /// many of `bytes` it took; [`io::ErrorKind::WouldBlock`] where nothing can be sent.
    fn try_send(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Whether the transport itself has bytes to send: some that it took and the
    /// system did not, or words of its own.
    fn has_pending(&self) -> bool {
        false
    }

    /// Ends one half or both; no matter if it ended already. Ending the writing half
    /// may leave something pending, after which it ends.
    fn shutdown(&self, half: Half);

    fn writable(&self) -> Writable<'_>;

    /// Whether input waits that nobody has read yet.
    fn has_input(&self) -> bool;
}
