//! What operators do, and what is known of somebody.

use std::time::Duration;

use chinwag::protocol::{Action, Ban, Erased, Event, Inside, Moderated};

use super::super::block::Block;
use super::super::screen;
use super::words_for;

/// What an operator did, as one of this name reads it.
pub fn told(done: &Moderated, own: &str) -> Option<Block> {
    let Moderated { action, by, name, who, room, until, reason, .. } = done;
    let is_own = name.as_deref() == Some(own);
    let whom = if is_own { "you" } else { who.as_ref().or(name.as_ref()).or(room.as_ref())? };
    let verb = match action {
        Action::Kick => "kicked",
        Action::Ban => "banned",
        Action::Unban => "let in again",
        Action::Mute => "muted",
        Action::Unmute => "given the word again",
        Action::Lock => "locked to newcomers",
        Action::Unlock => "opened to newcomers",
        _ => return None,
    };
    let be = if is_own { "were" } else { "was" };
    let words = format!("{whom} {be} {verb} by {by}{}", terms(*until, reason));
    Some(if is_own { Block::Alarm(words) } else { Block::Info(words) })
}

/// What an operator deleted: a screen keeps what it shows, so its user is told.
pub fn erased(Erased { name, room, messages, by, .. }: &Erased) -> Block {
    let place = room.as_ref().map_or_else(String::new, |room| format!(" in {room}"));
    let count = match messages {
        None => String::new(),
        Some(1) => ", 1 message".to_owned(),
        Some(messages) => format!(", {messages} messages"),
    };
    Block::Info(format!("what {name} said{place} was deleted by {by}{count}"))
}

pub fn ban(ban: Ban) -> Block {
    let words = format!("by {}{}", ban.by, terms(ban.until, &ban.reason));
    Block::Item(ban.who, words)
}

/// ` for 2 h: spam`, as far as there is such.
fn terms(until: Option<u64>, reason: &str) -> String {
    // To the next minute: two hours are told as such, and not as one and 59 minutes.
    let minute = 60_000;
    let left = until.map(|until| until.saturating_sub(screen::now()).next_multiple_of(minute));
    let left = left.map(|left| words_for(Duration::from_millis(left)));
    let left = left.map_or_else(String::new, |left| format!(" for {left}"));
    let colon = if reason.is_empty() { "" } else { ": " };
    format!("{left}{colon}{reason}")
}

/// What is known of somebody.
pub fn whois(event: Event) -> Option<Block> {
    let Event::Whois { name, rooms, since, idle, rtt, away, role, inside } = event else { return None };
    let here = screen::now().saturating_sub(since);
    let mut words = vec![
        format!("in {}", rooms.join(", ")),
        format!("here for {}", words_for(Duration::from_millis(here))),
        format!("did something {} ago", words_for(Duration::from_millis(idle))),
    ];
    words.extend(rtt.map(|rtt| format!("{rtt:.1} ms away")));
    words.extend(
        away.map(|why| if why.is_empty() { "is away".to_owned() } else { format!("is away: {why}") }),
    );
    words.extend(role);
    let Inside { address, subject, muted } = inside;
    words.extend(address.map(|address| format!("from {address}")));
    words.extend(subject.map(|subject| format!("as {subject}")));
    words.extend(muted.then(|| "muted".to_owned()));
    Some(Block::Item(name, words.join("; ")))
}
