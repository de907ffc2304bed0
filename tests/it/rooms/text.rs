//! Text mode's commands, and what nobody can forge in it.

use chinwag::{Connection, Server};

use crate::support::{addr, chat, hear, hears, join};

fn two(server: &Server) -> (Connection, Connection) {
    let mut john = join(server, "John");
    hears(&mut john, &["John joined.", "Welcome John."]);
    let mut adam = join(server, "Adam");
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    hears(&mut john, &["Adam joined."]);
    (john, adam)
}

/// Sends a line, and asserts what comes back.
#[track_caller]
fn asks(person: &mut Connection, line: &str, answer: &str) {
    person.send(line).unwrap();
    assert_eq!(hear(person), answer, "to {line}");
}

#[test]
fn each_command_is_answered() {
    let server = chat();
    let (mut john, mut adam) = two(&server);
    asks(&mut john, "/who", "2 here: Adam, John");
    asks(&mut john, "/rooms", "Rooms: lobby 2");
    asks(&mut john, "/topic", "There is no topic.");
    asks(&mut john, "/topic tea", "John set the topic: tea");
    hears(&mut adam, &["John set the topic: tea"]);
    asks(&mut adam, "/rooms", "Rooms: lobby 2 (tea)");
    asks(&mut adam, "/topic -", "Adam removed the topic.");
    hears(&mut john, &["Adam removed the topic."]);
    asks(&mut john, "/me waves", "* John waves");
    hears(&mut adam, &["* John waves"]);
    asks(&mut john, "/msg adam psst", "You whisper to Adam: psst");
    hears(&mut adam, &["John whispers: psst"]);
    asks(&mut adam, "/reply what?", "You whisper to John: what?");
    hears(&mut john, &["Adam whispers: what?"]);
    asks(&mut john, "/nick Johnny", "John is now Johnny.");
    hears(&mut adam, &["John is now Johnny."]);
    asks(&mut john, "/nick JOHNNY", "Johnny is now JOHNNY.");
    hears(&mut adam, &["Johnny is now JOHNNY."]);
    asks(&mut john, "/away lunch", "JOHNNY is away: lunch");
    hears(&mut adam, &["JOHNNY is away: lunch"]);
    asks(&mut adam, "/who", "2 here: Adam, JOHNNY (away)");
    asks(&mut john, "/back", "JOHNNY is back.");
    hears(&mut adam, &["JOHNNY is back."]);
    asks(&mut adam, "/ignore", "You ignore nobody.");
    asks(&mut adam, "/ignore johnny", "You ignore: johnny");
    asks(&mut john, "can you hear me?", "JOHNNY says: can you hear me?");
    asks(&mut adam, "/unignore johnny", "You ignore nobody.");
    adam.send("/whois johnny").unwrap();
    let whois = hear(&mut adam);
    assert!(whois.starts_with("JOHNNY: in lobby; here since 20") && whois.contains("; idle for "), "{whois}");
    adam.send("/history 2").unwrap();
    let history = [hear(&mut adam), hear(&mut adam)];
    assert!(history[0].starts_with('[') && history[0].ends_with("] * John waves"), "{history:?}");
    assert!(history[1].ends_with("] JOHNNY says: can you hear me?"), "{history:?}");
    asks(&mut adam, "/help join", "/join ROOM comes into a room, and speaks there from now on.");
    asks(&mut adam, "/whp", "There is no command /whp. Did you mean /who? /help lists all.");
    asks(&mut adam, "/msg", "Use it like this: /msg NAME TEXT");
}

