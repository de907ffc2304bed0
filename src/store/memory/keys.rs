//! Under which keys something was said, so that it is known when it is said again.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::order::Order;
use crate::store::{Appended, Key, Position};

/// So many sessions have keys, those that said something last. One that said little takes
/// half a KiB.
const MAX_SESSIONS: usize = 32 * 1024;
/// So many keys are known of all sessions together, some 100 bytes each.
const MAX_KEYS: usize = 256 * 1024;

type Session = [u8; 16];

/// The keys of all sessions.
#[derive(Debug)]
pub(super) struct Keys {
    sessions: HashMap<Session, Said>,
    order: Order<Session>,
    /// Of all sessions.
    count: usize,
}

/// What one session said, by its ids.
#[derive(Debug, Default)]
struct Said {
    places: HashMap<Arc<str>, Place>,
    /// The ids, the oldest first.
    order: VecDeque<Arc<str>>,
    /// The number of the message that was the latest of all when it said something.
    used: u64,
}

#[derive(Debug)]
struct Place {
    room: Arc<str>,
    number: u64,
}

impl Keys {
    pub(super) fn new() -> Self {
        Self { sessions: HashMap::new(), order: Order::new(), count: 0 }
    }

    /// What was said under this key before, where something was; `latest` is the number of
    /// the latest message.
    pub(super) fn find(&mut self, key: &Key, latest: u64) -> Option<Appended> {
        let said = self.sessions.get_mut(&key.session)?;
        let Place { room, number } = said.places.get(&*key.id)?;
        said.used = latest;
        Some(Appended::Known { room: room.clone(), position: Position((*number).into()) })
    }

    /// The latest message has this key.
    pub(super) fn insert(&mut self, key: Key, room: Arc<str>, number: u64) {
        let order = &mut self.order;
        let said = self.sessions.entry(key.session).or_insert_with(|| {
            order.insert(number, key.session);
            Said::default()
        });
        if said.order.len() >= Key::REMEMBERED
            && let Some(oldest) = said.order.pop_front()
        {
            said.places.remove(&oldest);
            self.count -= 1;
        }
        let id = Arc::<str>::from(key.id);
        said.used = number;
        said.order.push_back(id.clone());
        said.places.insert(id, Place { room, number });
        self.count += 1;
        while self.sessions.len() > MAX_SESSIONS || self.count > MAX_KEYS {
            self.forget_oldest();
        }
    }

    /// Forgets the session that said nothing for the longest time.
    fn forget_oldest(&mut self) {
        let used = |session: &Session| self.sessions.get(session).map_or(0, |said| said.used);
        let session = self.order.pop_oldest(used).expect("every session is in the order");
        let said = self.sessions.remove(&session);
        self.count -= said.map_or(0, |said| said.order.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(session: u64, id: usize) -> Key {
        let mut digest = [0; 16];
        digest[..8].copy_from_slice(&session.to_le_bytes());
        Key { session: digest, id: id.to_string() }
    }

    #[test]
    fn session_in_use_outlives_those_that_are_not() {
        let mut keys = Keys::new();
        let room = Arc::<str>::from("lobby");
        for session in 0..MAX_SESSIONS as u64 + 100 {
            keys.insert(key(session, 0), room.clone(), session + 1);
            // Sent again, and again.
            assert!(keys.find(&key(0, 0), session + 1).is_some());
        }
        assert_eq!(keys.sessions.len(), MAX_SESSIONS);
        assert!(keys.find(&key(1, 0), 1).is_none());
        assert!(keys.find(&key(101, 0), 1).is_some());
    }

    #[test]
    fn keys_are_bounded_in_all() {
        let mut keys = Keys::new();
        let room = Arc::<str>::from("lobby");
        let sessions = MAX_KEYS / Key::REMEMBERED + 3;
        for number in 0..sessions * Key::REMEMBERED {
            let (session, id) = (number / Key::REMEMBERED, number % Key::REMEMBERED);
            keys.insert(key(session as u64, id), room.clone(), number as u64 + 1);
            assert!(keys.count <= MAX_KEYS);
        }
        assert!(keys.find(&key(0, 0), 1).is_none());
        let last = sessions as u64 - 1;
        assert!((0..Key::REMEMBERED).all(|id| keys.find(&key(last, id), 1).is_some()));
    }
}
