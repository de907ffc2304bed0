//! `chat-client --json`: one JSON object a line, both ways; and `--reconnect`.
#![cfg(feature = "programs")]

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use chinwag::Server;
use chinwag::chat::{Chat, OnStoreFailure};
use chinwag::store::StoreErrorKind;
use serde_json::{Value, json};

use crate::raw_server::{Peer, RawServer, TEXT};
use crate::support::flaky_store::FlakyStore;
use crate::support::{Program, addr};

struct Json(Program);

impl Json {
    fn start(args: &[&str], url: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
        Self(Program::start(
            command.args(["--name", "John", "--json", "-qq"]).args(args).arg(url).stderr(Stdio::piped()),
        ))
    }

    fn on(addr: SocketAddr) -> Self {
        Self::start(&[], &format!("ws://{addr}/"))
    }

    fn asks(&mut self, request: &Value) {
        self.0.type_line(&request.to_string());
    }

    fn hears(&mut self) -> Value {
        let line = self.0.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?} is no JSON: {error}"))
    }

    /// Skips what is of another type.
    fn hears_a(&mut self, kind: &str) -> Value {
        loop {
            let event = self.hears();
            if event["type"] == kind {
                return event;
            }
        }
    }

    /// Ends the input; the exit code, and what came on stderr.
    fn leaves(mut self) -> (i32, String) {
        drop(self.0.child.stdin.take());
        self.ends()
    }

    fn ends(mut self) -> (i32, String) {
        let code = self.0.exit_code();
        let mut stderr = String::new();
        self.0.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (code, stderr)
    }
}

#[test]
fn events_come_and_requests_go_as_one_object_a_line() {
    let (_server, addr) = Program::chat_server(&["-qqq"]);
    let mut john = Json::on(addr);
    assert_eq!(john.hears()["type"], "welcome");
    john.asks(&json!({"type": "say", "room": "lobby", "text": "one\ntwo", "id": "c1"}));
    let message = john.hears_a("message");
    assert_eq!(
        (&message["text"], &message["id"], &message["from"]),
        (&json!("one\ntwo"), &json!("c1"), &json!("John"))
    );
    assert_eq!(john.hears_a("ack")["id"], "c1");
    // Without an id of one's own there is none in the answers.
    john.asks(&json!({"type": "say", "room": "lobby", "text": "no id"}));
    assert_eq!(john.hears_a("message")["id"], Value::Null);
    john.asks(&json!({"type": "who", "room": "lobby"}));
    assert_eq!(john.hears()["names"], json!(["John"]), "and no ack of another's id before");
    assert_eq!(john.leaves(), (0, String::new()));
}

#[test]
fn a_line_that_is_no_request_is_told_and_loses_nothing() {
    let (_server, addr) = Program::chat_server(&["-qqq"]);
    let mut john = Json::on(addr);
    john.hears_a("welcome");
    for line in ["hi", "{\"type\":\"dance\"}", "", "{\"type\":\"say\"}"] {
        john.0.type_line(line);
    }
    john.asks(&json!({"type": "say", "room": "lobby", "text": "still there"}));
    assert_eq!(john.hears_a("message")["text"], "still there");
    let (code, stderr) = john.leaves();
    assert_eq!(code, 0);
    for line in ["line 1 of stdin was not sent", "line 2 of", "no request of type dance", "line 4 of"] {
        assert!(stderr.contains(line), "{line:?} is missing in {stderr}");
    }
}

#[test]
fn all_that_is_piped_in_is_said_before_it_leaves() {
    let (_server, addr) = Program::chat_server(&["-qqq", "--message-rate", "off"]);
    let mut john = Json::on(addr);
    // More than the client keeps at once.
    for number in 0..1500 {
        john.asks(&json!({"type": "say", "room": "lobby", "text": number.to_string()}));
    }
    drop(john.0.child.stdin.take());
    for number in 0..1500 {
        assert_eq!(john.hears_a("message")["text"], number.to_string());
    }
    assert_eq!(john.0.exit_code(), 0);
}

