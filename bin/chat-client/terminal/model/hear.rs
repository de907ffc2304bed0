//! What each event of the server's changes, and what is shown of it.

use chinwag::chat_client::NotKept;
use chinwag::protocol::{Ask, ChatMessage, Erased, Event};

use super::super::block::{Block, Entry, Kind};
use super::super::commands;
use super::super::room::Room;
use super::{Effects, Model, Question, moderation};
use crate::text;

impl Model {
    pub(super) fn hear(&mut self, event: Event, effects: &mut Effects) {
        match event {
            Event::Welcome { name, room, role, .. } => {
                self.name = name;
                self.is_operator = role.as_deref() == Some("operator");
                if self.current.is_none() {
                    self.destination = Some(room);
                }
            }
            Event::Joined { room, name, .. } if name == self.name => self.enter(&room, effects),
            Event::Left { room, name, .. } if name == self.name => self.leave(&room, effects),
            Event::Joined { room, name, time } => {
                if let Some(known) = self.room_mut(&room) {
                    known.add(&name);
                }
                self.tell(&room, name, time, "joined", effects);
            }
            Event::Left { room, name, time } => {
                self.remember_name(&name);
                if let Some(known) = self.room_mut(&room) {
                    known.remove(&name);
                }
                self.tell(&room, name, time, "left", effects);
            }
            Event::Message(message) => self.hear_message(message, effects),
            Event::Whisper { from, to, text, time, action, .. } => {
                let is_own = from == self.name;
                let kind = if is_own {
                    Kind::WhisperTo { is_deed: action }
                } else {
                    Kind::WhisperFrom { is_deed: action }
                };
                let name = if is_own { to } else { from };
                self.remember_name(&name);
                effects.ring |= !is_own;
                if !is_own {
                    self.whisperer = Some(name.clone());
                }
                effects.blocks.push(Block::Entry(Entry {
                    time,
                    kind,
                    room: None,
                    name,
                    text,
                    is_old: false,
                    is_unkept: false,
                }));
            }
            Event::Present { room, names, total, away } => {
                self.hear_present(&room, names, total, &away, effects)
            }
            Event::History { room, messages, .. } => self.hear_history(&room, messages, effects),
            Event::Resumed { room, complete, missed } => self.hear_resumed(&room, complete, missed, effects),
            Event::Renamed { from, name, time } => self.hear_renamed(from, name, time, effects),
            Event::Pong { id: Some(id) } => {
                let ping = self.asked.iter().position(|asked| asked.id == id);
                if let Some(Question::Ping(sent)) = ping.map(|place| self.asked.remove(place).question) {
                    let words =
                        format!("to the server and back: {:.1} ms", sent.elapsed().as_secs_f64() * 1e3);
                    effects.blocks.push(Block::Info(words));
                }
            }
            Event::Error { reason, id, .. } => self.hear_error(reason, id.as_deref(), effects),
            other => self.hear_more(other, effects),
        }
    }

