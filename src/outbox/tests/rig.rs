//! An outbox on a transport whose room a test deals out byte by byte.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::Message;
use crate::frame::{self, CLOSE, FIN, Header, PING, PONG, TEXT};
use crate::outbox::{Kind, Outbox, OutboxOptions, Overflow, Pushed, Watch};
use crate::transport::{Half, Transport, Writable};

/// Room for all that a test sends.
pub(super) const PLENTY: usize = 1 << 20;

/// Takes as many bytes as it has room for, and keeps them.
#[derive(Default)]
pub(super) struct FakeTransport {
    pub(super) room: Mutex<usize>,
    pub(super) wire: Mutex<Vec<u8>>,
    pub(super) is_broken: AtomicBool,
    /// Which halves were ended, and after how many bytes.
    pub(super) ended: Mutex<Vec<(Half, usize)>>,
}

impl Transport for FakeTransport {
    fn has_input(&self) -> bool {
        false
    }

    fn read(&self, _: &mut [u8], _: Option<Instant>) -> io::Result<usize> {
        unreachable!("an outbox only sends")
    }

    fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_broken.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let mut room = self.room.lock();
        let sent = bytes.len().min(*room);
        if sent == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        *room -= sent;
        self.wire.lock().extend(&bytes[..sent]);
        Ok(sent)
    }

    fn shutdown(&self, half: Half) {
        let sent = self.wire.lock().len();
        self.ended.lock().push((half, sent));
    }

    fn writable(&self) -> Writable<'_> {
        unreachable!("the fake drain asks for no descriptor")
    }
}

pub(super) struct FakeWatch {
    pub(super) is_watched: AtomicBool,
    pub(super) now: Instant,
}

impl Watch for FakeWatch {
    fn watch(&self, _: u64, _: &dyn Transport) -> io::Result<()> {
        assert!(!self.is_watched.swap(true, Ordering::SeqCst), "watched twice");
        Ok(())
    }

    fn rewatch(&self, _: u64, _: &dyn Transport) {
        assert!(self.is_watched.load(Ordering::SeqCst), "watched again before it was watched");
    }

    fn unwatch(&self, _: u64, _: &dyn Transport) {
        assert!(self.is_watched.swap(false, Ordering::SeqCst), "unwatched twice");
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn wake_at(&self, _: u64, _: Instant) {}
}

/// An outbox under test.
pub(super) struct Rig {
    pub(super) outbox: Outbox,
    pub(super) transport: Arc<FakeTransport>,
    pub(super) watch: Arc<FakeWatch>,
}

impl Rig {
    pub(super) fn new(overflow: impl Into<Option<Overflow>>, max_messages: usize, max_bytes: usize) -> Self {
        let options = OutboxOptions {
            max_bytes,
            max_messages,
            overflow: overflow.into(),
            gap_notice: Some(Arc::new(|missed| Some(Message::from(format!("missed {missed}"))))),
        };
        let transport = Arc::new(FakeTransport::default());
        let watch = Arc::new(FakeWatch { is_watched: AtomicBool::new(false), now: Instant::now() });
        let outbox = Outbox::new(1, transport.clone(), watch.clone(), Arc::new(options), None);
        Self { outbox, transport, watch }
    }

    /// One whose message `a` is under way: its first byte is sent.
    pub(super) fn stuck(
        overflow: impl Into<Option<Overflow>>,
        max_messages: usize,
        max_bytes: usize,
    ) -> Self {
        let rig = Self::new(overflow, max_messages, max_bytes);
        rig.give_room(1);
        assert_eq!(rig.push("a"), Pushed::Taken);
        rig
    }

    /// Pushes the words of `texts` as one batch of messages.
    pub(super) fn push(&self, texts: &str) -> Pushed {
        let (bytes, messages) = batch(texts);
        self.outbox.push(&bytes, messages)
    }

    pub(super) fn pong(&self, payload: &str) -> Pushed {
        self.outbox.push_control(frame::single(FIN | PONG, payload.as_bytes(), None), Kind::Pong)
    }

    pub(super) fn close(&self, discard: bool) -> bool {
        self.outbox.close(frame::single(FIN | CLOSE, &[], None), discard)
    }

    pub(super) fn give_room(&self, bytes: usize) {
        *self.transport.room.lock() += bytes;
    }

    /// Has the system take `bytes` more, and the drain called for it.
    pub(super) fn drain(&self, bytes: usize) {
        self.give_room(bytes);
        self.outbox.drain();
    }

    /// Has everything sent; returns all that was since the beginning.
    pub(super) fn drain_all(&self) -> Vec<String> {
        self.drain(PLENTY);
        assert_eq!(self.outbox.depth(), (0, 0));
        assert!(!self.watch.is_watched.load(Ordering::SeqCst), "nothing waits, but it is watched");
        shown(&self.transport.wire.lock())
    }

    pub(super) fn ended(&self) -> Vec<(Half, usize)> {
        self.transport.ended.lock().clone()
    }
}

pub(super) fn batch(texts: &str) -> (Bytes, usize) {
    let frames: Vec<Bytes> =
        texts.split(' ').map(|text| frame::single(FIN | TEXT, text.as_bytes(), None)).collect();
    (frames.concat().into(), frames.len())
}

/// Whole frames as text, a control frame with its kind in front.
pub(super) fn shown(mut wire: &[u8]) -> Vec<String> {
    let mut frames = Vec::new();
    while !wire.is_empty() {
        let header = Header::parse(wire).expect("a whole header");
        let (frame, rest) = wire.split_at(header.frame_len());
        let payload = std::str::from_utf8(&frame[header.size..]).expect("text");
        frames.push(match header.opcode() {
            TEXT => payload.to_owned(),
            PING => format!("ping{payload}"),
            PONG => format!("pong{payload}"),
            CLOSE => "close".to_owned(),
            other => panic!("no such frame was pushed: {other}"),
        });
        wire = rest;
    }
    frames
}
