//! Those who would write a line of their own into the log, or drive the terminal that shows it.

use super::arena::{Arena, end_of, foe, pour, status_of};
use super::{Answer, Kind};
use crate::support::{Raw, masked, request};
use Answer::{Close, Served, Status};

#[test]
fn nobody_forges_a_line_of_the_log_beside_a_crowd() {
    Arena::new().try_each(&kinds());
}

/// Asserts that each line of a log is an event's, and text.
pub fn check(log: &[u8]) {
    let log = std::str::from_utf8(log).expect("a log is text");
    assert!(log.lines().count() > 20, "{log}");
    for line in log.lines() {
        let (time, rest) = line.split_once(' ').unwrap_or_default();
        let is_time = time.len() >= 20 && time.starts_with("20") && time.ends_with('Z');
        assert!(is_time && rest.starts_with('['), "no event begins like this: {line:?}");
        let is_bad =
            |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}');
        assert!(!line.contains(is_bad), "{line:?}");
        assert!(line.len() < 1000, "{line:?}");
    }
}

/// What looks like a line of the log, and drives a terminal.
const FORGED: &str = "2026-01-01T00:00:00.0Z [ERROR] chinwag: forged \u{1b}[31m \u{9b}2J \u{202e}";

/// One who sends this request.
fn sends(does: &'static str, expected: Answer, head: fn() -> Vec<u8>) -> Kind {
    Kind::new(does, expected, move |arena| {
        let mut raw = Raw::connect(arena.addr);
        pour(&mut raw.stream, &head());
        if expected == Served {
            return status_of(raw.read_head().as_bytes());
        }
        let _ = raw.stream.shutdown(std::net::Shutdown::Write);
        status_of(&raw.read_to_end())
    })
}

pub fn kinds() -> Vec<Kind> {
    vec![
        sends("forges a line by its path", Status(404), || {
            let path = format!("/x\u{202e}\u{9b}{}", "y".repeat(3000));
            request(&path, "").into_bytes()
        }),
        sends("forges a line by its path, encoded", Status(404), || {
            request("/x%0d%0a2026-01-01T00:00:00Z%20[ERROR]%20forged%1b[31m", "").into_bytes()
        }),
        sends("forges a line by its origin", Status(403), || {
            request(&format!("/?name={}", foe()), &format!("Origin: {}\r\n", FORGED.replace('\x1b', "")))
                .into()
        }),
        sends("forges a line by its fields", Served, || {
            let fields = format!("User-Agent: {}\r\n", FORGED.replace('\x1b', ""));
            request(&format!("/?name={}", foe()), &fields).into_bytes()
        }),
        sends("forges a line by fields that are not UTF-8", Served, || {
            let head = request(&format!("/?name={}", foe()), "User-Agent: @\r\n");
            let at = head.find('@').unwrap();
            let mut head = head.into_bytes();
            head[at] = 0xff;
            head
        }),
        sends("forges a line by its method", Status(405), || {
            request("/", "").replacen("GET", "[ERROR]_forged", 1).replace(['[', ']'], "!").into_bytes()
        }),
        sends("forges a line by its name", Status(400), || {
            request("/?name=a%0d%0a2026-01-01T00:00:00Z%20[ERROR]%1b[31m%E2%80%AE", "").into_bytes()
        }),
        sends("forges a line by its room", Status(400), || {
            request("/?name=Mallory&room=a%0a2026-01-01T00:00:00Z%20[ERROR]%1b[31m", "").into_bytes()
        }),
        Kind::new("forges a line by the reason of its close", Close(4000), |arena| {
            let mut raw = arena.foe();
            let reason = format!("\r\n{FORGED}\u{2028}");
            pour(&mut raw.stream, &masked(0x88, &[&4000_u16.to_be_bytes(), reason.as_bytes()].concat()));
            end_of(&mut raw.stream)
        }),
        Kind::new("forges a line by what it says", Close(1000), |arena| {
            let mut raw = arena.foe();
            pour(&mut raw.stream, &masked(0x81, format!("\r\n{FORGED}").as_bytes()));
            pour(&mut raw.stream, &masked(0x81, format!("/nick \r\n{FORGED}").as_bytes()));
            pour(&mut raw.stream, &masked(0x81, b"/quit"));
            end_of(&mut raw.stream)
        }),
    ]
}
