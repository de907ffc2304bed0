//! Several chats on one log.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;

use super::driver::{Driver, at, draft, draft_by, drafts, ensure_same, eventually, keyed, told};
use super::erasing::erase;
use super::searching::search;
use super::{Checked, Open, Rule, ensure};
use crate::store::{Appended, Position, Record};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "handles of one log have one epoch",
        promise: "`epoch`: the same as long as the store is.",
        check: epoch,
    },
    Rule {
        name: "everyone hears what others append",
        promise: "`Delivery::ticket`: none of this chat's where there is none, but a message that somebody else appended; each once.",
        check: heard,
    },
    Rule {
        name: "everyone hears one order",
        promise: "`Tail`: passes on what came of drafts, and what others appended, in the order of each room's log.",
        check: one_order,
    },
    Rule {
        name: "only what is new is heard",
        promise: "`Tail`: what was in the log when a store was opened is read, not heard.",
        check: only_new,
    },
    Rule {
        name: "everyone reads one log",
        promise: "`after`, `bounds`, `search`: what anybody was told is in the log, whoever reads it.",
        check: one_log,
    },
    Rule {
        name: "a key is known to all",
        promise: "`Key`: a draft with a key that the store has taken in before is not appended again, whoever took it.",
        check: one_key,
    },
];

const ROOMS: [&str; 2] = ["lobby", "games"];

/// Two chats on the log.
fn two(open: &mut Open<'_>) -> (Driver, Driver) {
    (Driver::shared(open()), Driver::shared(open()))
}

fn epoch(open: &mut Open<'_>) -> Checked {
    let (one, other) = (open(), open());
    ensure!(one.epoch() == other.epoch(), "one has the epoch {:?}, one {:?}", one.epoch(), other.epoch());
    Ok(())
}

/// Both talk at the same time; what each of them said.
fn talk(one: &mut Driver, other: &mut Driver, word: &str) -> Checked<[Vec<Arc<Record>>; 2]> {
    thread::scope(|scope| {
        let said = [("one", one), ("other", other)].map(|(name, driver)| {
            scope.spawn(move || {
                let mut said = Vec::new();
                for turn in 0..40 {
                    let size = [1, 4, 2, 9][turn % 4];
                    let text = |nth| format!("{word} {turn}.{nth} of {name}");
                    said.extend(driver.say_new((0..size).map(|nth| draft(ROOMS[nth % 2], text(nth))))?);
                }
                Checked::Ok(said)
            })
        });
        let [one, other] = said.map(|said| said.join().expect("a turn does not panic unless the store does"));
        Ok([one?, other?])
    })
}

/// Waits until `driver` has heard of all these, in whatever way.
fn hear(driver: &mut Driver, said: &[Arc<Record>]) -> Checked {
    eventually(|| {
        driver.listen()?;
        let heard = new(driver).map(|(_, record)| record.position).collect::<HashSet<_>>();
        let missing = said.iter().find(|record| !heard.contains(&record.position));
        Ok(missing.map(|record| format!("{:?}, said by another, was not heard", record.text)))
    })?;
    driver.listen_long()
}

/// What the tail brought that is new, and whether it was its own.
fn new(driver: &Driver) -> impl Iterator<Item = (bool, &Arc<Record>)> {
    driver.heard.iter().filter_map(|delivery| match &delivery.outcome {
        Ok(Appended::New(record)) => Some((delivery.ticket.is_some(), record)),
        _ => None,
    })
}

fn heard(open: &mut Open<'_>) -> Checked {
    let (mut one, mut other) = two(open);
    let [by_one, by_other] = talk(&mut one, &mut other, "heard")?;
    for (driver, own, others) in [(&mut one, &by_one, &by_other), (&mut other, &by_other, &by_one)] {
        hear(driver, others)?;
        let own = own.iter().map(|record| record.position).collect::<HashSet<_>>();
        let mut known = HashSet::new();
        for (is_own, record) in new(driver) {
            let (text, position) = (&record.text, record.position);
            ensure!(known.insert(position), "{text:?} was heard twice, at {position}");
            let is_right = own.contains(&position) == is_own;
            ensure!(is_right, "{text:?} was heard as if {} own", if is_own { "its" } else { "not its" });
        }
        for record in others {
            let same = new(driver).any(|(_, heard)| heard == record);
            ensure!(same, "{:?} was heard otherwise than it was said", record.text);
        }
    }
    let foreign = one.heard.iter().chain(&other.heard).filter(|delivery| delivery.ticket.is_none());
    for delivery in foreign {
        let is_message = matches!(delivery.outcome, Ok(Appended::New(_)));
        ensure!(is_message, "without a ticket: {}", told(&delivery.outcome));
    }
    Ok(())
}

