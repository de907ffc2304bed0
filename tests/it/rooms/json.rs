//! The protocol as it is documented, request by request.

use chinwag::chat::{Chat, RoomName};
use chinwag::protocol::Event;
use chinwag::{Overflow, Server};
use serde_json::json;

use super::Person;
use crate::support::{Raw, addr, chat, chat_with, eventually, hears, join, request};

#[test]
fn a_newcomer_is_welcomed_and_all_hear_of_it() {
    let server = chat();
    let mut john = Person::connect(&server, "name=John");
    let welcome = john.hear_json();
    let (session, pos) = (welcome["session"].as_str().unwrap(), welcome["pos"].as_str().unwrap());
    assert!(session.len() >= 20 && pos.len() <= 64);
    assert_eq!(
        welcome,
        json!({"type": "welcome", "name": "John", "session": session, "room": "lobby", "pos": pos})
    );
    assert_eq!(john.hear_json(), json!({"type": "joined", "room": "lobby", "name": "John"}));
    let history = json!({"type": "history", "room": "lobby", "messages": [], "more": false, "pos": pos});
    assert_eq!(john.hear_json(), history);
    let adam = Person::join(&server, "Adam");
    assert_eq!(john.hear_json(), json!({"type": "joined", "room": "lobby", "name": "Adam"}));
    adam.leave_chat();
    assert_eq!(john.hear_json(), json!({"type": "left", "room": "lobby", "name": "Adam"}));
}

