//! The chat over a store that takes a while, and that fails: what people hear is what is
//! kept, or they are told.

mod blind;
mod degrading;
mod elsewhere;
mod model;
mod refusing;
mod restart;
mod showing;
mod silence;
mod window;

use std::sync::Arc;
use std::time::Duration;

use chinwag::Server;
use chinwag::chat::{Chat, ChatBuilder};
use chinwag::protocol::{ChatMessage, Event};
use serde_json::json;

use crate::rooms::Person;
use crate::support::flaky_store::FlakyStore;

fn server(store: &Arc<FlakyStore>) -> Server {
    server_with(store, Chat::builder()).0
}

fn server_with(store: &Arc<FlakyStore>, builder: ChatBuilder) -> (Server, Chat) {
    let chat = builder.store(store.clone()).build();
    // Those who are not read any more do not answer a close.
    let close_timeout = Duration::from_millis(300);
    let server = Server::builder().close_timeout(close_timeout).paths(Chat::PATHS).handler(chat.gate());
    (server.bind("127.0.0.1:0").unwrap(), chat)
}

/// John and Adam in the lobby, who know of each other.
fn two(server: &Server) -> (Person, Person) {
    let mut john = Person::join(server, "John");
    let adam = Person::join(server, "Adam");
    john.hear();
    (john, adam)
}

/// Comes with this query; the session, where the lobby's log was, and the person, who has
/// heard the welcome.
fn welcomed(server: &Server, query: &str) -> (Person, String, String) {
    let mut person = Person::connect(server, query);
    match person.hear() {
        Event::Welcome { session, pos, .. } => (person, session, pos),
        other => panic!("no welcome, but {other:?}"),
    }
}

/// Somebody who has heard all that a newcomer hears; the session, and where the log was.
fn newcomer(server: &Server, name: &str) -> (Person, String, String) {
    let (mut person, session, pos) = welcomed(server, &format!("name={name}"));
    person.hear();
    assert!(matches!(person.hear(), Event::History { .. }));
    (person, session, pos)
}

fn say(person: &Person, text: &str, id: &str) {
    person.ask(&json!({"type": "say", "room": "lobby", "text": text, "id": id}).to_string());
}

impl Person {
    #[track_caller]
    fn hears_ack(&mut self, id: &str) -> String {
        match self.hear() {
            Event::Ack { id: of, pos: Some(pos), .. } if of == id => pos,
            other => panic!("no ack of {id}, but {other:?}"),
        }
    }

    /// The own copy, with its id; where it is.
    #[track_caller]
    fn hears_own(&mut self, text: &str, id: &str) -> String {
        match self.hear() {
            Event::Message(ChatMessage { text: said, id: Some(of), pos, .. }) if said == text && of == id => {
                pos
            }
            other => panic!("no own copy of {text}, but {other:?}"),
        }
    }

    #[track_caller]
    fn hears_refusal(&mut self, code: &str, id: Option<&str>) {
        match self.hear() {
            Event::Error { code: is, id: of, .. } if is == code && of.as_deref() == id => {}
            other => panic!("no {code}, but {other:?}"),
        }
    }

    #[track_caller]
    fn hears_notice(&mut self) -> String {
        match self.hear() {
            Event::Notice { text } => text,
            other => panic!("no notice, but {other:?}"),
        }
    }

    #[track_caller]
    fn hears_joined(&mut self, who: &str) {
        let event = self.hear();
        assert!(
            matches!(&event, Event::Joined { name, .. } if name == who),
            "{who} not joined, but {event:?}"
        );
    }

    #[track_caller]
    fn hears_left(&mut self, who: &str) {
        let event = self.hear();
        assert!(matches!(&event, Event::Left { name, .. } if name == who), "{who} not left, but {event:?}");
    }

    /// Whether nothing was missed, and how much is to come.
    #[track_caller]
    fn hears_resumed(&mut self) -> (bool, usize) {
        match self.hear() {
            Event::Resumed { complete, missed, .. } => (complete, missed),
            other => panic!("not resumed, but {other:?}"),
        }
    }
}
