//! A store that says nothing: these tests wait until the chat waits no more, some 6 s.

use std::time::{Duration, Instant};

use chinwag::chat::{Chat, OnStoreFailure};
use chinwag::protocol::Event;

use super::{FlakyStore, newcomer, say, server, server_with, two, welcomed};
use crate::rooms::Person;
use crate::support::PATIENCE;

/// Whoever waits for the store waits less than that.
const LONG: Duration = Duration::from_secs(12);

#[test]
fn where_nobody_knows_the_sender_is_told_and_the_same_id_is_said_once() {
    let store = FlakyStore::new();
    let server = server(&store);
    let (mut john, mut adam) = two(&server);
    let (mut carl, ..) = newcomer(&server, "Carl");
    let (eve, ..) = newcomer(&server, "Eve");
    for _ in 0..2 {
        john.hear();
        adam.hear();
    }
    carl.hears_joined("Eve");
    store.hold();
    say(&john, "anybody?", "c1");
    store.wait_for_queued(1);
    say(&carl, "not here", "c2");
    store.wait_for_queued(2);
    say(&eve, "bye", "c3");
    store.wait_for_queued(3);
    let begin = Instant::now();
    eve.vanish();
    john.hears_refusal("unsure", Some("c1"));
    carl.hears_refusal("unsure", Some("c2"));
    // She is gone, though what she said is not settled.
    adam.hears_left("Eve");
    assert!(begin.elapsed() < LONG, "{:?}", begin.elapsed());
    carl.ask(r#"{"type":"leave","room":"lobby"}"#);
    for _ in 0..2 {
        if let Event::Left { name, .. } = carl.hear() {
            assert!(name == "Eve" || name == "Carl");
        }
    }
    adam.hears_left("Carl");
    say(&john, "anybody?", "c1");
    store.wait_for_queued(4);
    store.release();
    let pos = adam.hears_message("John", "anybody?").pos;
    adam.hears_message("Carl", "not here");
    adam.hears_message("Eve", "bye");
    adam.hears_nothing();
    john.hears_left("Eve");
    john.hears_left("Carl");
    assert_eq!(john.hears_own("anybody?", "c1"), pos);
    assert_eq!(john.hears_ack("c1"), pos);
    john.hears_message("Carl", "not here");
    john.hears_message("Eve", "bye");
    assert_eq!(john.hears_ack("c1"), pos);
    john.hears_nothing();
    // Not in the room any more, he hears what became of it all the same; and, asking again, too.
    carl.hears_ack("c2");
    say(&carl, "not here", "c2");
    carl.hears_ack("c2");
    carl.hears_nothing();
}

#[test]
fn where_people_talk_on_they_do_so_in_order_and_hear_nothing_twice() {
    let store = FlakyStore::new();
    let (server, chat) = server_with(&store, Chat::builder().on_store_failure(OnStoreFailure::Degrade));
    let (mut john, mut adam) = two(&server);
    store.hold();
    say(&john, "one", "c1");
    say(&john, "one", "c1");
    store.wait_for_queued(2);
    // Some time between the two.
    assert!(matches!(adam.connection.recv_timeout(Duration::from_secs(2)), Ok(None)));
    say(&john, "two", "c2");
    store.wait_for_queued(3);
    assert!(adam.hears_notice().contains("not kept"));
    assert_eq!(adam.hears_message("John", "one").pos, "");
    // All that the store is silent about is said now, and what comes later at once.
    say(&john, "three", "c3");
    assert_eq!(adam.hears_message("John", "two").pos, "");
    assert_eq!(adam.hears_message("John", "three").pos, "");
    assert!(chat.store_trouble().is_some());
    john.hears_notice();
    for (text, id) in [("one", "c1"), ("one", "c1"), ("two", "c2"), ("three", "c3")] {
        assert_eq!(john.hears_own(text, id), "");
    }
    say(&john, "two", "c2");
    assert_eq!(john.hears_own("two", "c2"), "");
    store.release();
    assert!(adam.hears_notice().contains("kept again"));
    john.hears_notice();
    say(&john, "four", "c4");
    let pos = adam.hears_message("John", "four").pos;
    assert_eq!(john.hears_own("four", "c4"), pos);
    assert_eq!(john.hears_ack("c4"), pos);
    say(&john, "one", "c1");
    assert_eq!(john.hears_own("one", "c1"), "");
    john.hears_nothing();
    adam.hears_nothing();
    assert_eq!(chat.store_trouble(), None);
}

#[test]
fn a_server_whose_store_is_silent_ends_in_its_time() {
    let store = FlakyStore::new();
    let server = server(&store);
    let (mut john, mut adam) = two(&server);
    store.hold();
    say(&john, "anybody?", "c1");
    adam.say("lobby", "me");
    store.wait_for_queued(2);
    let begin = Instant::now();
    let shutdown = server.shutdown_handle();
    let ending = std::thread::spawn(move || shutdown.shutdown());
    for person in [&mut john, &mut adam] {
        end_of(person);
    }
    ending.join().unwrap().unwrap();
    assert!(begin.elapsed() < LONG, "{:?}", begin.elapsed());
    store.release();
}

fn end_of(person: &mut Person) {
    while let Ok(Some(_)) = person.connection.recv_timeout(PATIENCE) {}
}

#[test]
fn one_whose_connection_broke_comes_back_as_the_same_though_nothing_is_settled() {
    let store = FlakyStore::new();
    let server = server(&store);
    let mut adam = Person::join(&server, "Adam");
    let (john, session, _) = newcomer(&server, "John");
    adam.hears_joined("John");
    store.hold();
    say(&john, "anybody?", "c1");
    store.wait_for_queued(1);
    john.vanish();
    let (mut john, again, _) = welcomed(&server, &format!("name=John&session={session}"));
    assert_eq!(again, session);
    adam.hears_left("John");
    adam.hears_joined("John");
    say(&john, "anybody?", "c1");
    store.wait_for_queued(2);
    store.release();
    let pos = adam.hears_message("John", "anybody?").pos;
    adam.hears_nothing();
    john.hears_joined("John");
    assert!(matches!(john.hear(), Event::History { .. }));
    assert_eq!(john.hears_message("John", "anybody?").pos, pos);
    assert_eq!(john.hears_ack("c1"), pos);
}
