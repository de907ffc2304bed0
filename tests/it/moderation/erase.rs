//! Deleting what somebody said.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use chinwag::chat::{Chat, Identity, Role, RoomName};
use chinwag::protocol::Event;
use chinwag::store::StoreErrorKind;
use serde_json::{Value, json};

use super::{operator, person, refused, serve, server, text, until};
use crate::rooms::Person;
use crate::support::flaky_store::FlakyStore;
use crate::support::{Program, hear, hears};

/// With a Cyrillic о.
const LOOK_ALIKE: &str = "J%D0%BEhn";

/// Says it; where that is.
#[track_caller]
fn says(person: &mut Person, room: &str, text: &str) -> String {
    person.ask(&json!({"type": "say", "room": room, "text": text}).to_string());
    let message = loop {
        let message = until(person, "message");
        if message["text"] == text {
            break message;
        }
    };
    message["pos"].as_str().unwrap().to_owned()
}

/// The texts of the answer to this.
#[track_caller]
fn texts(person: &mut Person, request: &Value) -> Vec<String> {
    person.ask(&request.to_string());
    let answer = until(
        person,
        request["type"].as_str().map(|kind| if kind == "search" { "found" } else { kind }).unwrap(),
    );
    let messages = answer["messages"].as_array().unwrap();
    messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

fn history(room: &str) -> Value {
    json!({"type": "history", "room": room})
}

fn search(words: &str) -> Value {
    json!({"type": "search", "words": words})
}

fn without_time(mut event: Value) -> Value {
    event.as_object_mut().unwrap().remove("time");
    event
}

#[test]
fn what_a_name_and_its_look_alikes_said_is_gone_and_everyone_is_told() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let (mut john, _) = person(&server, "name=John");
    says(&mut john, "lobby", "word one");
    john.leave_chat();
    let (mut other, _) = person(&server, &format!("name={LOOK_ALIKE}"));
    says(&mut other, "lobby", "word two");
    other.leave_chat();
    let (mut eve, _) = person(&server, "name=Eve");
    says(&mut eve, "lobby", "word three");

    adam.ask(r#"{"type":"erase","name":"JOHN","id":"e1"}"#);
    let told = json!({"type": "erased", "name": "JOHN", "alike": ["John", "Jоhn"], "by": "Adam"});
    let mut answered = told.clone();
    answered["messages"] = json!(2);
    assert_eq!(without_time(until(&mut adam, "erased")), answered);
    assert_eq!(without_time(until(&mut eve, "erased")), told, "how many is not for all");
    for person in [&mut adam, &mut eve] {
        person.hears_nothing();
        assert_eq!(texts(person, &history("lobby")), ["word three"]);
        assert_eq!(texts(person, &search("word")), ["word three"]);
    }
    let mut late = Person::connect(&server, "name=Late");
    let history = until(&mut late, "history");
    assert_eq!(history["messages"].as_array().unwrap().len(), 1, "{history}");
    // Whoever has the name says on.
    let (mut john, _) = person(&server, "name=John");
    says(&mut john, "lobby", "word four");
    assert_eq!(texts(&mut eve, &search("word")), ["word three", "word four"]);
    adam.ask(r#"{"type":"erase","name":"Nobody"}"#);
    assert_eq!(until(&mut adam, "erased")["messages"], 0);
}

#[test]
fn one_room_can_be_meant_alone() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let (mut john, _) = person(&server, "name=John");
    let (mut eve, _) = person(&server, "name=Eve");
    john.ask(r#"{"type":"join","room":"games"}"#);
    until(&mut john, "history");
    says(&mut john, "lobby", "in the lobby");
    says(&mut john, "games", "in games");
    adam.ask(r#"{"type":"erase","name":"John","room":"Games"}"#);
    let answer = until(&mut adam, "erased");
    assert_eq!((&answer["room"], &answer["messages"]), (&json!("games"), &json!(1)));
    assert_eq!(until(&mut john, "erased")["room"], "games");
    assert_eq!(texts(&mut john, &history("games")), Vec::<String>::new());
    assert_eq!(texts(&mut john, &history("lobby")), ["in the lobby"]);
    assert_eq!(texts(&mut john, &search("in")), ["in the lobby"]);
    // Eve is not in that room, and need not know.
    until(&mut eve, "message");
    eve.hears_nothing();
}

#[test]
fn one_who_comes_back_misses_nothing_of_what_is_left() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let (mut john, _) = person(&server, "name=John");
    let (mut eve, session) = person(&server, "name=Eve");
    let since = says(&mut john, "lobby", "heard");
    until(&mut eve, "message");
    eve.vanish();
    for number in 0..200 {
        says(&mut john, "lobby", &format!("john {number}"));
        says(&mut adam, "lobby", &format!("adam {number}"));
    }
    adam.ask(r#"{"type":"erase","name":"John"}"#);
    assert_eq!(until(&mut adam, "erased")["messages"], 201);
    // More than one portion, and the place itself is of one that is gone.
    let mut eve = Person::connect(&server, &format!("name=Eve&session={session}&since={since}"));
    assert!(matches!(eve.hear(), Event::Welcome { .. }));
    let resumed = eve.hear_json();
    assert_eq!((&resumed["complete"], &resumed["missed"]), (&json!(true), &json!(200)), "{resumed}");
    // What she shows is not to be shown any more.
    let told = json!({"type": "erased", "name": "John", "by": "Adam"});
    assert_eq!(eve.hear_json(), told);
    for number in 0..200 {
        eve.hears_message("Adam", &format!("adam {number}"));
    }
    assert!(matches!(eve.hear(), Event::Joined { .. }));
    let since = says(&mut john, "lobby", "again");
    assert_eq!(eve.hears_message("John", "again").pos, since);
    eve.vanish();
    // Not what happened while she was here.
    let mut eve = Person::connect(&server, &format!("name=Eve&session={session}&since={since}"));
    assert!(matches!(eve.hear(), Event::Welcome { .. }));
    assert_eq!(eve.hear_json()["missed"], 0);
    assert!(matches!(eve.hear(), Event::Joined { .. }));
}

#[test]
fn operators_alone_delete_and_only_where_their_credential_reaches() {
    let chat = Chat::builder().authenticate(|request| {
        let identity = match request.query("role").as_deref() {
            Some("op") => Identity::default().role(Role::Operator),
            _ => Identity::default(),
        };
        let rooms = request.query("only").map(|room| [RoomName::parse(&room).unwrap()]);
        Ok(rooms.into_iter().fold(identity, Identity::rooms))
    });
    let server = serve(&chat.build());
    let (mut john, _) = person(&server, "name=John");
    says(&mut john, "lobby", "word");
    let erase = json!({"type": "erase", "name": "John", "id": "e1"});
    assert_eq!(refused(&mut john, &erase, "forbidden"), "this is for operators only");
    let (mut other, _) = person(&server, "name=Other&role=op&room=games&only=games");
    refused(&mut other, &json!({"type": "erase", "name": "John", "room": "lobby"}), "forbidden");
    refused(&mut other, &erase, "forbidden");
    refused(&mut other, &json!({"type": "erase", "name": "a:b", "room": "games"}), "bad_name");
    other.ask(r#"{"type":"erase","name":"John","room":"games"}"#);
    assert_eq!(until(&mut other, "erased")["messages"], 0);
    let mut adam = operator(&server, "Adam");
    refused(&mut adam, &json!({"type": "erase", "name": "John", "room": "no room"}), "bad_room");
    refused(&mut adam, &json!({"type": "erase"}), "bad_request");
    assert_eq!(texts(&mut john, &history("lobby")), ["word"]);
}

#[test]
fn a_store_that_cannot_delete_says_so_and_nobody_is_told_that_it_did() {
    let store = FlakyStore::new();
    let server = serve(&super::guarded(Chat::builder().store(store.clone())));
    let mut adam = operator(&server, "Adam");
    says(&mut adam, "lobby", "word");
    store.blind(StoreErrorKind::ReadOnly);
    refused(&mut adam, &json!({"type": "erase", "name": "Adam"}), "unavailable");
    assert_eq!(texts(&mut adam, &history("lobby")), ["word"]);
    adam.hears_nothing();
}

#[test]
fn one_who_heard_last_what_is_deleted_misses_nothing() {
    let server = server();
    let mut adam = operator(&server, "Adam");
    let (mut eve, session) = person(&server, "name=Eve");
    let since = says(&mut eve, "lobby", "spam");
    eve.vanish();
    adam.ask(r#"{"type":"erase","name":"Eve"}"#);
    assert_eq!(until(&mut adam, "erased")["messages"], 1);
    let mut eve = Person::connect(&server, &format!("name=Eve&session={session}&since={since}"));
    assert!(matches!(eve.hear(), Event::Welcome { .. }));
    let resumed = eve.hear_json();
    assert_eq!((&resumed["complete"], &resumed["missed"]), (&json!(true), &json!(0)), "{resumed}");
}

#[test]
fn in_text_mode_it_is_a_line() {
    let server = server();
    let mut adam = text(&server, "name=Adam&role=op");
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    let mut eve = text(&server, "name=Eve%20Ann");
    hears(&mut eve, &["Eve Ann joined.", "Welcome Eve Ann."]);
    hears(&mut adam, &["Eve Ann joined."]);
    eve.send("spam").unwrap();
    eve.send("/erase Adam").unwrap();
    hears(&mut eve, &["Eve Ann says: spam", "This is for operators only."]);
    hears(&mut adam, &["Eve Ann says: spam"]);
    // Where the name ends is not guessed; where there is nothing, nobody else is told.
    adam.send("/erase Eve").unwrap();
    hears(&mut adam, &["What Eve said was deleted by Adam (0 messages)."]);
    adam.send("/erase eve ann: lobby").unwrap();
    hears(&mut adam, &["What eve ann said in lobby was deleted by Adam (1 message)."]);
    hears(&mut eve, &["What eve ann said in lobby was deleted by Adam."]);
    adam.send("/history").unwrap();
    hears(&mut adam, &["Nothing was said here before."]);
    adam.send("/search spam").unwrap();
    hears(&mut adam, &["Nothing was found in your rooms."]);
}

#[test]
fn it_can_be_ordered_from_a_shell_and_is_in_the_log_with_who_did_it() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin");
    let program = env!("CARGO_BIN_EXE_chat-server");
    let mut command = Command::new(program);
    command.args(["--listen", "127.0.0.1:0", "--admin-socket"]).arg(&socket);
    let mut server = Program::start(command.stderr(Stdio::piped()));
    let addr = server.address();
    let mut eve = chinwag::Connection::connect(&format!("ws://{addr}/?name=Eve")).unwrap();
    hears(&mut eve, &["Eve joined.", "Welcome Eve."]);
    for word in ["one", "two"] {
        eve.send(word).unwrap();
        hear(&mut eve);
    }
    let ctl = |args: &[&str]| {
        let mut command = Command::new(program);
        let output = command.args(["ctl", "--admin-socket"]).arg(&socket).args(args).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.code())
    };
    let (told, status) = ctl(&["erase", "EVE", "--room", "games"]);
    assert_eq!((&*told, status), ("deleted 0 messages of EVE in games\n", Some(0)));
    let (told, _) = ctl(&["erase", "EVE", "--by", "Zoë", "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["type"], &told["messages"], &told["v"]), (&json!("erased"), &json!(2), &json!(1)));
    hears(&mut eve, &["What EVE said was deleted by Zoë."]);
    assert_eq!(ctl(&["erase", "a:b"]).1, Some(1));
    assert_eq!(ctl(&["erase"]).1, Some(2));
    server.signal("-TERM");
    assert_eq!(server.exit_code(), 0);
    let log =
        BufReader::new(server.child.stderr.take().unwrap()).lines().map(Result::unwrap).collect::<Vec<_>>();
    for line in [
        "the server deleted what EVE said in the room games: 0 messages",
        "Zoë deleted what EVE said in all rooms: 2 messages",
    ] {
        assert!(log.iter().any(|logged| logged.contains("[INFO]") && logged.ends_with(line)), "{log:#?}");
    }
}

#[test]
fn what_is_deleted_from_a_file_is_gone_from_it_and_what_others_said_outlives_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, file) = (folder.path().join("admin"), folder.path().join("chat.db"));
    let (socket, store) = (socket.to_str().unwrap(), format!("sqlite:{}", file.display()));
    let serve = || Program::chat_server(&["--store", &store, "--admin-socket", socket]);
    let stop = |mut server: Program| {
        server.signal("-TERM");
        assert_eq!(server.exit_code(), 0);
    };
    let (server, addr) = serve();
    let join = |addr, name: &str| chinwag::Connection::connect(&format!("ws://{addr}/?name={name}")).unwrap();
    for (name, said) in [("Eve", "unspeakable"), ("John", "outspoken"), ("Eve", "unmentionable")] {
        let mut person = join(addr, name);
        hears(&mut person, &[&format!("{name} joined."), &format!("Welcome {name}.")]);
        person.send(said).unwrap();
        hears(&mut person, &[&format!("{name} says: {said}")]);
        person.close(1000, "").unwrap();
    }
    let mut erase = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    let output = erase.args(["ctl", "--admin-socket", socket, "erase", "eve"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "deleted 2 messages of eve\n");
    stop(server);
    let bytes = std::fs::read_dir(folder.path()).unwrap().flat_map(|entry| {
        let path = entry.unwrap().path();
        if path.is_file() { std::fs::read(path).unwrap() } else { Vec::new() }
    });
    let bytes = bytes.collect::<Vec<_>>();
    let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has("outspoken") && !has("unspeakable") && !has("unmentionable"));

    let (server, addr) = serve();
    let mut late = join(addr, "Late");
    hears(&mut late, &["Late joined.", "Welcome Late."]);
    late.send("/history").unwrap();
    let line = hear(&mut late);
    assert!(line.ends_with("] John says: outspoken"), "{line}");
    late.send("/search outspoken").unwrap();
    assert!(hear(&mut late).ends_with("] John says: outspoken"));
    late.send("/search un*").unwrap();
    hears(&mut late, &["Nothing was found in your rooms."]);
    stop(server);
}
