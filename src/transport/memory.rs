//! A connection within the process: two bounded pipes, which behave as a
//! socket does, a full one and a closed one too.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use super::{Half, Transport, Writable};

/// What a pipe holds before a send has to wait, as a small socket buffer would.
const CAPACITY: usize = 64 * 1024;

type Waker = Box<dyn FnOnce() + Send>;

/// One end of an in-memory connection.
pub(crate) struct MemoryEnd {
    input: Arc<Pipe>,
    output: Arc<Pipe>,
}

#[derive(Default)]
struct Pipe {
    state: Mutex<State>,
    /// Signalled when bytes come in or the pipe is closed.
    readable: Condvar,
}

#[derive(Default)]
struct State {
    bytes: VecDeque<u8>,
    closed: bool,
    /// The reader will take no more, so sending fails as on a reset socket.
    deaf: bool,
    /// Called once when a full pipe has room again.
    on_room: Option<Waker>,
}

/// Two ends that are each other's peer.
pub(crate) fn memory_pair() -> (MemoryEnd, MemoryEnd) {
    let (a, b) = (Arc::<Pipe>::default(), Arc::<Pipe>::default());
    (MemoryEnd { input: a.clone(), output: b.clone() }, MemoryEnd { input: b, output: a })
}

impl MemoryEnd {
    /// Calls `waker` once when bytes can be sent, at once where they can be now.
    pub(crate) fn when_writable(&self, waker: impl FnOnce() + Send + 'static) {
        let mut state = self.output.state.lock();
        if state.bytes.len() < CAPACITY || state.closed || state.deaf {
            drop(state);
            waker();
        } else {
            state.on_room = Some(Box::new(waker));
        }
    }
}

impl Transport for MemoryEnd {
    fn read(&self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        let mut state = self.input.state.lock();
        while state.bytes.is_empty() && !state.closed && !state.deaf {
            match deadline {
                None => self.input.readable.wait(&mut state),
                Some(deadline) => {
                    if self.input.readable.wait_until(&mut state, deadline).timed_out() {
                        return Err(io::ErrorKind::WouldBlock.into());
                    }
                }
            }
        }
        if state.deaf {
            return Ok(0);
        }
        let read = state.bytes.read(buffer)?;
        let waker = state.on_room.take();
        drop(state);
        if let Some(wake) = waker {
            wake();
        }
        Ok(read)
    }

    fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.output.state.lock();
        if state.closed || state.deaf {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let taken = bytes.len().min(CAPACITY - state.bytes.len());
        if taken == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.bytes.extend(&bytes[..taken]);
        self.output.readable.notify_one();
        Ok(taken)
    }

    fn shutdown(&self, half: Half) {
        if half != Half::Read {
            self.output.end(|state| state.closed = true);
        }
        if half != Half::Write {
            self.input.end(|state| state.deaf = true);
        }
    }

    fn writable(&self) -> Writable<'_> {
        Writable::Memory(self)
    }

    fn has_input(&self) -> bool {
        !self.input.state.lock().bytes.is_empty()
    }
}

impl Pipe {
    fn end(&self, mark: impl FnOnce(&mut State)) {
        let waker = {
            let mut state = self.state.lock();
            mark(&mut state);
            self.readable.notify_all();
            state.on_room.take()
        };
        if let Some(wake) = waker {
            wake();
        }
    }
}

impl Drop for MemoryEnd {
    fn drop(&mut self) {
        self.shutdown(Half::Both);
    }
}
