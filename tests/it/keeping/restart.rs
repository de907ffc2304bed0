//! A server that is started again on the same store knows its clients again.

use chinwag::Connection;

use super::{FlakyStore, Person, newcomer, say, server, two, welcomed};
use crate::support::{addr, chat, hear_end};

/// Well-formed, and of no server.
const FOREIGN: &str = "AAAAAAAAAAAAAAAAAAAAAA";

#[test]
fn what_was_kept_before_a_restart_is_acknowledged_again_at_the_same_place() {
    let store = FlakyStore::new();
    let before = server(&store);
    let (mut john, session, since) = newcomer(&before, "John");
    say(&john, "once", "c1");
    let pos = john.hears_own("once", "c1");
    assert_eq!(john.hears_ack("c1"), pos);
    before.shutdown().unwrap();

    let after = server(&store);
    let mut adam = Person::join(&after, "Adam");
    let (mut john, again, head) = welcomed(&after, &format!("name=John&session={session}&since={since}"));
    assert_eq!((again, head), (session, pos.clone()));
    assert_eq!(john.hears_resumed(), (true, 1));
    assert_eq!(john.hears_message("John", "once").pos, pos);
    john.hears_joined("John");
    adam.hears_joined("John");
    say(&john, "once", "c1");
    assert_eq!(john.hears_ack("c1"), pos);
    say(&john, "twice", "c2");
    john.hears_own("twice", "c2");
    john.hears_ack("c2");
    adam.hears_message("John", "twice");
    adam.hears_nothing();
}

#[test]
fn what_was_missed_across_a_restart_comes_exactly() {
    let store = FlakyStore::new();
    let before = server(&store);
    let (mut john, mut adam) = two(&before);
    adam.say("lobby", "heard");
    let since = john.hears_message("Adam", "heard").pos;
    john.vanish();
    adam.hears_message("Adam", "heard");
    adam.hears_left("John");
    let texts = (0..200).map(|number| number.to_string()).collect::<Vec<_>>();
    for text in &texts {
        adam.say("lobby", text);
    }
    texts.iter().for_each(|text| drop(adam.hears_message("Adam", text)));
    before.shutdown().unwrap();
    let after = server(&store);
    let (mut john, ..) = welcomed(&after, &format!("name=John&since={since}"));
    assert_eq!(john.hears_resumed(), (true, 200));
    texts.iter().for_each(|text| drop(john.hears_message("Adam", text)));
    john.hears_joined("John");
    john.hears_nothing();
}

#[test]
fn what_the_server_before_did_not_see_kept_is_kept_once() {
    let store = FlakyStore::new();
    let before = server(&store);
    let (john, session, since) = newcomer(&before, "John");
    store.hold();
    say(&john, "once", "c1");
    store.wait_for_queued(1);
    john.vanish();
    before.shutdown_handle().shutdown_within(std::time::Duration::ZERO).ok();
    let after = server(&store);
    let (mut john, ..) = welcomed(&after, &format!("name=John&session={session}&since={since}"));
    assert_eq!(john.hears_resumed(), (true, 0));
    john.hears_joined("John");
    say(&john, "once", "c1");
    store.wait_for_queued(2);
    store.release();
    let pos = john.hears_message("John", "once").pos;
    assert_eq!(john.hears_ack("c1"), pos);
    let (mut adam, ..) = welcomed(&after, &format!("name=Adam&since={since}"));
    assert_eq!(adam.hears_resumed(), (true, 1));
    assert_eq!(adam.hears_message("John", "once").pos, pos);
}

#[test]
fn a_session_is_taken_up_where_the_store_outlives_the_server_and_it_is_well_formed() {
    let memory = chat();
    assert_ne!(welcomed(&memory, &format!("name=John&session={FOREIGN}")).1, FOREIGN);
    let store = FlakyStore::new();
    let server = server(&store);
    let all = [
        "x",
        "AAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAB",
        "%2F%2FAAAAAAAAAAAAAAAAAAAA",
    ];
    for (nth, malformed) in all.into_iter().enumerate() {
        let (_person, session, _) = welcomed(&server, &format!("name=John{nth}&session={malformed}"));
        assert_eq!(session.len(), 22, "{malformed}");
        assert!(session != malformed && !session.contains('/'), "{malformed}");
    }
    assert_eq!(welcomed(&server, &format!("name=Eve&session={FOREIGN}")).1, FOREIGN);
}

#[test]
fn of_two_that_show_one_session_one_has_it_and_its_name_is_its_own() {
    let store = FlakyStore::new();
    let server = server(&store);
    let (john, session, _) = welcomed(&server, &format!("name=John&session={FOREIGN}"));
    let (_adam, other, _) = welcomed(&server, &format!("name=Adam&session={FOREIGN}"));
    assert_eq!(session, FOREIGN);
    assert_ne!(other, FOREIGN);
    let john = std::thread::spawn(move || {
        let mut connection = john.connection;
        hear_end(&mut connection)
    });
    // Somebody else's, for he answers.
    assert!(Connection::connect(&format!("ws://{}/?name=John&session={other}", addr(&server))).is_err());
    let (_again, session, _) = welcomed(&server, &format!("name=John&session={FOREIGN}"));
    assert_eq!(session, FOREIGN);
    assert_eq!(john.join().unwrap().code.value(), 1008);
}
