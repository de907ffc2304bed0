//! Those who take their time, and would have the server wait: each of its waits has an end.
//! All of them at once.

use std::io::Write;
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

use super::arena::{Arena, answer_while, end_of, foe, pour, reads_while, status_of};
use super::{Answer, Kind};
use crate::support::{Raw, masked, request};
use Answer::{Close, Cut, Status};

/// Between two bytes of one who drips: well within every time limit.
const DRIP: Duration = Duration::from_millis(20);

#[test]
fn whoever_takes_his_time_is_ended_in_time_beside_a_crowd() {
    Arena::new().try_together(&kinds());
}

pub fn kinds() -> Vec<Kind> {
    [handshakes(), messages(), ends()].into_iter().flatten().collect()
}

/// One who sends this much of a request, and then waits.
fn stops(does: &'static str, expected: Answer, sent: fn(&str) -> &str) -> Kind {
    Kind::new(does, expected, move |arena| {
        let mut raw = Raw::connect(arena.addr);
        let whole = request(&format!("/?name={}", foe()), "");
        pour(&mut raw.stream, sent(&whole).as_bytes());
        status_of(&raw.read_to_end())
    })
}

fn handshakes() -> Vec<Kind> {
    vec![
        stops("connects and says nothing", Status(408), |_| ""),
        stops("sends the first byte of a request", Status(408), |whole| &whole[..1]),
        stops("sends half a request", Status(408), |whole| &whole[..whole.len() / 2]),
        stops("sends a request but for its last byte", Status(408), |whole| &whole[..whole.len() - 1]),
        Kind::new("sends half a request and the end", Cut, |arena| {
            let mut raw = Raw::connect(arena.addr);
            pour(&mut raw.stream, b"GET / HTTP/1.1\r\nHost:");
            let _ = raw.stream.shutdown(Shutdown::Write);
            status_of(&raw.read_to_end())
        }),
        Kind::new("sends a request one byte at a time, for ever", Status(408), |arena| {
            let mut raw = Raw::connect(arena.addr);
            let mut bytes = b"GET /?name=Slow HTTP/1.1\r\nX: ".iter().copied().chain(std::iter::repeat(b'x'));
            let drip = move || {
                thread::sleep(DRIP);
                bytes.next().map(|byte| vec![byte])
            };
            reads_while(&mut raw, drip, |stream| {
                let mut answer = Vec::new();
                let _ = std::io::Read::read_to_end(stream, &mut answer);
                status_of(&answer)
            })
        }),
    ]
}

/// One who sends this, and then again and again the rest, a piece at a time.
fn drips(does: &'static str, first: &'static [u8], then: fn() -> Vec<u8>) -> Kind {
    Kind::new(does, Close(1008), move |arena| {
        let mut raw = arena.foe();
        pour(&mut raw.stream, first);
        answer_while(&mut raw, || {
            thread::sleep(DRIP);
            Some(then())
        })
    })
}

fn messages() -> Vec<Kind> {
    vec![
        drips("sends a message one byte at a time, for ever", b"\x81\xfe\x3f\xff\0\0\0\0", || vec![b'x']),
        drips("sends a message in fragments, for ever", b"\x01\x80\0\0\0\0", || masked(0x00, b"x")),
        drips("sends empty fragments, for ever", b"\x01\x80\0\0\0\0", || masked(0x00, b"")),
        drips("sends pings within a message that does not end", b"\x01\x80\0\0\0\0", || masked(0x89, b"p")),
        Kind::new("stops within a frame", Close(1008), |arena| {
            let mut raw = arena.foe();
            pour(&mut raw.stream, b"\x81\x85\0\0\0\0he");
            end_of(&mut raw.stream)
        }),
        Kind::new("sends half a frame's header", Close(1008), |arena| {
            let mut raw = arena.foe();
            pour(&mut raw.stream, b"\x81");
            end_of(&mut raw.stream)
        }),
        Kind::new("answers no ping", Close(1008), |arena| end_of(&mut arena.foe().stream)),
    ]
}

fn ends() -> Vec<Kind> {
    vec![Kind::new("reads nothing, and sends a reset at the end", Cut, |arena| {
        let mut raw = arena.foe();
        pour(&mut raw.stream, &masked(0x81, b"/history 100").repeat(15));
        raw.stream.flush().unwrap();
        rustix::net::sockopt::set_socket_linger(&raw.stream, Some(Duration::ZERO)).unwrap();
        Cut
    })]
}
