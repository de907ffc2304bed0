//! What the chat remembers of a client across its connections.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

use super::{NameKey, RoomName};
use crate::ClientId;
use crate::store::Position;

/// Enough that nobody guesses one.
const TOKEN_BYTES: usize = 16;
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
    /// What became of what was sent under an id; the store knows more.
    settled: HashMap<Box<str>, Settled>,
    order: VecDeque<Box<str>>,
    /// Whom it does not want to hear, with the name that was meant.
    pub ignoring: HashMap<NameKey, String>,
    /// Who whispered last.
    pub whisperer: Option<ClientId>,
}

/// What became of a message with an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Settled {
    /// It is in a room's log.
    Kept(RoomName, Position),
    /// It was whispered, or said without being kept.
    Said,
}

impl Sessions {
    /// The token of a session that is known, or of one to come. One that looks like ours is
    /// taken up where it `may_be_older` than this server: nobody guesses another's.
    pub(super) fn find(&self, token: Option<&str>, may_be_older: bool) -> Token {
        let Some(token) = token else { return new_token() };
        match self.all.get_key_value(token) {
            Some((known, _)) => known.clone(),
            None if may_be_older && is_token(token) => token.into(),
            None => new_token(),
        }
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

    /// What became of the message with this id, where that is known here.
    pub(super) fn settled(&self, id: &str) -> Option<Settled> {
        self.settled.get(id).cloned()
    }

    pub(super) fn note_settled(&mut self, id: &str, settled: Settled) {
        if self.settled.contains_key(id) {
            return;
        }
        if self.order.len() >= MAX_IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.settled.remove(&oldest);
        }
        self.order.push_back(id.into());
        self.settled.insert(id.into(), settled);
    }
}

/// What tells a session from others, without letting anybody go on with it.
pub(super) fn digest(token: &str) -> [u8; 16] {
    let digest = Sha256::digest(token);
    std::array::from_fn(|index| digest[index])
}

fn is_token(text: &str) -> bool {
    BASE64URL_NOPAD.decode(text.as_bytes()).is_ok_and(|bytes| bytes.len() == TOKEN_BYTES)
}

fn new_token() -> Token {
    BASE64URL_NOPAD.encode(&rand::random::<[u8; TOKEN_BYTES]>()).into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_known_up_to_a_bound() {
        let mut session = Session::default();
        for id in 0..=MAX_IDS {
            session.note_settled(&id.to_string(), Settled::Said);
        }
        assert!(session.settled("0").is_none());
        assert!(session.settled("1").is_some());
        assert_eq!(session.settled.len(), MAX_IDS);
    }

    #[test]
    fn a_session_has_one_connection_at_a_time_and_what_is_kept_is_counted() {
        let mut sessions = Sessions::default();
        let first = sessions.open(sessions.find(None, false));
        assert_ne!(sessions.open(first.clone()), first, "it is in use");
        let session = sessions.get(&first).unwrap().use_it();
        session.note_settled("1", Settled::Said);
        sessions.close(&first, true);
        assert_eq!(sessions.ended_size, 1);
        assert_eq!(sessions.open(sessions.find(Some(&first), false)), first);
        assert_eq!(sessions.ended_size, 0);
        sessions.get(&first).unwrap().note_settled("2", Settled::Said);
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
        let token = sessions.open(sessions.find(None, false));
        sessions.get(&token).unwrap().use_it().note_settled("1", Settled::Said);
        sessions.close(&token, true);
        sessions.forget(&token);
        assert_eq!((sessions.ended_size, sessions.all.len()), (0, 0));
    }
}
