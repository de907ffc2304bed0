//! Keeping order, over real sockets: what operators do, and the ways round it.

mod bans;
mod ctl;
mod erase;
mod kicks;
mod locks;
mod mutes;
mod socket;
mod text;

use std::net::SocketAddr;

use chinwag::chat::{Chat, ChatBuilder, Identity, Role};
use chinwag::protocol::{Event, SUBPROTOCOL};
use chinwag::{ConnectOptions, Connection, Error, Server};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use serde_json::{Value, json};

use crate::rooms::Person;
use crate::support::{Raw, addr, request};

/// Who has `role=op` in the query is an operator, and `subject=…` tells whom the
/// credential was given to.
fn guarded(builder: ChatBuilder) -> Chat {
    builder
        .authenticate(|request| {
            let identity = match request.query("role").as_deref() {
                Some("op") => Identity::default().role(Role::Operator),
                _ => Identity::default(),
            };
            Ok(request.query("subject").into_iter().fold(identity, Identity::subject))
        })
        .build()
}

fn serve(chat: &Chat) -> Server {
    Server::builder().paths(Chat::PATHS).handler(chat.gate()).bind("127.0.0.1:0").unwrap()
}

fn server() -> Server {
    serve(&guarded(Chat::builder()))
}

/// An operator, who has heard of the own coming.
fn operator(server: &Server, name: &str) -> Person {
    Person::connect(server, &format!("name={name}&role=op")).told_of_coming(name)
}

/// Somebody in `chinwag.v1`, with the session's secret; the coming was heard.
fn person(server: &Server, query: &str) -> (Person, String) {
    let mut person = Person::connect(server, query);
    let Event::Welcome { session, .. } = person.hear() else { panic!("no welcome") };
    assert!(matches!(person.hear(), Event::Joined { .. }));
    assert!(matches!(person.hear(), Event::History { .. }));
    (person, session)
}

/// Reads on to an event of this type.
#[track_caller]
fn until(person: &mut Person, kind: &str) -> Value {
    for _ in 0..50 {
        let event = person.hear_json();
        if event["type"] == kind {
            return event;
        }
    }
    panic!("no {kind} came");
}

/// Asks, and expects to be refused with this code; the words.
#[track_caller]
fn refused(person: &mut Person, ask: &Value, code: &str) -> String {
    person.ask(&ask.to_string());
    let error = until(person, "error");
    assert_eq!(error["code"], code, "{error}");
    error["reason"].as_str().unwrap().to_owned()
}

/// Tries to come in; status and words of the refusal.
#[track_caller]
fn shut_out(addr: SocketAddr, query: &str) -> (u16, String) {
    let url = format!("ws://{addr}/?{query}");
    match ConnectOptions::new().subprotocol(SUBPROTOCOL).connect(&url) {
        Err(Error::Refused(response)) => (response.status, response.body.trim_end().to_owned()),
        Ok(_) => panic!("{query} came in"),
        Err(error) => panic!("{query}: {error}"),
    }
}

/// A client of raw bytes that comes from another address of this machine.
fn from(source: [u8; 4], server: &Server) -> Raw {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddr::from((source, 0))).unwrap();
    connect(&socket, &addr(server)).unwrap();
    Raw { stream: socket.into() }
}

/// The answer to such a client that wants to come in, up to the end of its head.
fn knock(source: [u8; 4], server: &Server, name: &str) -> (Raw, String) {
    let mut raw = from(source, server);
    raw.send(request(&format!("/?name={name}"), "").as_bytes());
    let head = raw.read_head();
    (raw, head)
}

fn text(server: &Server, query: &str) -> Connection {
    Connection::connect(&format!("ws://{}/?{query}", addr(server))).unwrap()
}

fn say(text: &str) -> Value {
    json!({"type": "say", "room": "lobby", "text": text})
}
