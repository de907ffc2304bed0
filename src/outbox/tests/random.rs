//! Pushes, pongs and drains in any order, against what must hold for all of them.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::rig::Rig;
use crate::outbox::{Overflow, Pushed};

/// What happens to an outbox.
#[derive(Debug, Clone)]
enum Step {
    /// As many messages at once, each with so much before its number.
    Push(Vec<usize>),
    Pong,
    /// So many bytes leave.
    Drain(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => vec(0..12usize, 1..5).prop_map(Step::Push),
        1 => Just(Step::Pong),
        3 => (0..40usize).prop_map(Step::Drain),
    ]
}

fn overflow() -> impl Strategy<Value = Overflow> {
    prop_oneof![
        Just(Overflow::DropNewest),
        Just(Overflow::Disconnect { grace: Duration::ZERO }),
        Just(Overflow::DropOldest),
        Just(Overflow::KeepLatest),
    ]
}

/// What a client must see: between one number and the next it was told of just
/// as many as are missing there.
fn check_gaps(wire: &[String], pushed: u64) {
    let (mut next, mut told) = (0, 0);
    for frame in wire {
        if let Some(missed) = frame.strip_prefix("missed ") {
            told += missed.parse::<u64>().expect("a number");
        } else if let Ok(number) = frame.trim_start_matches('x').parse::<u64>() {
            assert_eq!(number - next, told, "before {number} in {wire:?}");
            (next, told) = (number + 1, 0);
        }
    }
    assert_eq!(pushed - next, told, "at the end of {wire:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_what_is_delivered_and_told_as_missed_is_what_was_pushed(
        overflow in overflow(),
        max_messages in 1..7usize,
        max_bytes in 10..70usize,
        steps in vec(step(), 0..60),
    ) {
        let rig = Rig::new(overflow, max_messages, max_bytes);
        let (mut pushed, mut dropped) = (0, 0);
        for step in steps {
            match step {
                Step::Push(padding) => {
                    let texts: Vec<String> =
                        (pushed..).zip(&padding).map(|(number, pad)| format!("{}{number}", "x".repeat(*pad))).collect();
                    pushed += padding.len() as u64;
                    if let Pushed::Dropped(some) = rig.push(&texts.join(" ")) {
                        dropped += some as u64;
                    }
                    prop_assert!(rig.outbox.depth().1 <= max_messages);
                }
                Step::Pong => prop_assert_eq!(rig.pong("p"), Pushed::Taken),
                Step::Drain(bytes) => rig.drain(bytes),
            }
        }
        rig.close(false);
        let wire = rig.drain_all();
        prop_assert_eq!(wire.last().map(String::as_str), Some("close"));
        let delivered = wire.iter().filter(|frame| frame.trim_start_matches('x').parse::<u64>().is_ok()).count();
        prop_assert_eq!(delivered as u64 + dropped, pushed);
        check_gaps(&wire, pushed);
    }
}
