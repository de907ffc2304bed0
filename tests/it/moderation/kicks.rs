//! Kicks, notices, and who may do any of this.

use chinwag::CloseCode;
use chinwag::chat::Chat;
use chinwag::protocol::Event;
use serde_json::json;

use super::{guarded, knock, operator, person, refused, serve, server, text, until};
use crate::rooms::Person;
use crate::support::{Raw, addr, eventually, hear, hear_end, hears, join};

#[test]
fn one_who_is_kicked_is_told_why_all_hear_of_it_and_the_name_is_free() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let (mut john, _) = person(&server, "name=John");
    let mut eve = Person::join(&server, "Eve");
    adam.ask(&json!({"type": "kick", "name": "eve", "reason": "spam"}).to_string());
    let kick = json!({"type": "moderated", "action": "kick", "by": "Adam", "name": "Eve", "reason": "spam"});
    assert_eq!(until(&mut eve, "moderated"), kick);
    let end = hear_end(&mut eve.connection);
    assert_eq!((end.code, &*end.reason), (CloseCode::POLICY, "kicked by Adam: spam"));
    for person in [&mut john, &mut adam] {
        assert_eq!(until(person, "moderated"), kick);
    }
    assert_eq!(until(&mut john, "left"), json!({"type": "left", "room": "lobby", "name": "Eve"}));
    Person::join(&server, "Eve");
}

#[test]
fn who_is_no_operator_can_do_none_of_it() {
    let server = server();
    let mut eve = Person::join(&server, "Eve");
    let (mut john, _) = person(&server, "name=John");
    until(&mut eve, "joined");
    for order in [
        json!({"type": "kick", "name": "John"}),
        json!({"type": "kick", "name": "Nobody"}),
        json!({"type": "ban", "who": "John"}),
        json!({"type": "ban", "who": "192.0.2.7"}),
        json!({"type": "ban", "who": "address:John"}),
        json!({"type": "unban", "who": "John"}),
        json!({"type": "bans"}),
        json!({"type": "mute", "name": "John"}),
        json!({"type": "unmute", "name": "John"}),
        json!({"type": "lock", "room": "lobby"}),
        json!({"type": "unlock", "room": "lobby"}),
        json!({"type": "notice", "text": "I am the server"}),
    ] {
        assert_eq!(refused(&mut eve, &order, "forbidden"), "this is for operators only", "{order}");
    }
    john.hears_nothing();
    john.say("lobby", "still here");
    john.hears_message("John", "still here");
    Person::join(&server, "Newcomer");
}

