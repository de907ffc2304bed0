//! Coming back into a room: what was missed, then what is said live, none twice.

use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;

use super::dialect::Listener;
use super::recent::Entry;
use super::state::{Earlier, Problem};
use super::{Member, RoomName};
use crate::protocol::Event;
use crate::store::{Position, StoreError, StoreErrorKind};
use crate::{Client, CloseCode};

/// So many missed messages, and bytes of their text, at a time are sent to one who comes
/// back, and how long such a portion may take.
const PORTION: usize = 256;
const PORTION_BYTES: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);
/// So many messages at a time are read from the store.
const PAGE: usize = 256;
/// Of so many is looked whose they are, before one is told how many there are whom one does
/// not ignore.
const MAX_COUNTED: usize = 16 * PAGE;
/// So many at most are left for the turn of the hub's in which one comes in.
const REST: usize = 64;
/// So many times at most one is nearly there and finds that much was said meanwhile.
const MAX_TRIES: usize = 1000;

/// How long is waited for what another server has shown one who comes from there, and how
/// often is looked.
const OTHERS: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(10);

/// How far one who comes back is.
struct Way {
    room: RoomName,
    /// All up to here was heard.
    place: Position,
    /// So many were said between there and `until`, and kept at first.
    left: u64,
    until: Position,
    /// How many messages the room had been shown by then.
    shown: u64,
    complete: bool,
}

impl Member {
    /// Comes into a room again, and hears what was missed, a portion at a time, before it
    /// is live: what comes in meanwhile is in the log.
    pub(super) fn come_back(
        &self,
        me: &Client,
        room: RoomName,
        since: &str,
        id: Option<String>,
        is_opening: bool,
    ) {
        if !self.wait_in_order(me) {
            return;
        }
        let allowed = self.shared.state.lock().check_room(me.id(), &room);
        if let Err(problem) = allowed {
            return self.refuse(me, problem, id);
        }
        self.shared.prepare(&room);
        self.wait_for_others(&room, since);
        let mut way = self.way(room, since);
        let missed = self.missed(me, &way);
        let (room, complete) = (way.room.to_string(), way.complete);
        self.tell(me, &Event::Resumed { room, complete, missed });
        let deleted = self.shared.state.lock().deleted_since(&way.room, since);
        deleted.into_iter().for_each(|erased| self.tell(me, &Event::Erased(erased)));
        for _ in 0..MAX_TRIES {
            if !self.catch_up(me, &mut way) {
                return;
            }
            if self.come_in(me, &way, id.clone(), is_opening) {
                return;
            }
        }
        me.close(CloseCode::TRY_AGAIN, "too slow to keep up");
    }

    /// Waits for what another server with the same log has shown this client, and this server
    /// has not heard of yet: it would come again, as news.
    fn wait_for_others(&self, room: &RoomName, since: &str) {
        let (position, head) = {
            let state = self.shared.state.lock();
            (state.positions.parse(since), state.recent.head(room))
        };
        let (Some(position), Some(head)) = (position, head) else { return };
        if position <= head {
            return;
        }
        let Ok(bounds) = self.shared.store.bounds(room.as_str()) else { return };
        let until = position.min(bounds.head);
        // What is deleted by now is not to come any more.
        if self.shared.store.count(room.as_str(), head, until).is_ok_and(|count| count == 0) {
            return;
        }
        let deadline = Instant::now() + OTHERS;
        let is_behind = || self.shared.state.lock().recent.head(room).is_some_and(|head| head < until);
        while is_behind() && Instant::now() < deadline {
            thread::sleep(LOOK);
        }
    }

