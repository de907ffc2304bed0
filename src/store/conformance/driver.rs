//! Stands in for a chat: appends in turns, and collects what comes of it, at once or later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, unbounded};

use super::{Checked, ensure};
use crate::store::{
    Appended, Bounds, Delivery, Draft, Key, Outcome, Position, Record, Retention, Store, StoreErrorKind,
    Tail, Ticket,
};

/// So long may a store take for something that it does by and by.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How often somebody looks whether it has. A store does not say, so there is nothing to
/// wait for.
const GLANCE: Duration = Duration::from_millis(5);
/// Whoever has something to say without being asked says it in this time.
const QUIET: Duration = Duration::from_millis(50);

/// Behind all messages.
pub(super) const END: Position = Position(u128::MAX);

/// One chat on one store.
pub(super) struct Driver {
    pub store: Arc<dyn Store>,
    deliveries_rx: Receiver<Vec<Delivery>>,
    tickets: u64,
    waiting: BTreeSet<u64>,
    outcomes: BTreeMap<u64, Outcome>,
    /// What the tail brought, in its order.
    pub heard: Vec<Delivery>,
    /// How long each append and commit took.
    pub taken: Vec<Duration>,
    /// Others append, too.
    is_shared: bool,
}

impl Driver {
    /// A chat on a store that it has for itself, and that keeps everything.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self::with(store, false, || {})
    }

    /// One of several on the same log.
    pub fn shared(store: Arc<dyn Store>) -> Self {
        Self::with(store, true, || {})
    }

    /// A chat that is as slow to hear as `busy` is.
    pub fn with(store: Arc<dyn Store>, is_shared: bool, busy: impl Fn() + Send + Sync + 'static) -> Self {
        let (deliveries_tx, deliveries_rx) = unbounded();
        store.set_retention(everything());
        store.open(Tail::new(move |deliveries| {
            busy();
            // Whoever is not there any more hears nothing.
            let _ = deliveries_tx.send(deliveries);
        }));
        Self {
            store,
            deliveries_rx,
            tickets: 0,
            waiting: BTreeSet::new(),
            outcomes: BTreeMap::new(),
            heard: Vec::new(),
            taken: Vec::new(),
            is_shared,
        }
    }

    /// What is said in one of the hub's turns.
    pub fn turn(&mut self, drafts: impl IntoIterator<Item = Draft>) -> Checked<Vec<u64>> {
        let mut is_due = false;
        let mut tickets = Vec::new();
        for draft in drafts {
            let mut pending = self.append(&draft);
            while let Some(Err(error)) = &pending
                && error.kind() == StoreErrorKind::Behind
            {
                self.commit();
                let problem = || format!("{error}, and that for {PATIENCE:?}");
                let deliveries = self.deliveries_rx.recv_timeout(PATIENCE).map_err(|_| problem())?;
                self.take_all(deliveries)?;
                pending = self.append(&draft);
            }
            let ticket = self.tickets;
            tickets.push(ticket);
            match pending {
                Some(outcome) => _ = self.outcomes.insert(ticket, outcome),
                None => (is_due, _) = (true, self.waiting.insert(ticket)),
            }
        }
        if is_due {
            self.commit();
        }
        Ok(tickets)
    }

    fn append(&mut self, draft: &Draft) -> Option<Outcome> {
        self.tickets += 1;
        let draft = draft.clone();
        let begin = Instant::now();
        let outcome = self.store.append(Ticket(self.tickets), draft);
        self.taken.push(begin.elapsed());
        outcome
    }

    fn commit(&mut self) {
        let begin = Instant::now();
        self.store.commit();
        self.taken.push(begin.elapsed());
    }

    /// Whether a draft has no outcome yet.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Hears what there is to hear until every draft has its outcome.
    pub fn settle(&mut self) -> Checked {
        while let Some(first) = self.waiting.first() {
            let late = || {
                let open = self.waiting.len();
                format!(
                    "{open} drafts have no outcome after {PATIENCE:?}, the first of them is ticket {first}"
                )
            };
            let deliveries = self.deliveries_rx.recv_timeout(PATIENCE).map_err(|_| late())?;
            self.take_all(deliveries)?;
        }
        self.listen()
    }

    /// Hears what has come by now.
    pub fn listen(&mut self) -> Checked {
        while let Ok(deliveries) = self.deliveries_rx.try_recv() {
            self.take_all(deliveries)?;
        }
        Ok(())
    }

    /// Hears what comes until nothing comes any more.
    pub fn listen_long(&mut self) -> Checked {
        while let Ok(deliveries) = self.deliveries_rx.recv_timeout(QUIET) {
            self.take_all(deliveries)?;
        }
        Ok(())
    }

    fn take_all(&mut self, deliveries: Vec<Delivery>) -> Checked {
        deliveries.into_iter().try_for_each(|delivery| self.take(delivery))
    }

    fn take(&mut self, delivery: Delivery) -> Checked {
        match delivery.ticket {
            Some(Ticket(ticket)) => {
                let is_second = self.outcomes.contains_key(&ticket);
                ensure!(!is_second, "ticket {ticket} has another outcome: {}", told(&delivery.outcome));
                let is_known = self.waiting.remove(&ticket);
                ensure!(is_known, "an outcome for ticket {ticket}, which there is not");
                self.outcomes.insert(ticket, delivery.outcome.clone());
            }
            None => {
                let outcome = told(&delivery.outcome);
                ensure!(self.is_shared, "a message without a ticket, where nobody else appends: {outcome}");
            }
        }
        self.heard.push(delivery);
        Ok(())
    }

    /// Says this in one turn and waits: what came of it, in the same order.
    pub fn say(&mut self, drafts: impl IntoIterator<Item = Draft>) -> Checked<Vec<Appended>> {
        let drafts = drafts.into_iter().collect::<Vec<_>>();
        let mut tickets = self.turn(drafts.iter().cloned())?;
        self.settle()?;
        let begin = Instant::now();
        // One of several may have to wait for others for too long, and says so.
        while self.is_shared && begin.elapsed() < PATIENCE {
            let locked = (0..tickets.len()).filter(|nth| self.is_locked(tickets[*nth])).collect::<Vec<_>>();
            if locked.is_empty() {
                break;
            }
            let again = self.turn(locked.iter().map(|nth| drafts[*nth].clone()))?;
            locked.into_iter().zip(again).for_each(|(nth, ticket)| tickets[nth] = ticket);
            self.settle()?;
        }
        tickets.into_iter().map(|ticket| self.appended(ticket)).collect()
    }

    fn is_locked(&self, ticket: u64) -> bool {
        let outcome = self.outcomes.get(&ticket);
        matches!(outcome, Some(Err(error)) if error.kind() == StoreErrorKind::Locked)
    }

    /// The same where nothing of it was said before: the messages.
    pub fn say_new(&mut self, drafts: impl IntoIterator<Item = Draft>) -> Checked<Vec<Arc<Record>>> {
        let new = |appended| match appended {
            Appended::New(record) => Ok(record),
            Appended::Known { room, position } => {
                Err(format!("what was never said before is known, in {room:?} at {position}"))
            }
        };
        self.say(drafts)?.into_iter().map(new).collect()
    }

    /// What came of a draft that is settled.
    pub fn appended(&self, ticket: u64) -> Checked<Appended> {
        match self.outcomes.get(&ticket) {
            Some(Ok(appended)) => Ok(appended.clone()),
            Some(Err(error)) => Err(format!("a draft was not stored: {error}")),
            None => Err(format!("ticket {ticket} has no outcome")),
        }
    }

    /// All that is kept of a room.
    pub fn all(&self, room: &str) -> Checked<Vec<Arc<Record>>> {
        self.after(room, Position::START, END, usize::MAX)
    }

    pub fn after(
        &self,
        room: &str,
        after: Position,
        until: Position,
        limit: usize,
    ) -> Checked<Vec<Arc<Record>>> {
        let failed =
            |error| format!("after({room:?}, {}, {}, {limit}) failed: {error}", at(after), at(until));
        self.store.after(room, after, until, limit).map_err(failed)
    }

    pub fn before(&self, room: &str, before: Option<Position>, limit: usize) -> Checked<Vec<Arc<Record>>> {
        let failed = |error| format!("before({room:?}, {:?}, {limit}) failed: {error}", before.map(at));
        self.store.before(room, before, limit).map_err(failed)
    }

    pub fn count(&self, room: &str, after: Position, until: Position) -> Checked<u64> {
        let failed = |error| format!("count({room:?}, {}, {}) failed: {error}", at(after), at(until));
        self.store.count(room, after, until).map_err(failed)
    }

    pub fn bounds(&self, room: &str) -> Checked<Bounds> {
        self.store.bounds(room).map_err(|error| format!("bounds({room:?}) failed: {error}"))
    }
}

