//! The thread that writes: takes all drafts that wait, writes them in one transaction, and
//! tells the tail what came of them. Between batches it does the [upkeep](super::upkeep).

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::Shared;
use super::checkpoint;
use super::database::{BUSY, BUSY_FAILING};
use super::upkeep::PORTION;
use crate::store::{Delivery, Draft, StoreError, StoreErrorKind, Tail, Ticket};

/// How often it looks whether the file is there, whether others have written, whether a
/// store that failed is back, and what has got too old. Costs a waking a second.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// So many drafts at most are in doubt; of the oldest it is said that they failed then.
const MAX_DOUBTFUL: usize = 65_536;

pub(super) struct Writer {
    shared: Arc<Shared>,
    tail: Tail,
    /// Bounded by one: a checkpoint that is asked for already is the one that is wanted.
    due_tx: Sender<()>,
    drafts: Vec<(Ticket, Draft)>,
    /// These were not written, but should the process end now, the next might find some of
    /// them: nobody is told anything of them before that is out of the question.
    doubtful: Vec<Ticket>,
    next_look: Instant,
    /// The upkeep failed, and waits for the next look.
    is_upkeep_off: bool,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, tail: Tail, due_tx: Sender<()>) -> Self {
        let (drafts, doubtful) = (Vec::new(), Vec::new());
        Self { shared, tail, due_tx, drafts, doubtful, next_look: Instant::now(), is_upkeep_off: false }
    }

    /// Until the queue is closed and empty.
    pub(super) fn run(mut self) {
        loop {
            let is_last = self.shared.queue.take(&mut self.drafts, self.next_look);
            let count = self.drafts.len();
            if count > 0 {
                self.write();
            }
            if Instant::now() >= self.next_look {
                self.look();
                self.next_look = Instant::now() + LOOK_EVERY;
            }
            if is_last {
                return;
            }
            self.keep_up(count);
            self.ask_for_checkpoint();
        }
    }

    /// Writes what was taken.
    fn write(&mut self) {
        let tickets = self.drafts.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>();
        let mut database = self.shared.database.lock();
        let began = Instant::now();
        let written = database.append(self.drafts.drain(..));
        let written = written.map_err(|trouble| database.told("write", trouble));
        if database.is_doubtful
            && let Err(trouble) = database.probe()
        {
            log::debug!("{}", database.told("write", trouble));
        }
        let is_doubtful = database.is_doubtful;
        drop(database);
        if let Ok(deliveries) = &written {
            self.shared.counted.transaction(began.elapsed(), deliveries);
        }
        self.shared.note_health(written.as_ref().map(drop).map_err(Clone::clone));
        self.shared.queue.settle();
        match written {
            Ok(deliveries) => {
                self.end_doubt();
                self.tail.deliver(deliveries);
            }
            Err(_) if is_doubtful => {
                self.doubtful.extend(tickets);
                let excess = self.doubtful.len().saturating_sub(MAX_DOUBTFUL);
                self.fail(excess);
            }
            Err(error) => {
                self.end_doubt();
                self.tail.deliver(fail(tickets, &error));
            }
        }
    }

    /// What was in doubt was not written, and nobody will find it.
    fn end_doubt(&mut self) {
        self.fail(self.doubtful.len());
    }

    /// Tells that the oldest `count` of those in doubt were not written.
    fn fail(&mut self, count: usize) {
        if count > 0 {
            let why = format!("failed to write {}: the disk failed", self.shared.path.display());
            let tickets = self.doubtful.drain(..count).collect();
            self.tail.deliver(fail(tickets, &StoreError::new(StoreErrorKind::Other, why)));
        }
    }

    /// What is done once a second, whoever talks.
    fn look(&mut self) {
        self.is_upkeep_off = false;
        let was_failing = self.shared.health.lock().is_err();
        let mut database = self.shared.database.lock();
        let found = match was_failing {
            true => database.probe().and_then(|()| database.poll()),
            false => database.verify().and_then(|()| database.poll()),
        };
        let found = found.and_then(|found| {
            database.look(true)?;
            database.sweep_again()?;
            Ok(found)
        });
        let found = found.map_err(|trouble| database.told("read", trouble));
        let is_doubtful = database.is_doubtful;
        drop(database);
        if !is_doubtful {
            self.end_doubt();
        }
        self.shared.note_health(found.as_ref().map(drop).map_err(Clone::clone));
        if let Ok(found) = found
            && !found.is_empty()
        {
            self.shared.counted.adopted(found.len() as u64);
            self.tail.deliver(found);
        }
    }

    /// Does what is due, but only a little of it while drafts wait: as much as keeps pace
    /// with what was `written`.
    fn keep_up(&mut self, written: usize) {
        let mut portions = 1 + 2 * written / PORTION;
        while !self.is_upkeep_off && (portions > 0 || self.shared.queue.is_idle()) {
            portions = portions.saturating_sub(1);
            let mut database = self.shared.database.lock();
            match database.look(false).and_then(|()| database.keep_up()) {
                Ok(true) => {}
                Ok(false) => return,
                Err(trouble) => {
                    self.is_upkeep_off = true;
                    let error = database.told("tidy up", trouble);
                    self.shared.counted.failed(error.kind());
                    drop(database);
                    if self.shared.health.lock().is_ok() {
                        log::warn!("{error}");
                    }
                }
            }
        }
    }

    fn ask_for_checkpoint(&self) {
        let mut database = self.shared.database.lock();
        if database.written >= checkpoint::EVERY && self.due_tx.try_send(()).is_ok() {
            database.written = 0;
        }
    }
}

/// None of these was written.
fn fail(tickets: Vec<Ticket>, error: &StoreError) -> Vec<Delivery> {
    let failed = |ticket| Delivery { ticket: Some(ticket), outcome: Err(error.clone()) };
    tickets.into_iter().map(failed).collect()
}

impl Shared {
    /// Notes whether the store works, as it turned out just now.
    fn note_health(&self, now: Result<(), StoreError>) {
        if let Err(error) = &now {
            self.counted.failed(error.kind());
        }
        let mut health = self.health.lock();
        if health.is_err() == now.is_err() {
            *health = now;
            return;
        }
        let patience = match &now {
            Ok(()) => {
                log::info!("{} can be written again", self.path.display());
                BUSY
            }
            Err(error) => {
                log::warn!("{error}");
                BUSY_FAILING
            }
        };
        *health = now;
        drop(health);
        // Whoever waits for a lock that somebody holds on to shall not do so for long.
        if let Err(error) = self.database.lock().set_patience(patience) {
            log::debug!("{}: {error}", self.path.display());
        }
    }
}
