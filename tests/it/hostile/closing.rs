//! Close frames of every kind, and what comes behind them.

use std::io::Read;

use super::arena::{Arena, end_of, pour};
use super::frames::sends;
use super::{Answer, Kind};
use crate::support::masked;
use Answer::Close;

#[test]
fn close_frames_of_every_kind_are_answered_beside_a_crowd() {
    Arena::new().try_each(&kinds());
}

fn close(code: u16) -> Vec<u8> {
    masked(0x88, &code.to_be_bytes())
}

/// One who closes with this code, which must not be on the wire.
fn forbidden(does: &'static str, code: u16) -> Kind {
    sends(does, Close(1002), move || close(code))
}

pub fn kinds() -> Vec<Kind> {
    vec![
        sends("closes with half a code", Close(1002), || masked(0x88, &[3])),
        forbidden("closes with 0", 0),
        forbidden("closes with 999", 999),
        forbidden("closes with 1004", 1004),
        forbidden("closes with 1005", 1005),
        forbidden("closes with 1006", 1006),
        forbidden("closes with 1015", 1015),
        forbidden("closes with 1016", 1016),
        forbidden("closes with 2999", 2999),
        forbidden("closes with 5000", 5000),
        forbidden("closes with 65535", 65_535),
        sends("closes for a reason of 124 bytes", Close(1002), || {
            masked(0x88, &[&1000_u16.to_be_bytes()[..], &[b'x'; 124]].concat())
        }),
        sends("closes without a code", Close(1005), || masked(0x88, b"")),
        sends("closes with 4999 and a reason with an escape sequence", Close(4999), || {
            masked(0x88, b"\x13\x87\x1b[31m\r\nforged")
        }),
        sends("closes within a message", Close(1000), || [masked(0x01, b"never"), close(1000)].concat()),
        ends("goes on talking behind its close", 1000, || {
            [close(1000), masked(0x81, b"ghost").repeat(100)].concat()
        }),
        ends("sends broken frames behind its close", 1001, || {
            [close(1001), b"\xff\xff\xff\xff".repeat(100)].concat()
        }),
        ends("closes a thousand times", 1000, || close(1000).repeat(1000)),
        Kind::new("closes and keeps the connection", Close(1000), |arena| {
            let mut raw = arena.foe();
            pour(&mut raw.stream, &close(1000));
            let answer = end_of(&mut raw.stream);
            // It is the server that ends it.
            assert_eq!(raw.stream.read(&mut [0]).unwrap_or(0), 0);
            answer
        }),
        Kind::new("never answers our close", Close(1003), |arena| {
            let mut raw = arena.foe();
            pour(&mut raw.stream, &masked(0x82, b"binary"));
            let answer = end_of(&mut raw.stream);
            assert_eq!(raw.stream.read(&mut [0]).unwrap_or(0), 0);
            answer
        }),
        Kind::new("answers our close with pings for ever", Close(1003), |arena| {
            let mut raw = arena.foe();
            pour(&mut raw.stream, &masked(0x82, b"binary"));
            let answer = end_of(&mut raw.stream);
            let pings = masked(0x89, b"ping").repeat(100);
            // The system may tell this side of the end much later than the server has let go.
            raw.stream.set_write_timeout(Some(std::time::Duration::from_secs(1))).unwrap();
            while std::io::Write::write_all(&mut raw.stream, &pings).is_ok() {}
            answer
        }),
    ]
}

/// One who sends more behind its close: that is not heard, and no second answer comes.
fn ends(does: &'static str, code: u16, bytes: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> Kind {
    Kind::new(does, Close(code), move |arena| {
        let mut raw = arena.foe();
        pour(&mut raw.stream, &bytes());
        let answer = end_of(&mut raw.stream);
        assert_eq!(raw.read_to_end(), b"", "nothing comes behind a close frame");
        answer
    })
}
