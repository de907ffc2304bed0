//! Bans: by name, address, subject; for a time; beyond a restart; and the ways round them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use chinwag::chat::Chat;
use chinwag::protocol::{Ask, Event};
use chinwag::{CloseCode, Server};
use serde_json::{Value, json};

use super::{guarded, knock, operator, person, refused, serve, server, shut_out, until};
use crate::rooms::Person;
use crate::support::{addr, answer_to, eventually, hear_end};

fn ban(who: &str) -> String {
    json!({"type": "ban", "who": who, "reason": "spam"}).to_string()
}

#[test]
fn a_banned_name_is_out_and_stays_out_under_all_its_look_alikes() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let (mut eve, session) = person(&server, "name=Eve");
    let (mut john, other_session) = person(&server, "name=John");
    until(&mut adam, "joined");
    until(&mut adam, "joined");
    adam.ask(&ban("eve"));
    assert_eq!(until(&mut eve, "moderated")["action"], "ban");
    let end = hear_end(&mut eve.connection);
    assert_eq!((end.code, &*end.reason), (CloseCode::POLICY, "the name Eve is banned: spam"));
    let heard = until(&mut john, "moderated");
    let expected =
        json!({"type": "moderated", "action": "ban", "by": "Adam", "name": "Eve", "reason": "spam"});
    assert_eq!(heard, expected);
    let told = until(&mut adam, "moderated");
    assert_eq!((&told["who"], told.get("name")), (&json!("name:Eve"), None));
    let words = "the name Eve is banned: spam".to_owned();
    for name in ["Eve", "EVE", "%D0%95ve", "eve%20"] {
        assert_eq!(shut_out(addr(&server), &format!("name={name}")), (403, words.clone()), "{name}");
    }
    assert_eq!(shut_out(addr(&server), &format!("name=Eve&session={session}")).0, 403);
    assert_eq!(shut_out(addr(&server), &format!("name=Eve&session={other_session}")).0, 403);
    assert_eq!(shut_out(addr(&server), "name=Eve&role=op").0, 403);
    // What a page asks to know why.
    let answer = answer_to(addr(&server), "GET /ws?name=Eve HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    // Nobody takes the name later, and the session is over.
    assert_eq!(refused(&mut john, &json!({"type": "nick", "name": "EVE"}), "banned"), words);
    let (eva, fresh) = person(&server, &format!("name=Eva&session={session}"));
    assert_ne!(fresh, session);
    eva.leave_chat();
    adam.ask(r#"{"type":"bans"}"#);
    let bans = until(&mut adam, "bans");
    let [entry] = &bans["bans"].as_array().unwrap()[..] else { panic!("{bans}") };
    assert_eq!(
        (&entry["who"], &entry["by"], &entry["reason"]),
        (&json!("name:Eve"), &json!("Adam"), &json!("spam"))
    );
    adam.ask(r#"{"type":"unban","who":"EVE"}"#);
    assert_eq!(until(&mut adam, "moderated")["action"], "unban");
    Person::join(&server, "Eve");
}

#[test]
fn a_banned_network_is_out_at_once_and_all_others_stay() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let (mut john, _) = person(&server, "name=John");
    let mut evil = ["Eve", "Mallory"].map(|name| {
        let (raw, head) = knock([127, 0, 2, if name == "Eve" { 1 } else { 2 }], &server, name);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        until(&mut adam, "joined");
        raw
    });
    until(&mut adam, "joined");
    let (mut near, head) = knock([127, 0, 3, 1], &server, "Near");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    until(&mut adam, "joined");
    adam.ask(&ban("127.0.2.77/24"));
    for raw in &mut evil {
        assert_eq!(raw.read_close(), (1008, "your address is banned: spam".to_owned()));
    }
    // The room learns who, and not where from.
    let told = until(&mut john, "moderated");
    assert!(told.get("who").is_none() && !told.to_string().contains("127.0"), "{told}");
    assert_eq!(until(&mut adam, "moderated")["who"], "address:127.0.2.0/24");
    for name in ["Eve", "Somebody"] {
        let (_, head) = knock([127, 0, 2, 200], &server, name);
        assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    }
    near.send_frame(0x81, b"I am another");
    until(&mut adam, "message");
    adam.ask(r#"{"type":"unban","who":"address:127.0.2.0/24"}"#);
    until(&mut adam, "moderated");
    let (_raw, head) = knock([127, 0, 2, 200], &server, "Somebody");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
}

#[test]
fn a_ban_that_meets_many_is_told_once_and_all_of_them_are_gone() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let come = |number: u8| {
        let (raw, head) = knock([127, 0, 6, 1 + number], &server, &format!("Bot{number}"));
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        until(&mut adam, "joined");
        raw
    };
    let mut many = (0..25).map(come).collect::<Vec<_>>();
    adam.ask(&ban("127.0.6.0/24"));
    until(&mut adam, "moderated");
    for _ in 0..25 {
        assert!(matches!(adam.hear(), Event::Left { name, .. } if name.starts_with("Bot")));
    }
    adam.hears_nothing();
    for raw in &mut many {
        assert_eq!(raw.read_close().0, 1008);
    }
}

#[test]
fn what_one_who_is_banned_ignored_is_forgotten() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let (mut eve, _) = person(&server, "name=Eve");
    eve.ask(r#"{"type":"ignore","name":"Adam"}"#);
    until(&mut eve, "ignoring");
    adam.ask(&ban("Eve"));
    hear_end(&mut eve.connection);
    adam.ask(r#"{"type":"unban","who":"Eve"}"#);
    (0..2).for_each(|_| drop(until(&mut adam, "moderated")));
    let (mut eve, _) = person(&server, "name=Eve");
    adam.say("lobby", "welcome back");
    eve.hears_message("Adam", "welcome back");
}

#[test]
fn somebody_s_address_is_banned_by_the_name_but_never_this_machine_s_own() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let (_eve, head) = knock([127, 0, 0, 9], &server, "Eve");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let (_john, _) = person(&server, "name=John");
    until(&mut adam, "joined");
    adam.ask(&ban("address:eve"));
    assert_eq!(until(&mut adam, "moderated")["who"], "address:127.0.0.9/32");
    let (_, head) = knock([127, 0, 0, 9], &server, "Other");
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    let order = json!({"type": "ban", "who": "address:John"});
    let words = refused(&mut adam, &order, "bad_request");
    assert!(words.contains("this machine's own address"), "{words}");
    refused(&mut adam, &json!({"type": "ban", "who": "address:Nobody"}), "no_such_name");
}

#[test]
fn a_banned_subject_is_out_under_every_name() {
    let server = server();
    let adam = operator(&server, "Adam");
    let (mut eve, _) = person(&server, "name=Eve&subject=eve@example.org");
    let (mut john, _) = person(&server, "name=John&subject=john@example.org");
    adam.ask(&ban("subject:eve@example.org"));
    assert_eq!(hear_end(&mut eve.connection).reason, "you are banned: spam");
    assert_eq!(shut_out(addr(&server), "name=Eva&subject=eve@example.org").0, 403);
    until(&mut john, "left");
    john.say("lobby", "hi");
    john.hears_message("John", "hi");
    Person::join(&server, "Eve");
}

#[test]
fn a_ban_for_a_time_ends_and_says_when() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    adam.ask(r#"{"type":"ban","who":"Eve","for":3600000}"#);
    let done = until(&mut adam, "moderated");
    assert!(done["until"].is_u64(), "{done}");
    let (status, words) = shut_out(addr(&server), "name=Eve");
    assert!(status == 403 && words.starts_with("the name Eve is banned until 20"), "{words}");
    // Another in its place.
    adam.ask(r#"{"type":"ban","who":"Eve","for":50}"#);
    until(&mut adam, "moderated");
    let asks = |raw: &str| answer_to(addr(&server), &crate::support::request(raw, ""));
    eventually("the ban is over", || asks("/?name=Eve").starts_with("HTTP/1.1 101 "));
    adam.ask(r#"{"type":"bans"}"#);
    assert_eq!(until(&mut adam, "bans")["bans"], json!([]));
}

#[test]
fn bans_outlive_a_restart_and_what_has_ended_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bans");
    let start = || {
        let chat = guarded(Chat::builder().bans_file(&file).unwrap());
        (serve(&chat), chat)
    };
    let (server, chat) = start();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let mut adam = operator(&server, "Adam");
    adam.ask(&ban("Eve"));
    adam.ask(r#"{"type":"ban","who":"192.0.2.7","for":1}"#);
    adam.ask(r#"{"type":"ban","who":"127.0.5.0/24"}"#);
    adam.ask(r#"{"type":"ban","who":"subject:s"}"#);
    adam.ask(r#"{"type":"unban","who":"subject:s"}"#);
    (0..5).for_each(|_| drop(until(&mut adam, "moderated")));
    // The answer to what comes next says that the file was written.
    adam.hears_nothing();
    server.shutdown().unwrap();
    drop(chat);
    let lines = fs::read_to_string(&file).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>();
    assert_eq!((lines.len(), &lines[0]["who"], &lines[0]["by"]), (2, &json!("name:Eve"), &json!("Adam")));
    assert!(lines[0]["time"].is_u64() && lines[0]["reason"] == "spam", "{lines:?}");
    let (server, chat) = start();
    assert_eq!(shut_out(addr(&server), "name=EVE"), (403, "the name Eve is banned: spam".to_owned()));
    let (_, head) = knock([127, 0, 5, 5], &server, "Mallory");
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    // An operator of the application's own lifts it, and that is kept as well.
    let unban = Ask::Unban { who: "Eve".to_owned() };
    assert!(matches!(chat.moderate(server.hub(), "the owner", unban), Ok(Event::Moderated(_))));
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 1);
    server.shutdown().unwrap();
    let bans = Ask::Bans;
    assert_eq!(chat.moderate(server.hub(), "the owner", bans).unwrap_err().code(), "stopped");
}

#[test]
fn a_ban_that_cannot_be_kept_holds_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("inner").join("bans");
    fs::create_dir(folder.path().join("inner")).unwrap();
    let chat = guarded(Chat::builder().bans_file(&file).unwrap());
    let server: Server = serve(&chat);
    let mut adam = operator(&server, "Adam");
    fs::remove_dir_all(folder.path().join("inner")).unwrap();
    let order = json!({"type": "ban", "who": "Eve"});
    let words = refused(&mut adam, &order, "not_kept");
    assert!(words.starts_with("it holds until the server ends"), "{words}");
    assert_eq!(shut_out(addr(&server), "name=Eve").0, 403);
}