/// Holds at last, or what `problem` says of it.
pub(super) fn eventually(mut problem: impl FnMut() -> Checked<Option<String>>) -> Checked {
    let begin = Instant::now();
    while let Some(problem) = problem()? {
        ensure!(begin.elapsed() < PATIENCE, "{problem}, after {PATIENCE:?}");
        std::thread::sleep(GLANCE);
    }
    Ok(())
}

/// Nothing goes.
pub(super) fn everything() -> Retention {
    Retention { messages: 1_000_000, bytes: 1 << 30, age: None }
}

/// Something that Ann says now.
pub(super) fn draft(room: &str, text: impl Into<String>) -> Draft {
    draft_by("Ann", room, text)
}

/// Something that somebody says now. Authors are compared by their key, so it is not the
/// name as it is shown.
pub(super) fn draft_by(name: &str, room: &str, text: impl Into<String>) -> Draft {
    Draft {
        room: room.into(),
        from: name.to_owned(),
        author: author(name),
        subject: None,
        text: text.into(),
        action: false,
        time: now(),
        key: None,
    }
}

/// The key of a name.
pub(super) fn author(name: &str) -> Arc<str> {
    format!("key of {}", name.to_lowercase()).into()
}

/// `count` messages of a room, numbered from 0 on.
pub(super) fn drafts(room: &str, count: usize) -> Vec<Draft> {
    (0..count).map(|number| draft(room, format!("message {number} in {room}"))).collect()
}

