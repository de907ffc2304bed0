//! A store that is opened again, with one mistake: `Memory` behind handles that come and go.

use std::sync::Arc;

use chinwag::store::{
    Appended, Bounds, Delivery, Draft, Erasure, Found, Memory, Outcome, Position, Record, Retention, Search,
    Store, StoreError, StoreStatistics, Tail, Ticket,
};
type Records = Result<Vec<Arc<Record>>, StoreError>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgainFault {
    SaysThatItDoesNot,
    NewEpoch,
    LosesTheLast,
    TellsWhatWasThere,
    LosesKeys,
    LatestBeginsAnew,
    BringsBackErased,
    ForgetsWhatWent,
}

pub struct Again {
    memory: Arc<Memory>,
    fault: Option<AgainFault>,
    epoch: String,
    /// What was there when this handle was opened ends here.
    begin: Position,
}

impl Again {
    pub fn new(memory: Arc<Memory>, fault: Option<AgainFault>) -> Self {
        let begin = memory.bounds("").unwrap().latest;
        let is_new = fault == Some(AgainFault::NewEpoch);
        let epoch = if is_new { format!("{begin}") } else { memory.epoch().to_owned() };
        Self { memory, fault, epoch, begin }
    }

    fn is(&self, fault: AgainFault) -> bool {
        self.fault == Some(fault)
    }

    /// The last that was there when this was opened is lost, in the room that it was in.
    fn is_lost(&self, record: &Record) -> bool {
        self.is(AgainFault::LosesTheLast) && record.position == self.begin
    }
}

impl Store for Again {
    fn epoch(&self) -> &str {
        &self.epoch
    }

    fn outlives_process(&self) -> bool {
        !self.is(AgainFault::SaysThatItDoesNot)
    }

    fn open(&self, tail: Tail) {
        if !self.is(AgainFault::TellsWhatWasThere) {
            return;
        }
        for record in self.memory.before("found", None, 5).unwrap() {
            // As if somebody else had appended it now.
            let delivery = Delivery { ticket: None, outcome: Ok(Appended::New(record)) };
            tail.deliver(vec![delivery]);
        }
    }

    fn append(&self, ticket: Ticket, mut draft: Draft) -> Option<Outcome> {
        if self.is(AgainFault::LosesKeys)
            && let Some(key) = &mut draft.key
        {
            key.id.push_str(&self.begin.to_string());
        }
        self.memory.append(ticket, draft)
    }

    fn commit(&self) {}

    fn bounds(&self, room: &str) -> Result<Bounds, StoreError> {
        let mut bounds = self.memory.bounds(room)?;
        match self.fault {
            Some(AgainFault::LatestBeginsAnew) if bounds.latest == self.begin => {
                let kept = self.memory.before(room, None, 1)?;
                bounds.latest = kept.last().map_or(bounds.gone, |last| last.position);
            }
            Some(AgainFault::ForgetsWhatWent) if bounds.gone <= self.begin => bounds.gone = Position::START,
            _ => {}
        }
        Ok(bounds)
    }

    fn after(&self, room: &str, after: Position, until: Position, limit: usize) -> Records {
        let mut records = self.memory.after(room, after, until, limit)?;
        records.retain(|record| !self.is_lost(record));
        Ok(records)
    }

    fn before(&self, room: &str, before: Option<Position>, limit: usize) -> Records {
        self.memory.before(room, before, limit)
    }

    fn count(&self, room: &str, after: Position, until: Position) -> Result<u64, StoreError> {
        self.memory.count(room, after, until)
    }

    fn search(&self, search: &Search) -> Result<Found, StoreError> {
        self.memory.search(search)
    }

    fn erase(&self, erasure: &Erasure) -> Result<u64, StoreError> {
        let is_deleted = erasure.room.as_deref() == Some("deleted");
        if self.is(AgainFault::BringsBackErased) && is_deleted {
            return Ok(0);
        }
        self.memory.erase(erasure)
    }

    fn set_retention(&self, retention: Retention) {
        self.memory.set_retention(retention);
    }

    fn health(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn statistics(&self) -> StoreStatistics {
        self.memory.statistics()
    }
}
