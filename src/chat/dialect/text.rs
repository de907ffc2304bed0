//! The text of 2012, byte for byte, and what has come since in the same voice. One
//! event is one line, whatever is in it.

use std::borrow::Cow;
use std::time::Duration;

use super::{Dialect, Listener, Reading, Speaker};
use crate::Message;
use crate::chat::Role;
use crate::chat::bans::{clock, terms};
use crate::protocol::{
    Action, Ask, Ban, ChatMessage, Command, CommandHelp, Erased, Event, Moderated, Request, RoomInfo,
};

/// So many names at the most are listed.
const MAX_NAMES: usize = 100;
/// So many messages that were found.
const MAX_FOUND: usize = 20;

/// The text mode: what a person types, and reads without help.
#[derive(Debug, Clone, Copy, Default)]
pub struct Text;

impl Dialect for Text {
    fn read(&self, speaker: &Speaker<'_>, text: &str) -> Reading {
        match Command::parse(text) {
            Ok(Command::Quit) => Reading::Quit,
            Ok(Command::Help(about)) => answer(help(about.as_deref(), speaker.role)),
            Ok(command) => {
                request(command, speaker).map_or_else(answer, |ask| Reading::Request(Request::new(ask)))
            }
            Err(error) => answer(error.to_string()),
        }
    }

    fn write(&self, event: &Event, to: Listener) -> Option<Message> {
        let line = line(event, to)?;
        match room_of(event) {
            Some(room) if to.is_aside && !to.is_own => Some(format!("[{room}] {line}").into()),
            _ => Some(line.into()),
        }
    }

    fn write_history(&self, history: &Event) -> Vec<Message> {
        match history {
            Event::History { messages, .. } if messages.is_empty() => {
                vec!["Nothing was said here before.".into()]
            }
            Event::History { messages, .. } => messages.iter().map(|said| told_again(said).into()).collect(),
            _ => Vec::new(),
        }
    }

    fn write_found(&self, found: &Event) -> Vec<Message> {
        let Event::Found { messages, more, .. } = found else { return Vec::new() };
        let mut lines = messages.iter().map(found_again).collect::<Vec<_>>();
        match (messages.is_empty(), more) {
            (true, _) => lines.push("Nothing was found in your rooms.".to_owned()),
            (false, true) => lines.push("More was found before these; more words find less.".to_owned()),
            (false, false) => {}
        }
        lines.into_iter().map(Message::from).collect()
    }

    fn has_current_room(&self) -> bool {
        true
    }
}

fn answer(line: impl Into<Message>) -> Reading {
    Reading::Answer(vec![line.into()])
}

/// What a command asks for, or why it cannot.
fn request(command: Command, speaker: &Speaker<'_>) -> Result<Ask, String> {
    // Nearly all is no order, and to know all names takes longer than a message may.
    let names = std::iter::once_with(|| speaker.names()).flatten();
    if let Some(order) = command.order(names, "") {
        return order.map_err(|error| error.to_string());
    }
    // The room that the speaker is in when it comes to that.
    let here = String::new;
    Ok(match command {
        Command::Say(text) => Ask::Say { room: here(), text, action: false },
        Command::Me(text) => Ask::Say { room: here(), text, action: true },
        Command::Who(room) => Ask::Who { room: room.unwrap_or_else(here) },
        Command::Rooms => Ask::Rooms,
        Command::Join(room) => Ask::Join { room, since: None },
        Command::Leave(room) => Ask::Leave { room: room.unwrap_or_else(here) },
        Command::Msg(arg) => {
            let (to, text) = Command::split_name(&arg, speaker.names()).map_err(|error| error.to_string())?;
            if text.is_empty() {
                return Err("Use it like this: /msg NAME TEXT".to_owned());
            }
            Ask::Whisper { to: to.to_owned(), text: text.to_owned(), action: false }
        }
        Command::Reply(text) => {
            let to = speaker.whisperer().ok_or("Nobody who is here has whispered to you.")?;
            Ask::Whisper { to, text, action: false }
        }
        Command::Nick(name) => Ask::Nick { name },
        Command::Topic(text) => Ask::Topic { room: here(), text },
        Command::Away(text) => Ask::Away { text },
        Command::Back => Ask::Back,
        Command::Ignore(name) => Ask::Ignore { name },
        Command::Unignore(name) => Ask::Unignore { name },
        Command::History(limit) => Ask::History { room: here(), before: None, limit: limit.or(Some(20)) },
        Command::Search(words) => Ask::Search { words, room: None, before: None, limit: Some(MAX_FOUND) },
        Command::Whois(name) => Ask::Whois { name },
        _ => unreachable!("answered before"),
    })
}

