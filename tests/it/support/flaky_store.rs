//! A store in memory that behaves as one on a disk does: what came of a draft is known
//! later. It fails, and takes its time, on command.

use std::sync::Arc;
use std::thread;

use chinwag::store::{
    Bounds, Delivery, Draft, Erasure, Found, Memory, Outcome, Position, Record, Retention, Search, Store,
    StoreError, StoreErrorKind, StoreStatistics, Tail, Ticket,
};
use crossbeam_channel::{Receiver, Sender, unbounded};
use parking_lot::{Condvar, Mutex};

use super::PATIENCE;

/// Made in an [`Arc`], of which the test keeps one and the chat gets the other. Given to a
/// second chat after the first it is what a file is to a server that was started again.
pub struct FlakyStore {
    shared: Arc<Shared>,
    /// What was taken since the last commit.
    taken: Mutex<Vec<(Ticket, Draft)>>,
    /// To the thread that writes.
    batch_tx: Sender<Batch>,
}

struct Shared {
    log: Memory,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    tail: Option<Tail>,
    /// How many tails there were.
    opened: usize,
    /// Nothing is written.
    is_held: bool,
    /// How many drafts wait.
    queued: usize,
    /// What becomes of every draft, known at once.
    refusal: Option<StoreError>,
    /// What becomes of every draft when it is written.
    failure: Option<StoreError>,
    /// What becomes of every question.
    blindness: Option<StoreError>,
    /// What was said behind a position is not looked up yet.
    is_reading_held: bool,
    /// So many wait for that.
    readers: usize,
    /// Questions are not answered.
    is_stalled: bool,
    /// How many wait to be.
    asking: usize,
    /// A chat that has it later gets the log alone: no keys, and so no sessions.
    forgets_keys: bool,
}

/// For the tail that was there when it was committed.
struct Batch {
    tail: Option<Tail>,
    /// Which of the tails that there were.
    opened: usize,
    drafts: Vec<(Ticket, Draft)>,
}

impl FlakyStore {
    pub fn new() -> Arc<Self> {
        let shared =
            Arc::new(Shared { log: Memory::new(), state: Mutex::default(), changed: Condvar::new() });
        let (batch_tx, batch_rx) = unbounded();
        let writer = shared.clone();
        thread::spawn(move || writer.write(&batch_rx));
        Arc::new(Self { shared, taken: Mutex::default(), batch_tx })
    }

    /// From now on drafts are not taken, which is known at once.
    pub fn refuse(&self, kind: StoreErrorKind) {
        self.shared.state.lock().refusal = Some(error(kind));
    }

    /// From now on drafts are taken and cannot be written, which is known later.
    pub fn fail(&self, kind: StoreErrorKind) {
        self.shared.state.lock().failure = Some(error(kind));
    }

    /// From now on nothing can be looked up.
    pub fn blind(&self, kind: StoreErrorKind) {
        self.shared.state.lock().blindness = Some(error(kind));
    }

    /// A chat that has this store from now on knows no session of an earlier one.
    pub fn forget_sessions(&self) {
        self.shared.state.lock().forgets_keys = true;
    }

    /// From now on questions wait.
    pub fn stall(&self) {
        self.shared.state.lock().is_stalled = true;
    }

    /// What waits is answered now.
    pub fn resume(&self) {
        self.shared.state.lock().is_stalled = false;
        self.shared.changed.notify_all();
    }

    /// Waits until so many questions wait to be answered.
    #[track_caller]
    pub fn wait_for_asking(&self, count: usize) {
        let mut state = self.shared.state.lock();
        while state.asking < count {
            let wait = self.shared.changed.wait_for(&mut state, PATIENCE);
            assert!(!wait.timed_out(), "{} instead of {count} questions wait", state.asking);
        }
    }

    /// How many questions wait to be answered.
    pub fn asking(&self) -> usize {
        self.shared.state.lock().asking
    }

    /// All is well again; what is held stays so.
    pub fn recover(&self) {
        let mut state = self.shared.state.lock();
        (state.refusal, state.failure, state.blindness) = (None, None, None);
    }

