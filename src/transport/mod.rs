//! What carries a connection's bytes: a socket of the system's, or a pair of
//! pipes in memory. One thread reads; whoever holds the outbox's lock sends,
//! without ever waiting. TLS fits in here: decrypt in `read`, encrypt in
//! `try_send`.

mod memory;
mod socket;

pub(crate) use memory::{MemoryEnd, memory_pair};
pub(crate) use socket::Socket;

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
}

impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
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

pub(crate) trait Transport: Send + Sync {
    /// Waits for bytes, at the longest until `deadline`, then fails with
    /// [`io::ErrorKind::WouldBlock`]. `Ok(0)` is the end of input.
    fn read(&self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize>;

    /// Sends what can be sent without waiting; [`io::ErrorKind::WouldBlock`]
    /// where nothing can.
    fn try_send(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Ends one half or both; no matter if it ended already.
    fn shutdown(&self, half: Half);

    fn writable(&self) -> Writable<'_>;

    /// Whether input waits that nobody has read yet.
    fn has_input(&self) -> bool;
}
