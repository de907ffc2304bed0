//! Reading while others append.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::driver::{Driver, END, at, draft, ensure_same, places};
use super::{Checked, Open, Rule, ensure};
use crate::store::{Position, Record, Store};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "a log only grows at its end",
        promise: "`after`, `before`, `count`, `bounds`: are called from any thread, while others append; what was read of a log is a beginning of what is read later, and never has a hole that is filled.",
        check: grows_at_its_end,
    },
    Rule {
        name: "turns come from any thread",
        promise: "`append`, `commit`: are called in the hub's turn, one after the other, whichever thread has it.",
        check: any_thread,
    },
];

const ROOMS: [&str; 3] = ["lobby", "games", "лес"];
const TURNS: usize = 150;
/// A reader looks at so many of a log's last messages.
const GLANCE: usize = 5;

fn grows_at_its_end(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let is_done = AtomicBool::new(false);
    let store = driver.store.clone();
    thread::scope(|scope| {
        let readers = ROOMS.map(|room| {
            let mut reader = Reader { store: &*store, room, seen: Vec::new(), glances: Vec::new() };
            let is_done = &is_done;
            scope.spawn(move || reader.read(is_done).map(|()| reader))
        });
        let said = talk(&mut driver);
        is_done.store(true, Ordering::Release);
        let readers =
            readers.map(|reader| reader.join().expect("a reader does not panic unless the store does"));
        said?;
        readers.into_iter().try_for_each(|reader| reader?.compare(&driver))
    })
}

fn talk(driver: &mut Driver) -> Checked {
    for turn in 0..TURNS {
        let size = [1, 1, 2, 5, 30, 3, 80][turn % 7];
        driver.turn((0..size).map(|nth| draft(ROOMS[(turn + nth) % 3], format!("{turn}.{nth}"))))?;
        if turn % 10 == 0 {
            driver.settle()?;
        }
    }
    driver.settle()
}

/// Reads one room over and over.
struct Reader<'a> {
    store: &'a dyn Store,
    room: &'static str,
    /// What `after` brought, piece by piece.
    seen: Vec<Arc<Record>>,
    /// What `before` brought.
    glances: Vec<Vec<Arc<Record>>>,
}

impl Reader<'_> {
    fn read(&mut self, is_done: &AtomicBool) -> Checked {
        let mut head = Position::START;
        loop {
            let is_last = is_done.load(Ordering::Acquire);
            self.follow()?;
            let bounds = self.store.bounds(self.room).map_err(|error| error.to_string())?;
            let (last, room) = (self.last(), self.room);
            ensure!(
                bounds.head >= last,
                "{last} of {room:?} was read, then its head was {}",
                at(bounds.head)
            );
            ensure!(bounds.head >= head, "the head of {room:?} was {}, then {}", at(head), at(bounds.head));
            ensure!(bounds.latest >= bounds.head, "the head of {room:?} is beyond `latest`: {bounds:?}");
            head = bounds.head;
            self.look_again()?;
            if is_last {
                return Ok(());
            }
        }
    }

    fn last(&self) -> Position {
        self.seen.last().map_or(Position::START, |last| last.position)
    }

    /// What came behind the last that was seen, as somebody reads who comes back.
    fn follow(&mut self) -> Checked {
        let last = self.last();
        let more = self.store.after(self.room, last, END, 64).map_err(|error| error.to_string())?;
        let is_in_order = more.first().is_none_or(|first| first.position > last)
            && more.is_sorted_by(|one, other| one.position < other.position);
        ensure!(is_in_order, "behind {} of {:?} there are {}", at(last), self.room, places(&more));
        self.seen.extend(more);
        Ok(())
    }

    /// What was seen is what is there.
    fn look_again(&mut self) -> Checked {
        let (last, expected) = (self.last(), self.seen.len() as u64);
        let failed = |error: crate::store::StoreError| error.to_string();
        let count = self.store.count(self.room, Position::START, last).map_err(failed)?;
        ensure!(count == expected, "{expected} messages of {:?} up to {}, then {count}", self.room, at(last));
        let glance = self.store.before(self.room, None, GLANCE).map_err(failed)?;
        self.glances.push(glance);
        if self.glances.len().is_multiple_of(8) {
            let whole = self.store.after(self.room, Position::START, last, usize::MAX).map_err(failed)?;
            ensure_same(&format!("{:?} up to {}, read again", self.room, at(last)), &whole, &self.seen)?;
        }
        Ok(())
    }

    /// What was seen on the way is a part of what there is in the end.
    fn compare(mut self, driver: &Driver) -> Checked {
        self.follow()?;
        let all = driver.all(self.room)?;
        let count = self.seen.len().min(all.len());
        ensure_same(&format!("{:?}, read while others append", self.room), &self.seen, &all[..count])?;
        for glance in &self.glances {
            let Some(first) = glance.first() else { continue };
            let begin = all.partition_point(|record| record.position < first.position);
            let end = (begin + glance.len()).min(all.len());
            ensure_same(&format!("the last of {:?} at a time", self.room), glance, &all[begin..end])?;
            ensure!(glance.len() == GLANCE.min(end), "only {} of {GLANCE} last messages", glance.len());
        }
        Ok(())
    }
}

fn any_thread(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    for turn in 0..20 {
        let drafts = (0..3).map(|nth| draft(ROOMS[nth], turn.to_string())).collect::<Vec<_>>();
        let driver = &mut driver;
        let tickets = thread::scope(|scope| scope.spawn(move || driver.turn(drafts)).join());
        tickets.expect("a turn does not panic unless the store does")?;
    }
    driver.settle()?;
    for room in ROOMS {
        let texts = driver.all(room)?.iter().map(|record| record.text.clone()).collect::<Vec<_>>();
        let expected = (0..20).map(|turn| turn.to_string()).collect::<Vec<_>>();
        ensure!(texts == expected, "{room:?} has {texts:?}");
    }
    Ok(())
}
