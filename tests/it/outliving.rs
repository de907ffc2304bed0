//! The chat client against a real server whose store fails, or outlives it, over a line
//! that is cut.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use chinwag::Server;
use chinwag::chat::{Chat, OnStoreFailure};
use chinwag::chat_client::{Backoff, ChatClient, NotKept, Update};
use chinwag::protocol::{Ask, ChatMessage, Event};
use chinwag::store::{Store, StoreErrorKind};
use crossbeam_channel::Receiver;

use crate::support::flaky_store::FlakyStore;
use crate::support::line::Line;
use crate::support::{PATIENCE, addr, eventually};

fn serve(store: &Arc<FlakyStore>, policy: OnStoreFailure) -> Server {
    let chat = Chat::builder().store(store.clone()).on_store_failure(policy).build();
    Server::builder().paths(Chat::PATHS).handler(chat.gate()).bind("127.0.0.1:0").unwrap()
}

fn refusing(store: &Arc<FlakyStore>) -> Server {
    serve(store, OnStoreFailure::Refuse)
}

/// Comes, and is quick to come back.
fn come(line: &Line, name: &str) -> (ChatClient, Receiver<Update>) {
    let quick = Backoff::new(Duration::from_millis(1), Duration::from_millis(10));
    ChatClient::builder(format!("ws://{}/", line.addr), name).reconnect(Some(quick)).connect().unwrap()
}

/// The texts of what is in the log, in its order.
fn logged(store: &FlakyStore) -> Vec<String> {
    let records = store.before("lobby", None, 10_000).unwrap();
    records.iter().map(|record| record.text.clone()).collect()
}

#[track_caller]
fn next_message(updates: &Receiver<Update>) -> ChatMessage {
    loop {
        match updates.recv_timeout(PATIENCE).expect("an update") {
            Update::Event(Event::Message(message)) => return message,
            Update::Event(Event::Resumed { complete: false, .. }) => panic!("something is missing"),
            Update::Ended(ending) => panic!("ended: {ending}"),
            _ => {}
        }
    }
}

/// Whether the server knew the session.
#[track_caller]
fn is_back(updates: &Receiver<Update>) -> bool {
    loop {
        match updates.recv_timeout(PATIENCE).expect("an update") {
            Update::Back { same_session } => return same_session,
            Update::Ended(ending) => panic!("ended: {ending}"),
            _ => {}
        }
    }
}

#[test]
fn a_server_that_was_started_again_knows_what_it_had_taken_in() {
    let store = FlakyStore::new();
    let first = refusing(&store);
    let line = Line::to(addr(&first));
    let (john, updates) = come(&line, "John");
    // It gets into the log, and nobody who said it hears of that.
    line.deafen(true);
    store.hold();
    let receipts = ["a", "b", "c"].map(|text| john.say("lobby", text).unwrap());
    store.wait_for_queued(3);
    line.lead_to(None);
    line.cut();
    store.release();
    eventually("all three are in the log", || logged(&store).len() == 3);
    drop(first);

    let second = refusing(&store);
    line.deafen(false);
    line.lead_to(Some(addr(&second)));
    assert!(is_back(&updates), "the session is taken up");
    let places = receipts.map(|receipt| receipt.wait().unwrap().pos.unwrap());
    let heard = [(); 3].map(|()| next_message(&updates));
    assert_eq!(heard.each_ref().map(|message| &*message.text), ["a", "b", "c"]);
    assert_eq!(heard.map(|message| message.pos), places);
    john.say("lobby", "d").unwrap().wait().unwrap();
    assert_eq!(next_message(&updates).text, "d");
    assert_eq!(logged(&store), ["a", "b", "c", "d"]);
}

