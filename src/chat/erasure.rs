//! Deleting what somebody said. The store may take a while, so that this runs on the
//! thread of who gives the order; only what is at hand is forgotten in the hub's turn.

use std::collections::VecDeque;

use crossbeam_channel::bounded;

use super::state::{Problem, now, parse_name, parse_room};
use super::{Chat, LOBBY, Member, Name, NameKey, Role, RoomName, Shared};
use crate::protocol::{Ask, Erased, Event};
use crate::store::{Erasure, Position, Record, StoreError};
use crate::{Client, Escaped, Hub};

/// What is to be deleted.
struct Order {
    name: Name,
    author: NameKey,
    room: Option<RoomName>,
}

/// So many deletions are told again to those who come back.
const MAX_REMEMBERED: usize = 64;

/// What was deleted lately, the oldest first: who was away just then may still show it.
#[derive(Default)]
pub(super) struct Deletions(VecDeque<Deletion>);

impl Deletions {
    pub(super) fn note(&mut self, deletion: Deletion) {
        if self.0.len() == MAX_REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(deletion);
    }

    /// Whether this message is deleted: it was on its way to be shown.
    pub(super) fn cover(&self, record: &Record) -> bool {
        self.0.iter().any(|deletion| {
            deletion.author.as_str() == &*record.author
                && record.position <= deletion.certain
                && deletion.is_about(&record.room)
        })
    }

    /// What was deleted in a room, or in all.
    pub(super) fn about(&self, room: &RoomName) -> impl Iterator<Item = &Deletion> {
        self.0.iter().filter(|deletion| deletion.is_about(room.as_str()))
    }

    /// What one may not know of who heard a room last at this position, or at one that is
    /// not of this store.
    pub(super) fn since(&self, room: &RoomName, position: Option<Position>) -> Vec<Erased> {
        let is_news = |deletion: &&Deletion| position.is_none_or(|position| position <= deletion.until);
        self.about(room).filter(is_news).map(|deletion| deletion.erased.clone()).collect()
    }
}

/// What was deleted.
pub(super) struct Deletion {
    pub author: NameKey,
    /// All up to here.
    pub certain: Position,
    /// Behind that and up to here some of it was said while it was deleted, and may be kept.
    pub until: Position,
    /// What is told of it.
    pub erased: Erased,
}

impl Deletion {
    fn is_about(&self, room: &str) -> bool {
        self.erased.room.as_deref().is_none_or(|only| only == room)
    }
}

impl Order {
    fn parse(name: &str, room: Option<&str>) -> Result<Self, Problem> {
        let name = parse_name(name)?;
        let author = name.key();
        Ok(Self { name, author, room: room.map(parse_room).transpose()? })
    }

    fn place(&self) -> String {
        self.room.as_ref().map_or_else(|| "all rooms".to_owned(), |room| format!("the room {room}"))
    }
}

impl Shared {
    /// Deletes in the store, and says so in the log.
    fn erase(&self, order: Order, by: &str) -> Result<Deletion, Problem> {
        let place = order.place();
        let Order { name, author, room } = order;
        let (who, place, operator) = (Escaped::new(name.as_str()), Escaped::new(&place), Escaped::new(by));
        let erasure = Erasure { author: author.as_str().into(), room: room.as_ref().map(RoomName::shared) };
        let failed = |error: StoreError| {
            ::log::error!("{operator} could not delete what {who} said in {place}: {error}");
            Problem::new("unavailable", format!("it may not all be deleted: {}", error.kind().hint()))
        };
        let latest = || {
            let bounds = self.store.bounds(room.as_ref().map_or(LOBBY, RoomName::as_str));
            bounds.map(|bounds| bounds.latest).map_err(failed)
        };
        let certain = latest()?;
        let messages = self.store.erase(&erasure).map_err(failed)?;
        ::log::info!("{operator} deleted what {who} said in {place}: {messages} messages");
        let until = latest()?;
        let erased = Erased {
            name: name.to_string(),
            alike: Vec::new(),
            room: room.as_ref().map(RoomName::to_string),
            messages: Some(messages),
            by: by.to_owned(),
            time: now(),
        };
        Ok(Deletion { author, certain, until, erased })
    }
}

impl Member {
    /// Deletes what somebody said, where this person may.
    pub(super) fn erase(&self, me: &Client, name: &str, room: Option<&str>, id: Option<String>) {
        if !self.wait_in_order(me) {
            return;
        }
        if let Err(problem) = self.try_erase(me, name, room) {
            self.refuse(me, problem, id);
        }
    }

    fn try_erase(&self, me: &Client, name: &str, room: Option<&str>) -> Result<(), Problem> {
        if self.role != Role::Operator {
            return Err(Problem::new("forbidden", "this is for operators only"));
        }
        if room.is_none() && self.grant.as_ref().is_some_and(|grant| grant.rooms().is_some()) {
            return Err(Problem::new("forbidden", "your token does not allow all rooms: name one"));
        }
        let deletion = self.shared.erase(Order::parse(name, room)?, self.name().as_str())?;
        self.in_turn(me, |shared, who| {
            move |turn| drop(shared.state.lock().erased(turn, deletion, Some(who)))
        });
        Ok(())
    }
}

impl Chat {
    /// Deletes what somebody said, by the order of one who is not in the chat.
    pub(super) fn erase(&self, hub: &Hub, by: &str, ask: &Ask) -> Result<Event, Problem> {
        let Ask::Erase { name, room } = ask else {
            return Err(Problem::new("bad_request", "this deletes nothing"));
        };
        let deletion = self.shared.erase(Order::parse(name, room.as_deref())?, by)?;
        let (shared, (told_tx, told_rx)) = (self.shared.clone(), bounded(1));
        hub.atomically(move |turn| {
            // Nobody waits any more where the asker has panicked.
            let _ = told_tx.send(shared.state.lock().erased(turn, deletion, None));
        });
        told_rx.recv().map_err(|_| Problem::new("stopped", "it is deleted, and the server has stopped"))
    }
}
