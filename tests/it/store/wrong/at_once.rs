//! `Memory` with one mistake.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chinwag::store::{
    Appended, Bounds, Delivery, Draft, Erasure, Found, Key, Memory, Outcome, Position, Record, Retention,
    Search, Store, StoreError, StoreErrorKind, StoreStatistics, Tail, Ticket,
};
use parking_lot::{Mutex, MutexGuard};

use super::Fault;

type Records = Result<Vec<Arc<Record>>, StoreError>;

pub struct Wrong {
    memory: Memory,
    fault: Fault,
    tail: Mutex<Option<Tail>>,
    appends: AtomicU64,
    said: Mutex<Said>,
}

/// What only some mistakes need to know.
#[derive(Default)]
struct Said {
    last: Option<(Draft, Position)>,
    keys: HashMap<[u8; 16], Vec<Key>>,
    sessions: Vec<[u8; 16]>,
    erased: HashSet<Arc<str>>,
    /// Everything.
    all: Vec<Arc<Record>>,
    told: Option<Instant>,
    /// The least that was to be kept of a room.
    most: Option<usize>,
}

impl Wrong {
    pub fn new(fault: Fault) -> Self {
        let memory = Memory::new();
        Self { memory, fault, tail: Mutex::default(), appends: AtomicU64::new(0), said: Mutex::default() }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn all(&self, room: &str) -> Vec<Arc<Record>> {
        self.memory.after(room, Position::START, Position(u128::MAX), usize::MAX).unwrap()
    }

    fn change(&self, draft: &mut Draft) {
        match self.fault {
            Fault::Trims => draft.text = draft.text.trim().to_owned(),
            Fault::CutsAtNul => draft.text.truncate(draft.text.find('\0').unwrap_or(usize::MAX)),
            Fault::CutsLong => draft.text.truncate(65_000),
            Fault::LosesSubject => draft.subject = None,
            Fault::LosesAction => draft.action = false,
            Fault::TakesItsOwnTime => draft.time += 1,
            _ => self.change_key(draft),
        }
    }

    fn change_key(&self, draft: &mut Draft) {
        let mut said = self.said.lock();
        let room = draft.room.clone();
        if self.is(Fault::ForgetsKeys) || (self.is(Fault::ErasesKeys) && said.erased.contains(&draft.author))
        {
            draft.key = None;
        }
        let Some(key) = &mut draft.key else { return };
        match self.fault {
            Fault::KeysOfOneRoom => key.id.push_str(&room),
            Fault::KeysWithoutSession => key.session = [0; 16],
            Fault::KeysWithoutCase => key.id = key.id.to_lowercase(),
            Fault::KeysCutAtNul => key.id.truncate(key.id.find('\0').unwrap_or(usize::MAX)),
            Fault::FewKeys => {
                let keys = said.keys.entry(key.session).or_default();
                if keys.contains(key) && keys.iter().rev().take(1000).all(|known| known != key) {
                    draft.key = None;
                } else {
                    keys.push(key.clone());
                }
            }
            Fault::FewSessions => {
                let sessions = &mut said.sessions;
                let is_forgotten = sessions.iter().rev().take(200).all(|known| *known != key.session);
                if sessions.contains(&key.session) && is_forgotten {
                    draft.key = None;
                } else {
                    sessions.retain(|known| *known != key.session);
                    sessions.push(key.session);
                }
            }
            _ => {}
        }
    }

    fn repeated(&self, draft: &Draft) -> Option<Outcome> {
        let mut said = self.said.lock();
        let last = said.last.take()?;
        let is_same = last.0.room == draft.room && last.0.text == draft.text && draft.key.is_none();
        let outcome = Ok(Appended::Known { room: draft.room.clone(), position: last.1 });
        is_same.then_some(outcome)
    }

    fn misfind(&self, typed: &str, limit: usize, found: &mut Found) {
        let records = &mut found.records;
        match self.fault {
            Fault::SearchMindsCase => records.retain(|record| record.text.contains(typed)),
            Fault::SearchMindsAccents if typed.is_ascii() => records.retain(|record| record.text.is_ascii()),
            Fault::SearchTakesTheFirst => {
                found.more = records.len() > limit;
                records.truncate(limit);
            }
            Fault::SearchSaysNoMore => found.more = false,
            Fault::SearchFindsErased => {
                let said = self.said.lock();
                let is_erased = |record: &&Arc<Record>| said.erased.contains(&record.author);
                let is_meant = |record: &&Arc<Record>| record.text.contains(typed);
                records.extend(said.all.iter().filter(is_erased).filter(is_meant).cloned());
                records.sort_by_key(|record| record.position);
            }
            _ => {}
        }
    }

    fn tell(&self, ticket: Option<Ticket>, outcome: &Outcome) {
        let delivery = Delivery { ticket, outcome: outcome.clone() };
        self.tail.lock().as_ref().unwrap().deliver(vec![delivery]);
    }

    /// Makes of an outcome what is told.
    fn mistell(&self, nth: u64, ticket: Ticket, outcome: Outcome) -> Outcome {
        if nth.is_multiple_of(20) && self.is(Fault::TellsTwice) {
            self.tell(Some(ticket), &outcome);
        }
        if nth.is_multiple_of(20) && self.is(Fault::TellsWithoutTicket) {
            self.tell(None, &outcome);
        }
        let mut said = self.said.lock();
        said.told = Some(Instant::now());
        let Ok(Appended::New(record)) = &outcome else { return outcome };
        said.all.push(record.clone());
        match self.fault {
            Fault::Misplaces if nth.is_multiple_of(20) => {
                let position = Position(record.position.0 + 1);
                Ok(Appended::New(Arc::new(Record { position, ..(**record).clone() })))
            }
            _ => outcome,
        }
    }
}

impl Store for Wrong {
    fn epoch(&self) -> &str {
        match self.fault {
            Fault::SameEpoch => "0",
            Fault::LongEpoch => "a1234567890123456789b",
            Fault::OddEpoch => "a-b",
            Fault::ChangingEpoch if self.appends.load(Ordering::Relaxed) > 2 => "later",
            _ => self.memory.epoch(),
        }
    }

