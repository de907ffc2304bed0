//! What is read of a log, tried against a plain list.

use std::sync::Arc;

use super::driver::{Driver, END, at, draft, drafts, ensure_same};
use super::{Checked, Open, Rule, ensure};
use crate::store::{Bounds, Position, Record};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "a room without messages is a room",
        promise: "`Store`: a room without messages is a room, too; `Bounds`: the start where nothing of it ever went.",
        check: empty,
    },
    Rule {
        name: "bounds",
        promise: "`Bounds`: behind `gone` all is kept, `head` is the latest message that ever was in the room, and `latest` the greatest position that anybody can have of any room.",
        check: bounds,
    },
    Rule {
        name: "after",
        promise: "`after`: what is kept of a room behind `after`, up to `until` and with it: the first `limit`, the oldest first.",
        check: after,
    },
    Rule {
        name: "before",
        promise: "`before`: what is kept of a room before `before`, or up to its end: the last `limit`, the oldest first.",
        check: before,
    },
    Rule {
        name: "count",
        promise: "`count`: how many messages are kept of a room behind `after`, up to `until` and with it.",
        check: count,
    },
];

const ROOM: &str = "lobby";
const LIMITS: [usize; 5] = [0, 1, 3, 1000, usize::MAX];

fn empty(open: &mut Open<'_>) -> Checked {
    let store = open();
    // A chat reads before it has anything to append.
    let begin = store.bounds(ROOM).map_err(|error| format!("bounds failed before open: {error}"))?;
    let nothing = Bounds { gone: Position::START, head: Position::START, latest: begin.latest };
    ensure!(begin == nothing, "a new store has {begin:?}");
    let mut driver = Driver::new(store);
    driver.say_new(drafts("games", 3))?;
    for room in [ROOM, "nobody-was-here"] {
        let Bounds { gone, head, .. } = driver.bounds(room)?;
        let is_empty = gone == Position::START && head == Position::START;
        ensure!(is_empty, "nothing was said in {room:?}, which is from {} to {}", at(gone), at(head));
        let all = [driver.all(room)?, driver.before(room, None, 10)?, driver.before(room, Some(END), 10)?];
        ensure!(all.iter().all(Vec::is_empty), "nothing was said in {room:?}, which has messages");
        let count = driver.count(room, Position::START, END)?;
        ensure!(count == 0, "nothing was said in {room:?}, which counts {count}");
    }
    Ok(())
}

fn bounds(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let mut greatest = Position::START;
    for nth in 0..20 {
        let room = ["games", ROOM, "лес"][nth % 3];
        let latest = driver.bounds(room)?.latest;
        let record = driver.say_new(drafts(room, 1))?.remove(0);
        // Else somebody could have it before it is given.
        ensure!(
            record.position > latest,
            "{} was given, but {} the latest before",
            record.position,
            at(latest)
        );
        greatest = greatest.max(record.position);
        let Bounds { gone, head, latest } = driver.bounds(room)?;
        ensure!(gone == Position::START, "nothing went from {room:?}, but `gone` is {}", at(gone));
        ensure!(head == record.position, "`head` is {}, the last message at {}", at(head), record.position);
        for room in ["games", ROOM, "лес", "nobody-was-here"] {
            let Bounds { head, latest, .. } = driver.bounds(room)?;
            ensure!(latest >= greatest, "`latest` of {room:?} is {}, but {greatest} was given", at(latest));
            ensure!(latest >= head, "`latest` of {room:?} is {}, its head {}", at(latest), at(head));
        }
        ensure!(latest < END, "`latest` is the end, of which nobody can have lost anything");
    }
    Ok(())
}

/// Two rooms in turn, so that one's positions are between the other's: what is in the first.
fn two_rooms(driver: &mut Driver) -> Checked<Vec<Arc<Record>>> {
    let rooms = [ROOM, "games", "games", ROOM, ROOM, "games", ROOM, "games", "games", ROOM, ROOM, "games"];
    let mut said =
        driver.say_new(rooms.iter().enumerate().map(|(nth, room)| draft(room, nth.to_string())))?;
    said.retain(|record| &*record.room == ROOM);
    Ok(said)
}

/// Every place that may make a difference.
fn probes(records: &[Arc<Record>]) -> Vec<Position> {
    let near = |record: &Arc<Record>| {
        let Position(at) = record.position;
        [at.saturating_sub(1), at, at + 1].map(Position)
    };
    let mut probes = records.iter().flat_map(near).collect::<Vec<_>>();
    probes.extend([Position::START, Position(u64::MAX as u128 / 2), Position(u64::MAX as u128), END]);
    probes.sort_unstable();
    probes.dedup();
    probes
}

fn after(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let said = two_rooms(&mut driver)?;
    for after in probes(&said) {
        for until in probes(&said) {
            let between = said.iter().filter(|record| record.position > after && record.position <= until);
            for limit in LIMITS {
                let expected = between.clone().take(limit).cloned().collect::<Vec<_>>();
                let read = driver.after(ROOM, after, until, limit)?;
                let what = format!("after {} until {}, {limit} at most", at(after), at(until));
                ensure_same(&what, &read, &expected)?;
            }
        }
    }
    Ok(())
}

fn before(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let said = two_rooms(&mut driver)?;
    for before in probes(&said).into_iter().map(Some).chain([None]) {
        let earlier = said.iter().filter(|record| before.is_none_or(|before| record.position < before));
        let earlier = earlier.cloned().collect::<Vec<_>>();
        for limit in LIMITS {
            let expected = &earlier[earlier.len().saturating_sub(limit)..];
            let read = driver.before(ROOM, before, limit)?;
            let place = before.map_or("up to the end".to_owned(), |before| format!("before {}", at(before)));
            ensure_same(&format!("{place}, {limit} at most"), &read, expected)?;
        }
    }
    Ok(())
}

fn count(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let said = two_rooms(&mut driver)?;
    for after in probes(&said) {
        for until in probes(&said) {
            let between = said.iter().filter(|record| record.position > after && record.position <= until);
            let (count, expected) = (driver.count(ROOM, after, until)?, between.count() as u64);
            ensure!(count == expected, "{count} after {} until {}; it is {expected}", at(after), at(until));
        }
    }
    Ok(())
}