fn help(about: Option<&str>, role: Role) -> String {
    let Some(about) = about else {
        let names = |commands: &[CommandHelp]| {
            commands.iter().map(|help| format!("/{}", help.name)).collect::<Vec<_>>().join(" ")
        };
        let orders = match role {
            Role::Operator => format!(" For operators: {}.", names(&Command::OPERATORS)),
            Role::Member => String::new(),
        };
        return format!(
            "Commands: {}.{orders} /help COMMAND explains one. \
             Start a message with // to say something that starts with /.",
            names(&Command::HELP)
        );
    };
    match Command::help(about) {
        Some(help @ CommandHelp { what, .. }) => format!("{help} {what}."),
        None => Command::parse(&format!("/{}", about.trim_start_matches('/')))
            .err()
            .map_or_else(String::new, |error| error.to_string()),
    }
}

fn line(event: &Event, to: Listener) -> Option<String> {
    Some(match event {
        Event::Welcome { name, .. } => format!("Welcome {name}."),
        Event::Joined { name, .. } => format!("{name} joined."),
        Event::Left { room, .. } if to.is_own => format!("You left {room}."),
        Event::Left { name, .. } => format!("{name} left."),
        Event::Message(message) => said(message),
        Event::Whisper { to: name, text, .. } if to.is_own => {
            format!("You whisper to {name}: {}", one_line(text))
        }
        Event::Whisper { from, text, action: true, .. } => {
            format!("{from} whispers: * {from} {}", one_line(text))
        }
        Event::Whisper { from, text, .. } => format!("{from} whispers: {}", one_line(text)),
        Event::Present { room, names, total, away } => {
            let place = if to.is_aside { format!("in {room}") } else { "here".to_owned() };
            present(&place, names, *total, away)
        }
        Event::Rooms { rooms } => {
            format!("Rooms: {}", rooms.iter().map(room_info).collect::<Vec<_>>().join(", "))
        }
        Event::Renamed { from, name, .. } => format!("{from} is now {name}."),
        Event::Topic { text, by, .. } => topic(text, by.as_deref()),
        Event::Away { name, text, .. } if text.is_empty() => format!("{name} is away."),
        Event::Away { name, text, .. } => format!("{name} is away: {}", one_line(text)),
        Event::Back { name, .. } => format!("{name} is back."),
        Event::Headcount { people, .. } => format!("{people} people are here."),
        Event::Ignoring { names } if names.is_empty() => "You ignore nobody.".to_owned(),
        Event::Ignoring { names } => format!("You ignore: {}", names.join(", ")),
        Event::Whois { name, rooms, since, idle, rtt, away, role, inside } => {
            let times =
                [Some(format!("here since {}", clock(*since))), Some(format!("idle for {}", span(*idle)))];
            let rtt = rtt.map(|rtt| format!("round trip {rtt} ms"));
            let rooms = (!rooms.is_empty()).then(|| format!("in {}", rooms.join(", ")));
            let away = away.as_ref().map(|why| format!("away: {}", one_line(why)));
            let more = [
                role.as_deref().map(one_line).map(Into::into),
                inside.address.as_ref().map(|address| format!("from {}", one_line(address))),
                inside.subject.as_ref().map(|subject| format!("as {}", one_line(subject))),
                inside.muted.then(|| "muted".to_owned()),
            ];
            let facts = [rooms].into_iter().chain(times).chain([rtt, away]).chain(more);
            let facts = facts.flatten().collect::<Vec<_>>();
            format!("{name}: {}.", facts.join("; "))
        }
        Event::Moderated(done) => moderated(done)?,
        Event::Erased(what) => erased(what),
        Event::Bans { bans } if bans.is_empty() => "Nobody is banned.".to_owned(),
        Event::Bans { bans } => format!("Banned: {}", listed(bans)),
        Event::Notice { text } => format!("Server: {}", one_line(text)),
        Event::Error { reason, .. } => sentence(reason),
        _ => return None,
    })
}

/// The room that an event is about, where others than the asker hear of it.
fn room_of(event: &Event) -> Option<&str> {
    match event {
        Event::Joined { room, .. }
        | Event::Left { room, .. }
        | Event::Topic { room, .. }
        | Event::Headcount { room, .. }
        | Event::Message(ChatMessage { room, .. }) => Some(room),
        _ => None,
    }
}

fn said(ChatMessage { from, text, action, .. }: &ChatMessage) -> String {
    let text = one_line(text);
    if *action { format!("* {from} {text}") } else { format!("{from} says: {text}") }
}

