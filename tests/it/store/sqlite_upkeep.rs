//! The store in an SQLite file: what is not kept any more, and how little that costs.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use chinwag::store::{Draft, Position, Retention, Sqlite, Store};
use rusqlite::Connection;

use super::support::*;
use crate::support::eventually;

const ALL: Retention = Retention { messages: usize::MAX, bytes: usize::MAX, age: None };

fn count(heard: &Heard, room: &str) -> u64 {
    heard.store.count(room, Position::START, Position(u128::MAX)).unwrap()
}

/// Says so many things and waits until all is written.
fn say_many(heard: &Heard, room: &str, texts: impl Iterator<Item = String>) {
    let mut many = 0;
    for text in texts {
        heard.append(many, draft(room, &text));
        many += 1;
    }
    heard.store.commit();
    (0..many).for_each(|_| assert!(heard.next().outcome.is_ok()));
}

#[test]
fn each_room_keeps_so_many_messages_and_says_what_is_gone() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    heard.store.set_retention(Retention { messages: 300, ..ALL });
    say_many(&heard, "lobby", (0..2000).map(|number| number.to_string()));
    say_many(&heard, "games", (0..20).map(|number| number.to_string()));
    eventually("the rest is gone", || count(&heard, "lobby") == 300);
    let first = heard.store.after("lobby", Position::START, Position(u128::MAX), 1).unwrap();
    assert_eq!(first[0].text, "1700");
    let bounds = heard.store.bounds("lobby").unwrap();
    assert!(bounds.gone < first[0].position && bounds.gone > Position::START);
    assert_eq!(heard.store.count("lobby", bounds.gone, bounds.head), Ok(300));
    assert_eq!(heard.store.bounds("games").unwrap().gone, Position::START);
    assert_eq!(count(&heard, "games"), 20);
    assert_eq!(heard.store.statistics().messages, 320);
    heard.store.set_retention(Retention { messages: 10, ..ALL });
    eventually("less is kept at once", || count(&heard, "lobby") == 10 && count(&heard, "games") == 10);
}

#[test]
fn each_room_keeps_so_many_bytes() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    heard.store.set_retention(Retention { bytes: 1000, ..ALL });
    say_many(&heard, "lobby", (0..30).map(|_| "é".repeat(50)));
    eventually("ten times 100 bytes are kept", || count(&heard, "lobby") == 10);
}

#[test]
fn what_is_too_old_goes_without_anybody_talking() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    heard.store.set_retention(Retention { age: Some(Duration::from_secs(3600)), ..ALL });
    for (number, minutes) in [90, 70, 50, 1].into_iter().enumerate() {
        heard.append(number as u64, Draft { time: now() - minutes * 60_000, ..draft("lobby", "hi") });
    }
    heard.store.commit();
    (0..4).for_each(|_| drop(heard.next()));
    eventually("two are too old", || count(&heard, "lobby") == 2);
    drop(heard);

    let heard = Heard::open(&path);
    heard.store.set_retention(Retention { age: Some(Duration::from_secs(600)), ..ALL });
    eventually("of what was there before, too", || count(&heard, "lobby") == 1);
}

#[test]
fn all_rooms_together_are_bounded() {
    let (_folder, path) = new_path();
    let heard = Heard::with(Sqlite::builder(&path).max_bytes(100_000));
    heard.store.set_retention(ALL);
    for room in 0..20 {
        say_many(&heard, &format!("room{room}"), (0..10).map(|_| "x".repeat(1000 - 128)));
    }
    let kept = |room: u64| count(&heard, &format!("room{room}"));
    eventually("100 of 200 are kept", || heard.store.statistics().messages == 100);
    assert_eq!((kept(0), kept(9), kept(10), kept(19)), (0, 0, 10, 10), "the oldest went");
    let bounds = heard.store.bounds("room3").unwrap();
    assert_eq!((bounds.gone, bounds.head), (bounds.head, bounds.gone));
    assert!(bounds.gone > Position::START);
}

#[test]
fn rooms_are_bounded_in_number_and_who_was_in_one_that_is_forgotten_is_told() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    let first = heard.say("quiet", "the first");
    heard.say("busy", "the second");
    let many = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100000)
                INSERT INTO rooms (name, gone, head) SELECT 'room' || n, 0, 1 << 60 FROM n";
    Connection::open(&path).unwrap().execute_batch(many).unwrap();
    heard.store.set_retention(ALL);
    eventually("the quiet rooms are gone", || heard.store.statistics().messages == 0);
    for room in ["quiet", "never heard of"] {
        assert!(heard.store.bounds(room).unwrap().gone >= first.position);
    }
    heard.say("quiet", "a new beginning");
    let bounds = heard.store.bounds("quiet").unwrap();
    assert!(bounds.gone >= first.position && bounds.head > bounds.gone);
}

#[test]
fn receipts_are_kept_for_a_day() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    let hours = |hours: u64| now() - hours * 3_600_000;
    for (id, time) in [hours(25), hours(23)].into_iter().enumerate() {
        let said = Draft { time, ..keyed("lobby", "hi", 1, &id.to_string()) };
        heard.outcome(said).unwrap();
    }
    let receipts = || {
        let connection = Connection::open(&path).unwrap();
        let sql = "SELECT (SELECT count(*) FROM receipts), (SELECT value FROM meta WHERE key = 'receipts')";
        connection.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).unwrap()
    };
    eventually("one is too old", || receipts() == (1, 1));
    heard.outcome(keyed("lobby", "hi", 1, "1")).unwrap();
    assert_eq!(count(&heard, "lobby"), 2, "the other one is known");
    heard.outcome(keyed("lobby", "hi", 1, "0")).unwrap();
    assert_eq!(count(&heard, "lobby"), 3);
}

#[test]
fn counts_that_a_shell_made_wrong_are_counted_again() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    say_many(&heard, "lobby", (0..50).map(|number| number.to_string()));
    Connection::open(&path).unwrap().execute_batch("DELETE FROM messages").unwrap();
    heard.store.set_retention(Retention { messages: 10, ..ALL });
    eventually("it has noticed", || heard.store.statistics().messages == 0);
    say_many(&heard, "lobby", (0..9).map(|number| number.to_string()));
    assert_eq!(heard.store.statistics().messages, 9);
    assert_eq!(count(&heard, "lobby"), 9);
}

#[test]
fn the_log_beside_the_file_stays_short_under_load_and_with_readers() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    heard.store.set_retention(Retention { messages: 2000, ..ALL });
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let found = heard.store.before("lobby", None, 50).unwrap();
                assert!(found.is_sorted_by_key(|record| record.position));
            }
        });
        let text = "x".repeat(2000);
        // 20 MB of text, which are more than 60 in the log.
        for round in 0..50 {
            say_many(&heard, "lobby", (0..200).map(|_| text.clone()));
            let log = fs::metadata(beside(&path, "-wal")).unwrap().len();
            assert!(log < 40 * 1024 * 1024, "{log} bytes in round {round}");
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let file = fs::metadata(&path).unwrap().len();
    assert!(file < 16 * 1024 * 1024, "the room of what went is used again: {file}");
}
