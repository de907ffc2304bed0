//! What comes of drafts.

use std::collections::HashMap;
use std::sync::Arc;

use super::driver::{Driver, END, at, draft, drafts, ensure_same, places, told};
use super::{Checked, Open, Rule, ensure};
use crate::store::{Appended, Position, Record};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "every draft has one outcome",
        promise: "`append`: what came of it, where that is known at once; else nothing, and then the tail gets it under this ticket, once.",
        check: one_outcome,
    },
    Rule {
        name: "what is told is there",
        promise: "`Appended::New`: a message is in the log, so whoever reads it from then on finds it.",
        check: told_is_there,
    },
    Rule {
        name: "the log is what was said",
        promise: "`append`: a message goes into its room's log, behind all that were taken before; of two messages of a room the later one has the greater position.",
        check: order,
    },
    Rule {
        name: "the tail has the order of the log",
        promise: "`Tail`: passes on what came of drafts in the order of each room's log.",
        check: tail_order,
    },
    Rule {
        name: "the epoch names the store",
        promise: "`epoch`: 1 to 20 letters, digits or dots, the same as long as the store is; tells its positions from those of any other store.",
        check: epoch,
    },
];

const ROOMS: [&str; 3] = ["lobby", "games", "лес"];

/// Turns of all sizes, rooms in turn; which ticket was for which room.
fn talk(driver: &mut Driver) -> Checked<Vec<(u64, &'static str)>> {
    let mut said = Vec::new();
    for size in [1, 2, 1, 7, 40, 3, 1, 100] {
        let rooms = (0..size).map(|number| ROOMS[(said.len() + number * 7 / 3) % ROOMS.len()]);
        let rooms = rooms.collect::<Vec<_>>();
        let number = said.len();
        let drafts = rooms.iter().enumerate().map(|(nth, room)| draft(room, format!("{}", number + nth)));
        said.extend(driver.turn(drafts)?.into_iter().zip(rooms));
    }
    Ok(said)
}

fn epoch(open: &mut Open<'_>) -> Checked {
    let (one, other) = (open(), open());
    let epoch = one.epoch().to_owned();
    let is_plain = epoch.chars().all(|char| char.is_ascii_alphanumeric() || char == '.');
    ensure!(is_plain && (1..=20).contains(&epoch.len()), "the epoch {epoch:?}");
    ensure!(epoch != other.epoch(), "two stores that both have the epoch {epoch:?}");
    let mut driver = Driver::new(one);
    driver.say_new(drafts("lobby", 3))?;
    let later = driver.store.epoch();
    ensure!(later == epoch, "the epoch {epoch:?}, and {later:?} when something had been said");
    Ok(())
}

fn one_outcome(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let said = talk(&mut driver)?;
    // Whatever the tail has to say of those it says before it comes to these.
    for room in ROOMS {
        driver.say_new([draft(room, "one more")])?;
    }
    driver.settle()?;
    driver.listen_long()?;
    for (ticket, room) in said {
        let outcome = driver.appended(ticket)?;
        let is_right = matches!(&outcome, Appended::New(record) if &*record.room == room);
        ensure!(is_right, "ticket {ticket} was for {room:?}, and is {}", told(&Ok(outcome)));
    }
    Ok(())
}

fn told_is_there(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let mut last = [Position::START; 3];
    for nth in 0..40 {
        let room = ROOMS[nth % 3];
        let drafts = (0..1 + nth % 4).map(|of| draft(room, format!("{nth}.{of}")));
        for record in driver.say_new(drafts)? {
            let read = driver.after(room, last[nth % 3], END, usize::MAX)?;
            let (text, position) = (&record.text, record.position);
            let seen = places(&read);
            ensure!(read.contains(&record), "{text:?} was told to be at {position}; in {room:?} are {seen}");
            last[nth % 3] = position;
        }
    }
    Ok(())
}

fn order(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let said = talk(&mut driver)?;
    driver.settle()?;
    for room in ROOMS {
        let mut expected = Vec::<Arc<Record>>::new();
        for (ticket, _) in said.iter().filter(|(_, of)| *of == room) {
            let Appended::New(record) = driver.appended(*ticket)? else { continue };
            let last = expected.last().map_or(Position::START, |last| last.position);
            let position = record.position;
            ensure!(position > last, "in {room:?} a message at {}, and the next at {position}", at(last));
            expected.push(record);
        }
        ensure_same(&format!("the log of {room:?}"), &driver.all(room)?, &expected)?;
    }
    Ok(())
}

fn tail_order(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    talk(&mut driver)?;
    driver.settle()?;
    let mut last = HashMap::new();
    for delivery in &driver.heard {
        let Ok(Appended::New(record)) = &delivery.outcome else { continue };
        let before = last.insert(record.room.clone(), record.position).unwrap_or(Position::START);
        let (room, position) = (&record.room, record.position);
        ensure!(position > before, "the tail brought {position} in {room:?} after {}", at(before));
    }
    Ok(())
}