    /// Where somebody was, and how much there is behind it.
    fn way(&self, room: RoomName, since: &str) -> Way {
        let (position, begins, (head, shown)) = {
            let state = self.shared.state.lock();
            (state.positions.parse(since), state.recent.begins(&room), state.recent.shown(&room))
        };
        let (place, complete) = match (position, begins) {
            // Its log cannot be read, and what is said from here on is all that there is.
            (_, None) => (head, false),
            (Some(position), Some(begins)) if (begins..=head).contains(&position) => (position, true),
            _ => match self.shared.store.bounds(room.as_str()) {
                Ok(bounds) => match position {
                    Some(position) if position <= bounds.head => {
                        (position.max(bounds.gone), position >= bounds.gone)
                    }
                    // It is of an end of the log that is lost, or of another room's.
                    Some(position) => (position.min(bounds.latest), false),
                    // Of a position that is not of this store nothing is known but that all that
                    // is kept came after it.
                    None => (bounds.gone, false),
                },
                Err(error) => {
                    warn_unread(&error);
                    (head, false)
                }
            },
        };
        let left = self.count(&room, place, head);
        Way { room, place, left, until: head, shown, complete }
    }

    /// Goes on to what was shown by now.
    fn extend(&self, way: &mut Way) {
        let (head, shown) = self.shared.state.lock().recent.shown(&way.room);
        way.left += shown.saturating_sub(way.shown);
        (way.until, way.shown) = (way.until.max(head), shown);
    }

    fn count(&self, room: &RoomName, after: Position, until: Position) -> u64 {
        if after >= until {
            return 0;
        }
        let at_hand = self.shared.state.lock().recent.count(room, after, until);
        match at_hand {
            Some(count) => count as u64,
            None => self.shared.store.count(room.as_str(), after, until).unwrap_or_else(|error| {
                warn_unread(&error);
                0
            }),
        }
    }

    /// How many messages this client is going to hear of those that it missed.
    fn missed(&self, me: &Client, way: &Way) -> usize {
        if self.shared.state.lock().hears_all(me.id()) {
            return way.left as usize;
        }
        let (mut place, mut missed, mut seen) = (way.place, 0, 0);
        loop {
            // To count more exactly would cost all others more than it is worth.
            if seen >= MAX_COUNTED {
                return missed + (way.left as usize).saturating_sub(seen);
            }
            let entries = self.next(way, place).unwrap_or_default();
            let Some(last) = entries.last().map(|last| last.position) else { return missed };
            missed += self.shared.state.lock().heard(me.id(), &entries).count();
            seen += entries.len();
            if last >= way.until {
                return missed;
            }
            place = last;
        }
    }

    /// What was said between a place and the end of the way, which was shown: what is at
    /// hand, or else a page of the store's.
    fn next(&self, way: &Way, place: Position) -> Result<Vec<Entry>, StoreError> {
        let positions = {
            let state = self.shared.state.lock();
            if let Some(mut entries) = state.recent.after(&way.room, place) {
                entries.retain(|entry| entry.position <= way.until);
                return Ok(entries);
            }
            state.positions.clone()
        };
        let records = self.shared.store.after(way.room.as_str(), place, way.until, PAGE)?;
        Ok(records.iter().map(|record| Entry::of(&positions, record, None)).collect())
    }

    /// Sends what was missed until little is left; false where the client does not take it.
    fn catch_up(&self, me: &Client, way: &mut Way) -> bool {
        loop {
            self.extend(way);
            let is_at_hand = self.shared.state.lock().recent.is_at_hand(&way.room, way.place);
            let entries = match self.next(way, way.place) {
                Ok(entries) => entries,
                Err(error) if error.kind() == StoreErrorKind::Behind => {
                    // It loses nothing that comes back for it.
                    me.close(CloseCode::TRY_AGAIN, "too many look back at once");
                    return false;
                }
                Err(error) => {
                    warn_unread(&error);
                    Vec::new()
                }
            };
            if is_at_hand && entries.len() <= REST {
                return true;
            }
            let last = entries.last().map(|last| last.position);
            if !is_at_hand {
                // Where there is nothing, it is not kept any more, or cannot be read.
                let begins = || self.shared.state.lock().recent.begins(&way.room);
                let next = last.unwrap_or_else(|| begins().unwrap_or(way.place).max(way.place));
                self.tell_gap(me, way, entries.len() as u64, next);
                way.place = next;
            }
            let Some(last) = last else { return true };
            if !self.send_portions(me, &entries) {
                return false;
            }
            way.left = way.left.saturating_sub(entries.len() as u64);
            way.place = last;
        }
    }

