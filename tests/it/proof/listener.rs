//! A client's record, as one who hears what is said: all of it, once, in the log's order.

use std::collections::{HashMap, HashSet};

use super::checker::{Log, Summary, shown};
use super::record::{Life, Message, Record, Step};
use super::speaker::fails;
use super::violation::{Rule, Violation};

/// One client, and what it heard.
pub struct Listener<'r, 'l> {
    record: &'r Record,
    log: &'l mut Log<'r>,
    rooms: HashMap<&'r str, Place<'r>>,
    /// Positions that are heard at some time.
    heard_ever: HashSet<&'r str>,
    /// How often each message was heard without a position.
    unplaced: HashMap<&'r Message, usize>,
    /// What was said under each id, and on which connection first.
    said: HashMap<&'r str, (Message, usize)>,
    /// The number of the connection.
    connection: usize,
    life: Option<&'r Life>,
    session: Option<&'r str>,
}

/// Where one is in a room.
#[derive(Default)]
struct Place<'r> {
    /// Which of the room's messages must come next, where that is known.
    next: Option<usize>,
    heard: HashSet<usize>,
    /// It was said that something is missing here.
    is_told: bool,
    is_live: bool,
    /// What `resumed` announced, and has yet to come.
    announced: usize,
    /// A message that is gone with the power, and the life that ended so.
    lost: Option<(&'r str, u32)>,
}

impl<'r, 'l> Listener<'r, 'l> {
    pub fn new(record: &'r Record, log: &'l mut Log<'r>) -> Self {
        let heard_ever = record.steps.iter().filter_map(|step| match step {
            Step::Heard { pos, .. } => pos.as_deref(),
            _ => None,
        });
        Self {
            record,
            log,
            rooms: HashMap::new(),
            heard_ever: heard_ever.collect(),
            unplaced: HashMap::new(),
            said: HashMap::new(),
            connection: 0,
            life: None,
            session: None,
        }
    }

    pub fn check(mut self, summary: &mut Summary) -> Result<(), Violation> {
        let record = self.record;
        for step in &record.steps {
            self.take(step, summary)?;
        }
        if record.is_finished { self.nothing_left() } else { Ok(()) }
    }

    fn take(&mut self, step: &'r Step, summary: &mut Summary) -> Result<(), Violation> {
        match step {
            Step::Connected { life, session } => {
                summary.connections += 1;
                self.connected(life, session)?;
            }
            Step::Lost => self.away(),
            Step::Entered { room, pos } => {
                let next = self.log.at(pos).map(|index| self.log.nth_behind(room, index));
                let place = self.place(room);
                (place.next, place.is_told) = (next, false);
            }
            Step::Resumed { room, complete, missed } => {
                summary.resumed += 1;
                summary.told_of_gaps += usize::from(!complete);
                let place = self.place(room);
                place.is_told |= !complete;
                place.announced = *missed;
            }
            Step::Live { room } => self.live(room)?,
            Step::Said { id, room, text } => {
                let message = Message::new(room, &self.record.name, text);
                self.said.entry(id).or_insert((message, self.connection));
            }
            Step::Heard { message, pos, id } => {
                summary.heard += 1;
                self.own_copy(message, id.as_deref())?;
                match pos {
                    Some(pos) => summary.lost += usize::from(self.heard(message, pos)?),
                    None => {
                        summary.unplaced += 1;
                        self.heard_unplaced(message)?;
                    }
                }
            }
            Step::Gap { rooms } => {
                summary.told_of_gaps += 1;
                rooms.iter().for_each(|room| {
                    let place = self.place(room);
                    (place.is_told, place.announced) = (true, 0);
                });
            }
            Step::Acked { .. } | Step::Refused { .. } => {}
        }
        Ok(())
    }

