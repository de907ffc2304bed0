//! Rooms whose log is longer than what is at hand, and logs that are cut.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use chinwag::chat::Chat;
use chinwag::protocol::Event;

use super::{FlakyStore, Person, newcomer, server_with, welcomed};
use crate::support::flaky_store::draft;

/// More than a room has at hand, in messages and in bytes.
const MANY: usize = 1500;

fn text(number: usize) -> String {
    format!("{number:05} {}", "x".repeat(400))
}

fn number(text: &str) -> usize {
    text[..5].parse().unwrap()
}

fn long(builder: chinwag::chat::ChatBuilder) -> chinwag::chat::ChatBuilder {
    builder.retention_messages(100_000).retention_bytes(100_000_000)
}

fn fill(store: &FlakyStore, numbers: std::ops::Range<usize>) {
    for number in numbers {
        store.append_elsewhere(draft("lobby", "Far", &text(number)));
    }
}

#[test]
fn one_who_was_away_since_the_beginning_hears_all_of_it_in_the_middle_of_a_storm() {
    let store = FlakyStore::new();
    let (server, _chat) = server_with(&store, long(Chat::builder()));
    let (talker, _, since) = newcomer(&server, "Talker");
    fill(&store, 0..MANY);
    let talking = thread::spawn(move || {
        (MANY..2 * MANY).for_each(|number| talker.say("lobby", &text(number)));
        talker
    });
    let (mut john, ..) = welcomed(&server, &format!("name=John&since={since}"));
    let (complete, missed) = john.hears_resumed();
    assert!(complete && missed >= MANY, "{missed}");
    let mut heard = Vec::new();
    while heard.len() < 2 * MANY {
        match john.hear() {
            Event::Message(message) => heard.push(number(&message.text)),
            Event::Joined { .. } => assert!(heard.len() >= missed),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(heard, (0..2 * MANY).collect::<Vec<_>>());
    drop(talking.join().unwrap());
}

#[test]
fn history_can_be_paged_through_to_the_very_first() {
    let store = FlakyStore::new();
    let (server, _chat) = server_with(&store, long(Chat::builder()).history(50));
    let (_first, ..) = newcomer(&server, "Adam");
    fill(&store, 0..MANY);
    let (mut john, _, head) = welcomed(&server, "name=John");
    john.hears_joined("John");
    let Event::History { messages, more, pos, .. } = john.hear() else { panic!("no history") };
    assert_eq!((messages.len(), more, pos), (50, true, head));
    let newest = messages.last().unwrap();
    assert_eq!(number(&newest.text), MANY - 1);
    for limit in [100, 70] {
        let mut before = messages[0].pos.clone();
        let mut next = number(&messages[0].text);
        while next > 0 {
            let ask = format!(r#"{{"type":"history","room":"lobby","before":"{before}","limit":{limit}}}"#);
            john.ask(&ask);
            let Event::History { messages, more, .. } = john.hear() else { panic!("no history") };
            assert_eq!(messages.len(), limit.min(next), "before {next}");
            let page = messages.iter().map(|message| number(&message.text));
            assert!(page.eq(next - messages.len()..next), "before {next}");
            next -= messages.len();
            assert_eq!(more, next > 0, "before {next}");
            before.clone_from(&messages[0].pos);
        }
    }
}

#[test]
fn what_is_beyond_the_retention_is_not_there() {
    let store = FlakyStore::new();
    let (server, chat) = server_with(&store, Chat::builder().retention_messages(10));
    let (mut adam, _, since) = newcomer(&server, "Adam");
    fill(&store, 0..30);
    (0..30).for_each(|number| drop(adam.hears_message("Far", &text(number))));
    adam.ask(r#"{"type":"history","room":"lobby"}"#);
    let Event::History { messages, more, .. } = adam.hear() else { panic!("no history") };
    assert_eq!((messages.len(), number(&messages[0].text), more), (10, 20, false));
    let (mut john, ..) = welcomed(&server, &format!("name=John&since={since}"));
    assert_eq!(john.hears_resumed(), (false, 10));
    let edge = john.hears_message("Far", &text(20)).pos;
    let (mut eve, ..) = welcomed(&server, &format!("name=Eve&since={edge}"));
    assert_eq!(eve.hears_resumed(), (true, 9));
    // Bytes count as well.
    chat.change_settings(|settings| settings.retention_bytes = text(0).len() * 3);
    fill(&store, 30..31);
    let (mut carl, ..) = welcomed(&server, &format!("name=Carl&since={edge}"));
    assert_eq!(carl.hears_resumed(), (false, 3));
}

#[test]
fn who_comes_back_is_told_that_what_is_too_old_is_missing() {
    let store = FlakyStore::new();
    let hour = Duration::from_secs(3600);
    let (server, _chat) = server_with(&store, Chat::builder().retention_age(hour));
    let (mut adam, _, since) = newcomer(&server, "Adam");
    // It is of 1970.
    store.append_elsewhere(draft("lobby", "Far", "old"));
    let old = adam.hears_message("Far", "old").pos;
    adam.say("lobby", "new");
    adam.hears_message("Adam", "new");
    let (mut john, ..) = welcomed(&server, &format!("name=John&since={since}"));
    assert_eq!(john.hears_resumed(), (false, 1));
    john.hears_message("Adam", "new");
    john.hears_joined("John");
    john.hears_nothing();
    let (mut eve, ..) = welcomed(&server, &format!("name=Eve&since={old}"));
    assert_eq!(eve.hears_resumed(), (true, 1));
}

/// What is heard until the own coming: the numbers, and how many were said to be missing.
fn caught_up(person: &mut Person) -> (Vec<usize>, u64) {
    let (mut heard, mut dropped) = (Vec::new(), 0);
    loop {
        match person.hear() {
            Event::Message(message) => heard.push(number(&message.text)),
            Event::Gap { dropped: count, rooms, .. } => {
                assert_eq!(rooms, ["lobby"]);
                let before = heard.last().map_or(0, |last| last + 1) as u64;
                dropped += count;
                assert!(before + count > 0);
            }
            Event::Joined { .. } => return (heard, dropped),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_goes_from_the_log_while_one_catches_up_is_counted() {
    // All that was announced, and some of it.
    for meanwhile in [4000, 300] {
        let store = FlakyStore::new();
        let builder = Chat::builder().retention_messages(2000).retention_bytes(100_000_000);
        let (server, _chat) = server_with(&store, builder);
        let (_adam, _, since) = newcomer(&server, "Adam");
        fill(&store, 0..1900);
        store.hold_reading();
        let (mut john, ..) = welcomed(&server, &format!("name=John&since={since}"));
        assert_eq!(john.hears_resumed(), (true, 1900));
        store.wait_for_reader();
        fill(&store, 1900..1900 + meanwhile);
        store.release_reading();
        let (heard, dropped) = caught_up(&mut john);
        let all = 1900 + meanwhile;
        assert!(heard.is_sorted_by(|a, b| a < b) && heard.last() == Some(&(all - 1)));
        let unique = heard.iter().collect::<BTreeSet<_>>().len();
        assert_eq!(unique + dropped as usize, all, "of {all} {unique} were heard");
        john.hears_nothing();
    }
}
