//! The old server's side: offers its listening sockets to the next one, on a thread of its
//! own that ends with the server, or once another took over.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use super::wire::{self, Kind};
use crate::server::Listener;
use crate::server::client_thread;
use crate::server::shutdown::Stopper;
use crate::server::socket_file::SocketFile;

/// How long one that connects has to say what it wants.
const HELLO: Duration = Duration::from_secs(5);
/// How long the next server has to start; then this one goes on.
const START: Duration = Duration::from_secs(120);
const BACK_OFF: Duration = Duration::from_secs(1);
const STACK: usize = 256 * 1024;

struct Offer {
    stopper: Arc<Stopper>,
    socket: UnixListener,
    file: Arc<SocketFile>,
    /// Its other end is closed when the server stops.
    stop: UnixStream,
}

/// Starts the thread, unless the server stops already.
pub(super) fn start(stopper: &Arc<Stopper>, socket: UnixListener, file: Arc<SocketFile>) -> io::Result<()> {
    // A connection that went again must not keep the thread waiting.
    socket.set_nonblocking(true)?;
    let (held, stop) = UnixStream::pair()?;
    let offer = Offer { stopper: stopper.clone(), socket, file, stop };
    stopper.context().spawn("chinwag-takeover".to_owned(), STACK, move || offer.run())?;
    stopper.hold_until_stopped(held);
    Ok(())
}

impl Offer {
    fn run(self) {
        // What waits for the end of a shutdown would wait for this thread, too.
        client_thread::enter();
        while self.wait_for(&self.socket, None) {
            match self.socket.accept() {
                Ok((stream, _)) => match self.hand_over(&stream) {
                    Ok(()) => return,
                    Err(error) => log::warn!("no take-over, going on: {error}"),
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    log::error!("failed to accept a take-over: {error}; going on");
                    // Out of descriptors, say, which passes.
                    self.wait_for(&self.stop, Some(BACK_OFF));
                }
            }
        }
    }

    /// Has another process take over, if all goes well.
    fn hand_over(&self, stream: &UnixStream) -> io::Result<()> {
        // On some systems it has this from the socket.
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(HELLO))?;
        stream.set_write_timeout(Some(HELLO))?;
        let pid = wire::check_peer(stream).inspect_err(|error| self.decline(stream, error))?;
        let hello = self.hear(stream, HELLO, "the other process said nothing")?;
        if hello != wire::HELLO {
            let why =
                io::Error::new(io::ErrorKind::Unsupported, format!("this server knows {:?}", wire::HELLO));
            self.decline(stream, &why);
            return Err(why);
        }
        let files = self.lend(stream).inspect_err(|error| self.decline(stream, error))?;
        log::info!("process {pid} is about to take over");
        let ready = self.hear(stream, START, "the new server did not get ready in time");
        if self.stopper.is_begun() {
            // The other one has the sockets, and finds the place free once it is ready.
            log::info!("this server stops: leaving its sockets to process {pid}");
            files.iter().for_each(|file| file.give_up());
            return Ok(());
        }
        let ready = ready?;
        if ready != wire::READY {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the new server did not say that it is ready",
            ));
        }
        self.leave(stream, pid, &files);
        Ok(())
    }

    /// Passes on the sockets. They stay open here. The files that belong to them are there
    /// for as long as what this returns.
    fn lend(&self, stream: &UnixStream) -> io::Result<Vec<Arc<SocketFile>>> {
        let listeners = self.stopper.listeners().ok_or(io::ErrorKind::NotConnected)?;
        let kind_of = |listener: &Listener| match listener.file() {
            Some(_) => Kind::UnixWithFile,
            None if listener.is_tcp() => Kind::Tcp,
            None => Kind::Unix,
        };
        let sockets: Vec<(Kind, BorrowedFd<'_>)> = std::iter::once((Kind::Takeover, self.socket.as_fd()))
            .chain(listeners.iter().map(|listener| (kind_of(listener), listener.as_fd())))
            .collect();
        let letters: String = sockets.iter().map(|(kind, _)| kind.letter()).collect();
        let sockets: Vec<BorrowedFd<'_>> = sockets.into_iter().map(|(_, socket)| socket).collect();
        wire::send(stream, &format!("{}{letters}", wire::SOCKETS), &sockets)?;
        Ok(listeners.iter().filter_map(Listener::file).chain([&self.file]).cloned().collect())
    }

    /// The other process accepts now: this one does no more, and closes its clients.
    fn leave(&self, stream: &UnixStream, pid: u32, files: &[Arc<SocketFile>]) {
        log::info!("process {pid} has taken over: closing all connections");
        files.iter().for_each(|file| file.give_up());
        self.stopper.leave_accepting();
        if let Err(error) = wire::send(stream, wire::YOURS, &[]) {
            log::warn!("process {pid}, which has taken over, is gone: {error}");
        }
        if let Err(error) = self.stopper.hand_over() {
            log::error!("{error}");
        }
    }

    /// The next line, unless the server stops before.
    fn hear(&self, stream: &UnixStream, timeout: Duration, or_else: &str) -> io::Result<String> {
        if !self.wait_for(stream, Some(timeout)) {
            let why = io::Error::new(io::ErrorKind::TimedOut, or_else);
            if !self.stopper.is_begun() {
                self.decline(stream, &why);
            }
            return Err(why);
        }
        wire::receive(stream).map(|(line, _)| line)
    }

    /// Tells the other process why not. It may be gone already.
    fn decline(&self, stream: &UnixStream, why: &io::Error) {
        let _ = wire::send(stream, &format!("{}{why}", wire::NO), &[]);
    }

    /// Whether there is something to read; false where the time passed or the server stops.
    fn wait_for(&self, what: impl AsFd, timeout: Option<Duration>) -> bool {
        let timeout = timeout.map(|timeout| Timespec { tv_sec: timeout.as_secs() as _, tv_nsec: 0 });
        loop {
            let mut fds = [PollFd::new(&self.stop, PollFlags::IN), PollFd::new(&what, PollFlags::IN)];
            match rustix::event::poll(&mut fds, timeout.as_ref()) {
                Ok(_) if !fds[0].revents().is_empty() => return false,
                Ok(ready) => return ready > 0,
                Err(Errno::INTR) => {}
                Err(error) => {
                    log::error!("failed to wait for a take-over: {error}");
                    return false;
                }
            }
        }
    }
}
