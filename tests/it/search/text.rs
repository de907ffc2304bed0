//! The same in text mode, and through the programs.

use chinwag::protocol::Event;

use super::{joins, server};
use crate::rooms::Person;
use crate::support::{Program, hear, hears, join};

/// What stands behind `[ROOM DATE TIME] `, with the room.
#[track_caller]
fn parts(line: &str) -> (&str, &str) {
    let (head, said) = line.strip_prefix('[').unwrap().split_once("] ").unwrap();
    let [room, date, time] = head.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
    assert!(date.len() == 10 && date.starts_with("20") && time.len() == 5, "{line}");
    (room, said)
}

#[test]
fn who_types_search_gets_lines_with_time_and_room() {
    let server = server();
    let mut john = join(&server, "John");
    hears(&mut john, &["John joined.", "Welcome John."]);
    for line in ["tea?", "/me drinks tea", "tea\nJohn says: forged tea"] {
        john.send(line).unwrap();
        hear(&mut john);
    }
    john.send("/join games").unwrap();
    hears(&mut john, &["John joined.", "1 in games: John"]);
    john.send("tea and games").unwrap();
    hear(&mut john);
    let mut adam = Person::join(&server, "Adam");
    joins(&mut adam, "secret");
    adam.say("secret", "tea in secret");
    assert!(matches!(adam.hear(), Event::Message(_)));
    hears(&mut john, &["[lobby] Adam joined."]);

    john.send("/search tea").unwrap();
    let lines = [(); 4].map(|()| hear(&mut john));
    assert_eq!(
        lines.each_ref().map(|line| parts(line)),
        [
            ("lobby", "John says: tea?"),
            ("lobby", "* John drinks tea"),
            ("lobby", "John says: tea ⏎ John says: forged tea"),
            ("games", "John says: tea and games"),
        ]
    );
    john.send("/search coffee").unwrap();
    hears(&mut john, &["Nothing was found in your rooms."]);
    john.send("/search -- ;").unwrap();
    hears(&mut john, &["There is no word to look for."]);
    john.send("/search").unwrap();
    hears(&mut john, &["Use it like this: /search WORDS"]);
    john.send("/help search").unwrap();
    assert!(hear(&mut john).starts_with("/search WORDS finds messages"));
    john.send("/help").unwrap();
    assert!(hear(&mut john).contains(" /search "));
}

#[test]
fn who_types_search_gets_the_latest_twenty() {
    let server = server();
    let mut john = join(&server, "John");
    hears(&mut john, &["John joined.", "Welcome John."]);
    for number in 1..=21 {
        john.send(format!("tea {number}")).unwrap();
        hear(&mut john);
    }
    john.send("/search tea").unwrap();
    for number in 2..=21 {
        assert_eq!(parts(&hear(&mut john)).1, format!("John says: tea {number}"));
    }
    hears(&mut john, &["More was found before these; more words find less."]);
}

#[test]
fn a_search_counts_as_a_message_and_waits_for_its_turn() {
    let (_server, addr) = Program::chat_server(&["--message-rate", "2:1"]);
    let mut john = chinwag::Connection::connect(&format!("ws://{addr}/?name=John")).unwrap();
    hears(&mut john, &["John joined.", "Welcome John."]);
    let start = std::time::Instant::now();
    for _ in 0..3 {
        john.send("/search tea").unwrap();
    }
    hears(&mut john, &["Nothing was found in your rooms."; 3]);
    assert!(start.elapsed() >= std::time::Duration::from_millis(500), "{:?}", start.elapsed());
}

#[test]
fn chat_client_shows_what_was_found_plain_and_as_json() {
    let (_server, addr) = Program::chat_server(&[]);
    let mut john = Program::chat_client("John", addr);
    while john.line() != "Received: Welcome John." {}
    john.type_line("tea \u{1b}[31mred");
    assert_eq!(john.line(), r"Received: John says: tea \u{1b}[31mred");
    john.type_line("/search tea");
    let line = john.line();
    let said = line.strip_prefix("Received: ").unwrap();
    assert_eq!(parts(said), ("lobby", r"John says: tea \u{1b}[31mred"));

    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_chat-client"));
    let mut adam = Program::start(command.args(["--json", "--name", "Adam", &format!("ws://{addr}/")]));
    adam.type_line(r#"{"type":"search","words":"tea"}"#);
    let found = loop {
        let line = adam.line();
        if line.starts_with(r#"{"type":"found""#) {
            break line;
        }
    };
    // An id of chat-client's own means nothing to its caller.
    assert!(found.contains(r#""text":"tea \u001b[31mred""#) && !found.contains(r#""id""#), "{found}");
    adam.type_line(r#"{"type":"search","words":"tea","id":"mine"}"#);
    assert!(adam.line().contains(r#""id":"mine""#));
}
