//! What was asked and is not settled yet, in order. A value; no threads.

use std::collections::VecDeque;

use super::{AskError, ChatClient, Kept, NotKept, Receipt};
use crate::Message;
use crate::protocol::{Ask, Request};

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
}

#[derive(Default)]
pub(super) struct Queue {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// How many of the entries are sent on this connection: those in front.
    sent: usize,
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
        Self { receipt: Receipt::new(id), kind, frames, ping }
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

    /// The frames of the next request that is not sent; it counts as sent.
    pub(super) fn next_frames(&mut self) -> Option<Vec<Message>> {
        let frames = self.entries.get(self.sent)?.frames.clone();
        self.sent += 1;
        Some(frames)
    }

    /// Settles the message or ping with this id.
    pub(super) fn answered(&mut self, id: &str, kept: Kept) {
        let is_it =
            |entry: &Entry| matches!(entry.kind, Kind::Message | Kind::Ping) && entry.receipt.id() == id;
        self.settle(is_it, Ok(kept));
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
        for (index, entry) in std::mem::take(&mut self.entries).into_iter().enumerate() {
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
        (self.bytes, self.sent) = (0, 0);
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
        entry.receipt.settle(outcome);
        Some(entry)
    }
}