    /// Tells of what is gone by now of that which was there, where so many have come up to
    /// `next`.
    fn tell_gap(&self, me: &Client, way: &mut Way, come: u64, next: Position) {
        // What was said in the meantime may be gone just so.
        self.extend(way);
        let is_gone = match self.shared.store.bounds(way.room.as_str()) {
            Ok(bounds) => bounds.gone > way.place,
            Err(_) => true,
        };
        // What was deleted is not missing.
        if !is_gone {
            return;
        }
        let kept = come + self.count(&way.room, next, way.until);
        let dropped = way.left.saturating_sub(kept);
        way.left = kept;
        if dropped > 0 {
            let (room, rooms) = (way.room.to_string(), vec![way.room.to_string()]);
            self.tell(me, &Event::Gap { room, dropped, rooms });
        }
    }

    /// Sends what was missed, as fast as this client takes it; false where it does not.
    fn send_portions(&self, me: &Client, entries: &[Entry]) -> bool {
        let mut rest = entries;
        while !rest.is_empty() {
            let (portion, behind) = rest.split_at(portion(rest));
            rest = behind;
            // However many come back at once, the others need the processor, too.
            let one_at_a_time = self.shared.portions.lock();
            let heard = {
                let state = self.shared.state.lock();
                state.heard(me.id(), portion).cloned().collect::<Vec<_>>()
            };
            me.send_directly(heard.iter().filter_map(|e| e.written(&self.shared.dialects, self.dialect)));
            drop(one_at_a_time);
            if !me.wait_half_read(PATIENCE) {
                me.close(CloseCode::TRY_AGAIN, "too slow to keep up");
                return false;
            }
        }
        true
    }

    /// Comes in and hears the rest, in one turn of the hub's; false where that is too much
    /// by now.
    fn come_in(&self, me: &Client, way: &Way, id: Option<String>, is_opening: bool) -> bool {
        let (is_in_tx, is_in_rx) = bounded(1);
        let (room, place) = (way.room.clone(), way.place);
        self.in_turn(me, |shared, who| {
            move |turn| {
                let mut state = shared.state.lock();
                // A room whose log cannot be read is better than none.
                let is_unread = state.recent.begins(&room).is_none();
                let rest = state.recent.count(&room, place, Position(u128::MAX));
                let is_in = is_unread || rest.is_some_and(|rest| rest <= 2 * REST);
                if is_in {
                    let earlier = Earlier::After(place);
                    if is_opening {
                        state.enter(turn, who, &room, earlier);
                    } else if let Err(problem) = state.join(turn, who, &room, earlier) {
                        state.refuse(turn, who, problem, id);
                    }
                    state.note_active(who);
                }
                // Nobody waits any more where the hub has ended.
                let _ = is_in_tx.send(is_in);
            }
        });
        is_in_rx.recv().unwrap_or(true)
    }

    /// Waits until the hub has done what this client asked for; false where it is gone, or
    /// too slow to go on with.
    pub(super) fn wait_in_order(&self, me: &Client) -> bool {
        self.pending.wait();
        let is_ready = me.wait_caught_up(PATIENCE);
        if !is_ready {
            me.close(CloseCode::TRY_AGAIN, "too slow to keep up");
        }
        is_ready
    }

    /// Tells something between what was missed, and in its place.
    fn tell(&self, me: &Client, event: &Event) {
        me.send_directly(self.dialect().write(event, Listener::default()));
    }

    pub(super) fn refuse(&self, me: &Client, problem: Problem, id: Option<String>) {
        self.in_turn(me, |shared, who| move |turn| shared.state.lock().refuse(turn, who, problem, id));
    }
}

/// How many of these go out together.
fn portion(entries: &[Entry]) -> usize {
    let mut bytes = 0;
    let fits = |entry: &&Entry| {
        bytes += entry.message().text.len();
        bytes <= PORTION_BYTES
    };
    entries.iter().take(PORTION).take_while(fits).count().max(1)
}

fn warn_unread(error: &StoreError) {
    log::warn!("what was missed cannot be read: {}", crate::Escaped::new(&error.to_string()));
}