#[test]
fn an_operator_is_known_by_the_welcome_and_by_whois_and_sees_more() {
    let server = server();
    let mut adam = Person::connect(&server, "name=Adam&role=op&subject=adam@example.org");
    assert_eq!(adam.hear_json()["role"], "operator");
    let mut eve = Person::connect(&server, "name=Eve");
    assert_eq!(eve.hear_json().get("role"), None);
    eve.ask(r#"{"type":"whois","name":"Adam"}"#);
    let whois = until(&mut eve, "whois");
    assert_eq!(whois["role"], "operator");
    assert!(whois.get("address").is_none() && whois.get("subject").is_none(), "{whois}");
    adam.ask(r#"{"type":"whois","name":"Eve"}"#);
    let whois = until(&mut adam, "whois");
    assert_eq!((&whois["address"], whois.get("role")), (&json!("127.0.0.1"), None));
    adam.ask(r#"{"type":"whois","name":"Adam"}"#);
    assert_eq!(until(&mut adam, "whois")["subject"], "adam@example.org");
}

#[test]
fn one_who_does_not_answer_the_close_is_out_all_the_same() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let mut eve = Raw::upgrade(addr(&server), "/?name=Eve");
    until(&mut adam, "joined");
    adam.ask(r#"{"type":"kick","name":"Eve"}"#);
    assert_eq!(eve.read_close(), (1008, "kicked by Adam".to_owned()));
    until(&mut adam, "moderated");
    assert!(matches!(adam.hear(), Event::Left { name, .. } if name == "Eve"));
    (0..10).for_each(|_| eve.send_frame(0x81, b"I am still here"));
    (0..10).for_each(|_| eve.send_frame(0x81, b"/nick Mallory"));
    adam.hears_nothing();
    adam.ask(r#"{"type":"who","room":"lobby"}"#);
    assert_eq!(until(&mut adam, "present")["names"], json!(["Adam"]));
}

#[test]
fn an_operator_can_be_kicked_too_and_nobody_who_is_not_here() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let mut eve = operator(&server, "Eve");
    let reason = refused(&mut adam, &json!({"type": "kick", "name": "John"}), "no_such_name");
    assert_eq!(reason, "John is not here");
    adam.ask(r#"{"type":"kick","name":"Eve"}"#);
    assert_eq!(hear_end(&mut eve.connection).code, CloseCode::POLICY);
    adam.ask(r#"{"type":"kick","name":"Adam"}"#);
    assert_eq!(hear_end(&mut adam.connection).reason, "kicked by Adam");
}

#[test]
fn a_notice_reaches_everybody_in_every_room_once() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let mut eve = join(&server, "Eve");
    hears(&mut eve, &["Eve joined.", "Welcome Eve."]);
    let (mut john, _) = person(&server, "name=John&room=games");
    adam.ask(r#"{"type":"notice","text":"tea is ready"}"#);
    let notice = json!({"type": "notice", "text": "tea is ready"});
    assert_eq!(until(&mut adam, "notice"), notice);
    assert_eq!(john.hear_json(), notice);
    hears(&mut eve, &["Server: tea is ready"]);
    adam.hears_nothing();
    assert_eq!(refused(&mut adam, &json!({"type": "notice", "text": " "}), "empty"), "there is no text");
}

#[test]
fn what_is_wrong_with_an_order_is_told() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    for (order, code) in [
        (json!({"type": "ban", "who": ""}), "bad_name"),
        (json!({"type": "ban", "who": "Eve", "for": 0}), "bad_request"),
        (json!({"type": "ban", "who": "Eve", "for": u64::MAX}), "bad_request"),
        (json!({"type": "ban", "who": "Eve", "for": "1h"}), "bad_request"),
        (json!({"type": "ban", "who": "Eve", "reason": "x".repeat(201)}), "bad_request"),
        (json!({"type": "ban", "who": "adam"}), "bad_request"),
        (json!({"type": "ban", "who": "0.0.0.0/0"}), "bad_request"),
        (json!({"type": "unban", "who": "Eve"}), "no_such_ban"),
        (json!({"type": "mute", "name": "Eve"}), "no_such_name"),
        (json!({"type": "unmute", "name": "Eve"}), "bad_request"),
        (json!({"type": "lock", "room": "a b"}), "bad_room"),
        (json!({"type": "unlock", "room": "lobby"}), "bad_request"),
    ] {
        refused(&mut adam, &order, code);
    }
}

#[test]
fn what_passed_over_a_connection_is_counted() {
    let chat = guarded(Chat::builder());
    let server = serve(&chat);
    let mut john = text(&server, "name=John");
    hears(&mut john, &["John joined.", "Welcome John."]);
    for _ in 0..3 {
        john.send("hi").unwrap();
        hear(&mut john);
    }
    let clients = chat.clients();
    let [info] = &clients[..] else { panic!("{clients:?}") };
    assert_eq!((&*info.name, &*info.rooms, info.messages_in), ("John", &["lobby".to_owned()][..], 3));
    // Three frames of two bytes of text, each with six of header and key.
    assert_eq!((info.bytes_in, info.messages_out, info.dropped), (24, 5, 0));
    // The answer to the handshake is among them.
    assert!(info.bytes_out > 5 * "John".len() as u64 + 100, "{info:?}");
    let (_raw, head) = knock([127, 0, 0, 3], &server, "Eve");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    eventually("Eve is here", || chat.clients().len() == 2);
    assert_eq!(chat.clients()[0].inside.address.as_deref(), Some("127.0.0.3"));
}
