//! Coming back: with the session, and to what was missed.

use std::thread;

use chinwag::Server;
use chinwag::chat::Chat;
use chinwag::protocol::Event;

use super::Person;
use crate::support::{addr, answer_to, chat};

/// Joins under a name; the session with it.
fn join_with_session(server: &Server, name: &str) -> (Person, String) {
    let mut person = Person::connect(server, &format!("name={name}"));
    let Event::Welcome { session, .. } = person.hear() else { panic!("no welcome") };
    person.hear();
    person.hear();
    (person, session)
}

#[test]
fn one_who_comes_back_hears_exactly_what_was_missed_and_then_what_is_live() {
    let server = chat();
    let mut adam = Person::join(&server, "Adam");
    let (mut john, session) = join_with_session(&server, "John");
    adam.say("lobby", "before");
    let since = john.hears_message("Adam", "before").pos;
    john.vanish();
    // More than one portion.
    for number in 0..300 {
        adam.say("lobby", &number.to_string());
    }
    while adam.hear() != (Event::Pong { id: None }) {
        adam.ask(r#"{"type":"ping"}"#);
    }
    let mut john = Person::connect(&server, &format!("name=John&session={session}&since={since}"));
    assert!(matches!(john.hear(), Event::Welcome { session: again, .. } if again == session));
    let Event::Resumed { complete, missed, .. } = john.hear() else { panic!("not resumed") };
    assert!(complete);
    assert_eq!(missed, 300);
    for number in 0..missed {
        john.hears_message("Adam", &number.to_string());
    }
    assert!(matches!(john.hear(), Event::Joined { name, .. } if name == "John"));
    adam.say("lobby", "live");
    john.hears_message("Adam", "live");
    john.hears_nothing();
}

#[test]
fn one_who_comes_back_in_the_middle_of_a_storm_misses_nothing_and_hears_nothing_twice() {
    let server = Server::builder();
    let chat = Chat::builder().retention_messages(5000).build();
    let server = server.handler(chat.gate()).bind("127.0.0.1:0").unwrap();
    let talker = Person::join(&server, "Talker");
    let (mut john, session) = join_with_session(&server, "John");
    let talking = thread::spawn(move || {
        for number in 0..3000 {
            talker.say("lobby", &number.to_string());
        }
        talker
    });
    let mut heard = Vec::new();
    let mut since = String::new();
    while heard.len() < 3000 {
        // The connection breaks after some messages, again and again.
        for _ in 0..200 {
            if heard.len() == 3000 {
                break;
            }
            if let Event::Message(message) = john.hear() {
                since.clone_from(&message.pos);
                heard.push(message.text.parse::<usize>().unwrap());
            }
        }
        john.vanish();
        john = Person::connect(&server, &format!("name=John&session={session}&since={since}"));
        assert!(matches!(john.hear(), Event::Welcome { .. }));
        assert!(matches!(john.hear(), Event::Resumed { complete: true, .. }));
    }
    assert_eq!(heard, (0..3000).collect::<Vec<_>>());
    drop(talking.join().unwrap());
}

#[test]
fn another_room_is_resumed_by_joining_it_with_a_position() {
    let server = chat();
    let mut adam = Person::connect(&server, "name=Adam&room=games").told_of_coming("Adam");
    let mut john = Person::join(&server, "John");
    adam.say("games", "one");
    let since = adam.hear_message().pos;
    adam.say("games", "two");
    adam.hear_message();
    john.ask(&format!(r#"{{"type":"join","room":"games","since":"{since}"}}"#));
    assert_eq!(john.hear(), Event::Resumed { room: "games".into(), complete: true, missed: 1 });
    john.hears_message("Adam", "two");
    assert!(matches!(john.hear(), Event::Joined { room, .. } if room == "games"));
    // A position of elsewhere says nothing of what was missed.
    john.ask(r#"{"type":"leave","room":"games"}"#);
    john.hear();
    john.ask(r#"{"type":"join","room":"games","since":"elsewhere-7"}"#);
    assert_eq!(john.hear(), Event::Resumed { room: "games".into(), complete: false, missed: 2 });
}

#[test]
fn what_is_not_kept_any_more_is_said_to_be_missing() {
    let chat = Chat::builder().retention_messages(3).build();
    let server = Server::builder().handler(chat.gate()).bind("127.0.0.1:0").unwrap();
    let mut adam = Person::join(&server, "Adam");
    adam.say("lobby", "0");
    let since = adam.hear_message().pos;
    for number in 1..6 {
        adam.say("lobby", &number.to_string());
        adam.hear_message();
    }
    let mut john = Person::connect(&server, &format!("name=John&since={since}"));
    john.hear();
    assert_eq!(john.hear(), Event::Resumed { room: "lobby".into(), complete: false, missed: 3 });
    for number in 3..6 {
        john.hears_message("Adam", &number.to_string());
    }
}

#[test]
fn an_id_is_known_again_in_the_next_connection_of_the_session() {
    let server = chat();
    let mut adam = Person::join(&server, "Adam");
    let (mut john, session) = join_with_session(&server, "John");
    adam.hear();
    john.ask(r#"{"type":"ignore","name":"Troll"}"#);
    john.hear();
    let said = r#"{"type":"say","room":"lobby","text":"once","id":"c1"}"#;
    john.ask(said);
    adam.hears_message("John", "once");
    john.vanish();
    assert!(matches!(adam.hear(), Event::Left { .. }));
    let mut john = Person::connect(&server, &format!("name=John&session={session}")).told_of_coming("John");
    assert!(matches!(adam.hear(), Event::Joined { .. }));
    john.ask(said);
    assert!(matches!(john.hear(), Event::Ack { id, .. } if id == "c1"));
    adam.hears_nothing();
    john.ask(r#"{"type":"ignore"}"#);
    assert!(matches!(john.hear(), Event::Ignoring { names } if names == ["Troll"]));
}

#[test]
fn one_who_asks_first_whether_to_come_in_comes_back_to_the_session_all_the_same() {
    let chat = Chat::new();
    let checking = chat.clone();
    let builder = Server::builder().paths(Chat::PATHS).http(move |request| checking.check(request));
    let server = builder.handler(chat.gate()).bind("127.0.0.1:0").unwrap();
    let mut adam = Person::join(&server, "Adam");
    let (john, session) = join_with_session(&server, "John");
    adam.hear();
    john.vanish();
    assert!(matches!(adam.hear(), Event::Left { .. }));
    for _ in 0..2 {
        // As the page does.
        let check = format!("GET /ws?name=John&session={session} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let answer = answer_to(addr(&server), &check);
        assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    }
    let mut john = Person::connect(&server, &format!("name=John&session={session}"));
    assert!(matches!(john.hear(), Event::Welcome { session: again, .. } if again == session));
}

#[test]
fn a_session_has_one_connection_at_a_time() {
    let server = chat();
    let (_john, session) = join_with_session(&server, "John");
    let mut other = Person::connect(&server, &format!("name=Other&session={session}"));
    assert!(matches!(other.hear(), Event::Welcome { session: fresh, .. } if fresh != session));
}

#[test]
fn a_session_takes_its_name_over_from_its_own_connection_and_nobody_else_does() {
    let server = chat();
    let (john, session) = join_with_session(&server, "John");
    let john = john.listen();
    let url = |session: &str| format!("ws://{}/?name=John&session={session}", crate::support::addr(&server));
    assert!(chinwag::Connection::connect(&url("wrong")).is_err());
    let _again = Person::connect(&server, &format!("name=John&session={session}"));
    let reason = john.join().unwrap();
    assert_eq!(reason.code.value(), 1008, "{reason}");
}
