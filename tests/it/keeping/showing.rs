//! What is said is shown when it is kept, and what its speaker does next comes behind it.

use std::thread;

use chinwag::protocol::Event;

use super::{FlakyStore, Person, say, server, two};
use crate::support::{Raw, addr, hear_end, hears, join, request};

#[test]
fn what_is_said_is_shown_in_order_when_the_store_has_it_and_only_then_acknowledged() {
    let store = FlakyStore::new();
    let server = server(&store);
    let (mut john, mut adam) = two(&server);
    store.hold();
    for number in ["0", "1", "2"] {
        say(&john, number, number);
    }
    store.wait_for_queued(3);
    adam.hears_nothing();
    store.release();
    for number in ["0", "1", "2"] {
        let pos = adam.hears_message("John", number).pos;
        assert_eq!(john.hears_own(number, number), pos);
        assert_eq!(john.hears_ack(number), pos);
    }
    adam.hears_nothing();
    john.hears_nothing();
}

/// What Adam hears next behind what John said, where John did this right after it while
/// the store was held.
#[track_caller]
fn behind(act: impl FnOnce(&mut Person)) -> (Event, Person) {
    let store = FlakyStore::new();
    let server = server(&store);
    let (mut john, mut adam) = two(&server);
    adam.ask(r#"{"type":"join","room":"games"}"#);
    adam.hear();
    adam.hear();
    store.hold();
    say(&john, "first", "c1");
    act(&mut john);
    store.wait_for_queued(1);
    adam.hears_nothing();
    store.release();
    adam.hears_message("John", "first");
    let next = adam.hear();
    john.hears_own("first", "c1");
    john.hears_ack("c1");
    (next, john)
}

#[test]
fn what_one_does_after_saying_something_comes_behind_it() {
    let (next, mut john) = behind(|john| john.ask(r#"{"type":"leave","room":"lobby"}"#));
    assert!(matches!(&next, Event::Left { .. }), "{next:?}");
    john.hears_left("John");
    let (next, _) = behind(|john| john.ask(r#"{"type":"nick","name":"Johnny"}"#));
    assert!(matches!(&next, Event::Renamed { .. }), "{next:?}");
    let (next, _) = behind(|john| john.ask(r#"{"type":"whisper","to":"Adam","text":"psst"}"#));
    assert!(matches!(&next, Event::Whisper { .. }), "{next:?}");
    let (next, _) = behind(|john| john.ask(r#"{"type":"join","room":"games"}"#));
    assert!(matches!(&next, Event::Joined { room, .. } if room == "games"), "{next:?}");
    let (next, _) = behind(|john| john.ask(r#"{"type":"topic","room":"lobby","text":"tea"}"#));
    assert!(matches!(&next, Event::Topic { .. }), "{next:?}");
    // It gets its own copy and its ack before what it asked for later, an error too.
    for asked in ["no JSON", r#"{"type":"nonsense"}"#, r#"{"type":"ping"}"#, r#"{"type":"rooms"}"#] {
        let (_, mut john) = behind(|john| {
            john.ask(asked);
            john.ask(r#"{"type":"topic","room":"lobby","text":"tea"}"#);
        });
        assert!(!matches!(john.hear(), Event::Topic { .. }), "{asked}");
    }
}

#[test]
fn one_who_vanishes_after_saying_something_has_said_it_before_leaving() {
    let store = FlakyStore::new();
    let server = server(&store);
    let (john, mut adam) = two(&server);
    store.hold();
    say(&john, "last words", "c1");
    store.wait_for_queued(1);
    john.vanish();
    adam.hears_nothing();
    store.release();
    adam.hears_message("John", "last words");
    adam.hears_left("John");
}

#[test]
fn one_who_closes_hears_of_what_was_said_before_the_answer_to_that() {
    let store = FlakyStore::new();
    let server = server(&store);
    let mut adam = Person::join(&server, "Adam");
    let mut john = Raw::connect(addr(&server));
    john.send(request("/?name=John", "Sec-WebSocket-Protocol: chinwag.v1\r\n").as_bytes());
    john.read_head();
    adam.hears_joined("John");
    // Its welcome, its coming, and the history.
    for _ in 0..3 {
        john.read_frame();
    }
    store.hold();
    john.send_frame(0x81, br#"{"type":"say","room":"lobby","text":"bye","id":"c1"}"#);
    john.send_frame(0x88, &1000u16.to_be_bytes());
    store.wait_for_queued(1);
    adam.hears_nothing();
    store.release();
    adam.hears_message("John", "bye");
    adam.hears_left("John");
    for kind in [r#"{"type":"message""#, r#"{"type":"ack""#] {
        let (flags, text) = john.read_frame();
        assert_eq!(flags, 0x81);
        assert!(text.starts_with(kind.as_bytes()), "{}", String::from_utf8_lossy(&text));
    }
    assert_eq!(john.read_close().0, 1000);
}

#[test]
fn the_text_of_2012_keeps_its_order_too() {
    let store = FlakyStore::new();
    let server = server(&store);
    let mut john = join(&server, "John");
    hears(&mut john, &["John joined.", "Welcome John."]);
    let mut adam = join(&server, "Adam");
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    hears(&mut john, &["Adam joined."]);
    store.hold();
    for line in ["hi", "/me waves", "//slash", "/help join", "/who", "/whp", "/quit"] {
        john.send(line).unwrap();
    }
    store.wait_for_queued(3);
    adam.send("/who").unwrap();
    hears(&mut adam, &["2 here: Adam, John"]);
    store.release();
    hears(&mut adam, &["John says: hi", "* John waves", "John says: /slash", "John left."]);
    hears(&mut john, &["John says: hi", "* John waves", "John says: /slash"]);
    hears(
        &mut john,
        &[
            "/join ROOM comes into a room, and speaks there from now on.",
            "2 here: Adam, John",
            "There is no command /whp. Did you mean /who? /help lists all.",
        ],
    );
    assert_eq!(hear_end(&mut john).code.value(), 1000);
}

#[test]
fn all_hear_one_order_however_the_store_stops_and_goes() {
    const EACH: usize = 100;
    let store = FlakyStore::new();
    let server = server(&store);
    let mut people = ["John", "Adam", "Eve"].map(|name| Person::connect(&server, &format!("name={name}")));
    for person in &mut people {
        while !matches!(person.hear(), Event::Joined { name, .. } if name == "Eve") {}
    }
    people[2].hear();
    thread::scope(|scope| {
        for person in &people {
            scope.spawn(move || {
                for number in 0..EACH {
                    match number % 3 {
                        0 => person.say("lobby", &number.to_string()),
                        _ => say(person, &number.to_string(), &number.to_string()),
                    }
                }
            });
        }
        for count in 1..=20 {
            store.hold();
            store.wait_for_queued(count % 3);
            store.release();
        }
    });
    let heard = people.each_mut().map(|person| {
        let (mut messages, mut acks) = (Vec::new(), 0);
        while messages.len() < 3 * EACH || acks < 66 {
            match person.hear() {
                Event::Message(message) => messages.push((message.from, message.text, message.pos)),
                Event::Ack { pos, .. } => {
                    acks += 1;
                    let last = messages.last().map(|(_, _, last)| last.clone());
                    assert_eq!(pos, last, "an ack comes right behind its message");
                }
                other => panic!("{other:?}"),
            }
        }
        messages
    });
    assert!(heard[0] == heard[1] && heard[0] == heard[2]);
    for name in ["John", "Adam", "Eve"] {
        let said =
            heard[0].iter().filter(|(from, ..)| from == name).map(|(_, text, _)| text.parse().unwrap());
        assert_eq!(said.collect::<Vec<usize>>(), (0..EACH).collect::<Vec<_>>(), "{name}");
    }
}
