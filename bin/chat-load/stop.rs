//! Why no more clients could be brought in, in words that a person can act on.

use std::fmt;
use std::net::SocketAddr;

use chinwag::Escaped;
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

/// What stopped the crowd from growing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The server answered the handshake with something else than 101.
    Refused { status: u16, reason: String },
    /// A client's connection failed before it was in.
    Failed(String),
    /// This process has no descriptor left, of so many.
    Descriptors(u64),
    /// No source address has a port left.
    Ports,
    /// The system has no memory left for sockets, or no descriptors.
    System(String),
    /// Nobody was let in for so many seconds.
    Silence(u64),
}

impl Stop {
    /// What a failed attempt to connect means.
    pub fn of_dialing(errno: Errno, addr: SocketAddr) -> Self {
        match errno {
            Errno::MFILE => Self::Descriptors(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)),
            Errno::ADDRNOTAVAIL | Errno::ADDRINUSE => Self::Ports,
            Errno::NFILE => Self::System("the system has no descriptors left (fs.file-max)".to_owned()),
            Errno::NOMEM | Errno::NOBUFS => {
                Self::System("the system has no memory left for sockets (net.ipv4.tcp_mem)".to_owned())
            }
            errno => Self::Failed(format!("failed to connect to {addr}: {errno}")),
        }
    }

    /// Whether this is what a ramp looks for: the server or the machine has no more.
    pub fn is_limit(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(status, 429 | 503),
            Self::Failed(_) => false,
            Self::Descriptors(_) | Self::Ports | Self::System(_) | Self::Silence(_) => true,
        }
    }

    fn hint(status: u16) -> &'static str {
        match status {
            401 | 403 => {
                "; chat-load has no tokens, of which each client would need one of its own: try a server without --auth"
            }
            404 => "; is the path of the URL right?",
            409 => "; is another chat-load at work with the same names?",
            429 => "; the server limits connections for each address, see its options",
            _ => "",
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, reason } => {
                let reason = Escaped::new(reason.trim()).cut(200);
                write!(f, "the server refused the next client with {status}: {reason}{}", Self::hint(*status))
            }
            Self::Failed(why) | Self::System(why) => f.write_str(why),
            Self::Descriptors(limit) => write!(
                f,
                "chat-load may open {limit} files and has no descriptor left; raise its limit (ulimit -Hn, \
                 LimitNOFILE=)"
            ),
            Self::Ports => f.write_str(
                "no source address has a port left for another connection to the server; widen \
                 net.ipv4.ip_local_port_range, or run chat-load on several machines",
            ),
            Self::Silence(seconds) => write!(f, "the server let nobody in for {seconds} s"),
        }
    }
}
