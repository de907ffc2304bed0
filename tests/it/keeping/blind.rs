//! A store that cannot be read.

use chinwag::protocol::Event;
use chinwag::store::StoreErrorKind;

use super::{FlakyStore, newcomer, say, server, welcomed};
use crate::rooms::Person;

#[test]
fn people_come_and_talk_though_nothing_can_be_looked_up_and_later_it_can() {
    let store = FlakyStore::new();
    let before = server(&store);
    let (mut john, _, since) = newcomer(&before, "John");
    say(&john, "early", "c1");
    john.hears_own("early", "c1");
    let early = john.hears_ack("c1");
    before.shutdown().unwrap();

    store.blind(StoreErrorKind::Gone);
    let server = server(&store);
    let mut john = Person::connect(&server, "name=John");
    assert!(matches!(john.hear(), Event::Welcome { .. }));
    john.hears_joined("John");
    let Event::History { messages, more, .. } = john.hear() else { panic!("no history") };
    assert!(messages.is_empty() && more, "nobody knows that there is none");
    john.ask(r#"{"type":"history","room":"lobby","id":"h1"}"#);
    john.hears_refusal("unavailable", Some("h1"));
    say(&john, "blindly", "c2");
    john.hears_own("blindly", "c2");
    john.hears_ack("c2");
    let (mut adam, ..) = welcomed(&server, &format!("name=Adam&since={since}"));
    assert_eq!(adam.hears_resumed(), (false, 0));
    adam.hears_joined("Adam");
    john.hears_joined("Adam");
    say(&john, "live", "c3");
    adam.hears_message("John", "live");
    john.hears_own("live", "c3");
    john.hears_ack("c3");
    adam.hears_nothing();

    store.recover();
    john.ask(r#"{"type":"history","room":"lobby"}"#);
    let Event::History { messages, more, .. } = john.hear() else { panic!("no history") };
    let texts = messages.iter().map(|message| &*message.text).collect::<Vec<_>>();
    assert_eq!((texts, more), (vec!["early", "blindly", "live"], false));
    let (mut eve, ..) = welcomed(&server, &format!("name=Eve&since={early}"));
    assert_eq!(eve.hears_resumed(), (true, 2));
    eve.hears_message("John", "blindly");
    eve.hears_message("John", "live");
    eve.hears_joined("Eve");
    eve.hears_nothing();
}

#[test]
fn what_is_at_hand_can_be_had_and_what_is_not_is_said_to_be_missing() {
    let store = FlakyStore::new();
    let server = server(&store);
    let (mut john, _, since) = newcomer(&server, "John");
    say(&john, "at hand", "c1");
    john.hears_own("at hand", "c1");
    john.hears_ack("c1");
    store.blind(StoreErrorKind::Locked);
    let (mut adam, ..) = welcomed(&server, &format!("name=Adam&since={since}"));
    assert_eq!(adam.hears_resumed(), (true, 1));
    adam.hears_message("John", "at hand");
    adam.hears_joined("Adam");
    // Of another store nothing is known.
    let (mut eve, ..) = welcomed(&server, "name=Eve&since=elsewhere-7");
    assert_eq!(eve.hears_resumed(), (false, 0));
    eve.hears_joined("Eve");
    adam.ask(r#"{"type":"history","room":"lobby"}"#);
    adam.hears_joined("Eve");
    assert!(matches!(adam.hear(), Event::History { messages, .. } if messages.len() == 1));
}
