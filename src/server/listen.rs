//! What a server listens on: TCP and Unix domain sockets, bound here or given.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::net::AddressFamily;

use super::socket_file::{self, SocketFile};
#[cfg(feature = "tls")]
use crate::ServerTls;
#[cfg(feature = "tls")]
use crate::transport::Tls;
use crate::transport::{Socket, Transport};
use crate::{Error, PeerAddr, Result};

/// Connections that the system holds until they are accepted; it may hold fewer
/// (`net.core.somaxconn`).
const BACKLOG: i32 = 4096;
pub(super) const UNIX_PREFIX: &str = "unix:";

/// An address that a server listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocalAddr {
    /// A TCP address, with the port that was chosen.
    Tcp(SocketAddr),
    /// A TCP address behind TLS, with the port that was chosen.
    Tls(SocketAddr),
    /// The path of a Unix domain socket; empty where it has none.
    Unix(PathBuf),
}

impl LocalAddr {
    /// The TCP address, where it is one.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(addr) | Self::Tls(addr) => Some(*addr),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for LocalAddr {
    /// As a URL: `ws://127.0.0.1:9001/`, `wss://127.0.0.1:9001/` or `ws+unix:/run/chat.sock`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => write!(f, "ws://{addr}/"),
            Self::Tls(addr) => write!(f, "wss://{addr}/"),
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
pub struct Listener {
    kind: Kind,
    is_shared: bool,
    #[cfg(feature = "tls")]
    tls: Option<ServerTls>,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    /// With its file, where that was made here.
    Unix(UnixListener, Option<Arc<SocketFile>>),
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
            socket_file::remove_stale(path)?;
            UnixListener::bind(path)
        };
        let listener = bind().map_err(Error::io(format!("bind {UNIX_PREFIX}{}", path.display())))?;
        Ok(Kind::Unix(listener, Some(SocketFile::ours(path))).into())
    }

    /// Takes clients over TLS alone, with this certificate. Who asks in the clear is
    /// told so with status 400.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a Unix domain socket: who connects there is on this
    /// machine, and no URL says that it speaks TLS.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: &ServerTls) -> Result<Self> {
        if matches!(self.kind, Kind::Unix(..)) {
            return Err(Error::Invalid("a Unix domain socket speaks no TLS".to_owned()));
        }
        self.tls = Some(tls.clone());
        Ok(self)
    }

    /// Says that another process has this socket too, and goes on with it: systemd's, say.
    /// When the server stops, nothing more is accepted from it, nobody is refused, and who
    /// connects waits for that process.
    pub fn shared(mut self) -> Self {
        self.is_shared = true;
        self
    }

    /// A listener that another process bound and handed over; `has_file` says that the file
    /// of a Unix domain socket comes with it, though it stays the other's until it is
    /// [claimed](SocketFile::claim).
    pub(super) fn inherit(fd: OwnedFd, has_file: bool) -> io::Result<Self> {
        if rustix::net::getsockname(&fd)?.address_family() != AddressFamily::UNIX {
            return Ok(TcpListener::from(fd).into());
        }
        let listener = UnixListener::from(fd);
        let path = listener.local_addr()?.as_pathname().map(SocketFile::of_another);
        Ok(Kind::Unix(listener, path.filter(|_| has_file)).into())
    }

    /// The file that goes with it, where it has one that is to be removed at the end.
    pub(super) fn file(&self) -> Option<&Arc<SocketFile>> {
        match &self.kind {
            Kind::Unix(_, file) => file.as_ref(),
            Kind::Tcp(_) => None,
        }
    }

    /// Whether it is a TCP socket, and not a Unix domain socket.
    pub fn is_tcp(&self) -> bool {
        matches!(self.kind, Kind::Tcp(_))
    }

    pub(super) fn is_shared(&self) -> bool {
        self.is_shared
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
        Ok(Kind::Tcp(listener).into())
    }

    /// Readiness is waited for elsewhere: an accept that would wait must not.
    pub(super) fn prepare(&self) -> io::Result<LocalAddr> {
        match &self.kind {
            Kind::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                listener.local_addr().map(if self.is_tls() { LocalAddr::Tls } else { LocalAddr::Tcp })
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
        Ok(match &self.kind {
            Kind::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                let local = stream.local_addr().ok();
                let transport = self.secure(Arc::new(Socket::tcp(stream)?));
                Accepted { transport, peer: PeerAddr::Tcp(peer), local }
            }
            Kind::Unix(listener, _) => {
                let (stream, _) = listener.accept()?;
                Accepted { transport: Arc::new(Socket::unix(stream)?), peer: PeerAddr::Unix, local: None }
            }
        })
    }

    #[cfg(feature = "tls")]
    pub(super) fn certificate(&self) -> Option<&ServerTls> {
        self.tls.as_ref()
    }

    #[cfg(feature = "tls")]
    fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    #[cfg(not(feature = "tls"))]
    fn is_tls(&self) -> bool {
        false
    }

    #[cfg(feature = "tls")]
    fn secure(&self, transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
        match &self.tls {
            Some(tls) => Arc::new(Tls::server(transport, tls.clone())),
            None => transport,
        }
    }

    #[cfg(not(feature = "tls"))]
    fn secure(&self, transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
        transport
    }
}

impl From<Kind> for Listener {
    fn from(kind: Kind) -> Self {
        Self {
            kind,
            is_shared: false,
            #[cfg(feature = "tls")]
            tls: None,
        }
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
        match &self.kind {
            Kind::Tcp(listener) => listener.as_fd(),
            Kind::Unix(listener, _) => listener.as_fd(),
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Kind::Tcp(listener).into()
    }
}

impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Kind::Unix(listener, None).into()
    }
}
