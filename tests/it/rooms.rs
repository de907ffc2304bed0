//! Rooms and people, in `chinwag.v1` and in text, over real sockets.

mod json;
mod names;
mod resume;
mod text;
mod who;

use chinwag::protocol::{ChatMessage, Event, Request, SUBPROTOCOL};
use std::thread::{self, JoinHandle};

use chinwag::{CloseReason, ConnectOptions, Connection, Server};

use crate::support::{addr, hear, hear_end};

/// Somebody who speaks `chinwag.v1`.
pub(crate) struct Person {
    pub connection: Connection,
}

impl Person {
    pub fn join(server: &Server, name: &str) -> Self {
        let person = Self::connect(server, &format!("name={name}"));
        person.told_of_coming(name)
    }

    /// With this query, before anything is heard.
    pub fn connect(server: &Server, query: &str) -> Self {
        let url = format!("ws://{}/?{query}", addr(server));
        let connection = ConnectOptions::new().subprotocol(SUBPROTOCOL).connect(&url).unwrap();
        assert_eq!(connection.subprotocol(), Some(SUBPROTOCOL));
        Self { connection }
    }

    pub fn told_of_coming(mut self, who: &str) -> Self {
        assert!(matches!(self.hear(), Event::Welcome { name, .. } if name == who));
        assert!(matches!(self.hear(), Event::Joined { name, .. } if name == who));
        assert!(matches!(self.hear(), Event::History { .. }));
        self
    }

    pub fn ask(&self, json: &str) {
        self.connection.send(json).unwrap();
    }

    pub fn say(&self, room: &str, text: &str) {
        self.ask(&Request::say(room, text).to_json());
    }

    pub fn hear(&mut self) -> Event {
        let text = hear(&mut self.connection);
        Event::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn hear_message(&mut self) -> ChatMessage {
        match self.hear() {
            Event::Message(message) => message,
            other => panic!("no message, but {other:?}"),
        }
    }

    #[track_caller]
    pub fn hears_message(&mut self, from: &str, text: &str) -> ChatMessage {
        let message = self.hear_message();
        assert_eq!((&*message.from, &*message.text), (from, text));
        message
    }

    /// The next event as JSON, without its times, which no test knows.
    pub fn hear_json(&mut self) -> serde_json::Value {
        let mut value: serde_json::Value = serde_json::from_str(&hear(&mut self.connection)).unwrap();
        if let Some(time) = value.as_object_mut().unwrap().remove("time") {
            assert!(time.as_u64().unwrap() > 1_700_000_000_000, "{time}");
        }
        value
    }

    /// Asserts that nothing is on its way to this client.
    pub fn hears_nothing(&mut self) {
        self.ask(r#"{"type":"ping","id":"nothing before this"}"#);
        match self.hear() {
            Event::Pong { id } => assert_eq!(id.as_deref(), Some("nothing before this")),
            other => panic!("nothing was to come, but {other:?}"),
        }
    }

    pub fn leave_chat(mut self) {
        self.connection.close(1000, "").unwrap();
    }

    /// The connection breaks.
    pub fn vanish(self) {
        self.connection.abort();
    }

    /// Reads from now on, as a live client does, and so answers pings too.
    fn listen(self) -> JoinHandle<CloseReason> {
        listen(self.connection)
    }
}

/// Reads until the connection ends; the reason for that.
fn listen(mut connection: Connection) -> JoinHandle<CloseReason> {
    thread::spawn(move || hear_end(&mut connection))
}
