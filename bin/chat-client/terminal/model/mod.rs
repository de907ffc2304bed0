//! What the client knows of the chat: its name, its rooms, what it asked. Turns each
//! update into what is to be shown; no threads, no terminal, no network.

mod hear;
mod moderation;
mod said;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use chinwag::Error;
use chinwag::chat_client::Update;
use chinwag::protocol::{Ask, Erased};

use super::block::Block;
use super::room::Room;
use said::Said;

/// The most questions whose answers are waited for; those before them are not coming.
const MAX_ASKED: usize = 100;
/// The most names that are remembered of people who left.
const MAX_PAST_NAMES: usize = 1_000;

/// What follows from an update.
#[derive(Debug, Default)]
pub struct Effects {
    pub blocks: Vec<Block>,
    pub ring: bool,
    /// To be asked without the user's doing.
    pub asks: Vec<Ask>,
}

/// The connection.
#[derive(Debug)]
pub enum Link {
    Up,
    Connecting,
    Lost { again_at: Instant },
}

/// A question that was asked, for the answer to be known as its answer.
#[derive(Debug)]
struct Asked {
    id: String,
    question: Question,
    is_shown: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Question {
    Who(String),
    History(String),
    Ping(Instant),
}

#[derive(Debug)]
pub struct Model {
    pub name: String,
    /// In the order joined.
    rooms: Vec<(String, Room)>,
    /// The room that is on the screen, and where the user speaks.
    current: Option<String>,
    previous: Option<String>,
    /// The user wants to go there as soon as it is joined.
    pub destination: Option<String>,
    pub link: Link,
    lost_since: Option<Instant>,
    asked: Vec<Asked>,
    /// Who whispered last.
    pub whisperer: Option<String>,
    /// Rooms that were heard of.
    known_rooms: Vec<String>,
    pub is_away: bool,
    /// The user keeps order here.
    pub is_operator: bool,
    pub said: Said,
    /// The deletion that was told last: one who comes back may be told again.
    erased: Option<Erased>,
    /// Who was here, or whispered, and may have left: what begins with such a name is
    /// not for somebody whose name is shorter.
    pub past_names: VecDeque<String>,
}

impl Model {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            rooms: Vec::new(),
            current: None,
            previous: None,
            destination: None,
            link: Link::Up,
            lost_since: None,
            asked: Vec::new(),
            whisperer: None,
            known_rooms: Vec::new(),
            is_away: false,
            is_operator: false,
            said: Said::default(),
            erased: None,
            past_names: VecDeque::new(),
        }
    }

    pub fn current(&self) -> Option<&str> {
        self.current.as_deref()
    }

    pub fn rooms(&self) -> impl Iterator<Item = (&str, &Room)> {
        self.rooms.iter().map(|(name, room)| (name.as_str(), room))
    }

    pub fn room(&self, name: &str) -> Option<&Room> {
        self.rooms().find(|(other, _)| *other == name).map(|(_, room)| room)
    }

    fn room_mut(&mut self, name: &str) -> Option<&mut Room> {
        self.rooms.iter_mut().find(|(other, _)| other == name).map(|(_, room)| room)
    }

    /// Rooms that were heard of and are not joined, for completion.
    pub fn known_rooms(&self) -> &[String] {
        &self.known_rooms
    }

    /// Remembers a question that was put under `id`, so that its answer is known.
    pub fn asked(&mut self, ask: &Ask, id: &str, is_shown: bool) {
        let question = match ask {
            Ask::Who { room } => Question::Who(room.clone()),
            Ask::History { room, .. } => Question::History(room.clone()),
            Ask::Ping => Question::Ping(Instant::now()),
            _ => return,
        };
        if self.asked.len() == MAX_ASKED {
            self.asked.remove(0);
        }
        self.asked.push(Asked { id: id.to_owned(), question, is_shown });
    }

    fn remember_name(&mut self, name: &str) {
        self.past_names.retain(|other| other != name);
        self.past_names.push_back(name.to_owned());
        if self.past_names.len() > MAX_PAST_NAMES {
            self.past_names.pop_front();
        }
    }

    /// Whether the user asked this, for answers that do not tell.
    fn was_asked(&mut self, question: &Question) -> Option<bool> {
        let place = self.asked.iter().position(|asked| asked.question == *question)?;
        Some(self.asked.remove(place).is_shown)
    }

    /// Goes to a room that is joined; what is new there comes under a rule.
    pub fn go_to(&mut self, name: &str) -> Vec<Block> {
        let is_first = self.current.is_none() && self.previous.is_none();
        if self.current.as_deref() != Some(name) {
            self.previous = self.current.replace(name.to_owned());
        }
        let Some(room) = self.room_mut(name) else { return Vec::new() };
        let news = match room.news {
            0 => String::new(),
            news => format!(" · {news} new"),
        };
        let held = room.take_held();
        // Nothing on the screen is of another room yet.
        let rule = (!is_first).then(|| Block::Rule(format!("{name}{news}")));
        rule.into_iter().chain(held).collect()
    }

    pub fn apply(&mut self, update: Update) -> Effects {
        let mut effects = Effects::default();
        match update {
            Update::Event(event) => self.hear(event, &mut effects),
            Update::Lost { why, again_in, .. } => self.lose(&why, again_in, &mut effects),
            Update::Connecting => self.link = Link::Connecting,
            Update::Back { same_session } => self.come_back(same_session, &mut effects),
            _ => {}
        }
        effects
    }

    fn lose(&mut self, why: &Error, again_in: Duration, effects: &mut Effects) {
        self.link = Link::Lost { again_at: Instant::now() + again_in };
        // Said once; what comes after is in the prompt.
        if self.lost_since.is_none() {
            self.lost_since = Some(Instant::now());
            self.asked.clear();
            effects.blocks.push(Block::Alarm(format!("connection lost: {why}")));
            effects
                .blocks
                .push(Block::Info("what you type now is kept, and sent when it is back".to_owned()));
        }
    }

    fn come_back(&mut self, same_session: bool, effects: &mut Effects) {
        self.link = Link::Up;
        let away = self.lost_since.take().map(|since| since.elapsed()).unwrap_or_default();
        effects.blocks.push(Block::Info(format!("connected again after {}", words_for(away))));
        if !same_session {
            let words =
                "the server does not know this session any more: something may be missing, or come twice";
            effects.blocks.push(Block::Info(words.to_owned()));
        }
        let rooms = self.rooms.iter().map(|(name, _)| name.clone());
        effects.asks.extend(rooms.map(|room| Ask::Who { room }));
    }
}

/// `3 s`, `5 min`, `2 h 10 min`, `3 days`.
pub fn words_for(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ ..3600 => format!("{} min", seconds / 60),
        seconds @ ..172_800 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        seconds => format!("{} days", seconds / 86_400),
    }
}