    /// What is only shown, or next to that.
    fn hear_more(&mut self, event: Event, effects: &mut Effects) {
        match event {
            Event::Topic { room, text, by, .. } => self.hear_topic(&room, text, by, effects),
            Event::Away { name, text, time } => {
                let why = if text.is_empty() { String::new() } else { format!(": {text}") };
                self.hear_presence(name, time, &format!("away{why}"), true, effects);
            }
            Event::Back { name, time } => self.hear_presence(name, time, "back", false, effects),
            Event::Headcount { room, people } => {
                if let Some(known) = self.room_mut(&room) {
                    known.total = people;
                }
            }
            Event::Rooms { rooms } => {
                self.known_rooms = rooms.iter().map(|info| info.room.clone()).collect();
                effects.blocks.extend(rooms.into_iter().map(|info| {
                    let topic =
                        if info.topic.is_empty() { String::new() } else { format!(" · {}", info.topic) };
                    let people = if info.people == 1 { "person" } else { "people" };
                    let people = if info.locked { format!("{people} · locked") } else { people.to_owned() };
                    Block::Item(info.room, format!("{} {people}{topic}", info.people))
                }));
            }
            Event::Ignoring { names } if names.is_empty() => {
                effects.blocks.push(Block::Info("you ignore nobody".to_owned()));
            }
            Event::Ignoring { names } => {
                effects.blocks.push(Block::Info(format!("you ignore {}", names.join(", "))));
            }
            whois @ Event::Whois { .. } => effects.blocks.extend(moderation::whois(whois)),
            Event::Moderated(done) => effects.blocks.extend(moderation::told(&done, &self.name)),
            Event::Found { words, messages, more, .. } => self.hear_found(&words, &messages, more, effects),
            Event::Erased(erased) => {
                self.forget(&erased);
                let is_known = self.erased.as_ref().is_some_and(|known| known.time >= erased.time);
                if !is_known {
                    effects.blocks.push(moderation::erased(&erased));
                    self.erased = Some(erased);
                }
            }
            Event::Bans { bans } if bans.is_empty() => {
                effects.blocks.push(Block::Info("nobody is banned".to_owned()));
            }
            Event::Bans { bans } => effects.blocks.extend(bans.into_iter().map(moderation::ban)),
            Event::Notice { text } => effects.blocks.push(Block::Info(format!("the server says: {text}"))),
            Event::Gap { dropped, rooms, room } => {
                let rooms = if rooms.is_empty() { room } else { rooms.join(", ") };
                let words = format!("{dropped} messages are missing here, of {rooms}: they came too fast");
                effects.blocks.push(Block::Alarm(words));
            }
            _ => {}
        }
    }

    fn hear_error(&mut self, reason: String, id: Option<&str>, effects: &mut Effects) {
        let asked = self.asked.iter().position(|asked| Some(&*asked.id) == id);
        let is_shown = asked.is_none_or(|place| self.asked.remove(place).is_shown);
        self.destination = None;
        if is_shown {
            effects.blocks.push(Block::Alarm(reason));
        }
        let Some((text, fate)) = id.and_then(|id| self.said.take(id)) else { return };
        let text = commands::shorten(&text);
        let words = match fate {
            Err(NotKept::Unsure) => format!("it may still come: {text}"),
            _ => format!("not sent: {text} (Up brings it back)"),
        };
        effects.blocks.push(Block::Info(words));
    }

    fn enter(&mut self, name: &str, effects: &mut Effects) {
        let is_new = self.room(name).is_none();
        if is_new {
            self.rooms.push((name.to_owned(), Room::default()));
            effects.asks.push(Ask::Who { room: name.to_owned() });
        }
        let is_wanted = self.destination.as_deref() == Some(name) || self.current.is_none();
        if is_wanted {
            self.destination = None;
            effects.blocks.extend(self.go_to(name));
        }
    }

    fn leave(&mut self, name: &str, effects: &mut Effects) {
        let people = self.room(name).into_iter().flat_map(Room::names);
        let people: Vec<String> = people.filter(|person| **person != self.name).cloned().collect();
        people.iter().for_each(|person| self.remember_name(person));
        self.rooms.retain(|(other, _)| other != name);
        effects.blocks.push(Block::Info(format!("you left {name}")));
        if self.current.as_deref() == Some(name) {
            self.current = None;
            let previous = self.previous.take().filter(|room| self.room(room).is_some());
            let next = previous.or_else(|| Some(self.rooms.last()?.0.clone()));
            if let Some(next) = next {
                effects.blocks.extend(self.go_to(&next));
            }
        }
    }

    /// Shows something that somebody did, where it is in the room on the screen.
    fn tell(&self, room: &str, name: String, time: u64, verb: &str, effects: &mut Effects) {
        if self.current.as_deref() == Some(room) {
            let text = verb.to_owned();
            let entry =
                Entry { time, kind: Kind::Event, room: None, name, text, is_old: false, is_unkept: false };
            effects.blocks.push(Block::Entry(entry));
        }
    }

