//! What the next process finds.

use std::sync::Arc;

use super::driver::{Driver, END, at, draft, draft_by, drafts, ensure_same, everything};
use super::erasing::erase;
use super::keys::with_id;
use super::retaining::ensure_kept;
use super::searching::search;
use super::{Checked, Open, Rule, ensure};
use crate::store::{Appended, Key, Position, Record, Retention};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "a store says that it outlives the process",
        promise: "`outlives_process`: whether another process that opens this store later finds what was appended.",
        check: outlives,
    },
    Rule { name: "the epoch stays", promise: "`epoch`: the same as long as the store is.", check: epoch },
    Rule {
        name: "what was appended is found",
        promise: "`outlives_process`: another process that opens this store later finds what was appended.",
        check: found,
    },
    Rule {
        name: "keys are found",
        promise: "`outlives_process`: another process that opens this store later finds the keys of what was appended.",
        check: keys,
    },
    Rule {
        name: "positions go on",
        promise: "`Position`: of two messages of a room the later one has the greater position, whoever appended the earlier one; those of deleted messages stay unused.",
        check: positions,
    },
    Rule {
        name: "what is deleted stays deleted",
        promise: "`erase`: deletes messages, for good.",
        check: deleted,
    },
    Rule {
        name: "what went stays gone",
        promise: "`Bounds::gone`: behind this all is kept; it says what went, whenever it did.",
        check: gone,
    },
];

fn outlives(open: &mut Open<'_>) -> Checked {
    ensure!(open().outlives_process(), "`outlives_process` says that it does not");
    Ok(())
}

fn epoch(open: &mut Open<'_>) -> Checked {
    let first = open().epoch().to_owned();
    let mut driver = Driver::new(open());
    driver.say_new(drafts("epoch", 1))?;
    drop(driver);
    let again = open().epoch().to_owned();
    ensure!(first == again, "the epoch was {first:?}, and is {again:?} now");
    Ok(())
}

fn found(open: &mut Open<'_>) -> Checked {
    let rooms = ["found", "found-too"];
    let mut said = Vec::<Arc<Record>>::new();
    for time in 0..3 {
        let mut driver = Driver::new(open());
        for room in rooms {
            let expected = said.iter().filter(|record| &*record.room == room).cloned().collect::<Vec<_>>();
            ensure_same(&format!("{room:?}, opened again"), &driver.all(room)?, &expected)?;
            let head = driver.bounds(room)?.head;
            let last = expected.last().map_or(Position::START, |last| last.position);
            ensure!(head == last, "`head` of {room:?} is {}, the last message at {}", at(head), at(last));
        }
        if let Some(found) = search(&driver, &rooms, "needle", None, 1000)? {
            ensure_same("search for what was said before", &found.records, &said)?;
        }
        driver.listen_long()?;
        ensure!(driver.heard.is_empty(), "the tail brings what was there already");
        said.extend(
            driver.say_new((0..50).map(|nth| draft(rooms[nth % 2], format!("needle {time}.{nth}"))))?,
        );
    }
    Ok(())
}

fn keys(open: &mut Open<'_>) -> Checked {
    let all = |session: u64| (0..Key::REMEMBERED).map(move |number| with_id("keys", session, number));
    let mut driver = Driver::new(open());
    let mut said = driver.say_new(all(1))?;
    drop(driver);
    let mut driver = Driver::new(open());
    said.extend(driver.say_new(all(2))?);
    drop(driver);
    let mut driver = Driver::new(open());
    for (again, first) in driver.say(all(1).chain(all(2)))?.into_iter().zip(&said) {
        let expected = Appended::Known { room: first.room.clone(), position: first.position };
        ensure!(again == expected, "{:?} said again is {again:?}", first.text);
    }
    ensure_same("what was said again", &driver.all("keys")?, &said)
}

fn positions(open: &mut Open<'_>) -> Checked {
    let mut last = Position::START;
    for _ in 0..3 {
        let mut driver = Driver::new(open());
        let latest = driver.bounds("positions")?.latest;
        ensure!(latest >= last, "{} was given, but `latest` is {} now", at(last), at(latest));
        for room in ["positions", "positions-too"] {
            let first = driver.say_new(drafts(room, 2))?.remove(0).position;
            ensure!(first > last, "{first} was given after {}", at(last));
        }
        last = driver.say_new([draft_by("Eve", "positions", "the last one")])?.remove(0).position;
        // Nothing is left that has it.
        erase(&driver, "Eve", Some("positions"))?;
    }
    Ok(())
}

fn deleted(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let names = ["Eve", "Ann", "Eve"];
    let mut said = driver.say_new(names.map(|name| draft_by(name, "deleted", "a needle")))?;
    erase(&driver, "Eve", Some("deleted"))?;
    said.retain(|record| record.from != "Eve");
    drop(driver);
    let driver = Driver::new(open());
    ensure_same("what was not deleted", &driver.all("deleted")?, &said)?;
    let gone = driver.bounds("deleted")?.gone;
    ensure!(gone == Position::START, "`gone` is {}, where messages were only deleted", at(gone));
    if let Some(found) = search(&driver, &["deleted"], "needle", None, 10)? {
        ensure_same("search after a deletion", &found.records, &said)?;
    }
    Ok(())
}

fn gone(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let mut said = driver.say_new(drafts("gone", 30))?;
    driver.store.set_retention(Retention { messages: 10, ..everything() });
    ensure_kept(&driver, "gone", &said, 10)?;
    drop(driver);
    let mut driver = Driver::new(open());
    ensure_kept(&driver, "gone", &said, 10)?;
    said.extend(driver.say_new(drafts("gone", 5))?);
    ensure_kept(&driver, "gone", &said, 15)?;
    driver.store.set_retention(Retention { messages: 0, ..everything() });
    ensure_kept(&driver, "gone", &said, 0)?;
    drop(driver);
    let driver = Driver::new(open());
    ensure_kept(&driver, "gone", &said, 0)?;
    let count = driver.count("gone", Position::START, END)?;
    ensure!(count == 0, "{count} messages came back");
    Ok(())
}
