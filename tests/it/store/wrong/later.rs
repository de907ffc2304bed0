//! A store that answers later, from a thread of its own, to as many handles as are wanted;
//! right, or with one mistake.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use chinwag::store::{
    Appended, Bounds, Delivery, Draft, Erasure, Found, Memory, Outcome, Position, Record, Retention, Search,
    Store, StoreError, StoreErrorKind, StoreStatistics, Tail, Ticket,
};
use crossbeam_channel::{Receiver, Sender, unbounded};
use parking_lot::Mutex;

/// So many drafts wait.
const QUEUE: usize = 4096;

type Records = Result<Vec<Arc<Record>>, StoreError>;
type Drafts = Vec<(Ticket, Draft)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaterFault {
    TellsTwice,
    ForgetsToTell,
    TellsBackwards,
    TellsTooEarly,
    FillsHoles,
    LocksWhileItTells,
    HasNoBound,
    EpochOfHandle,
    TellsOwnAsOthers,
    TellsOthersTwice,
    TellsOthersLate,
    TellsWhatWasThere,
    KeepsOthersBack,
    KeysOfHandle,
}

/// The log.
pub struct Later {
    log: Arc<Log>,
    batches_tx: Sender<(u64, Drafts)>,
}

struct Log {
    memory: Memory,
    fault: Option<LaterFault>,
    tails: Mutex<Vec<(u64, Tail)>>,
    handles: AtomicU64,
    queued: AtomicUsize,
    /// Not to be read yet.
    hidden: Mutex<HashSet<Position>>,
    /// What others said, and a handle hears only with the next.
    late: Mutex<Vec<Delivery>>,
    writing: Mutex<()>,
}

/// One chat's end of it.
pub struct Handle {
    log: Arc<Log>,
    id: u64,
    epoch: String,
    drafts: Mutex<Drafts>,
    batches_tx: Sender<(u64, Drafts)>,
}

impl Later {
    pub fn new(fault: Option<LaterFault>) -> Self {
        let (batches_tx, batches_rx) = unbounded();
        let log = Arc::new(Log {
            memory: Memory::new(),
            fault,
            tails: Mutex::default(),
            handles: AtomicU64::new(0),
            queued: AtomicUsize::new(0),
            hidden: Mutex::default(),
            late: Mutex::default(),
            writing: Mutex::default(),
        });
        let writer = log.clone();
        // It ends with the last handle.
        thread::spawn(move || writer.write(&batches_rx));
        Self { log, batches_tx }
    }

    pub fn handle(&self) -> Handle {
        let id = self.log.handles.fetch_add(1, Ordering::Relaxed);
        let mut epoch = self.log.memory.epoch().to_owned();
        if self.log.is(LaterFault::EpochOfHandle) {
            epoch.push_str(&id.to_string());
        }
        let (log, batches_tx) = (self.log.clone(), self.batches_tx.clone());
        Handle { log, id, epoch, drafts: Mutex::default(), batches_tx }
    }
}

impl Log {
    fn is(&self, fault: LaterFault) -> bool {
        self.fault == Some(fault)
    }

    fn write(&self, batches_rx: &Receiver<(u64, Drafts)>) {
        for (nth, (handle, drafts)) in batches_rx.iter().enumerate() {
            let count = drafts.len();
            let writing = self.is(LaterFault::LocksWhileItTells).then(|| self.writing.lock());
            let deliveries = drafts.into_iter().map(|(ticket, draft)| self.append(handle, ticket, draft));
            let deliveries = deliveries.collect::<Vec<_>>();
            self.settle(nth, &deliveries);
            self.tell(nth, handle, deliveries);
            drop(writing);
            self.queued.fetch_sub(count, Ordering::Relaxed);
        }
    }

    fn append(&self, handle: u64, ticket: Ticket, mut draft: Draft) -> Delivery {
        if self.is(LaterFault::KeysOfHandle)
            && let Some(key) = &mut draft.key
        {
            key.session[0] = handle as u8;
        }
        let room = draft.room.clone();
        if self.is(LaterFault::TellsTooEarly) || self.is(LaterFault::FillsHoles) {
            let next = self.memory.bounds(&room).unwrap().latest.0 + 1;
            self.hidden.lock().insert(Position(next));
        }
        let outcome = self.memory.append(ticket, draft).expect("memory answers at once");
        Delivery { ticket: Some(ticket), outcome }
    }

