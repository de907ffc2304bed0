//! Looking for words in what was said. Runs on the thread of who asks: a store may be
//! slow, and nobody else waits for it.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::positions::Positions;
use super::state::Problem;
use super::{Member, RoomName};
use crate::Client;
use crate::protocol::{Ask, ChatMessage, Event};
use crate::store::{Position, Record, Search, StoreError, StoreErrorKind};

/// So many messages at most are in one answer, and so many bytes of text, but for the first.
const MAX_FOUND: usize = 100;
const MAX_BYTES: usize = 128 * 1024;
/// So many where nobody says how many.
const USUAL: usize = 50;
/// The longest that is looked for, in characters.
const MAX_WORDS: usize = 200;
/// How often the store is asked for one answer, where much of what it finds is of people
/// whom the asker ignores.
const MAX_ROUNDS: usize = 8;
/// So many look at a time; they take a processor each. Others wait, so long at most.
const AT_ONCE: usize = 2;
const PATIENCE: Duration = Duration::from_secs(5);

/// Lets in a few who search at a time.
#[derive(Debug)]
pub(super) struct Turnstile {
    /// Full while as many search as may.
    inside_tx: Sender<()>,
    inside_rx: Receiver<()>,
}

/// Somebody who searches, until this is dropped.
struct Inside<'a>(&'a Turnstile);

impl Default for Turnstile {
    fn default() -> Self {
        let (inside_tx, inside_rx) = bounded(AT_ONCE);
        Self { inside_tx, inside_rx }
    }
}

impl Turnstile {
    fn enter(&self) -> Result<Inside<'_>, Problem> {
        let busy = |_| Problem::new("unavailable", "too many search at the moment; try again");
        self.inside_tx.send_timeout((), PATIENCE).map_err(busy)?;
        Ok(Inside(self))
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let _ = self.0.inside_rx.try_recv();
    }
}

/// Some of what was found, the latest first.
#[derive(Default)]
struct Harvest {
    records: Vec<Arc<Record>>,
    bytes: usize,
    /// Where the search has come to.
    reached: Option<Position>,
    /// There may be more before that.
    more: bool,
}

impl Harvest {
    /// Takes one more; false where the answer is full.
    fn take(&mut self, record: Arc<Record>, limit: usize) -> bool {
        let bytes = self.bytes + record.text.len();
        if self.records.len() >= limit || (bytes > MAX_BYTES && !self.records.is_empty()) {
            return false;
        }
        self.bytes = bytes;
        self.records.push(record);
        true
    }
}

impl Member {
    /// Answers a search of this person's.
    pub(super) fn search(&self, me: &Client, ask: Ask, id: Option<String>) {
        if !self.wait_in_order(me) {
            return;
        }
        match self.found(me, ask, id.clone()) {
            Ok(found) => self.dialect().write_found(&found).into_iter().for_each(|message| me.send(message)),
            Err(problem) => self.refuse(me, problem, id),
        }
    }

    fn found(&self, me: &Client, ask: Ask, id: Option<String>) -> Result<Event, Problem> {
        let Ask::Search { words, room, before, limit } = ask else {
            return Err(Problem::new("bad_request", "this is no search"));
        };
        if words.chars().count() > MAX_WORDS {
            return Err(Problem::new("bad_request", format!("this is longer than {MAX_WORDS} characters")));
        }
        let positions = Positions::of(self.shared.store.epoch());
        let unknown = || Problem::new("bad_position", "this position is not of this server's store");
        let before = before.map(|before| positions.parse(&before).ok_or_else(unknown)).transpose()?;
        let rooms = self.shared.state.lock().searchable(me.id(), room.as_deref())?;
        let limit = limit.unwrap_or(USUAL).clamp(1, MAX_FOUND);
        let search = Search { rooms: rooms.iter().map(RoomName::shared).collect(), words, before, limit };
        let harvest = self.look(me, search.clone())?;
        let message = |record: &Arc<Record>| said(record, &positions);
        Ok(Event::Found {
            words: search.words,
            room: room.and(rooms.first()).map(RoomName::to_string),
            messages: harvest.records.iter().rev().map(message).collect(),
            more: harvest.more,
            before: harvest.reached.filter(|_| harvest.more).map(|reached| positions.show(reached)),
            id,
        })
    }

    /// Asks the store, and leaves out whom the asker ignores.
    fn look(&self, me: &Client, mut search: Search) -> Result<Harvest, Problem> {
        let _inside = self.shared.searches.enter()?;
        let mut harvest = Harvest::default();
        for _ in 0..MAX_ROUNDS {
            let found = self.shared.store.search(&search).map_err(|error| refused(&error))?;
            harvest.more = found.more;
            let heard = self.shared.state.lock().wanted(me.id(), found.records);
            for (record, is_wanted) in heard.into_iter().rev() {
                let position = record.position;
                if is_wanted && !harvest.take(record, search.limit) {
                    harvest.more = true;
                    return Ok(harvest);
                }
                harvest.reached = Some(position);
            }
            if !harvest.more || harvest.records.len() >= search.limit {
                break;
            }
            search.before = harvest.reached;
        }
        Ok(harvest)
    }
}

fn said(record: &Record, positions: &Positions) -> ChatMessage {
    ChatMessage {
        room: record.room.to_string(),
        from: record.from.clone(),
        text: record.text.clone(),
        pos: positions.show(record.position),
        time: record.time,
        action: record.action,
        id: None,
    }
}

/// What one is told whose search the store did not do. Where its files are is not among it.
fn refused(error: &StoreError) -> Problem {
    match error.kind() {
        StoreErrorKind::BadRequest => Problem::new("bad_request", error.to_string()),
        StoreErrorKind::Unsupported => {
            Problem::new("unavailable", "what was said cannot be searched on this server")
        }
        _ => {
            ::log::debug!("a search failed: {error}");
            Problem::new("unavailable", "what was said cannot be searched at the moment")
        }
    }
}
