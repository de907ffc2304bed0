//! Random pushes, pongs and drains, the same in every run, against what must
//! hold for all of them.

use std::time::Duration;

use super::rig::Rig;
use crate::outbox::{Overflow, Pushed};

/// Small numbers, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
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

#[test]
fn whatever_happens_what_is_delivered_and_told_as_missed_is_what_was_pushed() {
    for overflow in [
        Overflow::DropNewest,
        Overflow::Disconnect { grace: Duration::ZERO },
        Overflow::DropOldest,
        Overflow::KeepLatest,
    ] {
        for seed in 1..=300 {
            check_run(overflow, &mut Random(0x9e37_79b9_7f4a_7c15 ^ seed));
        }
    }
}

fn check_run(overflow: Overflow, random: &mut Random) {
    let (max_messages, max_bytes) = (1 + random.below(6) as usize, 10 + random.below(60) as usize);
    let rig = Rig::new(overflow, max_messages, max_bytes);
    let (mut pushed, mut dropped) = (0, 0);
    for _ in 0..60 {
        match random.below(8) {
            0..=3 => {
                let count = 1 + random.below(4);
                let texts: Vec<String> = (pushed..pushed + count)
                    .map(|number| format!("{}{number}", "x".repeat(random.below(12) as usize)))
                    .collect();
                pushed += count;
                if let Pushed::Dropped(some) = rig.push(&texts.join(" ")) {
                    dropped += some as u64;
                }
                assert!(rig.outbox.depth().1 <= max_messages);
            }
            4 => assert_eq!(rig.pong("p"), Pushed::Taken),
            _ => rig.drain(random.below(40) as usize),
        }
    }
    rig.close(false);
    let wire = rig.drain_all();
    assert_eq!(wire.last().map(String::as_str), Some("close"));
    let delivered = wire.iter().filter(|frame| frame.trim_start_matches('x').parse::<u64>().is_ok()).count();
    assert_eq!(delivered as u64 + dropped, pushed);
    check_gaps(&wire, pushed);
}
