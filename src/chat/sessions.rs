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
/// So many ids of a session are known again.
const MAX_IDS: usize = 1024;
/// So many people at most can be ignored.
pub(super) const MAX_IGNORED: usize = 1000;

/// The secret that names a session.
pub(super) type Token = Arc<str>;

#[derive(Default)]
pub(super) struct Sessions {
    all: HashMap<Token, Session>,
    /// Those whose connection ended, the oldest first; some are in use again.
    ended: VecDeque<(Instant, Token)>,
}

#[derive(Default)]
pub(super) struct Session {
    /// Whose it is now; none between connections.
    client: Option<ClientId>,
    ended: Option<Instant>,
    said: HashMap<Box<str>, Said>,
    order: VecDeque<Box<str>>,
    /// Whom it does not want to hear, with the name as it was typed.
    pub ignoring: HashMap<NameKey, String>,
    /// Who whispered last.
    pub whisperer: Option<String>,
}

/// What became of a message with an id.
#[derive(Clone)]
pub(super) enum Said {
    InRoom(RoomName, String),
    Whispered,
}

impl Sessions {
    /// The token of a session that is known, or of a new one.
    pub(super) fn resume(&mut self, token: Option<&str>) -> Token {
        self.forget_old();
        let known = token.and_then(|token| self.all.get_key_value(token)).map(|(token, _)| token.clone());
        known.unwrap_or_else(|| BASE64URL_NOPAD.encode(&rand::random::<[u8; 16]>()).into())
    }

    /// A connection of this session's is open.
    pub(super) fn start(&mut self, token: &Token, client: ClientId) -> &mut Session {
        let session = self.all.entry(token.clone()).or_default();
        (session.client, session.ended) = (Some(client), None);
        session
    }

    /// That connection is over. One that lets nobody resume is not kept.
    pub(super) fn end(&mut self, token: &Token, client: ClientId, is_kept: bool) {
        let Some(session) = self.all.get_mut(token).filter(|session| session.client == Some(client)) else {
            return;
        };
        if is_kept {
            let now = Instant::now();
            (session.client, session.ended) = (None, Some(now));
            self.ended.push_back((now, token.clone()));
        } else {
            self.all.remove(token);
        }
    }

    /// The session of somebody who is here.
    pub(super) fn of(&mut self, token: &Token) -> &mut Session {
        self.all.entry(token.clone()).or_default()
    }

    pub(super) fn get(&mut self, token: &Token) -> Option<&mut Session> {
        self.all.get_mut(token)
    }

    fn forget_old(&mut self) {
        while let Some((at, token)) = self.ended.front() {
            if at.elapsed() < KEPT && self.ended.len() <= MAX_ENDED {
                return;
            }
            if self.all.get(token).is_some_and(|session| session.ended == Some(*at)) {
                self.all.remove(token);
            }
            self.ended.pop_front();
        }
    }
}

impl Session {
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
}