    fn hear_message(&mut self, message: ChatMessage, effects: &mut Effects) {
        let is_current = self.current.as_deref() == Some(&message.room);
        let (entry, is_called) = self.entry(&message, false);
        let Some(room) = self.room_mut(&message.room) else { return };
        room.spoke(&message.from);
        let is_missed = room.missed > 0;
        room.missed = room.missed.saturating_sub(1);
        let is_last_missed = is_missed && room.missed == 0;
        let mut blocks = vec![Block::Entry(entry.clone())];
        if is_last_missed {
            blocks.push(Block::Rule("now".to_owned()));
        }
        effects.ring |= is_called;
        if is_current {
            effects.blocks.extend(blocks);
            return;
        }
        room.news += 1;
        room.is_called |= is_called;
        blocks.into_iter().for_each(|block| room.hold(block));
        if is_called {
            let room = Some(message.room);
            effects.blocks.push(Block::Entry(Entry { room, ..entry }));
        }
    }

    /// A message as an entry, and whether it calls the user.
    fn entry(&self, message: &ChatMessage, is_old: bool) -> (Entry, bool) {
        let is_own = message.from == self.name;
        let mention = (!is_own).then(|| text::find_mention(&message.text, &self.name)).flatten();
        let is_called = mention.is_some() && !is_old;
        let kind = if message.action { Kind::Did { is_own } } else { Kind::Said { is_own, mention } };
        let (name, text) = (message.from.clone(), message.text.clone());
        let is_unkept = message.pos.is_empty();
        (Entry { time: message.time, kind, room: None, name, text, is_old, is_unkept }, is_called)
    }

    fn hear_present(
        &mut self,
        name: &str,
        names: Vec<String>,
        total: usize,
        away: &[String],
        effects: &mut Effects,
    ) {
        let is_shown = self.was_asked(&Question::Who(name.to_owned())) != Some(false);
        let total = total.max(names.len());
        let described = names
            .iter()
            .map(|name| if away.contains(name) { format!("{name} (away)") } else { name.clone() });
        let mut described: Vec<String> = described.take(if is_shown { 200 } else { 20 }).collect();
        if total > described.len() {
            described.push(format!("and {} more", total - described.len()));
        }
        let described = described.join(", ");
        if total == 0 {
            effects.blocks.push(Block::Info(format!("nobody is in {name}")));
            return;
        }
        let is_current = self.current.as_deref() == Some(name);
        let Some(room) = self.room_mut(name) else {
            effects.blocks.push(Block::Info(format!("in {name}: {described}")));
            return;
        };
        let gone: Vec<String> = room.names().filter(|name| !names.contains(name)).cloned().collect();
        room.set_people(names, total);
        let is_introduction = !std::mem::replace(&mut room.is_introduced, true);
        if is_shown {
            effects.blocks.push(Block::Info(format!("in {name}: {described}")));
        } else if is_introduction {
            let block = Block::Info(format!("here: {described}"));
            if is_current { effects.blocks.push(block) } else { room.hold(block) }
        }
        gone.iter().for_each(|name| self.remember_name(name));
    }

    fn hear_history(&mut self, name: &str, messages: Vec<ChatMessage>, effects: &mut Effects) {
        let was_asked = self.was_asked(&Question::History(name.to_owned())).is_some();
        if messages.is_empty() {
            if was_asked {
                effects.blocks.push(Block::Info(format!("nothing was said in {name} yet")));
            }
            return;
        }
        let mut blocks = vec![Block::Rule(format!("earlier in {name}"))];
        blocks.extend(messages.iter().map(|message| Block::Entry(self.entry(message, true).0)));
        blocks.push(Block::Rule("now".to_owned()));
        let is_current = self.current.as_deref() == Some(name);
        match self.room_mut(name) {
            Some(room) if !was_asked && !is_current => blocks.into_iter().for_each(|block| room.hold(block)),
            _ => effects.blocks.extend(blocks),
        }
    }