    fn outlives_process(&self) -> bool {
        false
    }

    fn open(&self, tail: Tail) {
        *self.tail.lock() = Some(tail);
    }

    fn append(&self, ticket: Ticket, mut draft: Draft) -> Option<Outcome> {
        let nth = self.appends.fetch_add(1, Ordering::Relaxed) + 1;
        if self.is(Fault::WaitsForReaders) {
            MutexGuard::unlock_fair(self.said.lock());
        }
        self.change(&mut draft);
        if self.is(Fault::TakesRepetitionForTheSame)
            && let Some(outcome) = self.repeated(&draft)
        {
            return Some(outcome);
        }
        if self.is(Fault::RefusesSome) && nth.is_multiple_of(20) {
            return Some(Err(StoreError::new(StoreErrorKind::Other, "no")));
        }
        if self.is(Fault::Drops) && nth.is_multiple_of(20) {
            let position = self.memory.bounds(&draft.room).unwrap().latest;
            return Some(Ok(Appended::New(Arc::new(draft.at(position).0))));
        }
        if self.is(Fault::Doubles) && nth.is_multiple_of(20) {
            self.memory.append(ticket, draft.clone());
        }
        let outcome = self.memory.append(ticket, draft.clone())?;
        if let Ok(Appended::New(record)) = &outcome {
            self.said.lock().last = Some((draft, record.position));
        }
        Some(self.mistell(nth, ticket, outcome))
    }

    fn commit(&self) {}

    fn bounds(&self, room: &str) -> Result<Bounds, StoreError> {
        let mut bounds = self.memory.bounds(room)?;
        let all = self.all(room);
        match self.fault {
            Fault::UnknownRoomFails if all.is_empty() => {
                return Err(StoreError::new(StoreErrorKind::Other, "there is no such room"));
            }
            Fault::HeadOfAll if all.is_empty() => bounds.head = bounds.latest,
            Fault::LatestOfRoom => bounds.latest = bounds.head,
            Fault::LatestIsTheEnd if !all.is_empty() => bounds.latest = Position(u128::MAX),
            Fault::HidesWhatWent => bounds.gone = Position::START,
            Fault::GoneTooFar if bounds.gone > Position::START => bounds.gone = bounds.head,
            Fault::EraseMovesGone if !self.said.lock().erased.is_empty() => {
                bounds.gone = all.first().map_or(bounds.latest, |first| Position(first.position.0 - 1));
            }
            _ => {}
        }
        Ok(bounds)
    }

    fn after(&self, room: &str, after: Position, until: Position, limit: usize) -> Records {
        let is_late = self.said.lock().told.is_some_and(|told| told.elapsed() < Duration::from_millis(2));
        match self.fault {
            Fault::AfterTakesItself => {
                return self.memory.after(room, Position(after.0.saturating_sub(1)), until, limit);
            }
            Fault::AfterStopsShort if until.0 < u128::MAX => {
                return self.memory.after(room, after, Position(until.0.saturating_sub(1)), limit);
            }
            Fault::AfterTakesTheLast => {
                let mut records = self.memory.after(room, after, until, usize::MAX)?;
                return Ok(records.split_off(records.len().saturating_sub(limit)));
            }
            Fault::AfterIgnoresLimit => return self.memory.after(room, after, until, limit.max(1)),
            Fault::AfterFailsAtTheEnd if until.0 > u64::MAX.into() && limit == 1 => {
                return Err(StoreError::new(StoreErrorKind::Other, "integer overflow"));
            }
            _ => {}
        }
        let mut records = self.memory.after(room, after, until, limit)?;
        if self.is(Fault::ReadsLate) && is_late && records.len() < 5 {
            records.pop();
        }
        Ok(records)
    }

