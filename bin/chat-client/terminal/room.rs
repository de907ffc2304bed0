//! A room that this client is in: who is there, and what has not been seen.

use std::collections::VecDeque;

use super::block::{Block, Entry, Kind};

/// The most blocks that wait for the user to come to a room.
const MAX_HELD: usize = 200;
/// The most names that are known of a room, for completion.
const MAX_PEOPLE: usize = 2_000;
/// The most who spoke last.
const MAX_SPEAKERS: usize = 50;

#[derive(Debug, Default)]
pub struct Room {
    /// In the server's order.
    people: Vec<String>,
    /// How many there are; more than are known where there are many.
    pub total: usize,
    /// Who spoke last comes first.
    speakers: VecDeque<String>,
    pub topic: String,
    held: VecDeque<Block>,
    /// Messages that the user has not seen, those too that are not held any more.
    pub news: usize,
    /// Somebody mentioned the user in them.
    pub is_called: bool,
    /// Messages still to come that were missed while the connection was lost.
    pub missed: usize,
    /// The user was told who is here.
    pub is_introduced: bool,
}

impl Room {
    pub fn set_people(&mut self, names: Vec<String>, total: usize) {
        self.total = total.max(names.len());
        self.people = names;
    }

    pub fn add(&mut self, name: &str) {
        if !self.has(name) {
            self.total += 1;
            if self.people.len() < MAX_PEOPLE {
                self.people.push(name.to_owned());
            }
        }
    }

    pub fn remove(&mut self, name: &str) {
        self.total = self.total.saturating_sub(1);
        self.people.retain(|other| other != name);
        self.speakers.retain(|other| other != name);
    }

    /// Whether somebody of that name was there.
    pub fn rename(&mut self, from: &str, name: &str) -> bool {
        let had = self.has(from);
        for other in self.people.iter_mut().chain(&mut self.speakers).filter(|other| *other == from) {
            name.clone_into(other);
        }
        had
    }

    pub fn has(&self, name: &str) -> bool {
        self.people.iter().any(|other| other == name)
    }

    pub fn spoke(&mut self, name: &str) {
        self.speakers.retain(|other| other != name);
        self.speakers.push_front(name.to_owned());
        self.speakers.truncate(MAX_SPEAKERS);
    }

    /// Everybody, who spoke last first.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        let silent = self.people.iter().filter(|name| !self.speakers.contains(name));
        self.speakers.iter().filter(|name| self.has(name)).chain(silent)
    }

    /// Keeps what is not on the screen for when the user comes.
    pub fn hold(&mut self, block: Block) {
        self.held.push_back(block);
        if self.held.len() > MAX_HELD {
            self.held.pop_front();
        }
    }

    /// Holds nothing any more of what somebody of these names said.
    pub fn forget(&mut self, is_meant: impl Fn(&str) -> bool) {
        self.held.retain(|block| match block {
            Block::Entry(Entry { kind: Kind::Said { .. } | Kind::Did { .. }, name, .. }) => !is_meant(name),
            _ => true,
        });
    }

    /// What was held; and nothing is new any more.
    pub fn take_held(&mut self) -> Vec<Block> {
        self.news = 0;
        self.is_called = false;
        self.held.drain(..).collect()
    }
}