    fn hear_found(&self, words: &str, messages: &[ChatMessage], more: bool, effects: &mut Effects) {
        if messages.is_empty() {
            effects.blocks.push(Block::Info(format!("nothing was found for {words} in your rooms")));
            return;
        }
        effects.blocks.push(Block::Rule(format!("found for {words}")));
        effects.blocks.extend(messages.iter().map(|message| {
            let room = Some(message.room.clone());
            Block::Entry(Entry { room, ..self.entry(message, true).0 })
        }));
        effects.blocks.push(Block::Rule("now".to_owned()));
        if more {
            effects.blocks.push(Block::Info("more was found before these; more words find less".to_owned()));
        }
    }

    /// What waits for the user to come to a room is not shown any more.
    fn forget(&mut self, Erased { name, alike, room, .. }: &Erased) {
        let is_meant = |other: &str| {
            let is_other = |name: &String| name.to_lowercase() == other.to_lowercase();
            is_other(name) || alike.iter().any(is_other)
        };
        let rooms = self.rooms.iter_mut().filter(|(known, _)| room.as_ref().is_none_or(|room| room == known));
        rooms.for_each(|(_, room)| room.forget(is_meant));
    }

    fn hear_resumed(&mut self, name: &str, complete: bool, missed: usize, effects: &mut Effects) {
        let is_current = self.current.as_deref() == Some(name);
        let Some(room) = self.room_mut(name) else { return };
        room.missed = missed;
        let mut blocks = Vec::new();
        if missed > 0 {
            blocks.push(Block::Rule(format!("missed in {name}: {missed}")));
        }
        if !complete {
            blocks
                .push(Block::Info("more was missed, which the server has no more, or never knew".to_owned()));
        }
        if is_current {
            effects.blocks.extend(blocks);
        } else {
            blocks.into_iter().for_each(|block| room.hold(block));
        }
    }

    fn hear_renamed(&mut self, from: String, name: String, time: u64, effects: &mut Effects) {
        let mut is_here = false;
        for (room_name, room) in &mut self.rooms {
            let had = room.rename(&from, &name);
            is_here |= had && self.current.as_ref() == Some(room_name);
        }
        self.remember_name(&from);
        if self.whisperer.as_ref() == Some(&from) {
            self.whisperer = Some(name.clone());
        }
        if from == self.name {
            self.name.clone_from(&name);
            effects.blocks.push(Block::Info(format!("you are {name} now")));
        } else if is_here {
            let text = format!("is {name} now");
            let kind = Kind::Event;
            let entry = Entry { time, kind, room: None, name: from, text, is_old: false, is_unkept: false };
            effects.blocks.push(Block::Entry(entry));
        }
    }

    fn hear_topic(&mut self, name: &str, text: String, by: Option<String>, effects: &mut Effects) {
        let is_current = self.current.as_deref() == Some(name);
        let words = match (&*text, by) {
            ("", None) => format!("{name} has no topic"),
            ("", Some(by)) => format!("{by} removed the topic of {name}"),
            (text, None) => format!("topic of {name}: {text}"),
            (text, Some(by)) => format!("topic of {name}: {text} (by {by})"),
        };
        let Some(room) = self.room_mut(name) else { return };
        room.topic = text;
        let block = Block::Info(words);
        if is_current { effects.blocks.push(block) } else { room.hold(block) }
    }

    fn hear_presence(&mut self, name: String, time: u64, what: &str, is_away: bool, effects: &mut Effects) {
        if name == self.name {
            self.is_away = is_away;
            effects.blocks.push(Block::Info(format!("you are {what}")));
            return;
        }
        if let Some(room) =
            self.current.clone().filter(|room| self.room(room).is_some_and(|room| room.has(&name)))
        {
            self.tell(&room, name, time, &format!("is {what}"), effects);
        }
    }
}