    fn place(&mut self, room: &'r str) -> &mut Place<'r> {
        self.rooms.entry(room).or_default()
    }

    fn connected(&mut self, life: &'r Life, session: &'r str) -> Result<(), Violation> {
        self.away();
        self.connection += 1;
        self.life = Some(life);
        match self.session.replace(session) {
            Some(before) if before != session => {
                let Life { server, number } = life;
                let words = format!("{} is somebody else for {server} {number}", self.record.name);
                fails(Rule::SessionIsKnown, words)
            }
            _ => Ok(()),
        }
    }

    fn away(&mut self) {
        for place in self.rooms.values_mut() {
            (place.is_live, place.announced) = (false, 0);
        }
    }

    fn live(&mut self, room: &'r str) -> Result<(), Violation> {
        let place = self.place(room);
        place.is_live = true;
        match std::mem::take(&mut place.announced) {
            0 => Ok(()),
            left => {
                let name = &self.record.name;
                fails(Rule::MissedAsAnnounced, format!("{name} was announced {left} more messages of {room}"))
            }
        }
    }

    fn own_copy(&self, message: &Message, id: Option<&str>) -> Result<(), Violation> {
        let name = &self.record.name;
        let violated = |words| fails(Rule::OwnCopyHasItsId, words);
        let text = &message.text;
        match id {
            Some(id) => match self.said.get(id) {
                Some((said, _)) if said == message => Ok(()),
                _ => violated(format!("{name} heard {text:?} as {id}, which is not its id")),
            },
            None => {
                let is_live = self.rooms.get(&*message.room).is_some_and(|place| place.is_live);
                let is_own = |(said, connection): &&(Message, usize)| {
                    said == message && *connection == self.connection
                };
                match is_live && message.from == *name && self.said.values().any(|said| is_own(&said)) {
                    true => violated(format!("{name}'s own copy of {text:?} has no id")),
                    false => Ok(()),
                }
            }
        }
    }

    /// Whether this one is gone with the power.
    fn heard(&mut self, message: &'r Message, pos: &'r str) -> Result<bool, Violation> {
        let (name, shown) = (&self.record.name, shown(message, pos));
        let meant = self.log.mean(pos, message);
        if meant != message {
            let words = format!("{name} heard {shown}, where {:?} is", meant.text);
            return fails(Rule::OneMessageAPosition, words);
        }
        if self.log.times_said(message) == 0 {
            return fails(Rule::HeardWasSaid, format!("{name} heard {shown}, which nobody said"));
        }
        let cut = self.life.and_then(|life| self.log.power_cut(life));
        let place = self.rooms.entry(&message.room).or_default();
        place.announced = place.announced.saturating_sub(1);
        let Some(index) = self.log.at(pos) else {
            let Some(cut) = cut else {
                return fails(Rule::HeardIsKept, format!("{name} heard {shown}, which is not in the log"));
            };
            place.lost = Some((pos, cut));
            return Ok(true);
        };
        if let Some((lost, in_life)) = place.lost
            && cut == Some(in_life)
        {
            let words = format!("{name} heard {shown} behind {lost}, which is gone while this is kept");
            return fails(Rule::OnlyTheEndIsLost, words);
        }
        self.next(message, pos, index)?;
        Ok(false)
    }

    /// This message of the log comes next.
    fn next(&mut self, message: &'r Message, pos: &str, index: usize) -> Result<(), Violation> {
        let nth = self.log.nth(index);
        let (name, shown) = (&self.record.name, shown(message, pos));
        let place = self.rooms.entry(&message.room).or_default();
        if !place.heard.insert(nth) {
            return fails(Rule::HeardOnce, format!("{name} heard {shown} twice"));
        }
        let (next, is_told) = (place.next.replace(nth + 1), std::mem::take(&mut place.is_told));
        match next {
            Some(next) if nth < next => fails(Rule::HeardInOrder, format!("{name} heard {shown} too late")),
            Some(next) if nth > next && !is_told => {
                let missed = &self.log.kept[self.log.room(&message.room)[next]];
                let words = format!("{} before {shown}", missed_words(name, &missed.message, &missed.pos));
                match self.heard_ever.contains(missed.pos.as_str()) {
                    true => fails(Rule::HeardInOrder, format!("{name} heard {shown} before {}", missed.pos)),
                    false => fails(Rule::NothingMissed, words),
                }
            }
            _ => Ok(()),
        }
    }

    fn heard_unplaced(&mut self, message: &'r Message) -> Result<(), Violation> {
        let (name, text) = (&self.record.name, &message.text);
        let times = self.unplaced.entry(message).or_default();
        *times += 1;
        match self.log.times_said(message) {
            1 if self.log.find(message).is_some() => {
                let words = format!("{name} heard {text:?} without a position, and it is in the log");
                fails(Rule::UnplacedIsNotKept, words)
            }
            0 => fails(Rule::HeardWasSaid, format!("{name} heard {text:?}, which nobody said")),
            said if *times > said => {
                fails(Rule::HeardOnce, format!("{name} heard {text:?} {times} times, said {said} times"))
            }
            _ => Ok(()),
        }
    }

    /// Whether one who stayed to the end has heard the end of the log.
    fn nothing_left(&self) -> Result<(), Violation> {
        let mut rooms = self.rooms.iter().collect::<Vec<_>>();
        rooms.sort_unstable_by_key(|(room, _)| **room);
        for (room, place) in rooms {
            let left = place.next.and_then(|next| self.log.room(room).get(next));
            if let Some(index) = left.filter(|_| !place.is_told) {
                let missed = &self.log.kept[*index];
                let words = missed_words(&self.record.name, &missed.message, &missed.pos);
                return fails(Rule::NothingMissed, format!("{words}, up to the end"));
            }
        }
        Ok(())
    }
}

fn missed_words(name: &str, message: &Message, pos: &str) -> String {
    format!("{name} did not hear {}", shown(message, pos))
}