#[test]
fn where_the_session_is_forgotten_and_the_log_is_not_what_was_missed_tells_what_was_said() {
    let store = FlakyStore::new();
    let first = refusing(&store);
    let line = Line::to(addr(&first));
    let (john, updates) = come(&line, "John");
    john.ask(Ask::Join { room: "games".to_owned(), since: None }).unwrap().wait().unwrap();
    line.deafen(true);
    store.hold();
    let arrived = ["lobby", "games", "games"].map(|room| john.say(room, "a").unwrap());
    store.wait_for_queued(3);
    line.lead_to(None);
    line.cut();
    store.release();
    eventually("they are in the log", || store.statistics().messages == 3);
    drop(first);
    let later = ["lobby", "games"].map(|room| john.say(room, "a").unwrap());

    store.forget_sessions();
    let second = refusing(&store);
    line.deafen(false);
    line.lead_to(Some(addr(&second)));
    assert!(!is_back(&updates));
    let places = arrived.iter().chain(&later).map(|receipt| receipt.wait().unwrap().pos.unwrap());
    let places = places.collect::<Vec<_>>();
    let mut heard = places.iter().map(|_| next_message(&updates)).collect::<Vec<_>>();
    heard.sort_by_key(|message| places.iter().position(|place| *place == message.pos));
    assert_eq!(heard.into_iter().map(|message| message.pos).collect::<Vec<_>>(), places);
    assert_eq!(store.statistics().messages, 5);
}

#[test]
fn all_is_said_once_and_heard_once_in_order_however_often_the_line_is_cut_and_the_server_restarted() {
    const COUNT: usize = 300;
    /// The restarts alone are fewer.
    const RETURNS: usize = 10;
    let store = FlakyStore::new();
    let mut server = refusing(&store);
    let lines = [(); 2].map(|()| Line::to(addr(&server)));
    let (john, _) = come(&lines[0], "John");
    let (_adam, updates) = come(&lines[1], "Adam");
    for (line, seed) in lines.iter().zip([3_u64, 7]) {
        let mut state = seed;
        line.cut_after(move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Enough for a handshake, and some messages more.
            800 + (state >> 33) as isize % 6000
        });
        line.cut();
    }
    let listening = thread::spawn(move || {
        let (mut heard, mut returns) = (Vec::new(), 0);
        while heard.len() < COUNT {
            match updates.recv_timeout(PATIENCE).expect("an update") {
                Update::Event(Event::Message(message)) => heard.push(message),
                Update::Event(Event::Resumed { complete, .. }) => assert!(complete, "something is missing"),
                Update::Back { same_session } => {
                    assert!(same_session);
                    returns += 1;
                }
                Update::Ended(ending) => panic!("ended: {ending}"),
                _ => {}
            }
        }
        (heard, returns)
    });
    let mut receipts = Vec::new();
    for part in 0..3 {
        for number in part * COUNT / 3..(part + 1) * COUNT / 3 {
            receipts.push(john.say("lobby", number.to_string()).unwrap());
        }
        receipts[part * COUNT / 3].wait().unwrap();
        if part < 2 {
            lines.iter().for_each(|line| line.lead_to(None));
            drop(server);
            server = refusing(&store);
            lines.iter().for_each(|line| line.lead_to(Some(addr(&server))));
        }
    }
    let places: Vec<_> = receipts.iter().map(|receipt| receipt.wait().unwrap().pos.unwrap()).collect();
    let numbers: Vec<_> = (0..COUNT).map(|number| number.to_string()).collect();
    assert_eq!(logged(&store), numbers);
    let (heard, returns) = listening.join().unwrap();
    assert!(returns > RETURNS, "the line was cut {returns} times only");
    let (texts, heard_at): (Vec<_>, Vec<_>) = heard.into_iter().map(|said| (said.text, said.pos)).unzip();
    assert_eq!(texts, numbers);
    assert_eq!(heard_at, places);
}

