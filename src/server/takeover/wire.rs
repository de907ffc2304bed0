//! What two servers say to each other while one takes over from the other: a line at a
//! time, by turns, and with one of them the sockets.
//!
//! ```text
//!  new                           old
//!   ├── chinwag takeover 1 ───────►│
//!   │◄────────── sockets KINDS ────┤  with a descriptor for each letter of KINDS
//!   │  starts                      │  goes on as before, also where the new one fails
//!   ├── ready ────────────────────►│  stops accepting
//!   │◄────────── yours ────────────┤  closes its clients
//! ```

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::io::{Errno, FdFlags};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

pub(super) const HELLO: &str = "chinwag takeover 1";
pub(super) const SOCKETS: &str = "sockets ";
pub(super) const NO: &str = "no ";
pub(super) const READY: &str = "ready";
pub(super) const YOURS: &str = "yours";

/// The system passes no more than 253 descriptors at once.
pub(super) const MAX_SOCKETS: usize = 253;
const MAX_LINE: usize = 1024;

/// What a passed descriptor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The socket of the take-over itself.
    Takeover,
    Tcp,
    /// A Unix domain socket whose file is to be removed at the end.
    UnixWithFile,
    Unix,
}

impl Kind {
    pub(super) fn letter(self) -> char {
        match self {
            Self::Takeover => 'o',
            Self::Tcp => 't',
            Self::UnixWithFile => 'f',
            Self::Unix => 'u',
        }
    }

    pub(super) fn parse(letter: char) -> Option<Self> {
        [Self::Takeover, Self::Tcp, Self::UnixWithFile, Self::Unix]
            .into_iter()
            .find(|kind| kind.letter() == letter)
    }
}

/// Sends a line, and descriptors with it.
pub(super) fn send(stream: &UnixStream, line: &str, sockets: &[BorrowedFd<'_>]) -> io::Result<()> {
    let line = format!("{line}\n");
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_SOCKETS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !sockets.is_empty() && !control.push(SendAncillaryMessage::ScmRights(sockets)) {
        return Err(invalid("too many sockets"));
    }
    let sent = sendmsg(stream, &[IoSlice::new(line.as_bytes())], &mut control, SendFlags::NOSIGNAL)?;
    if sent == line.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// The next line, and the descriptors that came with it. Each side waits for the other's
/// line before its next, so nothing of a further one is read.
pub(super) fn receive(stream: &UnixStream) -> io::Result<(String, Vec<OwnedFd>)> {
    let (mut line, mut sockets) = (Vec::new(), Vec::new());
    while line.last() != Some(&b'\n') {
        let mut buffer = [0; 256];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_SOCKETS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = recvmsg(stream, &mut [IoSliceMut::new(&mut buffer)], &mut control, RecvFlags::empty());
        let received = received.map_err(in_words)?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(passed) = message {
                sockets.extend(passed);
            }
        }
        if received.bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.extend_from_slice(&buffer[..received.bytes]);
        if received.flags.contains(ReturnFlags::CTRUNC) || line.len() > MAX_LINE {
            return Err(invalid("this is not how a chat server takes over"));
        }
    }
    // Asking for this with the message itself is not to be had everywhere.
    for socket in &sockets {
        rustix::io::fcntl_setfd(socket, FdFlags::CLOEXEC)?;
    }
    line.pop();
    let line = String::from_utf8(line).map_err(|_| invalid("this is no text"))?;
    Ok((line, sockets))
}

/// Refuses another user's process, in whose place nobody is to be served.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn check_peer(stream: impl AsFd) -> io::Result<u32> {
    let peer = rustix::net::sockopt::socket_peercred(stream)?;
    if peer.uid != rustix::process::geteuid() {
        let why = format!("process {} belongs to another user", peer.pid.as_raw_nonzero());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    Ok(peer.pid.as_raw_nonzero().get().unsigned_abs())
}

/// Elsewhere the mode of the socket's file keeps others out.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn check_peer(_stream: impl AsFd) -> io::Result<u32> {
    Ok(0)
}

fn in_words(error: Errno) -> io::Error {
    match error {
        // The time-out of the stream has passed.
        Errno::AGAIN => io::Error::new(io::ErrorKind::TimedOut, "the other process does not answer"),
        error => error.into(),
    }
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
