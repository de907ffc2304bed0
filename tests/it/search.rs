//! Finding messages by their words, over real sockets: what is found, and what is not for
//! everyone.

mod paging;
mod scope;
mod text;
mod words;

use chinwag::Server;
use chinwag::chat::{Chat, ChatBuilder};
use chinwag::protocol::Event;
use serde_json::{Value, json};

use crate::rooms::Person;

fn serve(builder: ChatBuilder) -> Server {
    Server::builder().paths(Chat::PATHS).handler(builder.build().gate()).bind("127.0.0.1:0").unwrap()
}

fn server() -> Server {
    serve(Chat::builder())
}

/// The same for a chat in memory, and for one in a file.
fn on_each_store(test: impl Fn(&Server)) {
    test(&server());
    #[cfg(feature = "sqlite")]
    {
        let folder = tempfile::tempdir().unwrap();
        let store = chinwag::store::Sqlite::builder(folder.path().join("chat.db")).open().unwrap();
        test(&serve(Chat::builder().store(std::sync::Arc::new(store))));
    }
}

/// Asks; the answer, whatever comes before it.
#[track_caller]
fn answer(person: &mut Person, request: &Value) -> Value {
    person.ask(&request.to_string());
    for _ in 0..300 {
        let event = person.hear_json();
        if event["type"] == "found" || event["type"] == "error" {
            return event;
        }
    }
    panic!("no answer to {request}");
}

/// The texts that a search finds, the oldest first.
#[track_caller]
fn finds(person: &mut Person, words: &str) -> Vec<String> {
    texts(&answer(person, &json!({"type": "search", "words": words})))
}

#[track_caller]
fn texts(found: &Value) -> Vec<String> {
    assert_eq!(found["type"], "found", "{found}");
    let messages = found["messages"].as_array().unwrap();
    messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

/// Says it, and waits until it is said.
#[track_caller]
fn says(person: &mut Person, room: &str, text: &str) {
    person.say(room, text);
    loop {
        match person.hear() {
            Event::Message(message) if message.text == text => return,
            Event::Error { reason, .. } => panic!("{reason}"),
            _ => {}
        }
    }
}

/// Comes into a room, and waits until that is done.
#[track_caller]
fn joins(person: &mut Person, room: &str) {
    person.ask(&json!({"type": "join", "room": room}).to_string());
    while !matches!(person.hear(), Event::History { .. }) {}
}
