//! What Tab does: completes a command, a room or a name, and goes on to the next one
//! that fits when it is pressed again.

use chinwag::protocol::Command;
use parking_lot::Mutex;

use super::commands;
use super::model::Model;
use crate::text;

/// Commands whose argument is a room, and those whose argument is a name alone.
const TAKE_ROOM: [&str; 5] = ["join", "leave", "who", "lock", "unlock"];
const TAKE_NAME: [&str; 4] = ["whois", "ignore", "unignore", "unmute"];
/// Commands whose argument begins with a name.
const BEGIN_WITH_NAME: [&str; 4] = ["msg", "kick", "ban", "mute"];

/// Goes through what fits, a press of Tab each.
#[derive(Default)]
pub struct Completer {
    cycle: Mutex<Option<Cycle>>,
}

struct Cycle {
    /// The line up to the cursor as the last press left it.
    left: String,
    /// Where the completed part of it begins.
    start: usize,
    candidates: Vec<String>,
    next: usize,
}

impl Completer {
    /// Where to begin, and what to put there, for a press of Tab behind `left`.
    pub fn press(&self, left: &str, model: &Model) -> Option<(usize, String)> {
        let mut cycle = self.cycle.lock();
        if cycle.as_ref().is_none_or(|cycle| cycle.left != left) {
            let (start, candidates) = candidates(left, model);
            *cycle = Some(Cycle { left: left.to_owned(), start, candidates, next: 0 });
        }
        let cycle = cycle.as_mut()?;
        let candidate = cycle.candidates.get(cycle.next)?.clone();
        cycle.left = left[..cycle.start].to_owned() + &candidate;
        cycle.next = (cycle.next + 1) % cycle.candidates.len();
        Some((cycle.start, candidate))
    }
}

/// Where the part to complete begins, and what it can become.
fn candidates(left: &str, model: &Model) -> (usize, Vec<String>) {
    if let Some(rest) = left.strip_prefix('/') {
        let Some((command, _)) = rest.split_once(' ') else {
            let names =
                commands::all_names(model.is_operator).filter(|name| name.starts_with(&rest.to_lowercase()));
            return (0, names.map(|name| format!("/{name} ")).collect());
        };
        let start = command.len() + 2;
        if TAKE_ROOM.contains(&command) {
            return (start, fitting(&left[start..], rooms(model), ""));
        }
        if TAKE_NAME.contains(&command) {
            return (start, fitting(&left[start..], names(model), ""));
        }
        if BEGIN_WITH_NAME.contains(&command) {
            let found = fitting(&left[start..], names(model), " ");
            if !found.is_empty() {
                return (start, found);
            }
        }
    }
    // Names can have spaces: the longest part that some name begins with.
    let words = left.char_indices().filter(|(at, c)| {
        !c.is_whitespace() && left[..*at].chars().next_back().is_none_or(char::is_whitespace)
    });
    for (start, _) in words {
        let behind = if start == 0 { ": " } else { " " };
        let found = fitting(&left[start..], names(model), behind);
        if !found.is_empty() {
            return (start, found);
        }
    }
    (left.len(), Vec::new())
}

/// Those that begin with what was typed. A name that would not be shown as it is,
/// is none to put into the line.
fn fitting(typed: &str, all: Vec<String>, behind: &str) -> Vec<String> {
    let fits = |name: &String| text::is_safe(name) && text::prefix_len(name, typed).is_some();
    all.into_iter().filter(fits).map(|name| name + behind).collect()
}

/// Everybody but the user, those in the room on the screen first.
fn names(model: &Model) -> Vec<String> {
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        model.rooms().partition(|(name, _)| Some(*name) == model.current());
    let mut names: Vec<String> = Vec::new();
    for (_, room) in here.into_iter().chain(elsewhere) {
        for name in room.names().filter(|name| **name != model.name) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    names
}

fn rooms(model: &Model) -> Vec<String> {
    let joined = model.rooms().map(|(name, _)| name.to_owned());
    let mut rooms: Vec<String> = joined.collect();
    rooms.extend(model.known_rooms().iter().filter(|room| model.room(room).is_none()).cloned());
    rooms
}

/// The names of the server's commands.
pub fn protocol_commands(is_operator: bool) -> impl Iterator<Item = &'static str> {
    let orders = if is_operator { &Command::OPERATORS[..] } else { &[] };
    Command::HELP.iter().chain(orders).map(|help| help.name)
}
