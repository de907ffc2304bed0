//! The socket, and the thread that takes connections from it. Each of those has a thread of
//! its own, for as long as it lasts.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, PipeReader, PipeWriter};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, poll};

use super::bind::{SocketFile, bind_over, bind_private};
use super::conversation::{self, Served};
use crate::chat::Chat;
use crate::{Error, Hub, Result};

/// So many connections at once; further ones are told to come again.
const MAX_CONNECTIONS: usize = 16;
/// Before the next try where accepting fails, for want of descriptors, say.
const REST: Duration = Duration::from_millis(100);

/// An open admin socket: see the [module](super). Dropped, it ends its connections and
/// removes its file.
pub struct AdminSocket {
    file: SocketFile,
    /// Its drop wakes the thread, for its end.
    stop_tx: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

/// The connections that are open, to be ended.
type Open = Arc<Mutex<HashMap<u64, UnixStream>>>;

impl AdminSocket {
    /// Listens on a socket at `path`, for orders to `chat`, which runs on `hub`. A socket
    /// that a dead server left there is replaced; one that somebody listens on is not.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the path is in use or cannot be written, or no thread is to be
    /// had.
    pub fn bind(path: impl AsRef<Path>, chat: &Chat, hub: &Hub) -> Result<Self> {
        Self::open(path.as_ref(), chat, hub, bind_private)
    }

    /// The same, in the place of a server's that listens there: for one that takes over from
    /// it. The connections that the other has are not cut.
    ///
    /// # Errors
    ///
    /// As for [`bind`](Self::bind), but that a socket in use is none.
    pub fn bind_over(path: impl AsRef<Path>, chat: &Chat, hub: &Hub) -> Result<Self> {
        Self::open(path.as_ref(), chat, hub, bind_over)
    }

    fn open(
        path: &Path,
        chat: &Chat,
        hub: &Hub,
        bind: fn(&Path) -> io::Result<(UnixListener, SocketFile)>,
    ) -> Result<Self> {
        let start = || {
            let (listener, file) = bind(path)?;
            listener.set_nonblocking(true)?;
            let (stop_rx, stop_tx) = io::pipe()?;
            let served = Served { chat: chat.clone(), hub: hub.clone() };
            let thread = thread::Builder::new().name("chinwag-admin".to_owned());
            let thread = thread.spawn(move || accept(&listener, &stop_rx, &served))?;
            Ok(Self { file, stop_tx: Some(stop_tx), thread: Some(thread) })
        };
        start().map_err(Error::io(format!("open the admin socket {}", path.display())))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        drop(self.stop_tx.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for AdminSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminSocket").field("path", &self.path()).finish_non_exhaustive()
    }
}

fn accept(listener: &UnixListener, stop_rx: &PipeReader, served: &Served) {
    let (open, mut threads) = (Open::default(), Vec::<JoinHandle<()>>::new());
    for number in 0.. {
        if !wait(listener, stop_rx) {
            break;
        }
        threads.retain(|thread| !thread.is_finished());
        match listener.accept() {
            Ok((stream, _)) if threads.len() >= MAX_CONNECTIONS => conversation::turn_away(&stream),
            Ok((stream, _)) => threads.extend(start(number, stream, &open, served)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                log::warn!("failed to accept a connection to the admin socket: {error}");
                thread::sleep(REST);
            }
        }
    }
    for stream in open.lock().values() {
        let _ = stream.shutdown(Shutdown::Both);
    }
    for thread in threads {
        let _ = thread.join();
    }
}

/// Waits for a connection; false where it is time to end.
fn wait(listener: &UnixListener, stop_rx: &PipeReader) -> bool {
    let mut fds = [PollFd::new(listener, PollFlags::IN), PollFd::new(stop_rx, PollFlags::IN)];
    match poll(&mut fds, None) {
        Ok(_) => fds[1].revents().is_empty(),
        Err(error) => error == rustix::io::Errno::INTR,
    }
}

fn start(number: u64, stream: UnixStream, open: &Open, served: &Served) -> Option<JoinHandle<()>> {
    let spawn = || {
        // From here on, so that an end that comes at once finds it.
        open.lock().insert(number, stream.try_clone()?);
        let (open, served) = (open.clone(), served.clone());
        thread::Builder::new().name(format!("chinwag-admin-{number}")).spawn(move || {
            conversation::run(&stream, &served);
            open.lock().remove(&number);
        })
    };
    let started = spawn();
    if let Err(error) = &started {
        log::warn!("failed to start a thread for the admin socket: {error}");
        open.lock().remove(&number);
    }
    started.ok()
}
