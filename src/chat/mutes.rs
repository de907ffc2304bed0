//! Who may listen and not talk. Somebody is known again by name, session and subject, so
//! that coming back under one of them ends nothing.

use std::collections::HashMap;
use std::sync::Arc;

use super::NameKey;
use super::sessions::Token;
use crate::ClientId;

/// So many at most.
pub(super) const MAX_MUTES: usize = 1000;
/// So many names and sessions of one are known.
const MAX_MARKS: usize = 32;

#[derive(Default)]
pub(super) struct Mutes {
    all: HashMap<u64, Mute>,
    /// Those who are here.
    here: HashMap<ClientId, u64>,
    next: u64,
}

/// One person who is muted, and what that one is known by.
pub(super) struct Mute {
    /// Until when; `None` is until it is lifted.
    pub until: Option<u64>,
    pub reason: String,
    pub names: Vec<NameKey>,
    pub sessions: Vec<Token>,
    pub subject: Option<Arc<str>>,
}

impl Mutes {
    /// Mutes one who is here; false where too many are muted.
    pub(super) fn add(&mut self, who: ClientId, mute: Mute, now: u64) -> bool {
        self.all.retain(|_, mute| mute.is_on(now));
        if let Some(before) = self.here.remove(&who) {
            self.all.remove(&before);
        }
        if self.all.len() >= MAX_MUTES {
            return false;
        }
        self.next += 1;
        self.all.insert(self.next, mute);
        self.here.insert(who, self.next);
        true
    }

    /// Somebody comes, who may be one of those.
    pub(super) fn arrive(
        &mut self,
        who: ClientId,
        name: &NameKey,
        session: &Token,
        subject: Option<&Arc<str>>,
        now: u64,
    ) {
        if self.all.is_empty() {
            return;
        }
        let found = self.all.iter_mut().filter(|(_, mute)| mute.is_on(now));
        let found = found.filter(|(_, mute)| mute.is_of(name, Some(session), subject));
        // What lasts longest counts.
        if let Some((number, mute)) = found.max_by_key(|(_, mute)| mute.until.unwrap_or(u64::MAX)) {
            // Not the name: it may be another's, who would be muted on coming back to it.
            note(&mut mute.sessions, session);
            self.here.insert(who, *number);
        }
    }

    pub(super) fn rename(&mut self, who: ClientId, name: &NameKey) {
        if let Some(mute) = self.here.get(&who).and_then(|number| self.all.get_mut(number)) {
            note(&mut mute.names, name);
        }
    }

    pub(super) fn leave(&mut self, who: ClientId) {
        self.here.remove(&who);
    }

    /// Why this one may not talk now, if so.
    pub(super) fn find(&self, who: ClientId, now: u64) -> Option<&Mute> {
        if self.here.is_empty() {
            return None;
        }
        self.here.get(&who).and_then(|number| self.all.get(number)).filter(|mute| mute.is_on(now))
    }

    /// Lifts all that is on of this one; whether there was any.
    pub(super) fn remove(
        &mut self,
        name: &NameKey,
        session: Option<&Token>,
        subject: Option<&Arc<str>>,
        now: u64,
    ) -> bool {
        self.all.retain(|_, mute| mute.is_on(now));
        let before = self.all.len();
        self.all.retain(|_, mute| !mute.is_of(name, session, subject));
        self.here.retain(|_, number| self.all.contains_key(number));
        self.all.len() < before
    }
}

impl Mute {
    fn is_on(&self, now: u64) -> bool {
        self.until.is_none_or(|until| until > now)
    }

    fn is_of(&self, name: &NameKey, session: Option<&Token>, subject: Option<&Arc<str>>) -> bool {
        self.names.contains(name)
            || session.is_some_and(|session| self.sessions.contains(session))
            || (subject.is_some() && self.subject.as_ref() == subject)
    }
}

/// Remembers one more, and where there are too many no more the second: the first is what
/// the operator meant.
fn note<T: Clone + PartialEq>(known: &mut Vec<T>, one: &T) {
    if known.contains(one) {
        return;
    }
    if known.len() >= MAX_MARKS {
        known.remove(1);
    }
    known.push(one.clone());
}
