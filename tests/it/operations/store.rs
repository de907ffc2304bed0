//! A new server in the place of an old one, and one store for both.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use chinwag::chat_client::{Backoff, ChatClient, Update};
use chinwag::protocol::Event;

use crate::store_programs::{Shelf, stop};
use crate::support::{PATIENCE, Program, eventually};

/// How many talk at the same time.
const TALKERS: usize = 4;

fn start(shelf: &Shelf) -> Program {
    let socket = shelf.path("takeover.sock");
    Program::chat_server_with(&[
        "--takeover-socket",
        socket.to_str().unwrap(),
        "--store",
        &shelf.store(),
        "--message-rate",
        "off",
        "--drain-window",
        "1s",
        "-qqq",
    ])
}

fn client(url: &str, name: &str) -> chinwag::chat_client::ChatClientBuilder {
    let backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(200));
    ChatClient::builder(url, name).room("lobby").reconnect(Some(backoff))
}

/// Says one thing after the other until it is over, each once the one before is kept; how
/// many.
fn talk(url: &str, name: &str, is_over: &AtomicBool, kept: &AtomicUsize) -> usize {
    let (chat, updates) = client(url, name).connect().unwrap();
    // Nobody need read what is heard.
    drop(updates);
    let mut said = 0;
    while !is_over.load(Ordering::SeqCst) {
        let receipt = chat.say("lobby", format!("{name} {said}")).unwrap();
        receipt.wait_timeout(PATIENCE).unwrap().expect("kept in time");
        said += 1;
        kept.fetch_add(1, Ordering::SeqCst);
    }
    chat.close(PATIENCE);
    said
}

#[test]
fn nothing_is_lost_or_doubled_while_two_servers_have_one_store() {
    let shelf = Shelf::new();
    let mut old = start(&shelf);
    let url = format!("ws://{}/", old.address());
    let (listener, updates) = client(&url, "Listener").connect().unwrap();
    let hearing = thread::spawn(move || {
        let mut heard = Vec::new();
        for update in &updates {
            match update {
                Update::Event(Event::Message(message)) => heard.push((message.pos, message.text)),
                Update::Event(Event::Resumed { complete, .. }) => assert!(complete, "something is missing"),
                Update::Event(Event::Gap { dropped, .. }) => panic!("{dropped} were dropped"),
                _ => {}
            }
        }
        heard
    });
    let (is_over, kept) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let talking: Vec<_> = (0..TALKERS)
        .map(|number| {
            let (url, is_over, kept) = (url.clone(), is_over.clone(), kept.clone());
            thread::spawn(move || talk(&url, &format!("talker{number}"), &is_over, &kept))
        })
        .collect();
    let some_more = || {
        let before = kept.load(Ordering::SeqCst);
        eventually("they talk", || kept.load(Ordering::SeqCst) > before + 40);
    };
    for _ in 0..2 {
        some_more();
        let mut new = start(&shelf);
        assert_eq!(format!("ws://{}/", new.address()), url);
        assert_eq!(old.exit_code(), 0);
        some_more();
        old = new;
    }
    is_over.store(true, Ordering::SeqCst);
    let said: Vec<_> = talking.into_iter().map(|thread| thread.join().unwrap()).collect();
    // Behind all others, in the one order that there is.
    let last = listener.say("lobby", "the end").unwrap();
    last.wait_timeout(PATIENCE).unwrap().expect("kept in time");
    listener.close(PATIENCE);
    stop(old);
    let mut log: Vec<_> = shelf.export(&[]).into_iter().map(|message| (message.pos, message.text)).collect();
    assert_eq!(hearing.join().unwrap(), log, "what was heard is not what is in the log");
    assert_eq!(log.pop().unwrap().1, "the end");
    let mut counts = HashMap::new();
    for (_, text) in &log {
        *counts.entry(text.clone()).or_insert(0) += 1;
    }
    assert!(counts.values().all(|count| *count == 1), "something is there twice: {counts:?}");
    for (number, said) in said.iter().enumerate() {
        for message in 0..*said {
            let text = format!("talker{number} {message}");
            assert!(counts.contains_key(&text), "{text} is lost");
        }
    }
    assert_eq!(counts.len(), said.iter().sum::<usize>());
}
