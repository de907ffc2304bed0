//! A store that says no, where people talk on without it.

use chinwag::chat::{Chat, OnStoreFailure};
use chinwag::store::StoreErrorKind;

use super::{FlakyStore, newcomer, say, server_with, two, welcomed};
use crate::rooms::Person;
use crate::support::{hears, join};

fn degrading(store: &std::sync::Arc<FlakyStore>) -> (chinwag::Server, Chat) {
    server_with(store, Chat::builder().on_store_failure(OnStoreFailure::Degrade))
}

#[test]
fn people_talk_on_without_positions_and_are_told_when_that_begins_and_ends() {
    for is_known_at_once in [true, false] {
        let store = FlakyStore::new();
        let (server, chat) = degrading(&store);
        let (mut john, mut adam) = two(&server);
        match is_known_at_once {
            true => store.refuse(StoreErrorKind::Full),
            false => store.fail(StoreErrorKind::Full),
        }
        say(&john, "one", "c1");
        assert!(adam.hears_notice().contains("not kept"));
        assert_eq!(adam.hears_message("John", "one").pos, "");
        assert!(john.hears_notice().contains("not kept"));
        assert_eq!(john.hears_own("one", "c1"), "");
        assert!(chat.store_trouble().is_some());
        // The same again is the sender's alone; what is new comes without another notice.
        say(&john, "one", "c1");
        assert_eq!(john.hears_own("one", "c1"), "");
        john.say("lobby", "two");
        assert_eq!(adam.hears_message("John", "two").pos, "");
        john.hears_message("John", "two");
        john.hears_nothing();
        adam.hears_nothing();

        store.recover();
        say(&john, "three", "c3");
        assert!(adam.hears_notice().contains("kept again"));
        let pos = adam.hears_message("John", "three").pos;
        assert!(john.hears_notice().contains("kept again"));
        assert_eq!(john.hears_own("three", "c3"), pos);
        assert_eq!(john.hears_ack("c3"), pos);
        assert_eq!(chat.store_trouble(), None);
        say(&john, "one", "c1");
        assert_eq!(john.hears_own("one", "c1"), "");
        john.hears_nothing();
        adam.hears_nothing();
    }
}

#[test]
fn the_text_of_2012_is_as_ever_but_for_the_notices() {
    let store = FlakyStore::new();
    let (server, _chat) = degrading(&store);
    let mut john = join(&server, "John");
    hears(&mut john, &["John joined.", "Welcome John."]);
    store.fail(StoreErrorKind::Gone);
    john.send("hi").unwrap();
    john.send("/me waves").unwrap();
    hears(&mut john, &["Server: what is said from here on is not kept: who is away will miss it"]);
    hears(&mut john, &["John says: hi", "* John waves"]);
    store.recover();
    john.send("hi").unwrap();
    hears(&mut john, &["Server: what is said is kept again", "John says: hi"]);
}

#[test]
fn one_who_comes_back_hears_what_was_kept_and_of_nothing_that_is_missing() {
    let store = FlakyStore::new();
    let (server, _chat) = degrading(&store);
    let (mut john, mut adam) = two(&server);
    let (eve, session, since) = newcomer(&server, "Eve");
    eve.vanish();
    for person in [&mut john, &mut adam] {
        person.hears_joined("Eve");
        person.hears_left("Eve");
    }
    store.fail(StoreErrorKind::Full);
    john.say("lobby", "not kept");
    adam.hears_notice();
    adam.hears_message("John", "not kept");
    store.recover();
    john.say("lobby", "kept");
    adam.hears_notice();
    adam.hears_message("John", "kept");
    let (mut eve, ..) = welcomed(&server, &format!("name=Eve&session={session}&since={since}"));
    assert_eq!(eve.hears_resumed(), (true, 1));
    eve.hears_message("John", "kept");
    eve.hears_joined("Eve");
    eve.hears_nothing();
}

#[test]
fn the_policy_can_change_while_the_store_fails() {
    let store = FlakyStore::new();
    let (server, chat) = server_with(&store, Chat::builder());
    let (mut john, mut adam) = two(&server);
    store.fail(StoreErrorKind::Full);
    say(&john, "one", "c1");
    john.hears_refusal("not_kept", Some("c1"));
    chat.change_settings(|settings| settings.on_store_failure = OnStoreFailure::Degrade);
    say(&john, "one", "c1");
    for person in [&mut john, &mut adam] {
        assert!(person.hears_notice().contains("not kept"));
    }
    assert_eq!(adam.hears_message("John", "one").pos, "");
    assert_eq!(john.hears_own("one", "c1"), "");
    chat.change_settings(|settings| settings.on_store_failure = OnStoreFailure::Refuse);
    say(&john, "two", "c2");
    john.hears_refusal("not_kept", Some("c2"));
    store.recover();
    say(&john, "two", "c2");
    for person in [&mut john, &mut adam] {
        // Who was told that it began is told that it ended.
        assert!(person.hears_notice().contains("kept again"));
    }
    adam.hears_message("John", "two");
    john.hears_own("two", "c2");
    john.hears_ack("c2");
    john.hears_nothing();
    adam.hears_nothing();
}

#[test]
fn nobody_is_told_that_it_ended_who_was_not_told_that_it_began() {
    let store = FlakyStore::new();
    let (server, chat) = server_with(&store, Chat::builder());
    let (mut john, mut adam) = two(&server);
    store.fail(StoreErrorKind::Full);
    say(&john, "one", "c1");
    john.hears_refusal("not_kept", Some("c1"));
    store.recover();
    chat.change_settings(|settings| settings.on_store_failure = OnStoreFailure::Degrade);
    say(&john, "one", "c1");
    john.hears_own("one", "c1");
    john.hears_ack("c1");
    adam.hears_message("John", "one");
    adam.hears_nothing();
}

#[test]
fn what_one_says_keeps_its_order_where_the_store_says_no_sooner_than_yes() {
    let store = FlakyStore::new();
    let (server, _chat) = degrading(&store);
    let (mut john, mut adam) = two(&server);
    store.hold();
    say(&john, "one", "c1");
    store.wait_for_queued(1);
    store.refuse(StoreErrorKind::Full);
    say(&john, "two", "c2");
    adam.hears_notice();
    adam.hears_message("John", "one");
    adam.hears_message("John", "two");
    store.recover();
    store.release();
    // The first may have been kept all the same: it is not heard again.
    assert!(adam.hears_notice().contains("kept again"));
    adam.hears_nothing();
    john.hears_notice();
    john.hears_own("one", "c1");
    john.hears_own("two", "c2");
    john.hears_notice();
    john.hears_nothing();
}

#[test]
fn what_is_sent_twice_and_fails_twice_is_said_once() {
    let store = FlakyStore::new();
    let (server, _chat) = degrading(&store);
    let (john, mut adam): (Person, Person) = two(&server);
    store.hold();
    say(&john, "once", "c1");
    say(&john, "once", "c1");
    store.wait_for_queued(2);
    store.fail(StoreErrorKind::Full);
    store.release();
    adam.hears_notice();
    adam.hears_message("John", "once");
    adam.hears_nothing();
}
