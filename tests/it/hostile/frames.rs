//! Frames of every kind that RFC 6455 does not have, or that is more than fits.

use super::arena::{Arena, answer_while, end_of, pour, read_frame};
use super::{Answer, Kind};
use crate::support::masked;
use Answer::{Close, Served};

/// The server's limit for one message.
const LIMIT: usize = 16 * 1024;

#[test]
fn illegal_frames_are_closed_with_the_right_code_beside_a_crowd() {
    Arena::new().try_each(&kinds());
}

pub fn kinds() -> Vec<Kind> {
    [shapes(), sizes(), crowds()].into_iter().flatten().collect()
}

/// One who sends this once it is in, and waits for the end.
pub fn sends(
    does: &'static str,
    expected: Answer,
    bytes: impl Fn() -> Vec<u8> + Send + Sync + 'static,
) -> Kind {
    Kind::new(does, expected, move |arena| {
        let mut raw = arena.foe();
        pour(&mut raw.stream, &bytes());
        if expected == Served {
            return answers_ping(&mut raw.stream);
        }
        end_of(&mut raw.stream)
    })
}

/// Whether the connection goes on: a ping is answered.
pub fn answers_ping(stream: &mut std::net::TcpStream) -> Answer {
    pour(stream, &masked(0x89, b"still there?"));
    loop {
        match read_frame(stream) {
            Some((0x8a, payload)) if payload == b"still there?" => return Served,
            Some((0x88, payload)) => return Close(u16::from_be_bytes([payload[0], payload[1]])),
            Some(_) => {}
            None => return Answer::Cut,
        }
    }
}

fn frame(does: &'static str, code: u16, bytes: &'static [u8]) -> Kind {
    sends(does, Close(code), move || bytes.to_vec())
}

fn shapes() -> Vec<Kind> {
    vec![
        frame("sets the first reserved bit", 1002, b"\xc1\x80\0\0\0\0"),
        frame("sets the second reserved bit", 1002, b"\xa1\x80\0\0\0\0"),
        frame("sets the third reserved bit", 1002, b"\x91\x80\0\0\0\0"),
        frame("sets a reserved bit in a ping", 1002, b"\xc9\x80\0\0\0\0"),
        frame("sends opcode 3", 1002, b"\x83\x80\0\0\0\0"),
        frame("sends opcode 4", 1002, b"\x84\x80\0\0\0\0"),
        frame("sends opcode 5", 1002, b"\x85\x80\0\0\0\0"),
        frame("sends opcode 6", 1002, b"\x86\x80\0\0\0\0"),
        frame("sends opcode 7", 1002, b"\x87\x80\0\0\0\0"),
        frame("sends opcode 11", 1002, b"\x8b\x80\0\0\0\0"),
        frame("sends opcode 12", 1002, b"\x8c\x80\0\0\0\0"),
        frame("sends opcode 13", 1002, b"\x8d\x80\0\0\0\0"),
        frame("sends opcode 14", 1002, b"\x8e\x80\0\0\0\0"),
        frame("sends opcode 15", 1002, b"\x8f\x80\0\0\0\0"),
        frame("does not mask a text", 1002, b"\x81\x02hi"),
        frame("does not mask a ping", 1002, b"\x89\x00"),
        frame("does not mask a close", 1002, b"\x88\x02\x03\xe8"),
        frame("fragments a ping", 1002, b"\x09\x80\0\0\0\0"),
        frame("fragments a pong", 1002, b"\x0a\x80\0\0\0\0"),
        frame("fragments a close", 1002, b"\x08\x82\0\0\0\0\x03\xe8"),
        sends("sends a ping of 126 bytes", Close(1002), || masked(0x89, &[0; 126])),
        sends("sends a pong of 64 KiB", Close(1009), || masked(0x8a, &[0; 65_536])),
        frame("continues what was not begun", 1002, b"\x80\x81\0\0\0\0x"),
        frame("begins a message within a message", 1002, b"\x01\x81\0\0\0\0a\x01\x81\0\0\0\0b"),
        frame("writes a length of 2 in sixteen bits", 1002, b"\x81\xfe\0\x02\0\0\0\0hi"),
        frame("writes a length of 2 in 64 bits", 1002, b"\x81\xff\0\0\0\0\0\0\0\x02\0\0\0\0hi"),
        frame("writes a ping's length of 2 in sixteen bits", 1002, b"\x89\xfe\0\x02\0\0\0\0hi"),
        frame("sends bytes where frames should be", 1002, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        frame("sends a binary message", 1003, b"\x82\x82\0\0\0\0\x01\x02"),
    ]
}

/// A header alone, of a text with this length.
fn announced(length: u64) -> Vec<u8> {
    [&[0x81, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat()
}

fn sizes() -> Vec<Kind> {
    vec![
        sends("announces one byte too many", Close(1009), || {
            [&[0x81, 0xfe][..], &(LIMIT as u16 + 1).to_be_bytes(), &[0; 4]].concat()
        }),
        sends("announces 64 KiB", Close(1009), || announced(65_536)),
        sends("announces 4 GiB", Close(1009), || announced(1 << 32)),
        sends("announces 2^63 - 1 bytes", Close(1009), || announced((1 << 63) - 1)),
        sends("announces 2^63 bytes", Close(1002), || announced(1 << 63)),
        sends("announces 2^64 - 1 bytes", Close(1002), || announced(u64::MAX)),
        sends("announces 2^64 - 1 bytes in a continuation", Close(1002), || {
            [&b"\x01\x80\0\0\0\0\x80\xff"[..], &u64::MAX.to_be_bytes(), &[0; 4]].concat()
        }),
        sends("sends one byte too many", Close(1009), || masked(0x81, &[b'x'; LIMIT + 1])),
        sends("sends too much in fragments that are small", Close(1009), || {
            let fragment = masked(0x00, &[b'x'; 100]);
            [masked(0x01, b""), fragment.repeat(LIMIT / 100 + 1)].concat()
        }),
        sends("sends a word as long as may be", Served, || masked(0x81, &[b'x'; LIMIT])),
    ]
}

fn crowds() -> Vec<Kind> {
    vec![
        sends("sends a message in 1025 fragments", Close(1008), || {
            [masked(0x01, b"x"), masked(0x00, b"x").repeat(1024)].concat()
        }),
        Kind::new("sends a million empty fragments", Close(1008), |arena| {
            let mut raw = arena.foe();
            pour(&mut raw.stream, &masked(0x01, b""));
            let empty = masked(0x00, b"").repeat(10_000);
            let mut left = 100;
            answer_while(&mut raw, || {
                left -= 1;
                (left >= 0).then(|| empty.clone())
            })
        }),
        sends("sends a message in 1024 fragments with a ping behind every second", Served, || {
            let fragments = [masked(0x00, b"x"), masked(0x00, b"x"), masked(0x89, b"p")].concat();
            [masked(0x01, b"x"), fragments.repeat(511), masked(0x80, b"x")].concat()
        }),
        sends("sends a message in 1024 fragments with two pings behind each", Close(1008), || {
            let fragment = [masked(0x00, b"x"), masked(0x89, b"p").repeat(2)].concat();
            [masked(0x01, b"x"), fragment.repeat(1022), masked(0x80, b"x")].concat()
        }),
    ]
}
