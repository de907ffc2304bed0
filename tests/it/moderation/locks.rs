//! Rooms that take no newcomers.

use serde_json::json;

use super::{operator, person, refused, server, shut_out, until};
use crate::rooms::Person;
use crate::support::addr;

#[test]
fn a_locked_room_keeps_newcomers_out_and_those_inside_in() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let (mut john, session) = person(&server, "name=John");
    until(&mut adam, "joined");
    adam.ask(r#"{"type":"lock","room":"lobby"}"#);
    let locked = json!({"type": "moderated", "action": "lock", "by": "Adam", "room": "lobby"});
    assert_eq!(until(&mut adam, "moderated"), locked);
    assert_eq!(until(&mut john, "moderated"), locked);
    let words = "lobby takes no newcomers at the moment".to_owned();
    assert_eq!(shut_out(addr(&server), "name=Eve"), (403, words.clone()));
    assert_eq!(shut_out(addr(&server), "name=Eve&session=made-up"), (403, words.clone()));
    let (mut eve, _) = person(&server, "name=Eve&room=games");
    let join = json!({"type": "join", "room": "lobby"});
    assert_eq!(refused(&mut eve, &join, "locked"), words);
    refused(&mut eve, &json!({"type": "join", "room": "lobby", "since": "0"}), "locked");
    refused(&mut adam, &json!({"type": "lock", "room": "lobby"}), "bad_request");
    eve.ask(r#"{"type":"rooms"}"#);
    assert_eq!(until(&mut eve, "rooms")["rooms"][1]["locked"], true);
    // Inside all is as before, and a broken line is no leaving.
    john.say("lobby", "hi");
    john.hears_message("John", "hi");
    john.vanish();
    until(&mut adam, "left");
    let (mut john, _) = person(&server, &format!("name=John&session={session}"));
    // Who leaves is a newcomer afterwards.
    john.ask(r#"{"type":"leave","room":"lobby"}"#);
    until(&mut john, "left");
    refused(&mut john, &join, "locked");
    adam.ask(r#"{"type":"unlock","room":"lobby"}"#);
    assert_eq!(until(&mut adam, "moderated")["action"], "unlock");
    john.ask(&join.to_string());
    until(&mut john, "joined");
    Person::join(&server, "Newcomer");
}

#[test]
fn a_lock_outlasts_the_last_one_who_leaves_and_operators_come_in() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    adam.ask(r#"{"type":"lock","room":"den"}"#);
    until(&mut adam, "moderated");
    let (mut eve, _) = person(&server, "name=Eve");
    refused(&mut eve, &json!({"type": "join", "room": "den"}), "locked");
    for _ in 0..2 {
        adam.ask(r#"{"type":"join","room":"den"}"#);
        until(&mut adam, "history");
        refused(&mut eve, &json!({"type": "join", "room": "den"}), "locked");
        adam.ask(r#"{"type":"leave","room":"den"}"#);
        until(&mut adam, "left");
    }
}

#[test]
fn one_who_is_kicked_out_of_a_locked_room_does_not_resume_there() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let (eve, session) = person(&server, "name=Eve");
    until(&mut adam, "joined");
    adam.ask(r#"{"type":"lock","room":"lobby"}"#);
    adam.ask(r#"{"type":"kick","name":"Eve"}"#);
    until(&mut adam, "left");
    drop(eve);
    assert_eq!(shut_out(addr(&server), &format!("name=Eve&session={session}")).0, 403);
}
