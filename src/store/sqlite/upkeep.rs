//! Work between batches: what has to be done now and then, in portions so small that no
//! batch waits for it noticeably.

use std::collections::BTreeSet;

use super::database::Database;
use super::error::Result;
use super::rooms::{Room, Rooms};
use super::rows::{now, signed};
use super::{index, receipts, retention};
use crate::store::Retention;

/// So many rows a portion has at most.
pub(super) const PORTION: usize = 256;

/// Does one portion of something in a transaction of its own, if it is due; whether there
/// is more.
type Chore = fn(&mut Database) -> Result<bool>;

/// All of them. Whether one is due is known without the file.
const CHORES: &[Chore] = &[retention::step, receipts::step, index::step];

/// What is due.
#[derive(Debug)]
pub(super) struct Upkeep {
    /// None as long as nobody said what is to be kept.
    pub retention: Option<Retention>,
    /// Of all rooms together, as the rooms count them.
    pub max_bytes: i64,
    /// Rooms that have more than is kept.
    pub over: BTreeSet<i64>,
    /// There may be receipts that are too old.
    pub receipts: bool,
    /// What changed may have made anything due.
    look: bool,
}

impl Upkeep {
    pub(super) fn new(max_bytes: u64) -> Self {
        let max_bytes = signed(max_bytes);
        Self { retention: None, max_bytes, over: BTreeSet::new(), receipts: true, look: true }
    }

    /// Has the next [`look`](Database::look) not wait for its time.
    pub(super) fn look_soon(&mut self) {
        self.look = true;
    }

    /// Looks at the rooms that a transaction changed. Some more than is kept may stay for a
    /// moment, or each message would make a transaction of its own for what it pushes out.
    pub(super) fn note(&mut self, rooms: &Rooms) {
        let Some(retention) = self.retention else { return };
        for id in rooms.changed() {
            let is_over = |room: &Room| {
                let messages = room.messages - signed(retention.messages as u64);
                let bytes = room.bytes - signed(retention.bytes as u64);
                messages >= 64 || bytes > signed(retention.bytes as u64) / 16
            };
            if rooms.get(id).is_some_and(is_over) {
                self.over.insert(id);
            }
        }
    }
}

impl Database {
    /// Finds out what is due; once a second, and where `look_soon` was called.
    pub(super) fn look(&mut self, is_time: bool) -> Result<()> {
        if !is_time && !self.upkeep.look {
            return Ok(());
        }
        self.upkeep.look = false;
        self.index.look(self.totals.indexed < self.totals.latest);
        self.look_at_rooms(now())?;
        self.look_at_receipts(now())
    }

    /// Does a portion of each thing that is due; whether there is more to do.
    pub(super) fn keep_up(&mut self) -> Result<bool> {
        let mut is_more = false;
        for chore in CHORES {
            is_more |= chore(self)?;
        }
        Ok(is_more)
    }
}