    /// What was appended can be read now.
    fn settle(&self, nth: usize, deliveries: &[Delivery]) {
        match self.fault {
            // The first last, after others had a look.
            Some(LaterFault::FillsHoles) => {
                let first = self.hidden.lock().iter().min().copied();
                self.hidden.lock().retain(|position| Some(*position) == first);
                thread::sleep(Duration::from_millis(2));
                self.hidden.lock().clear();
            }
            Some(LaterFault::TellsTooEarly) if nth % 4 == 3 => {}
            Some(LaterFault::TellsTooEarly) => self.hidden.lock().clear(),
            _ => assert!(!deliveries.is_empty()),
        }
    }

    fn tell(&self, nth: usize, handle: u64, deliveries: Vec<Delivery>) {
        let tails = self.tails.lock().clone();
        let others = deliveries.iter().filter(|delivery| matches!(delivery.outcome, Ok(Appended::New(_))));
        let others = others.map(|delivery| Delivery { ticket: None, ..delivery.clone() }).collect::<Vec<_>>();
        for (id, tail) in tails {
            let mut told = if id == handle { deliveries.clone() } else { others.clone() };
            match self.fault {
                Some(LaterFault::TellsTwice) if nth % 4 == 3 => told.extend_from_within(..1),
                Some(LaterFault::TellsBackwards) => told.reverse(),
                Some(LaterFault::ForgetsToTell) if nth % 4 == 3 => _ = told.pop(),
                Some(LaterFault::TellsOwnAsOthers) if id == handle => told.extend(others.clone()),
                Some(LaterFault::TellsOthersTwice) if id != handle => told.extend_from_within(..),
                Some(LaterFault::KeepsOthersBack) if id != handle => continue,
                Some(LaterFault::TellsOthersLate) if id == 4 => self.postpone(nth, id == handle, &mut told),
                _ => {}
            }
            tail.deliver(told);
        }
    }

    /// Others' come behind what came later.
    fn postpone(&self, nth: usize, is_own: bool, told: &mut Vec<Delivery>) {
        let mut late = self.late.lock();
        if is_own || nth.is_multiple_of(7) {
            told.append(&mut late);
        } else {
            late.append(told);
        }
    }

    fn visible(&self, records: Records) -> Records {
        let hidden = self.hidden.lock();
        let mut records = records?;
        records.retain(|record| !hidden.contains(&record.position));
        Ok(records)
    }
}

impl Store for Handle {
    fn epoch(&self) -> &str {
        &self.epoch
    }

    fn outlives_process(&self) -> bool {
        false
    }

    fn open(&self, tail: Tail) {
        if self.log.is(LaterFault::TellsWhatWasThere) && self.id > 4 {
            let last = self.log.memory.before("lobby", None, 3).unwrap();
            let told =
                last.into_iter().map(|record| Delivery { ticket: None, outcome: Ok(Appended::New(record)) });
            tail.deliver(told.collect());
        }
        self.log.tails.lock().push((self.id, tail));
    }

    fn append(&self, ticket: Ticket, draft: Draft) -> Option<Outcome> {
        let _writing = self.log.is(LaterFault::LocksWhileItTells).then(|| self.log.writing.lock());
        let is_full = self.log.queued.fetch_add(1, Ordering::Relaxed) >= QUEUE;
        if is_full && !self.log.is(LaterFault::HasNoBound) {
            self.log.queued.fetch_sub(1, Ordering::Relaxed);
            return Some(Err(StoreError::new(StoreErrorKind::Behind, "too much waits to be written")));
        }
        self.drafts.lock().push((ticket, draft));
        None
    }

    fn commit(&self) {
        let drafts = std::mem::take(&mut *self.drafts.lock());
        if !drafts.is_empty() {
            self.batches_tx.send((self.id, drafts)).unwrap();
        }
    }

    fn bounds(&self, room: &str) -> Result<Bounds, StoreError> {
        self.log.memory.bounds(room)
    }

    fn after(&self, room: &str, after: Position, until: Position, limit: usize) -> Records {
        self.log.visible(self.log.memory.after(room, after, until, limit))
    }

    fn before(&self, room: &str, before: Option<Position>, limit: usize) -> Records {
        self.log.memory.before(room, before, limit)
    }

    fn count(&self, room: &str, after: Position, until: Position) -> Result<u64, StoreError> {
        self.log.memory.count(room, after, until)
    }

    fn search(&self, search: &Search) -> Result<Found, StoreError> {
        self.log.memory.search(search)
    }

    fn erase(&self, erasure: &Erasure) -> Result<u64, StoreError> {
        self.log.memory.erase(erasure)
    }

    fn set_retention(&self, retention: Retention) {
        self.log.memory.set_retention(retention);
    }

    fn health(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn statistics(&self) -> StoreStatistics {
        StoreStatistics { queued: self.log.queued.load(Ordering::Relaxed), ..self.log.memory.statistics() }
    }
}
