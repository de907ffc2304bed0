//! What was asked and is not settled yet, in order. A value; no threads.

use std::collections::VecDeque;
use std::time::Instant;

use super::{AskError, ChatClient, Kept, NotKept, Receipt};
use crate::Message;
use crate::protocol::{Ask, ChatMessage, Request};

/// How often a message is asked for again of which the server cannot tell whether it is
/// kept.
const UNSURE: u32 = 5;

/// What settles a request, and what becomes of it when the connection is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its ack; sent again.
    Message,
    /// The pong of a ping behind it; sent again.
    Change(Ask),
    /// The pong of a ping behind it; lost.
    Question,
    /// Its own pong; lost.
    Ping,
}

pub(super) struct Entry {
    pub receipt: Receipt,
    pub kind: Kind,
    /// The request, and the ping behind it where there is one.
    frames: Vec<Message>,
    /// The id of that ping.
    ping: Option<String>,
    /// It went out on an earlier connection.
    was_sent: bool,
    /// How often the server could not tell what became of it.
    unsure: u32,
    /// It is to be asked for again on this connection.
    is_doubtful: bool,
}

#[derive(Default)]
pub(super) struct Queue {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// How many of the entries are sent on this connection: those in front.
    sent: usize,
    /// Until then nothing is sent: the server could not tell what became of a message, and
    /// what comes behind that is to stay behind it.
    pause: Option<Instant>,
}

/// What is to be sent next.
pub(super) enum Next {
    Frames(Vec<Message>),
    /// Nothing before this time.
    NotBefore(Instant),
    Nothing,
}

impl Kind {
    pub(super) fn of(ask: &Ask) -> Self {
        match ask {
            Ask::Say { .. } | Ask::Whisper { .. } => Self::Message,
            Ask::Ping => Self::Ping,
            Ask::Who { .. }
            | Ask::Rooms
            | Ask::History { .. }
            | Ask::Search { .. }
            | Ask::Whois { .. }
            | Ask::Topic { text: None, .. }
            | Ask::Ignore { name: None } => Self::Question,
            // What an operator wants now is not to be done some time later.
            order if order.is_order() => Self::Question,
            change => Self::Change(change.clone()),
        }
    }

    pub(super) fn needs_connection(&self) -> bool {
        matches!(self, Self::Question | Self::Ping)
    }
}

impl Entry {
    pub(super) fn new(ask: Ask, kind: Kind, id: &str, ping: String) -> Self {
        let mut frames = vec![frame(ask, id)];
        let ping = matches!(kind, Kind::Change(_) | Kind::Question).then_some(ping);
        frames.extend(ping.iter().map(|ping| frame(Ask::Ping, ping)));
        let receipt = Receipt::new(id);
        Self { receipt, kind, frames, ping, was_sent: false, unsure: 0, is_doubtful: false }
    }

    /// Whether `message` is what this one says.
    fn says(&self, message: &ChatMessage) -> bool {
        let request = self.frames[0].as_text().and_then(|text| Request::parse(text).ok());
        let Some(Ask::Say { room, text, action }) = request.map(|request| request.ask) else { return false };
        // As the server writes them.
        super::session::key(&room) == message.room && text == message.text && action == message.action
    }

    fn is_message(&self, id: &str) -> bool {
        self.kind == Kind::Message && self.receipt.id() == id
    }

    fn is_ping(&self, id: &str) -> bool {
        self.kind == Kind::Ping && self.receipt.id() == id
    }

    fn size(&self) -> usize {
        self.frames.iter().map(Message::len).sum()
    }
}

