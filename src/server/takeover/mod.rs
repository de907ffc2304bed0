//! A new server takes the place of the one before, in another process, with the same
//! listening sockets: nobody who connects meanwhile is refused. This file has the new
//! one's side, [`offer`] the old one's.

mod offer;
mod wire;

use std::fs::{self, Permissions};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::listen::{LocalAddr, UNIX_PREFIX};
use super::socket_file::{self, SocketFile};
use super::{Listener, Server};
use crate::{Error, Result};
use wire::Kind;

/// How long the old server has for its answers.
const ANSWER: Duration = Duration::from_secs(10);

/// A new server takes over from the one before, which may run another version.
///
/// Both meet at a Unix domain socket, which only their user can connect to. The old server
/// hands over its listening sockets and goes on as before, until the new one runs and says
/// so. Then it accepts nothing more, closes its clients with 1012, spread over the
/// [`drain_window`](crate::ServerBuilder::drain_window), and has been shut down. Where the
/// new one fails before, nothing has happened. What is in memory ends with the old process.
///
/// ```
/// use chinwag::{Server, Takeover};
///
/// # let folder = std::env::temp_dir().join(format!("chinwag-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).expect("a folder");
/// # let path = folder.join("takeover.sock");
/// let start = || -> Result<Server, chinwag::Error> {
///     let mut takeover = Takeover::begin(&path)?;
///     let server = Server::builder().listener(takeover.listener("127.0.0.1:0")?).start()?;
///     server.take_over(takeover)?;
///     Ok(server)
/// };
/// let old = start()?;
/// let new = start()?;
/// assert_eq!(new.local_addr(), old.local_addr());
/// old.join();
/// # drop(new);
/// # std::fs::remove_dir(folder).expect("empty");
/// # Ok::<(), chinwag::Error>(())
/// ```
#[derive(Debug)]
pub struct Takeover {
    path: PathBuf,
    /// Where the next server will ask.
    socket: UnixListener,
    file: Arc<SocketFile>,
    predecessor: Option<Predecessor>,
}

/// The old server, which waits for our word.
#[derive(Debug)]
struct Predecessor {
    stream: UnixStream,
    pid: u32,
    /// Its sockets that nobody has asked for.
    listeners: Vec<Listener>,
    /// Files that it will leave to us.
    files: Vec<Arc<SocketFile>>,
}

impl Takeover {
    /// Asks the server that offers its sockets at `path` for them; where there is none,
    /// this will be the first.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where `path` cannot be bound, or a server of another user's is there,
    /// or one that does not answer as it should.
    pub fn begin(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let attempt = || Error::io(format!("take over at {}", path.display()));
        match UnixStream::connect(&path) {
            Ok(stream) => {
                let (socket, predecessor) = ask(stream).map_err(attempt())?;
                let file = SocketFile::of_another(&path);
                Ok(Self { path, socket, file, predecessor: Some(predecessor) })
            }
            Err(error) if is_nobody(&error) => {
                let socket = bind(&path).map_err(attempt())?;
                let file = SocketFile::ours(&path);
                Ok(Self { path, socket, file, predecessor: None })
            }
            Err(error) => Err(attempt()(error)),
        }
    }

    /// The process that will be taken over from, where there is one.
    pub fn predecessor(&self) -> Option<u32> {
        self.predecessor.as_ref().map(|predecessor| predecessor.pid)
    }

    /// The old server's socket of this address, or one newly bound: see
    /// [`Listener::bind`]. Port 0 takes any of the same host's.
    ///
    /// # Errors
    ///
    /// As [`Listener::bind`].
    pub fn listener(&mut self, addr: &str) -> Result<Listener> {
        let inherited = self.predecessor.as_mut().and_then(|predecessor| predecessor.take(addr));
        inherited.map_or_else(|| Listener::bind(addr), Ok)
    }
}

