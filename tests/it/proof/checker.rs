//! Finds the first thing that is wrong with a run: nothing lost, nothing twice, one order.
//!
//! The log is taken as it is in the end, all rooms in the store's order. It is looked at
//! alone first, then against each client's record. The checker knows no protocol and no
//! server: with several servers of one chat the records name them, and the rules are the
//! same.

use std::collections::{HashMap, HashSet};

use super::listener::Listener;
use super::record::{Kept, Life, Message, Record, Step};
use super::speaker::Speaker;
use super::violation::{Rule, Violation};

/// What may have happened to the log besides being appended to.
#[derive(Debug, Default)]
pub struct Terms {
    /// Lives that ended with the power, where the store does not promise to bear that: the
    /// end of what was kept may be gone, though it was acknowledged.
    pub power_cuts: HashSet<Life>,
    /// The store refused at times: what was sent again after a refusal that its sender did
    /// not hear may be kept behind what that one said later.
    pub store_failed: bool,
}

/// How much a run was.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    pub kept: usize,
    pub acked: usize,
    pub refused: usize,
    /// Shown to people, but not kept.
    pub unplaced: usize,
    pub heard: usize,
    /// Heard or acknowledged, and gone with the power.
    pub lost: usize,
    pub connections: usize,
    pub resumed: usize,
    /// How often a client was told that something is missing.
    pub told_of_gaps: usize,
}

/// The log, and how to find one's way in it.
pub struct Log<'a> {
    pub kept: &'a [Kept],
    by_pos: HashMap<&'a str, usize>,
    by_message: HashMap<&'a Message, usize>,
    /// Which message of its room each one is.
    nth: Vec<usize>,
    rooms: HashMap<&'a str, Vec<usize>>,
    /// What each position means, those that are gone with the power as well.
    meanings: HashMap<&'a str, &'a Message>,
    pub terms: &'a Terms,
    /// How often each message was sent, by all.
    said: HashMap<Message, usize>,
}

/// Holds the records against the log.
pub fn check(records: &[Record], kept: &[Kept], terms: &Terms) -> Result<Summary, Violation> {
    let mut log = Log::new(kept, terms, times_said(records)?);
    log.check()?;
    let mut summary = Summary { kept: kept.len(), ..Summary::default() };
    for record in records {
        Speaker::new(record, &log).check(&mut summary)?;
        Listener::new(record, &mut log).check(&mut summary)?;
    }
    Ok(summary)
}

/// How often each message was sent. One message has one id.
fn times_said(records: &[Record]) -> Result<HashMap<Message, usize>, Violation> {
    let mut said: HashMap<Message, (&str, usize)> = HashMap::new();
    for record in records {
        for step in &record.steps {
            let Step::Said { id, room, text } = step else { continue };
            let (first, count) =
                said.entry(Message::new(room, &record.name, text)).or_insert((id.as_str(), 0));
            *count += 1;
            if first != id {
                let words = format!("{} says {text:?} as {first} and as {id}", record.name);
                return Err(Violation { rule: Rule::SaidIsUnique, words });
            }
        }
    }
    Ok(said.into_iter().map(|(message, (_, count))| (message, count)).collect())
}

impl<'a> Log<'a> {
    fn new(kept: &'a [Kept], terms: &'a Terms, said: HashMap<Message, usize>) -> Self {
        let (mut by_pos, mut by_message, mut meanings) = (HashMap::new(), HashMap::new(), HashMap::new());
        let mut rooms: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut nth = Vec::new();
        for (index, Kept { pos, message }) in kept.iter().enumerate() {
            by_pos.insert(pos.as_str(), index);
            by_message.insert(message, index);
            meanings.insert(pos.as_str(), message);
            let room = rooms.entry(&message.room).or_default();
            nth.push(room.len());
            room.push(index);
        }
        Self { kept, by_pos, by_message, nth, rooms, meanings, terms, said }
    }

    /// What can be said of it alone.
    fn check(&self) -> Result<(), Violation> {
        let fails = |rule, words| Err(Violation { rule, words });
        for (index, Kept { pos, message }) in self.kept.iter().enumerate() {
            let shown = shown(message, pos);
            if self.times_said(message) == 0 {
                return fails(Rule::KeptWasSaid, format!("nobody said {shown}, and it is in the log"));
            }
            let last = self.by_message[message];
            if last != index {
                return fails(
                    Rule::KeptOnce,
                    format!("{shown} is in the log again at {}", self.kept[last].pos),
                );
            }
            let last = self.by_pos[pos.as_str()];
            if last != index {
                let other = &self.kept[last].message;
                let words = format!("{shown} and {:?} have one position", other.text);
                return fails(Rule::OneMessageAPosition, words);
            }
        }
        Ok(())
    }

    pub fn times_said(&self, message: &Message) -> usize {
        self.said.get(message).copied().unwrap_or_default()
    }

    pub fn at(&self, pos: &str) -> Option<usize> {
        self.by_pos.get(pos).copied()
    }

    pub fn find(&self, message: &Message) -> Option<usize> {
        self.by_message.get(message).copied()
    }

    /// Which message of its room this is.
    pub fn nth(&self, index: usize) -> usize {
        self.nth[index]
    }

    /// The messages of a room.
    pub fn room(&self, room: &str) -> &[usize] {
        self.rooms.get(room).map_or(&[], Vec::as_slice)
    }

    /// How many messages of a room come before all that are behind `index`.
    pub fn nth_behind(&self, room: &str, index: usize) -> usize {
        self.room(room).partition_point(|other| *other <= index)
    }

    /// Whether what this life kept may be gone: which life's power cut may have taken it.
    pub fn power_cut(&self, life: &Life) -> Option<u32> {
        let cuts = self.terms.power_cuts.iter().filter(|cut| cut.server == life.server);
        cuts.map(|cut| cut.number).filter(|number| *number >= life.number).min()
    }

    /// Takes note of what a position meant that is gone; what it meant before.
    pub fn mean(&mut self, pos: &'a str, message: &'a Message) -> &'a Message {
        self.meanings.entry(pos).or_insert(message)
    }
}

/// For words.
pub fn shown(message: &Message, pos: &str) -> String {
    let Message { room, from, text } = message;
    let text = text.chars().take(60).collect::<String>();
    format!("{from}'s {text:?} in {room} at {pos}")
}