#[test]
fn text_and_json_hear_each_other() {
    let server = chat();
    let mut john = Person::join(&server, "John");
    let mut adam = join(&server, "Adam");
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    assert!(matches!(john.hear(), Event::Joined { name, .. } if name == "Adam"));
    john.ask(r#"{"type":"say","room":"lobby","text":"hi","later":[1,2]}"#);
    john.hears_message("John", "hi");
    adam.send("hello").unwrap();
    john.hears_message("Adam", "hello");
    hears(&mut adam, &["John says: hi", "Adam says: hello"]);
    john.ask(r#"{"type":"say","room":"lobby","text":"waves","action":true}"#);
    hears(&mut adam, &["* John waves"]);
    assert!(john.hears_message("John", "waves").action);
}

#[test]
fn the_sender_s_own_copy_has_its_id_and_is_followed_by_the_ack() {
    let server = chat();
    let mut john = Person::join(&server, "John");
    let mut adam = Person::join(&server, "Adam");
    john.hear();
    john.ask(r#"{"type":"say","room":"lobby","text":"hi","id":"c1"}"#);
    let others = adam.hear_json();
    let pos = others["pos"].as_str().unwrap();
    assert_eq!(others, json!({"type": "message", "room": "lobby", "from": "John", "text": "hi", "pos": pos}));
    assert_eq!(
        john.hear_json(),
        json!({"type": "message", "room": "lobby", "from": "John", "text": "hi", "pos": pos, "id": "c1"})
    );
    let ack = json!({"type": "ack", "id": "c1", "room": "lobby", "pos": pos});
    assert_eq!(john.hear_json(), ack);
    // The same again is the same.
    john.ask(r#"{"type":"say","room":"lobby","text":"hi","id":"c1"}"#);
    assert_eq!(john.hear_json(), ack);
    adam.hears_nothing();
}

#[test]
fn messages_with_and_without_ids_keep_one_order_for_all() {
    let server = chat();
    let people = ["John", "Adam", "Eve"];
    let mut people = people.map(|name| Person::connect(&server, &format!("name={name}")));
    for person in &mut people {
        while !matches!(person.hear(), Event::Joined { name, .. } if name == "Eve") {}
    }
    people[2].hear();
    std::thread::scope(|scope| {
        for person in &people {
            scope.spawn(move || {
                for number in 0..200 {
                    let id = if number % 3 == 0 { String::new() } else { format!(r#","id":"{number}""#) };
                    person.ask(&format!(r#"{{"type":"say","room":"lobby","text":"{number}"{id}}}"#));
                }
            });
        }
    });
    let mut heard = people.each_mut().map(|person| {
        let mut messages = Vec::new();
        while messages.len() < 600 {
            if let Event::Message(message) = person.hear() {
                messages.push((message.from, message.text, message.pos));
            }
        }
        messages
    });
    heard.iter_mut().for_each(|messages| messages.dedup());
    assert_eq!(heard[0], heard[1]);
    assert_eq!(heard[0], heard[2]);
    assert_eq!(heard[0].len(), 600);
}

#[test]
fn a_client_can_be_in_several_rooms_which_go_when_they_are_empty() {
    let chat = Chat::new();
    let server = Server::builder().handler(chat.gate()).bind("127.0.0.1:0").unwrap();
    let mut john = Person::join(&server, "John");
    let mut adam = Person::join(&server, "Adam");
    john.hear();
    for person in [&mut john, &mut adam] {
        person.ask(r##"{"type":"join","room":"#Games"}"##);
        assert!(matches!(person.hear(), Event::Joined { room, .. } if room == "games"));
        assert!(matches!(person.hear(), Event::History { room, .. } if room == "games"));
    }
    john.hear();
    adam.say("games", "chess?");
    assert_eq!(john.hears_message("Adam", "chess?").room, "games");
    adam.hear();
    john.ask(r#"{"type":"rooms"}"#);
    let rooms = json!([{"room": "games", "people": 2}, {"room": "lobby", "people": 2}]);
    assert_eq!(john.hear_json(), json!({"type": "rooms", "rooms": rooms}));
    john.ask(r#"{"type":"leave","room":"games"}"#);
    let left = json!({"type": "left", "room": "games", "name": "John"});
    assert_eq!([john.hear_json(), adam.hear_json()], [left.clone(), left]);
    john.ask(r#"{"type":"say","room":"games","text":"still?","id":"x"}"#);
    assert!(
        matches!(john.hear(), Event::Error { code, id, .. } if code == "not_in_room" && id.as_deref() == Some("x"))
    );
    adam.leave_chat();
    assert!(matches!(john.hear(), Event::Left { room, .. } if room == "lobby"));
    assert_eq!(chat.rooms().len(), 1, "games is empty and gone");
    assert_eq!(chat.present(&RoomName::parse("lobby").unwrap()), ["John"]);
    // What was said there is kept a while longer.
    john.ask(r#"{"type":"join","room":"games"}"#);
    john.hear();
    assert!(matches!(john.hear(), Event::History { messages, .. } if messages[0].text == "chess?"));
}

#[test]
fn a_whisper_reaches_one_person_alone() {
    let server = chat();
    let mut john = Person::join(&server, "John");
    let mut adam = Person::join(&server, "Adam");
    let mut eve = Person::join(&server, "Eve");
    for person in [&mut john, &mut adam] {
        while !matches!(person.hear(), Event::Joined { name, .. } if name == "Eve") {}
    }
    let ask = r#"{"type":"whisper","to":"ADAM","text":"psst","id":"c2"}"#;
    john.ask(ask);
    let whisper = json!({"type": "whisper", "from": "John", "to": "Adam", "text": "psst"});
    assert_eq!(adam.hear_json(), whisper);
    let mut own = whisper;
    own["id"] = "c2".into();
    assert_eq!(john.hear_json(), own);
    assert_eq!(john.hear_json(), json!({"type": "ack", "id": "c2"}));
    john.ask(ask);
    assert_eq!(john.hear_json(), json!({"type": "ack", "id": "c2"}));
    adam.hears_nothing();
    eve.hears_nothing();
    john.ask(r#"{"type":"whisper","to":"Nobody","text":"psst","id":"c3"}"#);
    assert!(matches!(john.hear(), Event::Error { code, .. } if code == "no_such_name"));
}

#[test]
fn history_is_paged_backwards() {
    let chat = Chat::builder().history(2).retention_messages(5).build();
    let server = Server::builder().handler(chat.gate()).bind("127.0.0.1:0").unwrap();
    let mut john = Person::join(&server, "John");
    for number in 0..7 {
        john.say("lobby", &number.to_string());
        john.hear_message();
    }
    let mut adam = Person::connect(&server, "name=Adam");
    adam.hear();
    adam.hear();
    let mut seen = Vec::new();
    let mut page = adam.hear();
    while let Event::History { messages, more, .. } = page {
        assert!(messages.len() <= 2);
        let before = messages[0].pos.clone();
        seen.splice(0..0, messages.into_iter().map(|message| message.text));
        if !more {
            break;
        }
        adam.ask(&format!(r#"{{"type":"history","room":"lobby","before":"{before}","limit":2}}"#));
        page = adam.hear();
    }
    assert_eq!(seen, ["2", "3", "4", "5", "6"]);
    adam.ask(r#"{"type":"history","room":"lobby","before":"elsewhere-1","id":"h"}"#);
    assert!(matches!(adam.hear(), Event::Error { code, .. } if code == "bad_position"));
}

#[test]
fn what_a_person_says_of_itself_is_told_to_its_neighbours_once() {
    let server = chat();
    let mut john = Person::join(&server, "John");
    let mut adam = Person::join(&server, "Adam");
    john.hear();
    for person in [&mut john, &mut adam] {
        person.ask(r#"{"type":"join","room":"games"}"#);
        person.hear();
        person.hear();
    }
    john.hear();
    john.ask(r#"{"type":"nick","name":"Johnny"}"#);
    let renamed = json!({"type": "renamed", "from": "John", "name": "Johnny"});
    assert_eq!([john.hear_json(), adam.hear_json()], [renamed.clone(), renamed]);
    john.ask(r#"{"type":"away","text":"lunch"}"#);
    let away = json!({"type": "away", "name": "Johnny", "text": "lunch"});
    assert_eq!([john.hear_json(), adam.hear_json()], [away.clone(), away]);
    adam.ask(r#"{"type":"who","room":"lobby"}"#);
    let present = json!({"type": "present", "room": "lobby", "names": ["Adam", "Johnny"], "total": 2, "away": ["Johnny"]});
    assert_eq!(adam.hear_json(), present);
    adam.ask(r#"{"type":"whois","name":"johnny"}"#);
    let Event::Whois { name, rooms, idle, rtt, away, .. } = adam.hear() else { panic!("no whois") };
    assert_eq!(
        (&*name, &*rooms, away.as_deref()),
        ("Johnny", &["games".into(), "lobby".into()][..], Some("lunch"))
    );
    assert!(idle < 20_000);
    // John's client reads and answers pings only while it is told to.
    assert_eq!(rtt, None);
    john.ask(r#"{"type":"back"}"#);
    let back = json!({"type": "back", "name": "Johnny"});
    assert_eq!([john.hear_json(), adam.hear_json()], [back.clone(), back]);
    john.ask(r#"{"type":"topic","room":"games","text":"chess"}"#);
    let topic = json!({"type": "topic", "room": "games", "text": "chess", "by": "Johnny"});
    assert_eq!([john.hear_json(), adam.hear_json()], [topic.clone(), topic.clone()]);
    // A newcomer hears the topic.
    let mut eve = Person::connect(&server, "name=Eve&room=games");
    assert!(matches!(eve.hear(), Event::Welcome { room, .. } if room == "games"));
    eve.hear();
    assert_eq!(eve.hear_json(), topic);
}

#[test]
fn the_round_trip_to_somebody_who_reads_is_known() {
    let server = chat();
    let mut adam = Person::join(&server, "Adam");
    let _john = Person::join(&server, "John").listen();
    adam.hear();
    adam.ask(r#"{"type":"whois","name":"John"}"#);
    assert!(matches!(adam.hear(), Event::Whois { rtt: Some(rtt), .. } if rtt > 0.0 && rtt < 20_000.0));
}

#[test]
fn one_who_is_ignored_is_not_heard_whatever_the_name() {
    let server = chat();
    let mut john = Person::join(&server, "John");
    let mut troll = Person::join(&server, "Troll");
    john.hear();
    john.ask(r#"{"type":"ignore","name":"TROLL"}"#);
    assert!(matches!(john.hear(), Event::Ignoring { names } if names == ["TROLL"]));
    troll.say("lobby", "boo");
    troll.hears_message("Troll", "boo");
    troll.ask(r#"{"type":"whisper","to":"John","text":"boo"}"#);
    troll.hear();
    troll.ask(r#"{"type":"nick","name":"Elf"}"#);
    assert!(matches!(john.hear(), Event::Renamed { .. }));
    troll.hear();
    troll.say("lobby", "boo again");
    troll.hear();
    john.ask(r#"{"type":"history","room":"lobby"}"#);
    assert!(matches!(john.hear(), Event::History { messages, .. } if messages.is_empty()));
    // The old name is free for somebody else.
    john.ask(r#"{"type":"unignore","name":"Troll"}"#);
    assert!(matches!(john.hear(), Event::Error { code, .. } if code == "no_such_name"));
    john.ask(r#"{"type":"unignore","name":"Elf"}"#);
    assert!(matches!(john.hear(), Event::Ignoring { names } if names.is_empty()));
    troll.say("lobby", "sorry");
    john.hears_message("Elf", "sorry");
    john.ask(r#"{"type":"ignore","name":"John"}"#);
    assert!(matches!(john.hear(), Event::Error { .. }));
}

#[test]
fn what_cannot_be_done_is_answered_and_never_ends_the_connection() {
    let server = chat();
    let mut john = Person::join(&server, "John");
    let _adam = Person::join(&server, "Adam").listen();
    john.hear();
    let long = "x".repeat(65);
    for (ask, wanted) in [
        ("hi", "bad_json"),
        ("[1]", "bad_json"),
        (r#"{"type":"dance"}"#, "unknown_type"),
        (r#"{"type":"say","room":"lobby"}"#, "bad_request"),
        (r#"{"type":"say","room":"lobby","text":5}"#, "bad_request"),
        (r#"{"type":"say","room":"lobby","text":"  "}"#, "empty"),
        (r#"{"type":"say","room":"","text":"hi"}"#, "bad_room"),
        (r#"{"type":"say","room":"nowhere","text":"hi"}"#, "not_in_room"),
        (&format!(r#"{{"type":"ping","id":"{long}"}}"#), "bad_id"),
        (r#"{"type":"join","room":"two words"}"#, "bad_room"),
        (r#"{"type":"join","room":"lobby"}"#, "already_in_room"),
        (r#"{"type":"leave","room":"games"}"#, "not_in_room"),
        (r#"{"type":"nick","name":"Adam"}"#, "name_taken"),
        (r#"{"type":"nick","name":"John says: hi"}"#, "bad_name"),
        (r#"{"type":"whois","name":"Nobody"}"#, "no_such_name"),
        (r#"{"type":"history","room":"games"}"#, "not_in_room"),
    ] {
        john.ask(ask);
        match john.hear() {
            Event::Error { code, reason, .. } => {
                assert_eq!(code, wanted, "{ask}");
                assert!(!reason.is_empty());
            }
            other => panic!("{ask} was answered with {other:?}"),
        }
    }
    for number in 1..32 {
        john.ask(&format!(r#"{{"type":"join","room":"room{number}"}}"#));
        john.hear();
        john.hear();
    }
    john.ask(r#"{"type":"join","room":"one-more"}"#);
    assert!(matches!(john.hear(), Event::Error { code, .. } if code == "too_many_rooms"));
    john.hears_nothing();
}

#[test]
fn a_gap_is_told_as_an_event() {
    let server = chat_with(Server::builder().outbox_messages(4).overflow(Overflow::DropNewest));
    let mut slow = Raw::connect(addr(&server));
    slow.send(request("/?name=Slow", "Sec-WebSocket-Protocol: chinwag.v1\r\n").as_bytes());
    assert!(slow.read_head().contains("chinwag.v1"));
    let filler = "x".repeat(60_000);
    eventually("the client is in", || server.hub().len() == 1);
    eventually("a message is dropped", || server.hub().everyone().broadcast_counted(filler.as_str()) == 0);
    let gap = std::iter::repeat_with(|| slow.read_frame().1)
        .find(|frame| !frame.ends_with(b"x") && frame.starts_with(br#"{"type":"gap""#));
    let gap: serde_json::Value = serde_json::from_slice(&gap.unwrap()).unwrap();
    assert_eq!((&gap["room"], &gap["rooms"]), (&json!("lobby"), &json!(["lobby"])));
    assert!(gap["dropped"].as_u64().unwrap() >= 1, "{gap}");
}

#[test]
fn a_notice_reaches_everyone_in_its_own_way() {
    let chat = Chat::new();
    let server = Server::builder().handler(chat.gate()).bind("127.0.0.1:0").unwrap();
    let mut john = Person::join(&server, "John");
    let mut adam = join(&server, "Adam");
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    john.hear();
    chat.notice(server.hub(), "tea\nat five");
    assert_eq!(john.hear_json(), json!({"type": "notice", "text": "tea\nat five"}));
    hears(&mut adam, &["Server: tea ⏎ at five"]);
}

#[test]
fn one_who_takes_a_name_that_it_ignores_hears_itself_and_harms_nobody() {
    let server = chat();
    let mut people = (0..40).map(|number| Person::join(&server, &format!("p{number}"))).collect::<Vec<_>>();
    people[0].ask(r#"{"type":"ignore","name":"Bob"}"#);
    people[0].ask(r#"{"type":"nick","name":"Bob"}"#);
    people[0].ask(r#"{"type":"say","room":"lobby","text":"hi","id":"c1"}"#);
    for person in &mut people {
        while !matches!(person.hear(), Event::Message(message) if message.from == "Bob") {}
    }
    assert!(matches!(people[0].hear(), Event::Ack { .. }));
    Person::join(&server, "Eve");
}

#[test]
fn nothing_is_announced_where_nothing_changes() {
    let server = chat();
    let mut john = Person::join(&server, "John");
    for (ask, is_done) in [
        (r#"{"type":"back"}"#, false),
        (r#"{"type":"away","text":"tea"}"#, true),
        (r#"{"type":"away","text":"tea"}"#, false),
        (r#"{"type":"nick","name":"John"}"#, false),
        (r#"{"type":"nick","name":"JOHN"}"#, true),
    ] {
        john.ask(ask);
        assert_eq!(!matches!(john.hear(), Event::Error { .. }), is_done, "{ask}");
    }
}