    /// From now on drafts are taken and not written.
    pub fn hold(&self) {
        self.shared.state.lock().is_held = true;
    }

    /// What was held is written now, in order.
    pub fn release(&self) {
        self.shared.state.lock().is_held = false;
        self.shared.changed.notify_all();
    }

    /// Waits until so many drafts are taken and not written.
    #[track_caller]
    pub fn wait_for_queued(&self, count: usize) {
        let mut state = self.shared.state.lock();
        while state.queued < count {
            let wait = self.shared.changed.wait_for(&mut state, PATIENCE);
            assert!(!wait.timed_out(), "{} instead of {count} drafts are queued", state.queued);
        }
    }

    /// From now on whoever reads what follows a position waits.
    pub fn hold_reading(&self) {
        self.shared.state.lock().is_reading_held = true;
    }

    /// Who waits for that reads now.
    pub fn release_reading(&self) {
        self.shared.state.lock().is_reading_held = false;
        self.shared.changed.notify_all();
    }

    /// Waits until somebody waits for that.
    #[track_caller]
    pub fn wait_for_reader(&self) {
        let mut state = self.shared.state.lock();
        while state.readers == 0 {
            let wait = self.shared.changed.wait_for(&mut state, PATIENCE);
            assert!(!wait.timed_out(), "nobody reads");
        }
    }

    /// Appends a message as another server would that has the same log.
    pub fn append_elsewhere(&self, draft: Draft) {
        let outcome = self.shared.log.append(Ticket(0), draft).expect("memory answers at once");
        let tail = self.shared.state.lock().tail.clone();
        tail.expect("a chat has it").deliver(vec![Delivery { ticket: None, outcome }]);
    }

    fn seen(&self) -> Result<&Memory, StoreError> {
        let mut state = self.shared.state.lock();
        if state.is_stalled {
            state.asking += 1;
            self.shared.changed.notify_all();
            self.shared.changed.wait_while(&mut state, |state| state.is_stalled);
            state.asking -= 1;
        }
        state.blindness.clone().map_or(Ok(&self.shared.log), Err)
    }
}

fn error(kind: StoreErrorKind) -> StoreError {
    StoreError::new(kind, format!("it was told to fail: {}", kind.as_str()))
}

impl Shared {
    /// Runs until the store is dropped.
    fn write(&self, batch_rx: &Receiver<Batch>) {
        for Batch { tail, opened, drafts } in batch_rx {
            let mut state = self.state.lock();
            self.changed.wait_while(&mut state, |state| state.is_held);
            let failure = state.failure.clone();
            state.queued -= drafts.len();
            let later = state.tail.clone().filter(|_| state.opened != opened);
            drop(state);
            let deliveries = drafts.into_iter().map(|(ticket, draft)| {
                let outcome = match &failure {
                    Some(error) => Err(error.clone()),
                    None => self.log.append(ticket, draft).expect("memory answers at once"),
                };
                Delivery { ticket: Some(ticket), outcome }
            });
            let deliveries: Vec<Delivery> = deliveries.collect();
            // Whoever opened it since hears of it as of what others append.
            if let Some(later) = later {
                let foreign = |delivery: &Delivery| Delivery { ticket: None, ..delivery.clone() };
                later.deliver(deliveries.iter().map(foreign).collect());
            }
            if let Some(tail) = tail {
                tail.deliver(deliveries);
            }
        }
    }
}

impl Store for FlakyStore {
    fn epoch(&self) -> &str {
        self.shared.log.epoch()
    }

    fn outlives_process(&self) -> bool {
        !self.shared.state.lock().forgets_keys
    }

    fn open(&self, tail: Tail) {
        let mut state = self.shared.state.lock();
        state.tail = Some(tail);
        state.opened += 1;
    }

    fn append(&self, ticket: Ticket, draft: Draft) -> Option<Outcome> {
        if let Some(refusal) = &self.shared.state.lock().refusal {
            return Some(Err(refusal.clone()));
        }
        self.taken.lock().push((ticket, draft));
        None
    }

