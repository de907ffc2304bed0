//! Too many of something, as fast as it goes.

use std::io::Write;
use std::net::TcpStream;

use std::time::{Duration, Instant};

use super::arena::{Arena, answer_while, foe, pour, read_frame, reads_while};
use super::frames::answers_ping;
use super::{Answer, Kind};
use crate::support::{Raw, masked, request};
use Answer::{Close, Served};

/// What a handshake may cost a good newcomer, whoever else is at the door. Of three newcomers
/// the luckiest counts, for the machine may have other work.
const WAIT: Duration = Duration::from_millis(500);
/// Over the 256 handshakes that may be under way.
const AT_THE_DOOR: usize = 600;
/// What a flood of control frames is borne at the most: its first thousand or two, and then the
/// time-outs for a close that nobody reads.
const BORNE: Duration = Duration::from_secs(5);

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

/// The answer to too many control frames, which says that it is for them.
fn end_for_controls(stream: &mut TcpStream) -> Answer {
    loop {
        match read_frame(stream) {
            Some((0x88, payload)) => {
                let words = String::from_utf8_lossy(&payload[2..]);
                assert!(words.contains("control frames"), "closed for another reason: {words}");
                return Close(u16::from_be_bytes([payload[0], payload[1]]));
            }
            Some(_) => {}
            None => return Answer::Cut,
        }
    }
}

/// One who sends this without end, and reads nothing until the server has let go.
fn pours(does: &'static str, bytes: fn() -> Vec<u8>) -> Kind {
    Kind::new(does, Close(1008), move |arena| {
        let mut raw = arena.foe();
        let (bytes, before, began) = (bytes(), arena.closes(1008), Instant::now());
        // The system may tell this side of the end much later than the server has let go.
        raw.stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
        while raw.stream.write_all(&bytes).is_ok() {
            assert!(began.elapsed() < BORNE, "still taken after {:?}", began.elapsed());
        }
        arena.close_after(1008, before)
    })
}

/// One who sends this without end, and reads what comes.
fn streams(does: &'static str, bytes: fn() -> Vec<u8>) -> Kind {
    Kind::new(does, Close(1008), move |arena| {
        let mut raw = arena.foe();
        let (bytes, began) = (bytes(), Instant::now());
        let answer = reads_while(&mut raw, || Some(bytes.clone()), end_for_controls);
        assert!(began.elapsed() < BORNE, "still taken after {:?}", began.elapsed());
        answer
    })
}

/// One who sends this once, and is not in the wrong.
fn may_send(does: &'static str, bytes: fn() -> Vec<u8>) -> Kind {
    Kind::new(does, Served, move |arena| {
        let mut raw = arena.foe();
        pour(&mut raw.stream, &bytes());
        answers_ping(&mut raw.stream)
    })
}

fn frames() -> Vec<Kind> {
    vec![
        pours("sends pings without end and reads no pong", || masked(0x89, b"").repeat(1000)),
        pours("sends the longest pings without end and reads no pong", || {
            masked(0x89, &[b'p'; 125]).repeat(200)
        }),
        pours("sends pongs that nobody asked for, without end", || masked(0x8a, b"").repeat(1000)),
        streams("sends pings without end and reads the pongs", || masked(0x89, b"ping").repeat(100)),
        streams("sends pings and pongs in turn, without end", || {
            [masked(0x89, b"ping"), masked(0x8a, b"pong")].concat().repeat(100)
        }),
        streams("sends a hundred pings behind each message, without end", || {
            [masked(0x81, b"hi"), masked(0x89, b"").repeat(100)].concat()
        }),
        Kind::new("sends ten pings behind each fragment, without end", Close(1008), |arena| {
            let mut raw = arena.foe();
            pour(&mut raw.stream, &masked(0x01, b"once"));
            let fragment = [masked(0x00, b""), masked(0x89, b"").repeat(10)].concat();
            reads_while(&mut raw, || Some(fragment.clone()), end_for_controls)
        }),
        may_send("sends 900 pings at once", || masked(0x89, b"").repeat(900)),
        may_send("sends 900 pongs at once that nobody asked for", || masked(0x8a, b"").repeat(900)),
        Kind::new("sends empty messages without end", Close(1008), |arena| {
            let mut raw = arena.foe();
            let empty = masked(0x81, b"").repeat(1000);
            answer_while(&mut raw, || Some(empty.clone()))
        }),
    ]
}
