//! What the chat remembers of a client across its connections.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use data_encoding::BASE64URL_NOPAD;

use super::{NameKey, RoomName};
use crate::ClientId;

/// How long a session is kept after its connection.
const KEPT: Duration = Duration::from_secs(10 * 60);
/// So many sessions without a connection at most; beyond that the oldest go.
const MAX_ENDED: usize = 4096;
/// So many ids and ignored people are known of all of those together.
const MAX_ENDED_SIZE: usize = 256 * 1024;
/// So many ids of a session are known again.
const MAX_IDS: usize = 1024;
/// So many people at most can be ignored.
pub(super) const MAX_IGNORED: usize = 200;

/// The secret that names a session.
pub(super) type Token = Arc<str>;

#[derive(Default)]
pub(super) struct Sessions {
    all: HashMap<Token, Session>,
    /// Those whose connection ended, the oldest first; some are in use again.
    ended: VecDeque<(Instant, Token)>,
    /// How much is known of those.
    ended_size: usize,
}

#[derive(Default)]
pub(super) struct Session {
    /// Since when it has had no connection, and how much was known of it then.
    ended: Option<(Instant, usize)>,
    /// A client of it has been in the chat.
    was_used: bool,
    said: HashMap<Box<str>, Said>,
    order: VecDeque<Box<str>>,
    /// Whom it does not want to hear, with the name that was meant.
    pub ignoring: HashMap<NameKey, String>,
    /// Who whispered last.
    pub whisperer: Option<ClientId>,
}

/// What became of a message with an id.
#[derive(Clone)]
pub(super) enum Said {
    InRoom(RoomName, String),
    Whispered,
}

impl Sessions {
    /// The token of a session that is known, or of one to come.
    pub(super) fn find(&self, token: Option<&str>) -> Token {
        let known = token.and_then(|token| self.all.get_key_value(token)).map(|(token, _)| token.clone());
        known.unwrap_or_else(new_token)
    }

    /// Begins a session, or goes on with it where it has no connection; the token that it
    /// has. A session has one connection at a time.
    pub(super) fn open(&mut self, token: Token) -> Token {
        self.forget_old();
        if let Some(session) = self.all.get_mut(&token) {
            let Some((_, size)) = session.ended.take() else { return self.open(new_token()) };
            self.ended_size -= size;
            return token;
        }
        self.all.insert(token.clone(), Session::default());
        token
    }

    /// Its connection is over. One that nobody used is not kept; one that was and lets
    /// nobody resume has still to be [forgotten](Self::forget).
    pub(super) fn close(&mut self, token: &Token, is_kept: bool) {
        let Some(session) = self.all.get_mut(token).filter(|session| session.ended.is_none()) else { return };
        if !session.was_used {
            self.all.remove(token);
            return;
        }
        if !is_kept {
            return;
        }
        let (now, size) = (Instant::now(), session.order.len() + session.ignoring.len());
        session.ended = Some((now, size));
        self.ended_size += size;
        self.ended.push_back((now, token.clone()));
    }

    /// Forgets a session that nobody can resume.
    pub(super) fn forget(&mut self, token: &Token) {
        let ended = self.all.remove(token).and_then(|session| session.ended);
        self.ended_size -= ended.map_or(0, |(_, size)| size);
    }

    /// How many are known, with a connection and without.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&mut self, token: &Token) -> Option<&mut Session> {
        self.all.get_mut(token)
    }

    fn forget_old(&mut self) {
        while let Some((at, token)) = self.ended.front() {
            let is_crowded = self.ended.len() > MAX_ENDED || self.ended_size > MAX_ENDED_SIZE;
            if at.elapsed() < KEPT && !is_crowded {
                return;
            }
            let ended = self.all.get(token).and_then(|session| session.ended);
            if let Some((_, size)) = ended.filter(|(ended, _)| ended == at) {
                self.ended_size -= size;
                self.all.remove(token);
            }
            self.ended.pop_front();
        }
    }
}

impl Session {
    /// A client of it is in the chat.
    pub(super) fn use_it(&mut self) -> &mut Self {
        self.was_used = true;
        self
    }

    /// What became of the message with this id, if it is known.
    pub(super) fn said(&self, id: &str) -> Option<Said> {
        self.said.get(id).cloned()
    }

    pub(super) fn note_said(&mut self, id: &str, said: Said) {
        if self.order.len() >= MAX_IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.said.remove(&oldest);
        }
        self.order.push_back(id.into());
        self.said.insert(id.into(), said);
    }
}

fn new_token() -> Token {
    BASE64URL_NOPAD.encode(&rand::random::<[u8; 16]>()).into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_known_up_to_a_bound() {
        let mut session = Session::default();
        for id in 0..=MAX_IDS {
            session.note_said(&id.to_string(), Said::Whispered);
        }
        assert!(session.said("0").is_none());
        assert!(session.said("1").is_some());
        assert_eq!(session.said.len(), MAX_IDS);
    }

    #[test]
    fn a_session_has_one_connection_at_a_time_and_what_is_kept_is_counted() {
        let mut sessions = Sessions::default();
        let first = sessions.open(sessions.find(None));
        assert_ne!(sessions.open(first.clone()), first, "it is in use");
        let session = sessions.get(&first).unwrap().use_it();
        session.note_said("1", Said::Whispered);
        sessions.close(&first, true);
        assert_eq!(sessions.ended_size, 1);
        assert_eq!(sessions.open(sessions.find(Some(&first))), first);
        assert_eq!(sessions.ended_size, 0);
        sessions.get(&first).unwrap().note_said("2", Said::Whispered);
        sessions.close(&first, true);
        sessions.close(&first, true);
        assert_eq!(sessions.ended_size, 2);
        for _ in 0..=MAX_ENDED {
            let other = sessions.open(new_token());
            sessions.get(&other).unwrap().use_it();
            sessions.close(&other, true);
        }
        let _ = sessions.open(new_token());
        assert_eq!((sessions.ended_size, sessions.all.len()), (0, MAX_ENDED + 2));
    }

    #[test]
    fn what_is_known_of_a_session_that_is_forgotten_after_its_end_is_counted_no_more() {
        let mut sessions = Sessions::default();
        let token = sessions.open(sessions.find(None));
        sessions.get(&token).unwrap().use_it().note_said("1", Said::Whispered);
        sessions.close(&token, true);
        sessions.forget(&token);
        assert_eq!((sessions.ended_size, sessions.all.len()), (0, 0));
    }
}