fn told_again(message: &ChatMessage) -> String {
    format!("[{}] {}", &clock(message.time)[11..16], said(message))
}

fn found_again(message: &ChatMessage) -> String {
    let time = clock(message.time);
    format!("[{} {} {}] {}", message.room, &time[..10], &time[11..16], said(message))
}

/// What an operator deleted; how much only that one is told.
fn erased(Erased { name, room, messages, by, .. }: &Erased) -> String {
    let place = room.as_ref().map_or_else(String::new, |room| format!(" in {}", one_line(room)));
    let count = match messages {
        None => String::new(),
        Some(1) => " (1 message)".to_owned(),
        Some(messages) => format!(" ({messages} messages)"),
    };
    format!("What {} said{place} was deleted by {}{count}.", one_line(name), one_line(by))
}

fn present(place: &str, names: &[String], total: usize, away: &[String]) -> String {
    let shown = names.iter().take(MAX_NAMES).map(|name| match away.contains(name) {
        true => format!("{name} (away)"),
        false => name.clone(),
    });
    let more = if total > names.len().min(MAX_NAMES) { ", …" } else { "" };
    format!("{total} {place}: {}{more}", shown.collect::<Vec<_>>().join(", "))
}

/// What an operator did.
fn moderated(done: &Moderated) -> Option<String> {
    let Moderated { action, by, name, who, room, until, reason, .. } = done;
    let whom = one_line(who.as_ref().or(name.as_ref()).or(room.as_ref())?);
    let verb = match action {
        Action::Kick => "was kicked",
        Action::Ban => "was banned",
        Action::Unban => "was let in again",
        Action::Mute => "was muted",
        Action::Unmute => "was given the word again",
        Action::Lock => "was locked to newcomers",
        Action::Unlock => "was opened to newcomers",
        _ => return None,
    };
    let terms = terms(*until, &one_line(reason));
    Some(ended(format!("{whom} {verb} by {}{terms}", one_line(by))))
}

fn listed(bans: &[Ban]) -> String {
    let shown = bans.iter().rev().take(MAX_NAMES).map(|ban| {
        let terms = terms(ban.until, &one_line(&ban.reason));
        format!("{} by {}{terms}", one_line(&ban.who), one_line(&ban.by))
    });
    let more = if bans.len() > MAX_NAMES { "; …" } else { "" };
    format!("{}{more}", shown.collect::<Vec<_>>().join("; "))
}

fn room_info(RoomInfo { room, people, topic, locked }: &RoomInfo) -> String {
    let topic = if topic.is_empty() { String::new() } else { format!(" ({})", one_line(topic)) };
    let locked = if *locked { " locked" } else { "" };
    format!("{room} {people}{locked}{topic}")
}

fn topic(text: &str, by: Option<&str>) -> String {
    match (by, text) {
        (None, "") => "There is no topic.".to_owned(),
        (None, text) => format!("The topic is: {}", one_line(text)),
        (Some(name), "") => format!("{name} removed the topic."),
        (Some(name), text) => format!("{name} set the topic: {}", one_line(text)),
    }
}

fn span(millis: u64) -> String {
    humantime::format_duration(Duration::from_secs(millis / 1000)).to_string()
}

/// A line break shown as part of the line that it would end, and controls as escapes, so
/// that no text passes for a line of its own.
fn one_line(text: &str) -> Cow<'_, str> {
    let is_break =
        |c: char| matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    if !text.contains(|c: char| c.is_control() || is_break(c)) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 16);
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\t' => line.push('\t'),
            c if is_break(c) => line.push_str(" ⏎ "),
            c if c.is_control() => line.push_str(&c.escape_unicode().to_string()),
            c => line.push(c),
        }
    }
    Cow::Owned(line)
}

/// A reason as a sentence.
fn sentence(reason: &str) -> String {
    let mut chars = reason.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    ended(format!("{}{}", first.collect::<String>(), one_line(chars.as_str())))
}

fn ended(mut sentence: String) -> String {
    if !sentence.ends_with(['.', '?', '!']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_break_out_of_its_line() {
        assert_eq!(one_line("hi"), "hi");
        assert_eq!(one_line("a\r\nb\u{2028}c\td"), "a ⏎ b ⏎ c\td");
        assert_eq!(one_line("\u{1b}[2J\u{9b}x"), r"\u{1b}[2J\u{9b}x");
    }

    #[test]
    fn reasons_are_sentences() {
        assert_eq!(sentence("you are not in games"), "You are not in games.");
        assert_eq!(sentence("who?"), "Who?");
    }
}
