//! What memory keeps, beside what any store does.

use std::sync::Arc;
use std::time::Duration;

use chinwag::store::{Appended, Draft, Memory, Position, Record, Retention, Store, Ticket};

use super::support::{draft, now};

const EVERYTHING: Retention = Retention { messages: usize::MAX, bytes: usize::MAX, age: None };

fn say(memory: &Memory, draft: Draft) -> Arc<Record> {
    match memory.append(Ticket(1), draft) {
        Some(Ok(Appended::New(record))) => record,
        other => panic!("{other:?}"),
    }
}

#[test]
fn room_that_nothing_was_said_in_for_longest_is_forgotten_and_known_to_be() {
    let memory = Memory::new();
    let said = (0..1000).map(|nth| say(&memory, draft(&format!("room{nth}"), "hi"))).collect::<Vec<_>>();
    say(&memory, draft("room0", "still here"));
    say(&memory, draft("new", "hi"));
    let bounds = |room: &str| memory.bounds(room).unwrap();
    assert_eq!(memory.before("room1", None, 10), Ok(Vec::new()));
    assert_eq!(memory.before("room0", None, 10).unwrap().len(), 2);
    assert_eq!(bounds("room1").gone, said[1].position, "who was there is told that something is missing");
    assert_eq!(bounds("room2").gone, Position::START);
    assert_eq!(memory.statistics().messages, 1001);
}

#[test]
fn large_room_keeps_its_latest_where_it_is_the_only_one() {
    let memory = Memory::new();
    memory.set_retention(EVERYTHING);
    let text = "x".repeat(1024 * 1024);
    let last = (0..140).map(|_| say(&memory, draft("lobby", &text))).last().unwrap();
    let kept = memory.before("lobby", None, usize::MAX).unwrap();
    assert_eq!(kept.len(), 127);
    assert_eq!(kept.last(), Some(&last));
    assert_eq!(memory.bounds("lobby").unwrap().gone.0, kept[0].position.0 - 1);
    // Beside others it is the others that go.
    say(&memory, draft("games", "hi"));
    say(&memory, draft("lobby", &text));
    assert_eq!(memory.before("games", None, 1), Ok(Vec::new()));
    assert!(memory.statistics().bytes <= 128 * 1024 * 1024);
}

#[test]
fn what_is_too_old_is_neither_shown_nor_counted() {
    let memory = Memory::new();
    memory.set_retention(Retention { age: Some(Duration::from_secs(60)), ..EVERYTHING });
    for room in ["lobby", "games"] {
        // It comes in too old.
        say(&memory, Draft { time: now() - 61_000, ..draft(room, "then") });
        say(&memory, draft(room, "now"));
    }
    assert_eq!(memory.count("lobby", Position::START, Position(u128::MAX)), Ok(1));
    assert_eq!(memory.statistics().messages, 2);
}