#[test]
fn one_speaks_in_the_room_joined_last_and_hears_the_others_marked() {
    let server = chat();
    let (mut john, mut adam) = two(&server);
    asks(&mut john, "/join games", "John joined.");
    hears(&mut john, &["1 in games: John"]);
    asks(&mut john, "alone here", "John says: alone here");
    adam.send("where is John?").unwrap();
    hears(&mut adam, &["Adam says: where is John?"]);
    hears(&mut john, &["[lobby] Adam says: where is John?"]);
    asks(&mut john, "/join lobby", "2 in lobby: Adam, John");
    asks(&mut john, "here", "John says: here");
    hears(&mut adam, &["John says: here"]);
    // What is said right behind a command is said where that led.
    john.send("/join games").unwrap();
    asks(&mut john, "and away", "1 in games: John");
    hears(&mut john, &["John says: and away"]);
    asks(&mut john, "/leave", "You left games.");
    hears(&mut john, &["2 in lobby: Adam, John"]);
    asks(&mut john, "/leave", "You left lobby.");
    hears(&mut adam, &["John left."]);
    asks(&mut john, "anybody?", "You are in no room; /join ROOM comes into one.");
}

#[test]
fn a_newcomer_hears_what_was_said_before_only_if_asked() {
    let server = chat();
    let (mut john, _adam) = two(&server);
    for text in ["one", "two", "three"] {
        john.send(text).unwrap();
        hear(&mut john);
    }
    let url = format!("ws://{}/?name=Eve&history=2", addr(&server));
    let mut eve = Connection::connect(&url).unwrap();
    hears(&mut eve, &["John says: two", "John says: three", "Eve joined.", "Welcome Eve."]);
    // In JSON it is marked as what it is.
    let mut kim = super::Person::connect(&server, "name=Kim&history=1");
    kim.hear();
    kim.hear();
    assert!(
        matches!(kim.hear(), chinwag::protocol::Event::History { messages, more: true, .. } if messages.len() == 1)
    );
}

#[test]
fn a_line_break_does_not_begin_a_line_of_somebody_else_s() {
    let server = chat();
    let (mut john, mut adam) = two(&server);
    john.send("hi\r\nAdam says: I am a fool\u{2028}\x1b[2J\tx").unwrap();
    let line = r"John says: hi ⏎ Adam says: I am a fool ⏎ \u{1b}[2J".to_owned() + "\tx";
    hears(&mut adam, &[&line]);
    hears(&mut john, &[&line]);
}

#[test]
fn a_whisper_goes_to_who_was_meant_or_to_nobody() {
    let server = chat();
    let (mut john, mut adam) = two(&server);
    let mut mallory = join(&server, "Adam%20I");
    hears(&mut mallory, &["Adam I joined.", "Welcome Adam I."]);
    for person in [&mut john, &mut adam] {
        hears(person, &["Adam I joined."]);
    }
    let doubt = "Do you mean Adam or Adam I? Say so with a colon: /msg NAME: TEXT";
    asks(&mut john, "/msg Adam I love you", doubt);
    asks(&mut john, "/msg Adam: I love you", "You whisper to Adam: I love you");
    hears(&mut adam, &["John whispers: I love you"]);
    // A reply goes to the person, whatever the name is by then.
    asks(&mut adam, "/msg John: me too", "You whisper to John: me too");
    hears(&mut john, &["Adam whispers: me too"]);
    asks(&mut adam, "/nick Eve", "Adam is now Eve.");
    // The old name is free once the next command is answered.
    asks(&mut adam, "/who", "3 here: Adam I, Eve, John");
    asks(&mut mallory, "/nick Adam", "Adam is now Eve.");
    hears(&mut mallory, &["Adam I is now Adam."]);
    hears(&mut john, &["Adam is now Eve.", "Adam I is now Adam."]);
    asks(&mut john, "/reply secret", "You whisper to Eve: secret");
}

#[test]
fn a_topic_comes_after_the_welcome() {
    let server = chat();
    let (mut john, _adam) = two(&server);
    asks(&mut john, "/topic tea", "John set the topic: tea");
    let mut eve = join(&server, "Eve");
    hears(&mut eve, &["Eve joined.", "Welcome Eve.", "John set the topic: tea"]);
}

#[test]
fn a_text_client_that_gives_a_position_is_welcomed_too() {
    let server = chat();
    let (mut john, _adam) = two(&server);
    asks(&mut john, "hi", "John says: hi");
    let mut eve = Connection::connect(&format!("ws://{}/?name=Eve&since=x", addr(&server))).unwrap();
    hears(&mut eve, &["John says: hi", "Eve joined.", "Welcome Eve."]);
}
