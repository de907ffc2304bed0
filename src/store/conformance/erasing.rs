//! What is deleted for good.

use std::sync::Arc;

use super::driver::{Driver, at, author, draft, draft_by, ensure_same};
use super::{Checked, Open, Rule, ensure};
use crate::store::{Erasure, Position, Record};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "erase deletes what is meant",
        promise: "`erase`: deletes messages, for good: what somebody said under this name, as it is compared, in this room only where one is given; how many.",
        check: erases,
    },
    Rule {
        name: "erase leaves no gap",
        promise: "`erase`: the positions stay unused, and nobody who comes back is told that something is missing.",
        check: no_gap,
    },
];

/// Deletes; how many.
pub(super) fn erase(driver: &Driver, name: &str, room: Option<&str>) -> Checked<u64> {
    let erasure = Erasure { author: author(name), room: room.map(Into::into) };
    driver.store.erase(&erasure).map_err(|error| format!("erase({erasure:?}) failed: {error}"))
}

fn erases(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let mut said = Vec::new();
    for nth in 0..60 {
        let name = ["Ann", "Eve", "Adam", "Ev"][nth % 4];
        said.extend(driver.say_new([draft_by(name, ["lobby", "games"][nth / 4 % 2], nth.to_string())])?);
    }
    // Under a name that is shown otherwise, but is the same.
    let other = crate::store::Draft { from: "EVE".to_owned(), ..draft_by("eve", "lobby", "me, too") };
    said.extend(driver.say_new([other])?);
    for (name, room) in
        [("Nobody", None), ("Eve", Some("nobody-was-here")), ("E%", None), ("_ve", None), ("", None)]
    {
        ensure_erased(&driver, &mut said, name, room)?;
    }
    ensure_erased(&driver, &mut said, "Eve", Some("games"))?;
    ensure_erased(&driver, &mut said, "Eve", None)?;
    ensure_erased(&driver, &mut said, "Eve", None)?;
    said.extend(driver.say_new([draft_by("Eve", "games", "back again")])?);
    ensure_erased(&driver, &mut said, "Adam", None)?;
    ensure_erased(&driver, &mut said, "Eve", Some("games"))
}

/// Deletes, and everything else is still there.
fn ensure_erased(driver: &Driver, said: &mut Vec<Arc<Record>>, name: &str, room: Option<&str>) -> Checked {
    let before = said.len();
    said.retain(|record| *record.author != *author(name) || room.is_some_and(|room| *record.room != *room));
    let (count, expected) = (erase(driver, name, room)?, (before - said.len()) as u64);
    let what = format!("erase of {name:?} in {}", room.unwrap_or("every room"));
    ensure!(count == expected, "{what} deleted {count}, where there were {expected}");
    for room in ["lobby", "games"] {
        let left = said.iter().filter(|record| &*record.room == room).cloned().collect::<Vec<_>>();
        ensure_same(&format!("{room:?} after {what}"), &driver.all(room)?, &left)?;
        ensure_same(&format!("{room:?} after {what}"), &driver.before(room, None, left.len() + 1)?, &left)?;
    }
    Ok(())
}

fn no_gap(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    // Eve's are the first, one between and the last.
    let names = ["Eve", "Ann", "Eve", "Ann", "Eve"];
    let said = driver.say_new(names.map(|name| draft_by(name, "lobby", "hi")))?;
    let before = driver.bounds("lobby")?;
    erase(&driver, "Eve", None)?;
    let after = driver.bounds("lobby")?;
    ensure!(after.gone == before.gone, "`gone` was {}, and is {} now", at(before.gone), at(after.gone));
    ensure!(
        after.latest >= before.latest,
        "`latest` was {}, and is {} now",
        at(before.latest),
        at(after.latest)
    );
    let last = said[4].position;
    ensure!(
        after.head == last,
        "`head` is {}, and the last message, now deleted, was at {last}",
        at(after.head)
    );
    ensure_unused(&mut driver, last)?;
    // Nor where nothing is left.
    let alone = driver.say_new([draft_by("Eve", "games", "alone")])?.remove(0).position;
    erase(&driver, "Eve", None)?;
    let gone = driver.bounds("games")?.gone;
    ensure!(gone == Position::START, "`gone` is {} where all was deleted, and nothing went", at(gone));
    ensure_unused(&mut driver, alone)
}

fn ensure_unused(driver: &mut Driver, last: Position) -> Checked {
    for room in ["games", "lobby"] {
        let next = driver.say_new([draft(room, "next")])?.remove(0).position;
        ensure!(next > last, "{next} was given after {last}, which was deleted");
    }
    Ok(())
}
