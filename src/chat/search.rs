//! Looking for words in what was said. Runs on the thread of who asks: a store may be
//! slow, and nobody else waits for it.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::recent::Entry;
use super::state::Problem;
use super::{Member, RoomName};
use crate::Client;
use crate::protocol::{Ask, ChatMessage, Event};
use crate::store::{Position, Search, StoreError, StoreErrorKind};

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
/// So many look at a time; they take a processor each. Others wait, so long at most; and
/// after so long what was found so far is the answer.
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

/// Some of what was found.
#[derive(Default)]
struct Harvest {
    /// The latest first.
    messages: Vec<ChatMessage>,
    bytes: usize,
    /// Where the search has come to.
    reached: Option<Position>,
    /// There may be more before that.
    more: bool,
}

impl Harvest {
    /// Takes one more; false where the answer is full.
    fn take(&mut self, message: &ChatMessage, limit: usize) -> bool {
        let bytes = self.bytes + message.text.len();
        if self.messages.len() >= limit || (bytes > MAX_BYTES && !self.messages.is_empty()) {
            return false;
        }
        self.bytes = bytes;
        self.messages.push(message.clone());
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
        let (rooms, before) =
            self.shared.state.lock().searchable(me.id(), room.as_deref(), before.as_deref())?;
        // What was shown in them is known from here on.
        rooms.iter().for_each(|room| self.shared.prepare(room));
        let limit = limit.unwrap_or(USUAL).clamp(1, MAX_FOUND);
        let search = Search { rooms: rooms.iter().map(RoomName::shared).collect(), words, before, limit };
        let mut harvest = self.look(me, search.clone())?;
        harvest.messages.reverse();
        let Harvest { messages, reached, more, .. } = harvest;
        let positions = &self.shared.state.lock().positions;
        let before = reached.filter(|_| more).map(|reached| positions.show(reached));
        let room = room.and(rooms.first()).map(RoomName::to_string);
        Ok(Event::Found { words: search.words, room, messages, more, before, id })
    }

    /// Asks the store, and leaves out whom the asker ignores.
    fn look(&self, me: &Client, mut search: Search) -> Result<Harvest, Problem> {
        let _inside = self.shared.searches.enter()?;
        let (mut harvest, start) = (Harvest::default(), Instant::now());
        for _ in 0..MAX_ROUNDS {
            let found = self.shared.store.search(&search).map_err(|error| refused(&error))?;
            let state = self.shared.state.lock();
            for record in found.records.iter().rev() {
                let (room, entry) =
                    (RoomName::kept(record.room.clone()), Entry::of(&state.positions, record, None));
                let is_wanted = state.is_wanted(me.id(), &room, &entry);
                if is_wanted && !harvest.take(entry.message(), search.limit) {
                    harvest.more = true;
                    return Ok(harvest);
                }
                harvest.reached = Some(record.position);
            }
            harvest.more = found.more;
            let is_late = start.elapsed() >= PATIENCE;
            if !harvest.more || harvest.messages.len() >= search.limit || is_late {
                break;
            }
            search.before = harvest.reached;
        }
        Ok(harvest)
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
