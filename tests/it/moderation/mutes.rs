//! Mutes, and the ways round them.

use serde_json::json;

use super::{operator, person, refused, say, server, text, until};
use crate::rooms::Person;
use crate::support::hears;

#[test]
fn one_who_is_muted_hears_all_and_can_tell_nobody_anything() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let (mut eve, _) = person(&server, "name=Eve");
    until(&mut adam, "joined");
    adam.ask(&json!({"type": "mute", "name": "Eve", "for": 3_600_000, "reason": "shouting"}).to_string());
    let done = until(&mut adam, "moderated");
    assert!(done["until"].as_u64().unwrap() > 1_700_000_000_000, "{done}");
    let heard = until(&mut eve, "moderated");
    assert_eq!((&heard, &heard["action"]), (&done, &json!("mute")));
    for attempt in [
        say("hi"),
        json!({"type": "say", "room": "lobby", "text": "waves", "action": true}),
        json!({"type": "whisper", "to": "Adam", "text": "psst"}),
        json!({"type": "topic", "room": "lobby", "text": "hi"}),
        json!({"type": "away", "text": "hi all"}),
        json!({"type": "nick", "name": "Adam is bad"}),
        json!({"type": "nick", "name": "EVE"}),
    ] {
        // A name that is not allowed anyway is told so.
        let code = if attempt["name"] == "Adam is bad" { "bad_name" } else { "muted" };
        let words = refused(&mut eve, &attempt, code);
        assert!(code != "muted" || words.starts_with("you are muted until 20"), "{words}");
        assert!(code != "muted" || words.ends_with(": shouting"), "{words}");
    }
    adam.hears_nothing();
    adam.say("lobby", "quiet, please");
    eve.hears_message("Adam", "quiet, please");
    eve.ask(r#"{"type":"topic","room":"lobby"}"#);
    until(&mut eve, "topic");
    adam.ask(r#"{"type":"unmute","name":"Eve"}"#);
    assert_eq!(until(&mut eve, "moderated")["action"], "unmute");
    eve.say("lobby", "sorry");
    eve.hears_message("Eve", "sorry");
}

#[test]
fn coming_back_ends_no_mute_by_session_or_by_name_or_by_look_alike() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let (eve, session) = person(&server, "name=Eve");
    until(&mut adam, "joined");
    adam.ask(r#"{"type":"mute","name":"Eve"}"#);
    until(&mut adam, "moderated");
    let leave = |person: Person, adam: &mut Person| {
        person.leave_chat();
        until(adam, "left");
    };
    leave(eve, &mut adam);
    // The same session under another name.
    let (mut eva, _) = person(&server, &format!("name=Eva&session={session}"));
    assert_eq!(refused(&mut eva, &say("hi"), "muted"), "you are muted");
    leave(eva, &mut adam);
    // Another session under the same name, and then that one under a third.
    let (mut eve, second) = person(&server, "name=%C3%88ve");
    eve.say("lobby", "I am another");
    eve.hears_message("Ève", "I am another");
    leave(eve, &mut adam);
    let (mut eve, third) = person(&server, "name=EVE");
    assert_ne!(second, third);
    refused(&mut eve, &say("hi"), "muted");
    leave(eve, &mut adam);
    let (mut mallory, _) = person(&server, &format!("name=Mallory&session={third}"));
    refused(&mut mallory, &say("hi"), "muted");
    // In text mode as well, under a look-alike of the first name.
    let mut text = text(&server, "name=%D0%95ve");
    hears(&mut text, &["Еve joined.", "Welcome Еve."]);
    text.send("hi").unwrap();
    hears(&mut text, &["You are muted."]);
    text.send("/msg Adam hi").unwrap();
    hears(&mut text, &["You are muted."]);
    // Lifted for one, it is lifted for that person whatever the name.
    adam.ask(r#"{"type":"unmute","name":"Mallory"}"#);
    until(&mut mallory, "moderated");
    mallory.say("lobby", "hi");
    mallory.hears_message("Mallory", "hi");
    text.send("hi").unwrap();
    hears(&mut text, &["Mallory was given the word again by Adam.", "Mallory says: hi", "Еve says: hi"]);
}

#[test]
fn one_who_is_muted_cannot_have_others_muted_by_coming_under_their_names() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let (eve, session) = person(&server, "name=Eve");
    until(&mut adam, "joined");
    adam.ask(r#"{"type":"mute","name":"Eve"}"#);
    until(&mut adam, "moderated");
    eve.leave_chat();
    until(&mut adam, "left");
    let (mut impostor, _) = person(&server, &format!("name=John&session={session}"));
    refused(&mut impostor, &say("hi"), "muted");
    impostor.leave_chat();
    until(&mut adam, "left");
    let (mut john, _) = person(&server, "name=John");
    john.say("lobby", "good morning");
    john.hears_message("John", "good morning");
}

#[test]
fn a_mute_follows_the_subject_of_a_credential() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let (eve, _) = person(&server, "name=Eve&subject=eve@example.org");
    until(&mut adam, "joined");
    adam.ask(r#"{"type":"mute","name":"Eve"}"#);
    until(&mut adam, "moderated");
    eve.vanish();
    let (mut other, _) = person(&server, "name=Other&subject=eve@example.org");
    refused(&mut other, &say("hi"), "muted");
    let (mut stranger, _) = person(&server, "name=Stranger&subject=bob@example.org");
    stranger.say("lobby", "hi");
    stranger.hears_message("Stranger", "hi");
}

#[test]
fn a_mute_ends_when_its_time_is_over_and_what_was_said_before_is_still_acknowledged() {
    let server = server();
    let adam = operator(&server, "Adam");
    let (mut eve, _) = person(&server, "name=Eve");
    let said = json!({"type": "say", "room": "lobby", "text": "before", "id": "c1"}).to_string();
    eve.ask(&said);
    let ack = until(&mut eve, "ack");
    adam.ask(r#"{"type":"mute","name":"Eve","for":50}"#);
    until(&mut eve, "moderated");
    // The same again is no news.
    eve.ask(&said);
    assert_eq!(until(&mut eve, "ack"), ack);
    loop {
        eve.say("lobby", "again");
        match eve.hear_json() {
            event if event["type"] == "message" => break,
            event => assert_eq!(event["code"], "muted"),
        }
    }
}
