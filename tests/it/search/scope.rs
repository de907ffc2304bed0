//! Where is looked: in rooms that one is in, and not at what one ignores.

use std::sync::Arc;

use chinwag::chat::{Chat, Identity, RoomName};
use chinwag::store::{Memory, Store, Ticket};
use serde_json::json;

use super::{answer, finds, joins, on_each_store, says, serve};
use crate::rooms::Person;
use crate::support::flaky_store::draft;

#[test]
fn a_message_is_found_as_it_was_said() {
    on_each_store(|server| {
        let mut john = Person::join(server, "John");
        john.ask(r#"{"type":"say","room":"lobby","text":"Tea is Ready","action":true}"#);
        let said = john.hear_json();
        let found = answer(&mut john, &json!({"type": "search", "words": "ready tea", "id": "s1"}));
        assert_eq!(
            (&found["words"], &found["id"], &found["more"]),
            (&json!("ready tea"), &json!("s1"), &json!(false))
        );
        assert_eq!((found.get("room"), found.get("before")), (None, None));
        let mut message = found["messages"][0].clone();
        assert!(message["time"].as_u64().unwrap() > 1_700_000_000_000);
        message.as_object_mut().unwrap().remove("time");
        for field in ["room", "from", "text", "pos", "action"] {
            assert_eq!(message[field], said[field], "{field}");
        }
        assert_eq!(message["action"], true);
        assert!(finds(&mut john, "coffee").is_empty());
    });
}

#[test]
fn all_rooms_that_one_is_in_are_looked_into_and_no_other() {
    on_each_store(|server| {
        let mut john = Person::join(server, "John");
        let mut eve = Person::join(server, "Eve");
        joins(&mut eve, "secret");
        joins(&mut eve, "games");
        says(&mut eve, "lobby", "tea in the lobby");
        says(&mut eve, "secret", "tea in secret");
        says(&mut eve, "games", "tea and games");
        assert_eq!(finds(&mut john, "tea"), ["tea in the lobby"]);
        let one = |room: &str| json!({"type": "search", "words": "tea", "room": room, "id": "s1"});
        let refused = answer(&mut john, &one("secret"));
        assert_eq!((&refused["code"], &refused["id"]), (&json!("not_in_room"), &json!("s1")));
        assert_eq!(answer(&mut john, &one("nowhere"))["code"], "not_in_room");
        assert_eq!(answer(&mut john, &one("no room"))["code"], "bad_room");

        joins(&mut john, "games");
        assert_eq!(finds(&mut john, "tea"), ["tea in the lobby", "tea and games"], "the oldest first");
        let found = answer(&mut john, &one("GAMES"));
        assert_eq!(
            (super::texts(&found), &found["room"]),
            (vec!["tea and games".to_owned()], &json!("games"))
        );

        john.ask(r#"{"type":"leave","room":"games"}"#);
        assert_eq!(finds(&mut john, "tea"), ["tea in the lobby"]);
        john.ask(r#"{"type":"leave","room":"lobby"}"#);
        assert!(finds(&mut john, "tea").is_empty(), "one who is in no room finds nothing");
    });
}

#[test]
fn a_credential_for_some_rooms_finds_nothing_in_others() {
    let server = serve(Chat::builder().authenticate(|request| {
        let name = request.query("name").unwrap();
        let rooms = [RoomName::parse("lobby").unwrap()];
        Ok(if name == "Eve" { Identity::default().rooms(rooms) } else { Identity::default() })
    }));
    let mut boss = Person::join(&server, "Boss");
    joins(&mut boss, "secret");
    says(&mut boss, "secret", "tea in secret");
    says(&mut boss, "lobby", "tea in the lobby");
    let mut eve = Person::join(&server, "Eve");
    assert_eq!(finds(&mut eve, "tea"), ["tea in the lobby"]);
    let refused = answer(&mut eve, &json!({"type": "search", "words": "tea", "room": "secret"}));
    assert_eq!(refused["code"], "forbidden", "{refused}");
}

#[test]
fn what_one_ignores_is_not_found() {
    on_each_store(|server| {
        let mut john = Person::join(server, "John");
        let mut eve = Person::join(server, "Eve");
        says(&mut eve, "lobby", "tea, says Eve");
        says(&mut john, "lobby", "tea, says John");
        john.ask(r#"{"type":"ignore","name":"EVE"}"#);
        assert_eq!(finds(&mut john, "tea"), ["tea, says John"]);
        assert_eq!(finds(&mut eve, "tea"), ["tea, says Eve", "tea, says John"], "others find it");
        john.ask(r#"{"type":"unignore","name":"Eve"}"#);
        assert_eq!(finds(&mut john, "tea"), ["tea, says Eve", "tea, says John"]);
    });
}

#[test]
fn what_was_said_before_one_came_is_found_too_and_whispers_are_not() {
    on_each_store(|server| {
        let mut john = Person::join(server, "John");
        says(&mut john, "lobby", "tea for two");
        john.ask(r#"{"type":"whisper","to":"John","text":"tea in secret"}"#);
        let mut adam = Person::join(server, "Adam");
        assert_eq!(finds(&mut adam, "tea"), ["tea for two"]);
        assert_eq!(finds(&mut john, "tea"), ["tea for two"]);
    });
}

#[test]
fn nothing_is_found_before_its_room_has_heard_it() {
    let store = Arc::new(Memory::new());
    let server = serve(Chat::builder().store(store.clone()));
    let mut john = Person::join(&server, "John");
    says(&mut john, "lobby", "tea heard");
    // As another server appends what this one is yet to hear of.
    store.append(Ticket(0), draft("lobby", "Adam", "tea unheard"));
    assert_eq!(finds(&mut john, "tea"), ["tea heard"]);
}