    fn commit(&self) {
        let drafts = std::mem::take(&mut *self.taken.lock());
        let mut state = self.shared.state.lock();
        state.queued += drafts.len();
        self.shared.changed.notify_all();
        let batch = Batch { tail: state.tail.clone(), opened: state.opened, drafts };
        self.batch_tx.send(batch).expect("its thread runs as long as it");
    }

    fn bounds(&self, room: &str) -> Result<Bounds, StoreError> {
        self.seen()?.bounds(room)
    }

    fn after(
        &self,
        room: &str,
        after: Position,
        until: Position,
        limit: usize,
    ) -> Result<Vec<Arc<Record>>, StoreError> {
        let mut state = self.shared.state.lock();
        state.readers += 1;
        self.shared.changed.notify_all();
        self.shared.changed.wait_while(&mut state, |state| state.is_reading_held);
        state.readers -= 1;
        drop(state);
        self.seen()?.after(room, after, until, limit)
    }

    fn before(
        &self,
        room: &str,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Arc<Record>>, StoreError> {
        self.seen()?.before(room, before, limit)
    }

    fn count(&self, room: &str, after: Position, until: Position) -> Result<u64, StoreError> {
        self.seen()?.count(room, after, until)
    }

    fn search(&self, search: &Search) -> Result<Found, StoreError> {
        self.seen()?.search(search)
    }

    fn erase(&self, erasure: &Erasure) -> Result<u64, StoreError> {
        self.seen()?.erase(erasure)
    }

    fn set_retention(&self, retention: Retention) {
        self.shared.log.set_retention(retention);
    }

    fn health(&self) -> Result<(), StoreError> {
        let state = self.shared.state.lock();
        state.refusal.clone().or_else(|| state.failure.clone()).map_or(Ok(()), Err)
    }

    fn statistics(&self) -> StoreStatistics {
        StoreStatistics { queued: self.shared.state.lock().queued, ..self.shared.log.statistics() }
    }
}

/// What `from` says in a room.
pub fn draft(room: &str, from: &str, text: &str) -> Draft {
    Draft {
        room: room.into(),
        from: from.to_owned(),
        author: from.to_lowercase().into(),
        subject: None,
        text: text.to_owned(),
        action: false,
        time: 1,
        key: None,
    }
}

/// Keeps its word where it is let, so that what fails in a chat's test is the chat.
#[test]
fn drafts_are_written_in_order_and_told_to_the_tail_and_what_fails_is_told_too() {
    let store = FlakyStore::new();
    let (outcome_tx, outcome_rx) = unbounded();
    store.open(Tail::new(move |deliveries| {
        for delivery in deliveries {
            outcome_tx.send(delivery).unwrap();
        }
    }));
    let say = |number: u64| store.append(Ticket(number), draft("lobby", "John", &number.to_string()));
    let told = || outcome_rx.recv_timeout(PATIENCE).unwrap();
    store.hold();
    for number in 1..=3 {
        assert_eq!(say(number), None);
        store.commit();
    }
    store.wait_for_queued(3);
    assert_eq!(store.statistics().queued, 3);
    assert!(outcome_rx.is_empty());
    store.release();
    assert_eq!([told(), told(), told()].map(|delivery| delivery.ticket.unwrap().0), [1, 2, 3]);
    assert_eq!(store.before("lobby", None, 10).unwrap().len(), 3);

    store.fail(StoreErrorKind::Full);
    assert_eq!(say(4), None);
    store.commit();
    assert_eq!(told().outcome.unwrap_err().kind(), StoreErrorKind::Full);
    assert_eq!(store.health().unwrap_err().kind(), StoreErrorKind::Full);
    store.refuse(StoreErrorKind::Behind);
    assert_eq!(say(5).unwrap().unwrap_err().kind(), StoreErrorKind::Behind);
    store.blind(StoreErrorKind::Gone);
    assert_eq!(store.bounds("lobby").unwrap_err().kind(), StoreErrorKind::Gone);
    store.recover();
    assert_eq!(store.health(), Ok(()));

    store.append_elsewhere(draft("lobby", "Adam", "there"));
    assert_eq!(told().ticket, None);
    assert_eq!(store.before("lobby", None, 10).unwrap().last().unwrap().text, "there");
}
