//! The hub never waits for a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::bounded;

use super::driver::{Driver, PATIENCE, draft, drafts, ensure_same};
use super::{Checked, Open, Rule, ensure};
use crate::store::{Appended, Erasure, Search, Store, StoreErrorKind, Tail, Ticket};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "append and commit never block",
        promise: "`append`, `commit`: must not block: no file, no network, no lock that somebody holds who waits.",
        check: never_block,
    },
    Rule {
        name: "a busy tail holds nobody up",
        promise: "`Tail::deliver`: waits where the hub is busy, so the store's thread holds no lock then that an append takes.",
        check: busy_tail,
    },
    Rule {
        name: "the queue is bounded",
        promise: "`append`: where the store's queue is full it is known at once (`Behind`), and such a draft does not get into the log.",
        check: bounded_queue,
    },
];

/// Half of all appends are quicker than this, however busy the machine is; one that waits
/// for a disk is not.
const USUAL: Duration = Duration::from_micros(200);
/// One in ten may be slower than this, however busy the machine is.
const SLOW: Duration = Duration::from_millis(1);
/// None takes longer than this: one that waits for somebody may.
const LONGEST: Duration = Duration::from_secs(1);
const APPENDS: usize = 4000;
/// What waits in a queue is less than this.
const QUEUE: usize = 64 * 1024 * 1024;

fn never_block(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    driver.say_new((0..20).flat_map(|_| drafts("lobby", 100)))?;
    let store = driver.store.clone();
    let is_done = AtomicBool::new(false);
    driver.taken.clear();
    thread::scope(|scope| {
        for work in [read, look_for, delete] {
            let (store, is_done) = (&store, &is_done);
            scope.spawn(move || {
                while !is_done.load(Ordering::Relaxed) {
                    work(&**store);
                }
            });
        }
        let said = talk(&mut driver);
        is_done.store(true, Ordering::Relaxed);
        said
    })?;
    let mut taken = std::mem::take(&mut driver.taken);
    taken.sort_unstable();
    let (usual, longest) = (taken[taken.len() / 2], taken[taken.len() - 1]);
    ensure!(usual <= USUAL, "half of all appends took over {usual:?}, where {USUAL:?} are much");
    let slow = taken[taken.len() / 10 * 9];
    ensure!(slow <= SLOW, "one in ten appends took over {slow:?}: they wait for somebody");
    ensure!(longest <= LONGEST, "an append or commit took {longest:?}");
    Ok(())
}

fn read(store: &dyn Store) {
    // What comes of it is another rule's.
    let _ = store.before("lobby", None, 1000);
}

fn look_for(store: &dyn Store) {
    let search = Search { rooms: vec!["lobby".into()], words: "message 7".into(), before: None, limit: 100 };
    let _ = store.search(&search);
}

fn delete(store: &dyn Store) {
    let _ = store.erase(&Erasure { author: "key of nobody".into(), room: None });
    thread::sleep(Duration::from_millis(1));
}

fn talk(driver: &mut Driver) -> Checked {
    for turn in 0..APPENDS / 20 {
        driver.turn((0..20).map(|nth| draft("games", format!("{turn}.{nth}"))))?;
        let (spent, count) = (driver.taken.iter().sum::<Duration>(), driver.taken.len());
        ensure!(spent < LONGEST * 3, "{count} appends and commits took {spent:?}");
    }
    driver.settle()
}

fn busy_tail(open: &mut Open<'_>) -> Checked {
    let (open_tx, open_rx) = bounded::<()>(0);
    let (busy_tx, busy_rx) = bounded(1);
    let mut driver = Driver::with(open(), false, move || {
        let _ = busy_tx.try_send(());
        let _ = open_rx.recv();
    });
    driver.turn(drafts("games", 1))?;
    if driver.is_waiting() {
        let silent = |_| format!("the tail hears nothing for {PATIENCE:?}");
        busy_rx.recv_timeout(PATIENCE).map_err(silent)?;
    }
    let (done_tx, done_rx) = bounded(1);
    let store = driver.store.clone();
    let driver = &mut driver;
    let said = thread::scope(|scope| {
        let hub = scope.spawn(move || {
            let tickets = (0..100).map(|turn| driver.turn(drafts(["lobby", "games"][turn % 2], 3)));
            let tickets = tickets.collect::<Checked<Vec<_>>>();
            let _ = done_tx.send(());
            tickets.map(|tickets| (driver, tickets.concat()))
        });
        let is_free = done_rx.recv_timeout(LONGEST * 5).is_ok();
        // Reading is for those that the hub does not wait for either.
        let is_readable = !is_free || reads(&store);
        drop(open_tx);
        let said = hub.join().expect("a turn does not panic unless the store does");
        ensure!(is_free, "an append waits for a tail that is busy");
        ensure!(is_readable, "`bounds` and `after` wait for a tail that is busy");
        said
    });
    let (driver, tickets) = said?;
    driver.settle()?;
    let expected = tickets.into_iter().map(|ticket| driver.appended(ticket));
    let lobby = expected.filter_map(|appended| match appended {
        Ok(Appended::New(record)) if &*record.room == "lobby" => Some(Ok(record)),
        Ok(_) => None,
        Err(problem) => Some(Err(problem)),
    });
    ensure_same("what was said meanwhile", &driver.all("lobby")?, &lobby.collect::<Checked<Vec<_>>>()?)
}

/// Whether it can be read within some seconds.
fn reads(store: &Arc<dyn Store>) -> bool {
    let (done_tx, done_rx) = bounded(1);
    let store = store.clone();
    // It may stay where it is, should it be stuck.
    thread::spawn(move || {
        let is_read = store.bounds("lobby").is_ok() && store.before("lobby", None, 10).is_ok();
        let _ = done_tx.send(is_read);
    });
    done_rx.recv_timeout(LONGEST * 5).unwrap_or(false)
}

fn bounded_queue(open: &mut Open<'_>) -> Checked {
    let store = open();
    let (open_tx, open_rx) = bounded::<()>(0);
    let (outcomes_tx, outcomes_rx) = crossbeam_channel::unbounded();
    store.set_retention(super::driver::everything());
    store.open(Tail::new(move |deliveries| {
        let _ = open_rx.recv();
        let _ = outcomes_tx.send(deliveries);
    }));
    let text = "x".repeat(4096);
    let mut taken = 0;
    let refused = loop {
        ensure!(taken * text.len() < QUEUE, "{taken} drafts of 4 KiB wait for a tail that is busy");
        match store.append(Ticket(taken as u64), draft("lobby", format!("{taken} {text}"))) {
            None => taken += 1,
            // Whoever knows at once has no queue.
            Some(Ok(_)) => return Ok(()),
            Some(Err(error)) => break error,
        }
        if taken % 16 == 0 {
            store.commit();
        }
    };
    let kind = refused.kind();
    ensure!(kind == StoreErrorKind::Behind, "a full queue is {kind:?}: {refused}");
    store.commit();
    drop(open_tx);
    let mut told = 0;
    while told < taken {
        let late = |_| format!("{told} of {taken} drafts have an outcome");
        told += outcomes_rx.recv_timeout(PATIENCE).map_err(late)?.len();
    }
    let head = store.before("lobby", None, 1).map_err(|error| error.to_string())?;
    let last = head.first().map(|last| last.text.len());
    let expected = Some(format!("{} {text}", taken - 1).len());
    ensure!(last == expected, "the last message is not the last that was taken");
    let count = store.count("lobby", crate::store::Position::START, super::driver::END);
    ensure!(count == Ok(taken as u64), "{count:?} messages, where {taken} drafts were taken");
    Ok(())
}
