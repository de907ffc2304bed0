//! Those who take in nothing, or next to nothing, of what they asked to hear, while the crowd
//! talks at length: what waits for them is bounded, they go by the server's policy, and nobody
//! else is kept waiting.

use std::time::{Duration, Instant};

use super::arena::{Arena, foe, pour};
use super::frames::answers_ping;
use super::{Answer, Kind};
use crate::metrics::{Scrape, scrape};
use crate::support::{PATIENCE, Raw, hear, masked};
use Answer::{Close, Served};

/// What each of the crowd's messages has. A hundred a second of them fill the system's buffers
/// and then the outbox of one who reads nothing, within seconds.
const WORDS: usize = 8 * 1024;
/// So many of them go by between two looks.
const STEP: usize = 25;

#[test]
fn whoever_does_not_read_is_disconnected_beside_a_crowd_that_talks_at_length() {
    Arena::new().try_each(&disconnected());
}

#[test]
fn whoever_does_not_read_misses_the_oldest_beside_a_crowd_that_talks_at_length() {
    Arena::new_with(&["--overflow=drop-oldest"]).try_each(&[misses()]);
}

pub fn kinds() -> Vec<Kind> {
    disconnected().into_iter().chain([misses()]).collect()
}

fn disconnected() -> Vec<Kind> {
    vec![
        stalls("reads nothing while all others talk at length", |_| {}),
        stalls("reads a byte a second while all others talk at length", |raw| {
            raw.read(1);
        }),
        stalls("talks and reads nothing while all others talk at length", |raw| {
            pour(&mut raw.stream, &masked(0x81, b"do go on"));
        }),
    ]
}

/// Says that it lives, or it would go for not answering pings.
fn shows_life(raw: &mut Raw) {
    pour(&mut raw.stream, &masked(0x8a, b""));
}

/// One who does this each second, and else just shows a sign of life.
fn stalls(does: &'static str, each_second: fn(&mut Raw)) -> Kind {
    Kind::new(does, Close(1013), move |arena| {
        let before = arena.closes(1013);
        let (mut witness, name) = (arena.newcomer(), foe());
        let mut raw = arena.foe_named(&name);
        let _talk = arena.crowd().talk_at_length(WORDS);
        let (began, mut seconds) = (Instant::now(), 0);
        let mut heard = 0;
        while hear(&mut witness) != format!("{name} left.") {
            heard += 1;
            if heard % STEP == 0 {
                shows_life(&mut raw);
            }
            if began.elapsed().as_secs() > seconds {
                seconds += 1;
                each_second(&mut raw);
            }
            assert!(began.elapsed() < PATIENCE, "still there after {heard} messages");
        }
        arena.close_after(1013, before)
    })
}

/// One who reads nothing until something was dropped for it, and then all that is left.
fn misses() -> Kind {
    Kind::new("reads nothing for a while, where the oldest gives way", Served, |arena| {
        let gaps = |scrape: &Scrape| scrape.labelled("chinwag_gaps_total", &[("policy", "drop_oldest")]);
        let before = gaps(&scrape(arena.addr));
        let (mut witness, mut raw) = (arena.newcomer(), arena.foe());
        let talk = arena.crowd().talk_at_length(WORDS);
        let began = Instant::now();
        while gaps(&scrape(arena.addr)) == before {
            (0..STEP).for_each(|_| drop(hear(&mut witness)));
            shows_life(&mut raw);
            assert!(began.elapsed() < PATIENCE, "nothing was dropped");
        }
        drop((talk, witness));
        raw.stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        answers_ping(&mut raw.stream)
    })
}
