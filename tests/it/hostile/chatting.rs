//! What is said to the chat: texts that would drive a terminal or forge a line, and JSON of
//! every wrong kind. None of it ends anything.

use chinwag::protocol::{Event, SUBPROTOCOL};

use super::arena::{Arena, pour, read_frame};
use super::{Answer, Kind};
use crate::support::{Raw, masked};
use Answer::{Close, Error, Served};

#[test]
fn whatever_is_said_is_answered_beside_a_crowd() {
    Arena::new().try_each(&kinds());
}

pub fn kinds() -> Vec<Kind> {
    [texts(), syntax(), types(), searches(), ids()].into_iter().flatten().collect()
}

fn json_foe(arena: &Arena) -> Raw {
    arena.foe_with(&format!("Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n"))
}

/// One who asks for this in JSON; the code of the error that answers it, or `Served` where
/// its next ping is answered first.
fn asks(does: &'static str, expected: Answer, json: impl Into<String>) -> Kind {
    let json = json.into();
    Kind::new(does, expected, move |arena| {
        let mut raw = json_foe(arena);
        pour(&mut raw.stream, &masked(0x81, json.as_bytes()));
        pour(&mut raw.stream, &masked(0x81, br#"{"type":"ping","id":"behind"}"#));
        loop {
            let Some((flags, payload)) = read_frame(&mut raw.stream) else { return Answer::Cut };
            if flags == 0x88 {
                return Close(u16::from_be_bytes([payload[0], payload[1]]));
            }
            let text = std::str::from_utf8(&payload).unwrap();
            assert!(!text.contains(char::is_control), "{text:?}");
            match Event::parse(text).unwrap() {
                Event::Error { code, .. } => match expected {
                    Error(expected) if expected == code => return expected_error(expected),
                    _ => panic!("one who {does} got {text}"),
                },
                Event::Pong { id: Some(id) } if id == "behind" => return Served,
                _ => {}
            }
        }
    })
}

fn expected_error(code: &'static str) -> Answer {
    Error(code)
}

/// One who says this in text mode, and gets a line that has this in it, and is one line.
fn says(does: &'static str, text: impl Into<String>, heard: impl Into<String>) -> Kind {
    let (text, heard) = (text.into(), heard.into());
    Kind::new(does, Served, move |arena| {
        let mut raw = arena.foe();
        pour(&mut raw.stream, &masked(0x81, text.as_bytes()));
        loop {
            let Some((0x81, payload)) = read_frame(&mut raw.stream) else { return Answer::Cut };
            let line = std::str::from_utf8(&payload).unwrap();
            assert!(!line.contains(|c: char| c.is_control() || c == '\u{2028}'), "{line:?}");
            if line.contains(&heard) {
                return Served;
            }
        }
    })
}

fn texts() -> Vec<Kind> {
    vec![
        says("says escape sequences", "\x1b[2J\x1b]0;title\x07red", r"\u{1b}[2J\u{1b}]0;title\u{7}red"),
        says("says C1 controls", "\u{9b}31m\u{90}q", r"\u{9b}31m\u{90}q"),
        says("says a NUL and a DEL", "a\0b\u{7f}c", r"a\u{0}b\u{7f}c"),
        says("says a line of somebody else's", "x\r\nCrowd 1 says: #0", "x ⏎ Crowd 1 says: #0"),
        says("says a line separator", "x\u{2028}Crowd 1 left.", "x ⏎ Crowd 1 left."),
        says("says something that turns the line around", "\u{202e}olleh", "olleh"),
        says("says zalgo", format!("Z{}", "\u{301}".repeat(4000)), "Z\u{301}\u{301}"),
        says("asks for a command with an escape sequence", "/\x1b[31m", "There is no command"),
        says(
            "asks for a command of 16,000 characters",
            format!("/{}", "x".repeat(16_000)),
            "There is no command",
        ),
        says("takes a name with an escape sequence", "/nick \x1b[31mred", "invisible or control character"),
        says("asks for more history than there is", "/history 99999999999999999999", "Use it like this"),
        says(
            "whispers to a name of 16,000 characters",
            format!("/msg {} hi", "x".repeat(16_000)),
            "is not here",
        ),
        Kind::new("says a word of 64 KiB", Close(1009), |arena| {
            let mut raw = arena.foe();
            pour(&mut raw.stream, &masked(0x81, &[b'x'; 65_536]));
            super::arena::end_of(&mut raw.stream)
        }),
    ]
}

fn syntax() -> Vec<Kind> {
    vec![
        asks("sends text instead of JSON", Error("bad_json"), "hi"),
        asks("sends nothing instead of JSON", Error("bad_json"), ""),
        asks("sends a number instead of an object", Error("bad_json"), "1"),
        asks("sends an array instead of an object", Error("bad_json"), "[{}]"),
        asks("sends half an object", Error("bad_json"), r#"{"type":"say","#),
        asks("sends two objects", Error("bad_json"), r#"{"type":"ping"}{"type":"ping"}"#),
        asks("nests 8,000 arrays", Error("bad_json"), "[".repeat(8000)),
        asks(
            "nests 7,000 arrays in a field that nobody knows",
            Error("bad_json"),
            format!(r#"{{"type":"ping","x":{}{}}}"#, "[".repeat(7000), "]".repeat(7000)),
        ),
        asks("nests 2,500 objects", Error("bad_json"), r#"{"x":"#.repeat(2500)),
        asks("sends a number over all bounds", Error("bad_json"), r#"{"type":"ping","x":1e999}"#),
        asks(
            "sends a number of 16,000 digits",
            Error("bad_json"),
            format!(r#"{{"type":"ping","x":{}}}"#, "9".repeat(16_000)),
        ),
        asks("sends half a surrogate pair", Error("bad_json"), r#"{"type":"ping","id":"\ud800"}"#),
        asks("sends a control in a string", Error("bad_json"), "{\"type\":\"ping\",\"id\":\"\x1b\"}"),
        asks(
            "sends 1,200 fields that nobody knows",
            Served,
            format!("{{{}\"type\":\"ping\"}}", (0..1200).map(|n| format!("\"x{n}\":0,")).collect::<String>()),
        ),
    ]
}

fn types() -> Vec<Kind> {
    vec![
        asks("asks for nothing", Error("bad_request"), "{}"),
        asks("asks with a type that is no string", Error("bad_request"), r#"{"type":["say"]}"#),
        asks("asks for a type that there is not", Error("unknown_type"), r#"{"type":"dance"}"#),
        asks(
            "asks for a type with an escape sequence",
            Error("unknown_type"),
            r#"{"type":"\u001b[2J\r\nforged\u202e"}"#,
        ),
        asks(
            "asks for a type of 16,000 characters",
            Error("unknown_type"),
            format!(r#"{{"type":"{}"}}"#, "x".repeat(16_000)),
        ),
        asks("names its type twice", Error("unknown_type"), r#"{"type":"ping","type":"dance"}"#),
        asks("says an object", Error("bad_request"), r#"{"type":"say","room":"lobby","text":{}}"#),
        asks("says nothing", Error("empty"), r#"{"type":"say","room":"lobby","text":" \n "}"#),
        asks(
            "says something where it is not",
            Error("not_in_room"),
            r#"{"type":"say","room":"elsewhere","text":"x"}"#,
        ),
        asks(
            "joins a room with an escape sequence",
            Error("bad_room"),
            r#"{"type":"join","room":"\u001b[2J"}"#,
        ),
        asks(
            "joins a room of 16,000 characters",
            Error("bad_room"),
            format!(r#"{{"type":"join","room":"{}"}}"#, "x".repeat(16_000)),
        ),
        asks(
            "comes back from a position that is none",
            Error("bad_room"),
            r#"{"type":"join","room":"","since":"\u0000"}"#,
        ),
        asks("takes the server's name", Error("bad_name"), r#"{"type":"nick","name":"SYSTEM"}"#),
        asks("takes somebody's name", Error("name_taken"), r#"{"type":"nick","name":"crowd 4"}"#),
        asks("whispers to nobody", Error("no_such_name"), r#"{"type":"whisper","to":"Nobody","text":"x"}"#),
        asks(
            "hears somebody again who was heard",
            Error("no_such_name"),
            r#"{"type":"unignore","name":"Nobody"}"#,
        ),
        asks(
            "wants history before a position that is none",
            Error("bad_position"),
            r#"{"type":"history","room":"lobby","before":"\u0000"}"#,
        ),
        asks(
            "wants less than no history",
            Error("bad_request"),
            r#"{"type":"history","room":"lobby","limit":-1}"#,
        ),
        asks(
            "wants more history than there are numbers",
            Error("bad_request"),
            r#"{"type":"history","room":"lobby","limit":99999999999999999999}"#,
        ),
        asks(
            "wants all history that a number can name",
            Served,
            r#"{"type":"history","room":"lobby","limit":18446744073709551615}"#,
        ),
    ]
}

fn searches() -> Vec<Kind> {
    let search = |words: &str| format!(r#"{{"type":"search","words":"{words}"}}"#);
    vec![
        asks("searches for nothing", Error("bad_request"), search("")),
        asks("searches for all that begins like nothing", Error("bad_request"), search("* * *")),
        asks("searches for 16,000 characters", Error("bad_request"), search(&"x".repeat(16_000))),
        asks("searches for 100 words", Error("bad_request"), search(&"x* ".repeat(100))),
        asks(
            "searches with a database's words",
            Served,
            search(r#"x* OR NEAR(y, 2) NOT z\\\") UNION SELECT"#),
        ),
        asks("searches with controls", Served, search(r"x\u0000\u001b[2J\u202e")),
        asks(
            "searches where it is not",
            Error("not_in_room"),
            r#"{"type":"search","words":"x","room":"elsewhere"}"#,
        ),
        asks(
            "searches before a position that is none",
            Error("bad_position"),
            r#"{"type":"search","words":"x","before":"\u0000"}"#,
        ),
        asks("deletes what somebody said", Error("forbidden"), r#"{"type":"erase","name":"Crowd 1"}"#),
        says("deletes everybody by a command", "/erase Crowd 1: lobby", "This is for operators only."),
    ]
}

fn ids() -> Vec<Kind> {
    vec![
        asks(
            "has an id of 65 characters",
            Error("bad_id"),
            format!(r#"{{"type":"ping","id":"{}"}}"#, "x".repeat(65)),
        ),
        asks("has an id that is a number", Error("bad_id"), r#"{"type":"ping","id":1}"#),
        asks("has an id that is an object", Error("bad_id"), r#"{"type":"ping","id":{"id":"id"}}"#),
        asks("has two ids", Error("bad_id"), r#"{"type":"ping","id":"a","id":2}"#),
        asks("has an empty id", Served, r#"{"type":"say","room":"lobby","text":"x","id":""}"#),
        asks(
            "has an id with controls",
            Served,
            r#"{"type":"say","room":"lobby","text":"x","id":"\u0000\u001b"}"#,
        ),
    ]
}