fn one_order(open: &mut Open<'_>) -> Checked {
    let (mut one, mut other) = two(open);
    let [by_one, by_other] = talk(&mut one, &mut other, "order")?;
    for (driver, others) in [(&mut one, &by_other), (&mut other, &by_one)] {
        hear(driver, others)?;
        for room in ROOMS {
            let mut last = Position::START;
            for (_, record) in new(driver).filter(|(_, record)| &*record.room == room) {
                let position = record.position;
                ensure!(position > last, "the tail brought {position} in {room:?} after {}", at(last));
                last = position;
            }
        }
    }
    Ok(())
}

fn only_new(open: &mut Open<'_>) -> Checked {
    let mut one = Driver::shared(open());
    one.say_new(drafts("lobby", 20))?;
    let mut late = Driver::shared(open());
    let after = one.say_new(drafts("lobby", 3))?;
    hear(&mut late, &after)?;
    let heard = new(&late).map(|(_, record)| record.clone()).collect::<Vec<_>>();
    ensure_same("who came later heard", &heard, &after)
}

fn one_log(open: &mut Open<'_>) -> Checked {
    let (mut one, mut other) = two(open);
    let said = talk(&mut one, &mut other, "needle")?.concat();
    for (reader, eraser) in [(&one, &other), (&other, &one)] {
        for room in ROOMS {
            let mut expected =
                said.iter().filter(|record| &*record.room == room).cloned().collect::<Vec<_>>();
            expected.sort_unstable_by_key(|record| record.position);
            let first = expected[0].position;
            let read = reader.after(room, Position(first.0 - 1), super::driver::END, usize::MAX)?;
            let read =
                read.into_iter().filter(|record| record.text.starts_with("needle")).collect::<Vec<_>>();
            ensure_same(&format!("the log of {room:?}"), &read, &expected)?;
            let head = reader.bounds(room)?.head;
            let last = expected.last().map_or(Position::START, |last| last.position);
            ensure!(head >= last, "`head` of {room:?} is {}, the last message at {last}", at(head));
            if let Some(found) = search(reader, &[room], "needle", None, 10_000)? {
                ensure_same(&format!("search in {room:?}"), &found.records, &expected)?;
            }
        }
        erase(eraser, "Nobody", None)?;
    }
    one.say_new([draft_by("Eve", "deleted", "needle")])?;
    erase(&other, "Eve", None)?;
    let left = one.all("deleted")?;
    ensure!(left.is_empty(), "what another deleted is still there");
    Ok(())
}

fn one_key(open: &mut Open<'_>) -> Checked {
    let (mut one, mut other) = two(open);
    let mine = |nth: usize| keyed(draft("keys", format!("{nth}")), 77, format!("c{nth}"));
    let first = one.say_new((0..20).map(mine))?;
    for (again, first) in other.say((0..20).map(mine))?.into_iter().zip(&first) {
        let expected = Appended::Known { room: first.room.clone(), position: first.position };
        ensure!(again == expected, "{:?}, said by another before, is {}", first.text, told(&Ok(again)));
    }
    // And where both say it at the same time.
    let both = thread::scope(|scope| {
        let both = [&mut one, &mut other].map(|driver| scope.spawn(move || driver.say((20..60).map(mine))));
        both.map(|said| said.join().expect("a turn does not panic unless the store does"))
    });
    let [by_one, by_other] = both;
    for (one, other) in by_one?.into_iter().zip(by_other?) {
        let place = |appended: &Appended| match appended {
            Appended::New(record) => (true, record.position),
            Appended::Known { position, .. } => (false, *position),
        };
        let ((is_new, at_one), (is_other_new, at_other)) = (place(&one), place(&other));
        let is_one = is_new != is_other_new && at_one == at_other;
        ensure!(is_one, "said at once by two: {}, and {}", told(&Ok(one)), told(&Ok(other)));
    }
    Ok(())
}