/// The same with a key.
pub(super) fn keyed(mut draft: Draft, session: u64, id: impl Into<String>) -> Draft {
    let mut digest = [0x5a; 16];
    digest[4..12].copy_from_slice(&session.to_le_bytes());
    draft.key = Some(Key { session: digest, id: id.into() });
    draft
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// A position, so that a person can read it.
pub(super) fn at(position: Position) -> String {
    match position {
        Position::START => "the start".to_owned(),
        END => "the end".to_owned(),
        position => position.to_string(),
    }
}

/// The positions of some messages, so that a person can read them.
pub(super) fn places(records: &[Arc<Record>]) -> String {
    let places = |records: &[Arc<Record>]| {
        records.iter().map(|record| record.position.to_string()).collect::<Vec<_>>().join(" ")
    };
    match records.len() {
        0 => "nothing".to_owned(),
        1..=40 => places(records),
        count => format!("{} … {} ({count})", places(&records[..10]), places(&records[count - 10..])),
    }
}

/// An outcome in words.
pub(super) fn told(outcome: &Outcome) -> String {
    match outcome {
        Ok(Appended::New(record)) => format!("new in {:?} at {}", record.room, record.position),
        Ok(Appended::Known { room, position }) => format!("known in {room:?} at {position}"),
        Err(error) => format!("not stored: {error}"),
    }
}

/// Whether two lists are of the same messages, alike in everything.
pub(super) fn ensure_same(what: &str, seen: &[Arc<Record>], expected: &[Arc<Record>]) -> Checked {
    let (seen_at, expected_at) = (places(seen), places(expected));
    let is_same_places = seen.len() == expected.len()
        && seen.iter().zip(expected).all(|(seen, expected)| seen.position == expected.position);
    ensure!(is_same_places, "{what}: messages at {seen_at}; expected at {expected_at}");
    for (seen, expected) in seen.iter().zip(expected) {
        ensure!(seen == expected, "{what}: {}; expected {}", short(seen), short(expected));
    }
    Ok(())
}

/// A message in words, however long it is.
pub(super) fn short(record: &Record) -> String {
    let text = format!("{record:?}");
    match text.char_indices().nth(400) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