#[test]
fn what_drives_a_terminal_comes_as_escapes_of_json() {
    let server = RawServer::run(|listener| {
        let mut peer = Peer::accept(listener);
        peer.upgrade("Sec-WebSocket-Protocol: chinwag.v1\r\n");
        peer.send_frame(TEXT, br#"{"type":"welcome","name":"John","session":"S","room":"lobby","pos":"0"}"#);
        peer.send_frame(TEXT, "{\"type\":\"notice\",\"text\":\"\u{9b}2J\u{202e}\"}".as_bytes());
        peer.send_frame(TEXT, "{\"type\":\"of a later version\",\n\"text\":\"\u{7f}\"}".as_bytes());
        peer.close(1000, "");
        peer.read_to_end();
    });
    let mut john = Json::start(&[], &server.url());
    john.hears_a("welcome");
    assert_eq!(john.0.line(), r#"{"type":"notice","text":"\u009b2J\u202e"}"#);
    assert_eq!(john.0.line(), r#"{"type":"of a later version", "text":"\u007f"}"#);
    assert_eq!(john.ends().0, 1, "the server ended it");
    server.finish();
}

#[test]
fn a_lost_connection_is_the_end_unless_asked_otherwise() {
    let welcome = |peer: &mut Peer| {
        peer.upgrade("Sec-WebSocket-Protocol: chinwag.v1\r\n");
        peer.send_frame(TEXT, br#"{"type":"welcome","name":"John","session":"S","room":"lobby","pos":"0"}"#);
    };
    for args in [&[][..], &["--reconnect"][..]] {
        let server = RawServer::run(move |listener| {
            let mut peer = Peer::accept(listener);
            welcome(&mut peer);
            peer.close(1012, "restarting");
            peer.read_to_end();
            if args.is_empty() {
                return;
            }
            let mut peer = Peer::accept(listener);
            assert!(peer.head.contains("session=S"), "{}", peer.head);
            welcome(&mut peer);
            // Behind a ping of the client's own.
            while !peer.read_frame().text().contains("\"again\"") {}
            peer.send_frame(TEXT, br#"{"type":"ack","id":"c1","room":"lobby","pos":"1"}"#);
            peer.answer_close();
        });
        let mut john = Json::start(args, &server.url());
        john.hears_a("welcome");
        if !args.is_empty() {
            john.asks(&json!({"type": "say", "room": "lobby", "text": "again", "id": "c1"}));
            drop(john.0.child.stdin.take());
        }
        server.finish();
        if !args.is_empty() {
            assert_eq!(john.hears_a("ack")["id"], "c1");
        }
        let (code, stderr) = john.ends();
        assert_eq!(code, i32::from(args.is_empty()), "{stderr}");
    }
}

#[test]
fn who_is_sent_away_by_a_signal_is_told_what_was_not_answered() {
    let server = RawServer::run(|listener| {
        let mut peer = Peer::accept(listener);
        peer.upgrade("Sec-WebSocket-Protocol: chinwag.v1\r\n");
        peer.send_frame(TEXT, br#"{"type":"welcome","name":"John","session":"S","room":"lobby","pos":"0"}"#);
        assert!(peer.read_frame().text().contains("unanswered"));
        peer.send_frame(TEXT, br#"{"type":"notice","text":"it came"}"#);
        peer.answer_close();
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
    let command = command.args(["--name", "John", "--json", "-q", &server.url()]);
    let mut john = Json(Program::start(command.stderr(Stdio::piped())));
    john.asks(&json!({"type": "say", "room": "lobby", "text": "unanswered", "id": "c1"}));
    john.hears_a("notice");
    john.0.signal("-TERM");
    server.finish();
    let (code, stderr) = john.ends();
    assert_eq!(code, 0, "as asked: {stderr}");
    assert!(stderr.contains("left before 1 requests were answered"), "{stderr}");
}

#[test]
fn what_is_not_kept_comes_without_a_place_under_the_callers_id() {
    let store = FlakyStore::new();
    let chat = Chat::builder().store(store.clone()).on_store_failure(OnStoreFailure::Degrade).build();
    let server = Server::builder().paths(Chat::PATHS).handler(chat.gate()).bind("127.0.0.1:0").unwrap();
    let mut john = Json::on(addr(&server));
    john.hears_a("welcome");
    let mut say = |id: &str, text: &str| {
        john.asks(&json!({"type": "say", "room": "lobby", "text": text, "id": id}));
        john.hears_a("message")
    };
    let kept = say("c1", "kept");
    assert_eq!((&kept["id"], kept["pos"].is_string()), (&json!("c1"), true));
    store.fail(StoreErrorKind::Full);
    let unkept = say("c2", "not kept");
    assert_eq!((&unkept["id"], &unkept["text"], unkept.get("pos")), (&json!("c2"), &json!("not kept"), None));
    assert_eq!(john.leaves(), (0, String::new()), "all is answered");
}

#[test]
fn the_text_mode_connects_again_where_that_is_asked_for() {
    let server = RawServer::run(|listener| {
        let mut peer = Peer::accept(listener);
        peer.upgrade("");
        peer.send_frame(TEXT, b"first");
        peer.close(1012, "restarting");
        peer.read_to_end();
        // Not yet; and then again.
        let mut peer = Peer::accept(listener);
        peer.send(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n");
        peer.read_to_end();
        let mut peer = Peer::accept(listener);
        peer.upgrade("");
        assert_eq!(peer.read_frame().text(), "typed meanwhile");
        peer.send_frame(TEXT, b"second");
        // For good.
        peer.close(1008, "kicked");
        peer.read_to_end();
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
    let command = command.args(["--name", "John", "--reconnect", "-q", &server.url()]);
    let mut john = Program::start(command.stderr(Stdio::piped()));
    assert_eq!(john.line(), "Received: first");
    // Only then is a line sure to wait for the next connection.
    let mut stderr = BufReader::new(john.child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(stderr.any(|line| line.contains("1012 (restarting); trying again in")));
    john.type_line("typed meanwhile");
    server.finish();
    assert_eq!(john.line(), "Received: second");
    assert_eq!(john.exit_code(), 1);
    assert!(stderr.last().unwrap().contains("kicked"));
}