    fn before(&self, room: &str, before: Option<Position>, limit: usize) -> Records {
        let mut records = self.memory.before(room, before, limit)?;
        match self.fault {
            Fault::BeforeTakesItself => {
                let before = before.map(|before| Position(before.0.saturating_add(1)));
                return self.memory.before(room, before, limit);
            }
            Fault::BeforeTakesTheFirst => {
                let mut all = self.memory.before(room, before, usize::MAX)?;
                all.truncate(limit);
                return Ok(all);
            }
            Fault::BeforeGoesBackwards => records.reverse(),
            _ => {}
        }
        Ok(records)
    }

    fn count(&self, room: &str, after: Position, until: Position) -> Result<u64, StoreError> {
        let (after, until) = match self.fault {
            Fault::CountTakesItself => (Position(after.0.saturating_sub(1)), until),
            Fault::CountIgnoresUntil => (after, Position(u128::MAX)),
            _ => (after, until),
        };
        self.memory.count(room, after, until)
    }

    fn search(&self, search: &Search) -> Result<Found, StoreError> {
        let mut search = search.clone();
        let (typed, limit) = (search.words.clone(), search.limit);
        // It holds what an append needs, and they take turns.
        let said = self.is(Fault::WaitsForReaders).then(|| self.said.lock());
        if said.is_some() {
            thread::sleep(Duration::from_millis(20));
        }
        match self.fault {
            Fault::SearchKnowsNoPrefix => search.words = typed.replace('*', " "),
            Fault::SearchFindsParts => {
                search.words = typed.split_whitespace().map(|word| format!("{word}* ")).collect();
            }
            Fault::SearchFindsAny => {
                search.words = typed.split_whitespace().next().unwrap_or_default().to_owned();
            }
            Fault::SearchTakesTheFirst => search.limit = usize::MAX,
            Fault::SearchKnowsOperators => search.words = typed.replace(" AND ", " "),
            Fault::SearchFailsAtQuotes if typed.contains('"') => {
                return Err(StoreError::new(StoreErrorKind::Other, "fts5: syntax error near \"\\\"\""));
            }
            Fault::SearchTakesNothing if typed.trim().is_empty() => return Ok(Found::default()),
            Fault::SearchLeavesItsRooms => search.rooms.extend(["lobby2".into()]),
            Fault::SearchIgnoresBefore => search.before = None,
            Fault::DoesNotSearch => {
                return Err(StoreError::new(StoreErrorKind::Unsupported, "there is no search here"));
            }
            _ => {}
        }
        let found = self.memory.search(&search);
        if let Some(said) = said {
            MutexGuard::unlock_fair(said);
        }
        let mut found = found?;
        self.misfind(&typed, limit, &mut found);
        Ok(found)
    }

    fn erase(&self, erasure: &Erasure) -> Result<u64, StoreError> {
        let mut erasure = erasure.clone();
        match self.fault {
            Fault::ErasesEverywhere => erasure.room = None,
            Fault::ErasesNobody => erasure.author = "nobody".into(),
            _ => {}
        }
        let erased = self.memory.erase(&erasure)?;
        if erased > 0 {
            self.said.lock().erased.insert(erasure.author);
        }
        Ok(if self.is(Fault::EraseMiscounts) { erased.min(3) } else { erased })
    }

    fn set_retention(&self, mut retention: Retention) {
        match self.fault {
            Fault::KeepsTooFew => retention.messages = retention.messages.saturating_sub(1),
            Fault::HalfTheBytes => retention.bytes /= 2,
            Fault::IgnoresAge => retention.age = None,
            Fault::RetentionOnlyShrinks => {
                let mut said = self.said.lock();
                retention.messages = retention.messages.min(said.most.unwrap_or(usize::MAX));
                said.most = Some(retention.messages);
            }
            _ => {}
        }
        self.memory.set_retention(retention);
    }

    fn health(&self) -> Result<(), StoreError> {
        match self.fault {
            Fault::IsNeverWell => Err(StoreError::new(StoreErrorKind::Other, "not well")),
            _ => Ok(()),
        }
    }

    fn statistics(&self) -> StoreStatistics {
        let statistics = self.memory.statistics();
        match self.fault {
            Fault::CountsNothing => StoreStatistics { messages: 0, ..statistics },
            Fault::NeverEmptiesQueue => StoreStatistics { queued: 1, ..statistics },
            _ => statistics,
        }
    }
}