impl Server {
    /// Ends a take-over: tells the old server, where there is one, that this one runs, and
    /// waits until it accepts nothing more. From now on this server hands over to the next.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where the old server says that it goes on after all: then this one
    /// should stop. [`Error::Io`] where a thread is not to be had.
    pub fn take_over(&self, takeover: Takeover) -> Result<()> {
        let Takeover { path, socket, file, predecessor } = takeover;
        if let Some(predecessor) = predecessor {
            predecessor.relieve()?;
            file.claim();
        }
        offer::start(&self.stopper, socket, file)
            .map_err(Error::io(format!("offer the take-over at {}", path.display())))
    }
}

impl Predecessor {
    fn take(&mut self, addr: &str) -> Option<Listener> {
        let position = match addr.strip_prefix(UNIX_PREFIX) {
            Some(path) => self.position(|own| matches!(own, LocalAddr::Unix(own) if own == Path::new(path))),
            None => {
                let wanted: Vec<SocketAddr> = addr.to_socket_addrs().ok()?.collect();
                let is_it = |own: SocketAddr| {
                    let is_free = |addr: &SocketAddr| addr.port() == 0 && addr.ip() == own.ip();
                    wanted.iter().any(|addr| *addr == own || is_free(addr))
                };
                self.position(|own| own.tcp().is_some_and(is_it))
            }
        };
        position.map(|position| self.listeners.remove(position))
    }

    fn position(&self, is_it: impl Fn(&LocalAddr) -> bool) -> Option<usize> {
        self.listeners.iter().position(|listener| listener.prepare().is_ok_and(|own| is_it(&own)))
    }

    /// Lets the old server go.
    fn relieve(self) -> Result<()> {
        // Where that one has hung up, it may have said why before.
        let _ = wire::send(&self.stream, wire::READY, &[]);
        match wire::receive(&self.stream) {
            Ok((answer, _)) if answer == wire::YOURS => {
                log::info!("took over from process {}, which closes its clients now", self.pid);
            }
            Ok((answer, _)) => {
                let why = crate::Escaped::new(answer.strip_prefix(wire::NO).unwrap_or(&answer)).cut(200);
                return Err(Error::Invalid(format!("the server that was to be taken over goes on: {why}")));
            }
            // It was stopped, or worse, at just this time: its place is free.
            Err(error) => log::warn!("process {} is gone without a word: {error}", self.pid),
        }
        self.files.iter().for_each(|file| file.claim());
        Ok(())
    }
}

fn ask(stream: UnixStream) -> io::Result<(UnixListener, Predecessor)> {
    let pid = wire::check_peer(&stream)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.set_write_timeout(Some(ANSWER))?;
    wire::send(&stream, wire::HELLO, &[])?;
    let (answer, sockets) = wire::receive(&stream)?;
    let kinds = answer.strip_prefix(wire::SOCKETS).map(|letters| letters.chars().map(Kind::parse));
    let Some(kinds) = kinds.and_then(Iterator::collect::<Option<Vec<Kind>>>) else {
        let why = crate::Escaped::new(answer.strip_prefix(wire::NO).unwrap_or(&answer)).cut(200).to_string();
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    };
    if kinds.len() != sockets.len() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "sockets are missing"));
    }
    let mut own = None;
    let mut listeners = Vec::new();
    for (kind, socket) in kinds.into_iter().zip(sockets) {
        match kind {
            Kind::Takeover => own = Some(socket),
            Kind::Tcp | Kind::Unix => listeners.push(Listener::inherit(socket, false)?),
            Kind::UnixWithFile => listeners.push(Listener::inherit(socket, true)?),
        }
    }
    let own: OwnedFd =
        own.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a socket is missing"))?;
    let files = listeners.iter().filter_map(|listener| listener.file().cloned()).collect();
    Ok((own.into(), Predecessor { stream, pid, listeners, files }))
}

fn is_nobody(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    socket_file::remove_stale(path)?;
    let socket = UnixListener::bind(path)?;
    // Who connects before this is looked at all the same.
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(socket)
}
