//! A transport that does all that a stream may do to its user: bytes come and go in pieces,
//! calls are interrupted or find no room, and at some byte the connection is reset.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use super::{Half, MemoryEnd, Transport, Writable};

/// What goes wrong.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    /// Bytes that one call moves at most.
    pub piece: Option<usize>,
    /// Every other call fails in the way that calls may be repeated after.
    pub hiccups: bool,
    /// The connection is reset once so many bytes were read.
    pub reset_after_read: Option<usize>,
    /// The connection is reset once so many bytes were sent.
    pub reset_after_sent: Option<usize>,
}

/// A pipe in memory with faults.
pub(crate) struct Faulty {
    inner: MemoryEnd,
    faults: Faults,
    reads: AtomicUsize,
    sends: AtomicUsize,
    bytes_read: AtomicUsize,
    /// All that was sent.
    sent: Mutex<Vec<u8>>,
    is_reset: AtomicBool,
}

impl Faulty {
    pub(crate) fn new(inner: MemoryEnd, faults: Faults) -> Self {
        Self {
            inner,
            faults,
            reads: AtomicUsize::new(0),
            sends: AtomicUsize::new(0),
            bytes_read: AtomicUsize::new(0),
            sent: Mutex::default(),
            is_reset: AtomicBool::new(false),
        }
    }

    pub(crate) fn sent(&self) -> Vec<u8> {
        self.sent.lock().clone()
    }

    pub(crate) fn bytes_read(&self) -> usize {
        self.bytes_read.load(Ordering::SeqCst)
    }

    /// How many bytes may move now; fails where the connection is reset.
    fn most(&self, wanted: usize, moved: usize, reset_after: Option<usize>) -> io::Result<usize> {
        let left = reset_after.map_or(usize::MAX, |at| at.saturating_sub(moved));
        if left == 0 {
            self.is_reset.store(true, Ordering::SeqCst);
            self.inner.shutdown(Half::Both);
        }
        if self.is_reset.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(wanted.min(left).min(self.faults.piece.unwrap_or(usize::MAX)))
    }

    fn has_hiccup(&self, calls: &AtomicUsize) -> bool {
        calls.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) && self.faults.hiccups
    }
}

impl Transport for Faulty {
    fn read(&self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        if self.has_hiccup(&self.reads) {
            // Only one who has a deadline can be told that it has passed.
            let is_late = deadline.is_some_and(|at| Instant::now() >= at);
            let kind = if is_late { io::ErrorKind::WouldBlock } else { io::ErrorKind::Interrupted };
            return Err(kind.into());
        }
        let most = self.most(buffer.len(), self.bytes_read(), self.faults.reset_after_read)?;
        let read = self.inner.read(&mut buffer[..most], deadline);
        self.bytes_read.fetch_add(*read.as_ref().unwrap_or(&0), Ordering::SeqCst);
        if self.is_reset.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        read
    }

    fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        if self.has_hiccup(&self.sends) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut sent = self.sent.lock();
        let most = self.most(bytes.len(), sent.len(), self.faults.reset_after_sent)?;
        let taken = self.inner.try_send(&bytes[..most])?;
        sent.extend(&bytes[..taken]);
        Ok(taken)
    }

    fn shutdown(&self, half: Half) {
        self.inner.shutdown(half);
    }

    fn writable(&self) -> Writable<'_> {
        Writable::Memory(&self.inner)
    }

    fn has_input(&self) -> bool {
        self.inner.has_input()
    }
}
