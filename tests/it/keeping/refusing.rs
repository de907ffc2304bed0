//! A store that says no, where what is not kept is not said.

use chinwag::chat::Chat;
use chinwag::store::StoreErrorKind;

use super::{FlakyStore, say, server_with, two};
use crate::support::eventually;

type Break = fn(&FlakyStore);

/// Known at once, and known later.
const BROKEN: [Break; 2] =
    [|store| store.refuse(StoreErrorKind::Full), |store| store.fail(StoreErrorKind::ReadOnly)];

#[test]
fn what_is_not_kept_is_not_said_and_can_be_said_again_once_under_its_id() {
    for break_it in BROKEN {
        let store = FlakyStore::new();
        let (server, chat) = server_with(&store, Chat::builder());
        let (mut john, mut adam) = two(&server);
        assert_eq!(chat.store_trouble(), None);
        break_it(&store);
        for _ in 0..2 {
            say(&john, "hi", "c1");
            john.hears_refusal("not_kept", Some("c1"));
        }
        john.say("lobby", "without an id");
        john.hears_refusal("not_kept", None);
        adam.hears_nothing();
        assert!(chat.store_trouble().is_some_and(|words| words.contains("told to fail")));

        store.recover();
        for _ in 0..2 {
            say(&john, "hi", "c1");
        }
        let pos = john.hears_own("hi", "c1");
        assert_eq!(john.hears_ack("c1"), pos);
        assert_eq!(john.hears_ack("c1"), pos);
        assert_eq!(adam.hears_message("John", "hi").pos, pos);
        john.hears_nothing();
        adam.hears_nothing();
        assert_eq!(chat.store_trouble(), None);
    }
}

#[test]
fn a_store_that_is_well_again_is_found_so_without_anybody_talking() {
    let store = FlakyStore::new();
    let (server, chat) = server_with(&store, Chat::builder());
    let (mut john, _adam) = two(&server);
    store.fail(StoreErrorKind::Locked);
    say(&john, "hi", "c1");
    john.hears_refusal("not_kept", Some("c1"));
    assert!(chat.store_trouble().is_some());
    store.recover();
    eventually("no trouble any more", || chat.store_trouble().is_none());
    // Nothing is told of it to those who are here.
    john.hears_nothing();
}

#[test]
fn a_store_that_cannot_keep_up_refuses_some_and_is_no_trouble() {
    let store = FlakyStore::new();
    let (server, chat) = server_with(&store, Chat::builder());
    let (mut john, mut adam) = two(&server);
    store.hold();
    say(&john, "one", "c1");
    store.wait_for_queued(1);
    store.refuse(StoreErrorKind::Behind);
    say(&john, "two", "c2");
    john.hears_refusal("not_kept", Some("c2"));
    store.recover();
    store.release();
    john.hears_own("one", "c1");
    john.hears_ack("c1");
    adam.hears_message("John", "one");
    say(&john, "two", "c2");
    adam.hears_message("John", "two");
    adam.hears_nothing();
    assert_eq!(chat.store_trouble(), None);
}
