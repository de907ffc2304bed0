//! What waits in an outbox, and what gives way when it is full. Knows frames
//! and limits; no socket, no lock.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::{Message, frame};

/// What happens to a client whose outbox is full because it reads too slowly.
///
/// Whatever is dropped is counted, and the client is told once it reads again
/// (see [`ServerBuilder::gap_notice`](crate::ServerBuilder::gap_notice)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// The client has this long to catch up to half of its outbox. Until then
    /// what does not fit is dropped; after that it is disconnected with 1013.
    Disconnect {
        /// How long; zero disconnects at the first message that does not fit.
        grace: Duration,
    },
    /// The oldest messages that wait give way. Suits a running commentary.
    DropOldest,
    /// What does not fit is dropped. Suits a transcript, where the beginning matters.
    DropNewest,
    /// All that waits gives way to the latest message. Suits a snapshot of state.
    KeepLatest,
}

impl Overflow {
    fn gap_is_in_front(self) -> bool {
        matches!(self, Self::DropOldest | Self::KeepLatest)
    }
}

/// Makes the message that tells a client how many it missed.
pub(crate) type GapNotice = Arc<dyn Fn(u64) -> Option<Message> + Send + Sync>;

/// The same, going on where the embedder's panics: the hub's or the drain's thread asks.
pub(crate) fn gap_notice(notice: impl Fn(u64) -> Option<Message> + Send + Sync + 'static) -> GapNotice {
    Arc::new(move |missed| catch_unwind(AssertUnwindSafe(|| notice(missed))).ok().flatten())
}

/// The bounds of an outbox, shared by all clients of a server.
#[derive(Clone)]
pub(crate) struct OutboxOptions {
    pub max_bytes: usize,
    pub max_messages: usize,
    /// `None` has the sender wait for room, as on the client's side.
    pub overflow: Option<Overflow>,
    pub gap_notice: Option<GapNotice>,
}

impl fmt::Debug for OutboxOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboxOptions")
            .field("max_bytes", &self.max_bytes)
            .field("max_messages", &self.max_messages)
            .field("overflow", &self.overflow)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// Whole data frames, this many; they may be dropped from either end.
    Messages(usize),
    /// The word that this many messages were dropped.
    Notice(u64),
    /// A pong; a newer one takes its place (RFC 6455, section 5.5.3).
    Pong,
    /// The rest of a frame under way, a ping, a close frame, HTTP: never dropped.
    Fixed,
}

#[derive(Debug)]
struct Chunk {
    bytes: Bytes,
    what: Waiting,
}

impl Chunk {
    fn is_notice(&self) -> bool {
        matches!(self.what, Waiting::Notice(_))
    }
}

/// The bytes that wait, in order, within bounds.
pub(super) struct Queue {
    chunks: VecDeque<Chunk>,
    bytes: usize,
    messages: usize,
    /// Messages dropped that the client has not been told of.
    missed: u64,
    options: Arc<OutboxOptions>,
    /// This client's own, where it has one.
    gap_notice: Option<GapNotice>,
}

impl Queue {
    pub(super) fn new(options: Arc<OutboxOptions>) -> Self {
        Self { chunks: VecDeque::new(), bytes: 0, messages: 0, missed: 0, options, gap_notice: None }
    }

    pub(super) fn set_gap_notice(&mut self, notice: GapNotice) {
        self.gap_notice = Some(notice);
    }

