//! Text that is not UTF-8, in every way that there is.

use super::arena::Arena;
use super::frames::sends;
use super::{Answer, Kind};
use crate::support::masked;
use Answer::{Close, Served};

#[test]
fn text_that_is_not_utf8_is_closed_with_1007_beside_a_crowd() {
    Arena::new().try_each(&kinds());
}

/// One whose message has these bytes in it.
fn says(does: &'static str, bytes: &'static [u8]) -> Kind {
    sends(does, Close(1007), move || masked(0x81, &[b"text ", bytes, b" and more"].concat()))
}

/// One whose message is in fragments.
fn in_fragments(does: &'static str, expected: Answer, fragments: &'static [&'static [u8]]) -> Kind {
    sends(does, expected, move || {
        let last = fragments.len() - 1;
        let flags = |nth| (if nth == last { 0x80 } else { 0 }) | u8::from(nth == 0);
        fragments.iter().enumerate().flat_map(|(nth, bytes)| masked(flags(nth), bytes)).collect()
    })
}

/// One who closes with this reason.
fn closes(does: &'static str, reason: &'static [u8]) -> Kind {
    sends(does, Close(1007), move || masked(0x88, &[&1000_u16.to_be_bytes(), reason].concat()))
}

pub fn kinds() -> Vec<Kind> {
    vec![
        says("writes a slash in two bytes", b"\xc0\xaf"),
        says("writes a slash in three bytes", b"\xe0\x80\xaf"),
        says("writes a slash in four bytes", b"\xf0\x80\x80\xaf"),
        says("writes NUL in two bytes", b"\xc0\x80"),
        says("writes half a surrogate pair", b"\xed\xa0\x80"),
        says("writes a surrogate pair", b"\xed\xa0\xbd\xed\xb8\x80"),
        says("writes a character over U+10FFFF", b"\xf4\x90\x80\x80"),
        says("writes a character of five bytes", b"\xf8\x88\x80\x80\x80"),
        says("writes a continuation byte by itself", b"\x80"),
        says("writes a first byte by itself", b"\xc3"),
        says("writes FE", b"\xfe"),
        says("writes FF", b"\xff"),
        sends("ends within a character", Close(1007), || masked(0x81, b"text \xe2\x82")),
        in_fragments("ends a fragmented message within a character", Close(1007), &[b"a \xe2", b"\x82"]),
        in_fragments("breaks a character between fragments", Close(1007), &[b"a \xe2\x82", b"b"]),
        in_fragments("writes FF in an early fragment", Close(1007), &[b"a \xff", b"b", b"c"]),
        sends("writes FF in a message that does not end", Close(1007), || masked(0x01, b"a \xff")),
        in_fragments(
            "writes good characters across fragments",
            Served,
            &[b"\xf0", b"\x9f\x98", b"", b"\x80 \xe2\x82", b"\xac"],
        ),
        closes("closes for a reason that is overlong", b"\xc0\xaf"),
        closes("closes for a reason with half a surrogate pair", b"\xed\xa0\x80"),
        closes("closes for a reason that ends within a character", b"bye \xe2\x82"),
    ]
}