pub(super) fn frame(ask: Ask, id: &str) -> Message {
    Request::new(ask).with_id(id).to_json().into()
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn push(&mut self, entry: Entry) -> Result<Receipt, AskError> {
        let bytes = self.bytes + entry.size();
        if self.entries.len() == ChatClient::MAX_QUEUED || bytes > ChatClient::MAX_QUEUED_BYTES {
            return Err(AskError::Full);
        }
        self.bytes = bytes;
        let receipt = entry.receipt.clone();
        self.entries.push_back(entry);
        Ok(receipt)
    }

    /// The frames of the next request that is not sent; it counts as sent. Without a
    /// `now` nothing is waited for.
    pub(super) fn next(&mut self, now: Option<Instant>) -> Next {
        if let Some(until) = self.pause {
            if now.is_some_and(|now| now < until) {
                return Next::NotBefore(until);
            }
            self.pause = None;
        }
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.is_doubtful) {
            entry.is_doubtful = false;
            return Next::Frames(entry.frames.clone());
        }
        let Some(entry) = self.entries.get(self.sent) else { return Next::Nothing };
        self.sent += 1;
        Next::Frames(entry.frames.clone())
    }

    pub(super) fn is_paused(&self) -> bool {
        self.pause.is_some()
    }

    /// Settles the message or ping with this id.
    pub(super) fn answered(&mut self, id: &str, outcome: Result<Kept, NotKept>) {
        self.settle(|entry| entry.is_message(id) || entry.is_ping(id), outcome);
    }

    /// Settles the first message that went out earlier and that `message` is; its id.
    pub(super) fn recognize(&mut self, message: &ChatMessage) -> Option<String> {
        let is_it =
            |entry: &Entry| entry.was_sent && matches!(entry.kind, Kind::Message) && entry.says(message);
        let (room, pos) = (Some(message.room.clone()), Some(message.pos.clone()));
        let entry = self.settle(is_it, Ok(Kept { room, pos }))?;
        Some(entry.receipt.id().to_owned())
    }

    /// Whether a message went out before, and nobody has told what became of that.
    pub(super) fn is_uncertain(&self, id: &str) -> bool {
        let entry = self.entries.iter().find(|entry| entry.is_message(id));
        entry.is_some_and(|entry| entry.was_sent || entry.unsure > 0)
    }

    /// The server cannot tell what became of a message: it is to be asked for again, in
    /// `wait(times)`. False where it was asked for often enough, or is none.
    pub(super) fn unsure(&mut self, id: &str, wait: impl Fn(u32) -> Instant) -> bool {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.is_message(id)) else { return false };
        entry.unsure += 1;
        entry.is_doubtful = entry.unsure <= UNSURE;
        if !entry.is_doubtful {
            self.settle(|entry| entry.is_message(id), Err(NotKept::Unsure));
            return false;
        }
        self.pause = Some(wait(entry.unsure));
        true
    }

    /// The pong of a ping behind a request came; the change that it asked for is made.
    pub(super) fn passed(&mut self, ping: &str) -> Option<Ask> {
        let is_it = |entry: &Entry| entry.ping.as_deref() == Some(ping);
        let entry = self.settle(is_it, Ok(Kept { room: None, pos: None }))?;
        if let Kind::Change(ask) = entry.kind { Some(ask) } else { None }
    }

    pub(super) fn refused(&mut self, id: &str, code: &str, reason: &str) {
        let refused = NotKept::Refused { code: code.to_owned(), reason: reason.to_owned() };
        self.settle(|entry| entry.receipt.id() == id, Err(refused));
    }

    /// The connection is lost: drops questions, and whatever `is_done` knows to be
    /// done already; the rest is to be sent again, from the first on.
    pub(super) fn rewind(&mut self, is_done: impl Fn(&Ask) -> bool) {
        let sent = std::mem::take(&mut self.sent);
        self.pause = None;
        for (index, mut entry) in std::mem::take(&mut self.entries).into_iter().enumerate() {
            entry.was_sent |= index < sent;
            entry.is_doubtful = false;
            let outcome = match &entry.kind {
                kind if kind.needs_connection() => Err(NotKept::Lost),
                Kind::Change(ask) if index < sent && is_done(ask) => Ok(Kept { room: None, pos: None }),
                _ => {
                    self.entries.push_back(entry);
                    continue;
                }
            };
            self.bytes -= entry.size();
            entry.receipt.settle(outcome);
        }
    }

    /// Nothing will be confirmed any more; how many requests that concerns.
    pub(super) fn end(&mut self) -> usize {
        let count = self.entries.len();
        for entry in self.entries.drain(..) {
            entry.receipt.settle(Err(NotKept::Ended));
        }
        (self.bytes, self.sent, self.pause) = (0, 0, None);
        count
    }

    /// Settles the first request that `is_it`: near the front, for answers come in the
    /// order of the requests. One that is not sent again yet may be settled by what
    /// was missed.
    fn settle(&mut self, is_it: impl Fn(&Entry) -> bool, outcome: Result<Kept, NotKept>) -> Option<Entry> {
        let index = self.entries.iter().position(is_it)?;
        let entry = self.entries.remove(index)?;
        self.bytes -= entry.size();
        self.sent -= usize::from(index < self.sent);
        if !self.entries.iter().any(|entry| entry.is_doubtful) {
            self.pause = None;
        }
        entry.receipt.settle(outcome);
        Some(entry)
    }
}
