//! One connection more: a socket that connects while the loop goes on, from a source
//! address that still has ports.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};

use mio::net::TcpStream as PolledStream;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

use crate::stop::Stop;

/// A connection takes a port of its source address, about 28,000 of which there are;
/// each of these addresses has its own.
const LAST_SOURCE: u8 = 250;

/// Makes connections to one address.
pub struct Dialer {
    addr: SocketAddr,
    /// Last byte of the loopback address to come from; the system chooses below 2.
    source: u8,
}

impl Dialer {
    pub fn new(addr: SocketAddr) -> Self {
        Self { addr, source: 1 }
    }

    /// Begins to connect.
    pub fn dial(&mut self) -> Result<PolledStream, Stop> {
        loop {
            match self.try_dial() {
                Ok(stream) => return Ok(stream),
                Err(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE) if self.has_next_source() => self.source += 1,
                Err(errno) => return Err(Stop::of_dialing(errno, self.addr)),
            }
        }
    }

    fn has_next_source(&self) -> bool {
        let is_local = matches!(self.addr.ip(), IpAddr::V4(ip) if ip.is_loopback());
        is_local && self.source < LAST_SOURCE
    }

    fn try_dial(&self) -> Result<PolledStream, Errno> {
        let family = if self.addr.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let stream = TcpStream::from(socket(family, SocketType::STREAM, None)?);
        let failed = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
        stream.set_nonblocking(true).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        if self.source > 1 {
            bind(&stream, &SocketAddr::from((Ipv4Addr::new(127, 0, 0, self.source), 0)))?;
        }
        match connect(&stream, &self.addr) {
            Ok(()) | Err(Errno::INPROGRESS) => Ok(PolledStream::from_std(stream)),
            Err(errno) => Err(errno),
        }
    }
}
