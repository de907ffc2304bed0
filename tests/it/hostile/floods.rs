//! Too many of something, as fast as it goes.

use std::time::{Duration, Instant};

use super::arena::{Arena, answer_while, foe, pour};
use super::frames::answers_ping;
use super::{Answer, Kind};
use crate::support::{Raw, masked, request};
use Answer::{Close, Served};

/// What a handshake may cost a good newcomer, whoever else is at the door. Of three newcomers
/// the luckiest counts, for the machine may have other work.
const WAIT: Duration = Duration::from_millis(500);
/// Over the 256 handshakes that may be under way.
const AT_THE_DOOR: usize = 600;

#[test]
fn floods_of_connections_and_frames_are_borne_beside_a_crowd() {
    Arena::new().try_each(&kinds());
}

/// So many that connect and send this, and then stay; whether a newcomer comes in.
pub fn blocks_the_door(does: &'static str, bytes: fn() -> Vec<u8>) -> Kind {
    Kind::new(does, Served, move |arena| {
        let bytes = bytes();
        let door = (0..AT_THE_DOOR).map(|_| {
            let mut raw = Raw::connect(arena.addr);
            pour(&mut raw.stream, &bytes);
            raw
        });
        let door: Vec<Raw> = door.collect();
        let waits: Vec<Duration> = (0..3)
            .map(|_| {
                let began = Instant::now();
                drop(arena.newcomer());
                began.elapsed()
            })
            .collect();
        assert!(waits.iter().any(|wait| *wait < WAIT), "newcomers waited {waits:?}");
        drop(door);
        Served
    })
}

/// So many, one after the other, that send this part of a conversation and then vanish.
fn vanishes(does: &'static str, with_reset: bool, part: fn(&str) -> Vec<u8>) -> Kind {
    vanish_each(does, Duration::ZERO, with_reset, part)
}

/// The same, once they are in: by default one address comes in sixty times a minute, and
/// here a hundred times as often.
fn joins_and_vanishes(does: &'static str, part: fn(&str) -> Vec<u8>) -> Kind {
    vanish_each(does, Duration::from_millis(10), true, part)
}

fn vanish_each(does: &'static str, pause: Duration, with_reset: bool, part: fn(&str) -> Vec<u8>) -> Kind {
    Kind::new(does, Served, move |arena| {
        for _ in 0..if pause.is_zero() { 100 } else { 20 } {
            std::thread::sleep(pause);
            let mut raw = Raw::connect(arena.addr);
            pour(&mut raw.stream, &part(&request(&format!("/?name={}", foe()), "")));
            if with_reset {
                rustix::net::sockopt::set_socket_linger(&raw.stream, Some(Duration::ZERO)).unwrap();
            }
        }
        drop(arena.newcomer());
        Served
    })
}

pub fn kinds() -> Vec<Kind> {
    [connections(), frames()].into_iter().flatten().collect()
}

fn connections() -> Vec<Kind> {
    vec![
        blocks_the_door("stands at the door 600 times and says nothing", Vec::new),
        blocks_the_door("stands at the door 600 times with half a request", || {
            b"GET / HTTP/1.1\r\nHo".to_vec()
        }),
        vanishes("connects and goes, again and again", false, |_| Vec::new()),
        vanishes("connects and resets, again and again", true, |_| Vec::new()),
        vanishes("resets within its request, again and again", true, |whole| whole[..40].into()),
        joins_and_vanishes("resets behind its request, again and again", |whole| whole.into()),
        joins_and_vanishes("resets within a frame, again and again", |whole| {
            [whole.as_bytes(), &masked(0x81, b"hello")[..8]].concat()
        }),
        joins_and_vanishes("resets behind its close, again and again", |whole| {
            [whole.as_bytes(), &masked(0x88, &[3, 232])].concat()
        }),
        vanishes("is refused and reads no answer, again and again", false, |_| {
            request("/?name=%00", "").into_bytes()
        }),
        vanishes("asks for the page and reads nothing of it, again and again", true, |_| {
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()
        }),
        Kind::new("comes and goes in order, again and again", Close(1000), |arena| {
            for _ in 0..20 {
                std::thread::sleep(Duration::from_millis(10));
                let mut raw = arena.foe();
                pour(&mut raw.stream, &masked(0x88, &1000_u16.to_be_bytes()));
                assert_eq!(super::arena::end_of(&mut raw.stream), Close(1000));
            }
            Close(1000)
        }),
    ]
}

/// One who sends this a hundred times, reading nothing, and then asks whether all is well.
fn pours(does: &'static str, bytes: fn() -> Vec<u8>) -> Kind {
    Kind::new(does, Served, move |arena| {
        let mut raw = arena.foe();
        let bytes = bytes();
        for _ in 0..100 {
            pour(&mut raw.stream, &bytes);
        }
        answers_ping(&mut raw.stream)
    })
}

fn frames() -> Vec<Kind> {
    vec![
        pours("sends 100,000 pings and reads no pong", || masked(0x89, b"").repeat(1000)),
        pours("sends megabytes of pings and reads no pong", || masked(0x89, &[b'p'; 125]).repeat(200)),
        pours("sends 100,000 pongs that nobody asked for", || masked(0x8a, b"").repeat(1000)),
        Kind::new("sends empty messages without end", Close(1008), |arena| {
            let mut raw = arena.foe();
            let empty = masked(0x81, b"").repeat(1000);
            answer_while(&mut raw, || Some(empty.clone()))
        }),
    ]
}