    pub(super) fn gap_is_in_front(&self) -> bool {
        self.options.overflow.is_some_and(Overflow::gap_is_in_front)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn messages(&self) -> usize {
        self.messages
    }

    /// Messages dropped that the client has not been told of.
    pub(super) fn missed(&self) -> u64 {
        self.missed
    }

    /// Whether the client has caught up so far that it no longer counts as slow.
    pub(super) fn is_half_empty(&self) -> bool {
        self.bytes <= self.options.max_bytes / 2 && self.messages <= self.options.max_messages / 2
    }

    /// Whether `bytes` more fit; an empty queue takes one message of any size.
    pub(super) fn fits(&self, bytes: usize, messages: usize) -> bool {
        (self.chunks.is_empty() && messages <= 1)
            || (self.bytes + bytes <= self.options.max_bytes
                && self.messages + messages <= self.options.max_messages)
    }

    /// Appends whole data frames, or what the policy leaves of them; returns how
    /// many messages were dropped, these or older ones.
    pub(super) fn push_messages(&mut self, bytes: Bytes, messages: usize) -> usize {
        if self.gap_is_in_front() {
            self.append(bytes, Waiting::Messages(messages));
            return self.trim();
        }
        // A gap stays one until half is free, so that a slow client is told of
        // one gap and not of a hundred.
        if self.missed > 0 && !self.is_half_empty() {
            self.missed += messages as u64;
            return messages;
        }
        self.tell_gap_at_end();
        if self.fits(bytes.len(), messages) {
            self.append(bytes, Waiting::Messages(messages));
            return 0;
        }
        self.push_what_fits(bytes, messages)
    }

    pub(super) fn push_control(&mut self, bytes: Bytes, what: Waiting) {
        if what == Waiting::Pong
            && let Some(old) = self.chunks.iter_mut().find(|chunk| chunk.what == Waiting::Pong)
        {
            self.bytes = self.bytes - old.bytes.len() + bytes.len();
            old.bytes = bytes;
            return;
        }
        self.append(bytes, what);
    }

    /// The next bytes to send, and whether they are a notice of a gap.
    pub(super) fn front(&mut self) -> Option<(Bytes, bool)> {
        if self.missed > 0 && self.gap_is_in_front() && self.gap_belongs_to_front() {
            let is_told = self.chunks.front().is_some_and(Chunk::is_notice);
            let told = if is_told { self.chunks.pop_front() } else { None };
            self.tell_gap(told, VecDeque::push_front);
        }
        if self.chunks.iter().all(Chunk::is_notice) {
            self.tell_gap_at_end();
        }
        self.chunks.front().map(|chunk| (chunk.bytes.clone(), chunk.is_notice()))
    }

    /// Takes `sent` bytes off the front chunk. The rest of a frame that is now
    /// under way can no longer be dropped.
    pub(super) fn advance(&mut self, sent: usize) {
        let Some(chunk) = self.chunks.pop_front() else { return };
        self.bytes -= chunk.bytes.len();
        if let Waiting::Messages(messages) = chunk.what {
            self.messages -= messages;
        }
        self.put_back(chunk, sent);
    }

    /// Puts what is left of `chunk` after `sent` of its bytes to the front.
    fn put_back(&mut self, chunk: Chunk, sent: usize) {
        if sent == chunk.bytes.len() {
            return;
        }
        let Waiting::Messages(messages) = chunk.what else {
            self.prepend(chunk.bytes.slice(sent..), Waiting::Fixed);
            return;
        };
        let (end, count) = begun(&chunk.bytes, sent);
        if end < chunk.bytes.len() {
            self.prepend(chunk.bytes.slice(end..), Waiting::Messages(messages - count));
        }
        if end > sent {
            self.prepend(chunk.bytes.slice(sent..end), Waiting::Fixed);
        }
    }

    /// Queues what follows the first `sent` bytes of data, which the system took,
    /// or what the policy leaves of it; returns how many messages were dropped.
    pub(super) fn push_rest(&mut self, bytes: Bytes, messages: usize, sent: usize) -> usize {
        debug_assert!(self.chunks.is_empty());
        let (end, count) = begun(&bytes, sent);
        self.append(bytes.slice(sent..end), Waiting::Fixed);
        let (rest, messages) = (bytes.slice(end..), messages - count);
        if self.options.overflow.is_none() {
            // Its sender waited until it was welcome, all of it.
            self.append(rest, Waiting::Messages(messages));
            return 0;
        }
        self.push_messages(rest, messages)
    }

    /// Drops all that may be dropped, without counting it as missed.
    pub(super) fn discard_messages(&mut self) {
        self.chunks.retain(|chunk| matches!(chunk.what, Waiting::Fixed));
        self.bytes = self.chunks.iter().map(|chunk| chunk.bytes.len()).sum();
        self.messages = 0;
        self.missed = 0;
    }

    pub(super) fn clear(&mut self) {
        self.chunks = VecDeque::new();
        (self.bytes, self.messages, self.missed) = (0, 0, 0);
    }

    /// Appends the word of a gap, where there is one and it belongs there.
    pub(super) fn tell_gap_at_end(&mut self) {
        if self.missed > 0 && !self.gap_is_in_front() {
            let is_told = self.chunks.back().is_some_and(Chunk::is_notice);
            let told = if is_told { self.chunks.pop_back() } else { None };
            self.tell_gap(told, VecDeque::push_back);
        }
    }

    fn append(&mut self, bytes: Bytes, what: Waiting) {
        // A send of nothing says nothing of room, so the drain would stop there.
        if bytes.is_empty() {
            return;
        }
        self.count(bytes.len(), what);
        self.chunks.push_back(Chunk { bytes, what });
    }

    fn prepend(&mut self, bytes: Bytes, what: Waiting) {
        self.count(bytes.len(), what);
        self.chunks.push_front(Chunk { bytes, what });
    }

    fn count(&mut self, bytes: usize, what: Waiting) {
        self.bytes += bytes;
        if let Waiting::Messages(messages) = what {
            self.messages += messages;
        }
    }

    fn gap_belongs_to_front(&self) -> bool {
        self.chunks
            .front()
            .is_some_and(|chunk| matches!(chunk.what, Waiting::Messages(_) | Waiting::Notice(_)))
    }

    /// Appends the first frames of `bytes`, as many as fit, and drops the others.
    fn push_what_fits(&mut self, bytes: Bytes, messages: usize) -> usize {
        let (mut end, mut count) = (0, 0);
        while count < messages {
            let next = end + frame::first_len(&bytes[end..]);
            if !self.fits(next, count + 1) {
                break;
            }
            (end, count) = (next, count + 1);
        }
        if count > 0 {
            self.append(bytes.slice(..end), Waiting::Messages(count));
        }
        // A sender that may wait learns here what was refused; that is no gap.
        if self.options.overflow.is_some() {
            self.missed += (messages - count) as u64;
        }
        messages - count
    }

    /// Drops the oldest messages until the bounds hold; where only the latest
    /// counts, all but that one. Returns how many.
    fn trim(&mut self) -> usize {
        let before = self.messages;
        let is_over = self.bytes > self.options.max_bytes || self.messages > self.options.max_messages;
        let keep_latest = is_over && self.options.overflow == Some(Overflow::KeepLatest);
        let mut at = 0;
        while at < self.chunks.len() && self.messages > 1 {
            let holds = self.bytes <= self.options.max_bytes && self.messages <= self.options.max_messages;
            if holds && !keep_latest {
                break;
            }
            match self.chunks[at].what {
                Waiting::Messages(messages) => self.drop_first_message_of(at, messages),
                _ => at += 1,
            }
        }
        let dropped = before - self.messages;
        self.missed += dropped as u64;
        dropped
    }

    fn drop_first_message_of(&mut self, at: usize, messages: usize) {
        let chunk = &mut self.chunks[at];
        let first = frame::first_len(&chunk.bytes);
        chunk.bytes = chunk.bytes.slice(first..);
        chunk.what = Waiting::Messages(messages - 1);
        if messages == 1 {
            self.chunks.remove(at);
        }
        self.bytes -= first;
        self.messages -= 1;
    }

    /// Puts one notice in the place of `told`, which waited beside the same gap.
    fn tell_gap(&mut self, told: Option<Chunk>, put: impl FnOnce(&mut VecDeque<Chunk>, Chunk)) {
        let mut missed = std::mem::take(&mut self.missed);
        if let Some(Chunk { bytes, what: Waiting::Notice(before) }) = told {
            self.bytes -= bytes.len();
            missed += before;
        }
        let notice = self.gap_notice.as_ref().or(self.options.gap_notice.as_ref());
        let Some(notice) = notice.and_then(|notice| notice(missed)) else {
            return;
        };
        let mut bytes = BytesMut::new();
        frame::encode(&notice, &mut bytes);
        let what = Waiting::Notice(missed);
        self.count(bytes.len(), what);
        put(&mut self.chunks, Chunk { bytes: bytes.freeze(), what });
    }
}

/// Where the frames end that the first `sent` bytes begin, and how many those are.
fn begun(bytes: &[u8], sent: usize) -> (usize, usize) {
    let (mut end, mut count) = (0, 0);
    while end < sent {
        end += frame::first_len(&bytes[end..]);
        count += 1;
    }
    (end, count)
}
