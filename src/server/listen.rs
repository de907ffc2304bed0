//! What a server listens on: TCP and Unix domain sockets, bound here or given.

use std::fmt;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::transport::{Socket, Transport};
use crate::{Error, PeerAddr, Result};

/// Connections that the system holds until they are accepted; it may hold fewer
/// (`net.core.somaxconn`).
const BACKLOG: i32 = 4096;
const UNIX_PREFIX: &str = "unix:";

/// An address that a server listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocalAddr {
    /// A TCP address, with the port that was chosen.
    Tcp(SocketAddr),
    /// The path of a Unix domain socket; empty where it has none.
    Unix(PathBuf),
}

impl LocalAddr {
    /// The TCP address, where it is one.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(addr) => Some(*addr),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for LocalAddr {
    /// As a URL: `ws://127.0.0.1:9001/` or `ws+unix:/run/chat.sock`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => write!(f, "ws://{addr}/"),
            Self::Unix(path) => write!(f, "ws+unix:{}", path.display()),
        }
    }
}

/// A bound socket that a server can take clients from.
///
/// ```
/// use chinwag::{Listener, Server};
///
/// let server = Server::builder()
///     .listener(Listener::bind("127.0.0.1:0")?)
///     .listener(std::net::TcpListener::bind("[::1]:0").map_or(Listener::bind("127.0.0.1:0")?, Into::into))
///     .start()?;
/// assert_eq!(server.local_addrs().len(), 2);
/// # Ok::<(), chinwag::Error>(())
/// ```
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    /// With the path to remove at the end, where it was bound here.
    Unix(UnixListener, Option<PathBuf>),
}

impl Listener {
    /// Binds `ADDRESS:PORT`, `NAME:PORT`, or `unix:PATH`. Port 0 takes any free
    /// port. A socket file that a dead server left behind is replaced; one that
    /// somebody listens on is not.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the address is in use, unknown or not permitted.
    pub fn bind(addr: &str) -> Result<Self> {
        match addr.strip_prefix(UNIX_PREFIX) {
            Some(path) => Self::bind_unix(path),
            None => Self::bind_tcp(addr).map_err(Error::io(format!("bind {addr}"))),
        }
    }

    /// Binds a Unix domain socket at `path`, as [`bind`](Self::bind) does.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the path is in use or cannot be written, and
    /// [`Error::Invalid`] where it is empty.
    pub fn bind_unix(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if path.as_os_str().is_empty() {
            return Err(Error::Invalid("a Unix socket needs a path, such as unix:/run/chat.sock".to_owned()));
        }
        let bind = || {
            remove_stale(path)?;
            UnixListener::bind(path)
        };
        let listener = bind().map_err(Error::io(format!("bind {UNIX_PREFIX}{}", path.display())))?;
        Ok(Self(Kind::Unix(listener, Some(path.to_owned()))))
    }

    /// The same as [`bind`](Self::bind), with addresses of any kind.
    pub(super) fn bind_addr(addr: impl ToSocketAddrs) -> Result<Self> {
        let addrs: Vec<SocketAddr> =
            addr.to_socket_addrs().map_err(Error::io("look up the address to bind"))?.collect();
        let names = addrs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        Self::bind_tcp(&*addrs).map_err(Error::io(format!("bind {names}")))
    }

    fn bind_tcp(addr: impl ToSocketAddrs) -> io::Result<Self> {
        let listener = TcpListener::bind(addr)?;
        // A greater backlog than std asks for, so that many can come at once.
        let _ = rustix::net::listen(&listener, BACKLOG);
        Ok(Self(Kind::Tcp(listener)))
    }

    /// Readiness is waited for elsewhere: an accept that would wait must not.
    pub(super) fn prepare(&self) -> io::Result<LocalAddr> {
        match &self.0 {
            Kind::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                listener.local_addr().map(LocalAddr::Tcp)
            }
            Kind::Unix(listener, _) => {
                listener.set_nonblocking(true)?;
                let addr = listener.local_addr()?;
                Ok(LocalAddr::Unix(addr.as_pathname().map(Into::into).unwrap_or_default()))
            }
        }
    }

    /// The next connection that waits, if any does.
    pub(super) fn accept(&self) -> io::Result<Accepted> {
        Ok(match &self.0 {
            Kind::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                let local = stream.local_addr().ok();
                Accepted { transport: Arc::new(Socket::tcp(stream)?), peer: PeerAddr::Tcp(peer), local }
            }
            Kind::Unix(listener, _) => {
                let (stream, _) = listener.accept()?;
                Accepted { transport: Arc::new(Socket::unix(stream)?), peer: PeerAddr::Unix, local: None }
            }
        })
    }
}

/// A connection that was accepted.
pub(super) struct Accepted {
    pub transport: Arc<dyn Transport>,
    pub peer: PeerAddr,
    pub local: Option<SocketAddr>,
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            Kind::Tcp(listener) => listener.as_fd(),
            Kind::Unix(listener, _) => listener.as_fd(),
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self(Kind::Tcp(listener))
    }
}

impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self(Kind::Unix(listener, None))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Kind::Unix(_, Some(path)) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

/// Removes a socket file on which nobody listens.
fn remove_stale(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
    let is_dead =
        || UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if is_socket && is_dead() { fs::remove_file(path) } else { Ok(()) }
}
