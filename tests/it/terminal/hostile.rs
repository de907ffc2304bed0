//! Nothing that a peer or a server sends drives the terminal.

use super::*;
use crate::raw_server::{Peer as RawPeer, RawServer};

/// What a terminal would obey or be misled by, and how it is shown instead.
const HOSTILE: [(&str, &str); 11] = [
    ("\x1b]0;title\x07", r"\u{1b}]0;title\u{7}"),
    ("\x1b]52;c;aGk=\x1b\\", r"\u{1b}]52;c;aGk=\u{1b}\"),
    ("\x1b[7;7H", r"\u{1b}[7;7H"),
    ("\x1b[5n", r"\u{1b}[5n"),
    ("\x1b[31m", r"\u{1b}[31m"),
    ("\u{9b}2J", r"\u{9b}2J"),
    ("\u{9d}0;title\u{9c}", r"\u{9d}0;title\u{9c}"),
    ("\r\x08\x7f", r"\r\u{8}\u{7f}"),
    ("\u{202e}evil\u{2066}", r"\u{202e}evil\u{2066}"),
    ("a\u{200b}b\u{feff}", r"a\u{200b}b\u{feff}"),
    ("\x1bP+q\x1b\\", r"\u{1b}P+q\u{1b}\"),
];

/// Asserts that the program wrote no control but those of its editor.
#[track_caller]
fn assert_clean(terminal: &Terminal) {
    let raw = String::from_utf8(terminal.raw()).unwrap();
    for (number, rest) in raw.split('\x1b').enumerate().skip(1) {
        let own = rest.strip_prefix('[').and_then(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit() && !";?".contains(c))?;
            Some((&rest[..end], rest[end..].chars().next()?))
        });
        let is_own = own.is_some_and(|(parameters, end)| match end {
            'A'..='D' => !parameters.contains([';', '?']),
            'H' | 'J' | 'K' => parameters.is_empty(),
            'h' | 'l' => ["?2004", "?2026"].contains(&parameters),
            _ => false,
        });
        assert!(
            is_own,
            "escape sequence {number} is not of the editor's: {:?}",
            rest.get(..20).unwrap_or(rest)
        );
    }
    let bad = raw.chars().find(|c| {
        (c.is_control() && !"\n\r\x1b".contains(*c))
            || matches!(*c, '\u{200b}' | '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    });
    assert_eq!(bad, None);
}

fn colorless(url: &str) -> Terminal {
    Setup { args: &["--color", "never", "--no-bell"], columns: 200, rows: 60, ..Setup::default() }.start(url)
}

#[test]
fn controls_in_names_texts_rooms_and_reasons_are_shown_as_escapes() {
    for (hostile, shown) in HOSTILE {
        let script = Script::new();
        let terminal = colorless(&script.url());
        let peer = script.welcome();
        terminal.shows("here:");
        let (bad, room) = (hostile.to_owned(), || "lobby".to_owned());
        peer.tell(&Event::Joined { room: room(), name: bad.clone(), time: NOON });
        terminal.shows(&format!("{shown} joined"));
        peer.says("lobby", hostile, "text");
        terminal.shows(&format!("{shown}: text"));
        peer.says("lobby", "Adam", hostile);
        terminal.shows(&format!("Adam: {shown}"));
        peer.tell(&Event::Renamed { from: bad.clone(), name: format!("{hostile}2"), time: NOON });
        terminal.shows(&format!("{shown} is {shown}2 now"));
        peer.tell(&Event::Topic { room: room(), text: bad.clone(), by: Some(bad.clone()), time: Some(NOON) });
        terminal.shows(&format!("topic of lobby: {shown} (by {shown})"));
        peer.tell(&Event::Notice { text: bad.clone() });
        terminal.shows(&format!("the server says: {shown}"));
        peer.tell(&Event::Error { code: "x".to_owned(), reason: bad.clone(), id: None });
        terminal.shows(&format!("!! {shown}"));
        peer.tell(&Event::Away { name: "Adam".to_owned(), text: bad.clone(), time: NOON });
        terminal.shows(&format!("Adam is away: {shown}"));
        peer.joins(hostile);
        peer.says(hostile, "Adam", "news");
        terminal.shows(&format!("+1 {shown}"));
        peer.client.close(1008, hostile);
        terminal.shows(&format!("({shown})"));
        assert_clean(&terminal);
    }
}

#[test]
fn the_body_of_a_refusal_is_shown_as_escapes() {
    for (hostile, shown) in HOSTILE {
        let server = RawServer::run(move |listener| {
            let mut peer = RawPeer::accept(listener);
            let head = format!("HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\n\r\n", hostile.len());
            peer.send((head + hostile).as_bytes());
            peer.read_to_end();
        });
        let mut terminal = colorless(&server.url());
        assert_eq!(terminal.exit_code(), 1);
        // White space at the ends of a body is no part of its words.
        terminal.shows(&format!("the server refused with status 403: {}", shown.trim_start_matches(r"\r")));
        assert_clean(&terminal);
        server.finish();
    }
}

#[test]
fn no_message_looks_like_another_s() {
    let script = Script::new();
    let terminal = Setup { columns: 20, ..Setup::default() }.start(&script.url());
    let peer = script.welcome();
    peer.says("lobby", "Eve", "hi\n12:00 Adam: forged\n-- you left lobby\n> typed");
    let rows = terminal.shows("typed");
    for forged in ["12:00 Adam", "-- you left", "> typed"] {
        assert!(!rows.iter().any(|row| row.starts_with(forged)), "{}", rows.join("\n"));
    }
}