#[test]
fn what_the_store_refuses_nobody_hears_and_it_can_be_said_again() {
    let store = FlakyStore::new();
    let server = refusing(&store);
    let line = Line::to(addr(&server));
    let (john, updates) = come(&line, "John");
    for fail in [FlakyStore::refuse, FlakyStore::fail] {
        fail(&store, StoreErrorKind::Full);
        let refused = john.say("lobby", "refused").unwrap().wait().unwrap_err();
        let NotKept::Refused { code, reason } = refused else { panic!("expected a refusal: {refused:?}") };
        assert_eq!(code, "not_kept");
        assert!(reason.contains("disk is full"), "{reason}");
        store.recover();
    }
    john.say("lobby", "kept").unwrap().wait().unwrap();
    assert_eq!(next_message(&updates).text, "kept");
    assert_eq!(logged(&store), ["kept"]);
}

#[test]
fn what_is_said_while_the_store_fails_is_heard_and_neither_kept_nor_said_again() {
    let store = FlakyStore::new();
    let server = serve(&store, OnStoreFailure::Degrade);
    let line = Line::to(addr(&server));
    let (john, updates) = come(&line, "John");
    let (adam, adams) = come(&line, "Adam");
    john.say("lobby", "before").unwrap().wait().unwrap();
    store.fail(StoreErrorKind::Gone);
    assert_eq!(john.say("lobby", "meanwhile").unwrap().wait(), Err(NotKept::Unstored));
    store.recover();
    john.say("lobby", "after").unwrap().wait().unwrap();
    for updates in [&updates, &adams] {
        let said = [(); 3].map(|()| next_message(updates));
        let shown = said.each_ref().map(|said| (&*said.text, said.pos.is_empty()));
        assert_eq!(shown, [("before", false), ("meanwhile", true), ("after", false)]);
    }
    line.cut();
    assert!(is_back(&updates) && is_back(&adams));
    // Nothing was missed, and nothing is said again.
    adam.say("lobby", "there").unwrap().wait().unwrap();
    for updates in [&updates, &adams] {
        assert_eq!(next_message(updates).text, "there");
    }
    assert_eq!(logged(&store), ["before", "after", "there"]);
}

#[test]
fn what_a_store_is_silent_about_is_asked_again_and_said_once() {
    let store = FlakyStore::new();
    let server = refusing(&store);
    let line = Line::to(addr(&server));
    let (john, updates) = come(&line, "John");
    store.hold();
    let receipt = john.say("lobby", "a").unwrap();
    // The second is the same message, sent after the server had said that it is unsure.
    store.wait_for_queued(2);
    assert_eq!(receipt.outcome(), None);
    store.release();
    let kept = receipt.wait().unwrap();
    let said = next_message(&updates);
    assert_eq!((said.text.as_str(), Some(said.pos)), ("a", kept.pos));
    john.say("lobby", "b").unwrap().wait().unwrap();
    assert_eq!(next_message(&updates).text, "b");
    assert_eq!(logged(&store), ["a", "b"]);
}

#[test]
fn a_server_that_kept_nothing_is_told_what_was_not_confirmed_and_begins_a_new_log() {
    let first = crate::support::chat();
    let line = Line::to(addr(&first));
    let (john, updates) = come(&line, "John");
    john.say("lobby", "confirmed").unwrap().wait().unwrap();
    line.deafen(true);
    let receipt = john.say("lobby", "not confirmed").unwrap();
    let confirmed = next_message(&updates).pos;
    line.lead_to(None);
    line.cut();
    drop(first);
    let second = crate::support::chat();
    line.deafen(false);
    line.lead_to(Some(addr(&second)));
    assert!(!is_back(&updates), "nobody knows the session");
    let kept = receipt.wait().unwrap().pos.unwrap();
    let epoch = |position: &str| position.split('-').next().map(str::to_owned);
    assert_ne!(epoch(&kept), epoch(&confirmed), "the positions of another log");
    // And from there on nothing is missing.
    line.cut();
    assert!(is_back(&updates));
    john.say("lobby", "after").unwrap().wait().unwrap();
    assert_eq!(next_message(&updates).text, "after");
}
