//! What others append to the same log: another server's people.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use chinwag::Server;
use chinwag::chat::Chat;
use chinwag::protocol::Event;
use chinwag::store::Sqlite;

use super::{FlakyStore, Person, newcomer, say, server, server_with, two, welcomed};
use crate::support::flaky_store::draft;

#[test]
fn what_is_said_elsewhere_is_heard_in_its_room_and_by_those_who_want_to() {
    let store = FlakyStore::new();
    let server = server(&store);
    let (mut john, mut adam) = two(&server);
    let (mut eve, ..) = welcomed(&server, "name=Eve&room=games");
    eve.hear();
    eve.hear();
    adam.ask(r#"{"type":"ignore","name":"Far"}"#);
    adam.hear();
    store.append_elsewhere(draft("lobby", "Far", "hello"));
    store.append_elsewhere(draft("nobody-is-here", "Far", "alone"));
    store.append_elsewhere(draft("games", "Near", "chess?"));
    let message = john.hears_message("Far", "hello");
    assert!(!message.pos.is_empty() && message.id.is_none());
    assert_eq!(eve.hears_message("Near", "chess?").room, "games");
    for person in [&mut john, &mut adam, &mut eve] {
        person.hears_nothing();
    }
    // Who ignores it does not hear it of the time before, either.
    adam.ask(r#"{"type":"history","room":"lobby"}"#);
    assert!(matches!(adam.hear(), Event::History { messages, .. } if messages.is_empty()));
    eve.ask(r#"{"type":"join","room":"nobody-is-here"}"#);
    eve.hear();
    assert!(matches!(eve.hear(), Event::History { messages, .. } if messages.len() == 1));
}

#[test]
fn what_was_said_here_and_elsewhere_meanwhile_comes_in_one_order() {
    let store = FlakyStore::new();
    let server = server(&store);
    let (john, mut adam) = two(&server);
    let (eve, session, since) = newcomer(&server, "Eve");
    eve.vanish();
    adam.hears_joined("Eve");
    adam.hears_left("Eve");
    for number in (0..20).step_by(2) {
        john.say("lobby", &number.to_string());
        adam.hears_message("John", &number.to_string());
        store.append_elsewhere(draft("lobby", "Far", &(number + 1).to_string()));
        adam.hears_message("Far", &(number + 1).to_string());
    }
    let (mut eve, ..) = welcomed(&server, &format!("name=Eve&session={session}&since={since}"));
    assert_eq!(eve.hears_resumed(), (true, 20));
    for number in 0..20 {
        eve.hears_message(["John", "Far"][number % 2], &number.to_string());
    }
    eve.hears_joined("Eve");
    store.append_elsewhere(draft("lobby", "Far", "live"));
    eve.hears_message("Far", "live");
    eve.hears_nothing();
}

/// All that a person has heard in a room, from the history to the last that was live.
fn heard_so_far(person: &mut Person, last: &str) -> Vec<usize> {
    let mut heard = Vec::new();
    person.ask(&format!(r#"{{"type":"ping","id":"{last}"}}"#));
    loop {
        match person.hear() {
            Event::Message(message) => heard.push(message.text.parse().unwrap()),
            Event::History { messages, .. } => {
                heard.extend(messages.iter().map(|message| message.text.parse::<usize>().unwrap()));
            }
            Event::Pong { id } if id.as_deref() == Some(last) => return heard,
            _ => {}
        }
    }
}

#[test]
fn who_comes_into_an_empty_room_while_much_is_said_elsewhere_misses_nothing_and_hears_nothing_twice() {
    let store = FlakyStore::new();
    let (server, _chat) = server_with(&store, Chat::builder().retention_messages(100_000));
    let (mut john, mut since) = {
        let (john, _, since) = newcomer(&server, "John");
        (john, since)
    };
    let is_over = AtomicBool::new(false);
    let (heard, said) = thread::scope(|scope| {
        let talking = scope.spawn(|| {
            let mut said = 0;
            while !is_over.load(Ordering::Relaxed) && said < 20_000 {
                store.append_elsewhere(draft("lobby", "Far", &said.to_string()));
                said += 1;
                thread::yield_now();
            }
            said
        });
        let mut heard = Vec::new();
        for _ in 0..15 {
            john.vanish();
            (john, ..) = welcomed(&server, &format!("name=John&since={since}"));
            assert!(john.hears_resumed().0, "all is kept");
            for _ in 0..5 {
                if let Event::Message(message) = john.hear() {
                    since = message.pos;
                    heard.push(message.text.parse::<usize>().unwrap());
                }
            }
        }
        is_over.store(true, Ordering::Relaxed);
        let said = talking.join().unwrap();
        heard.extend(heard_so_far(&mut john, "over"));
        (heard, said)
    });
    assert_eq!(heard, (0..said).collect::<Vec<_>>());
    assert!(said > 15);
}

#[test]
fn who_comes_from_another_server_on_the_same_file_hears_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let one_of_two = || {
        let store = Sqlite::builder(folder.path().join("chat.db")).open().unwrap();
        let chat = Chat::builder().store(Arc::new(store)).build();
        Server::builder().handler(chat.gate()).bind("127.0.0.1:0").unwrap()
    };
    let (old, new) = (one_of_two(), one_of_two());
    let (mut adam, ..) = newcomer(&new, "Adam");
    for round in 0..3 {
        let (mut john, session, _) = welcomed(&old, "name=John");
        let text = round.to_string();
        say(&john, &text, &text);
        let since = loop {
            match john.hear() {
                Event::Ack { pos: Some(pos), .. } => break pos,
                _ => continue,
            }
        };
        john.vanish();
        let (mut john, ..) = welcomed(&new, &format!("name=John&session={session}&since={since}"));
        assert_eq!(john.hears_resumed(), (true, 0));
        adam.hears_message("John", &text);
        john.hears_joined("John");
        john.hears_nothing();
        adam.hears_joined("John");
        john.vanish();
        adam.hears_left("John");
    }
}
