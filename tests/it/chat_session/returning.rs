//! On return the client goes on where it was.

use chinwag::Clock;
use chinwag::ConnectOptions;

use super::*;

#[test]
fn each_room_is_resumed_from_its_own_position_and_nothing_is_shown_twice() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    peer.tell(&joined("lobby", "John"));
    peer.tell(&joined("games", "John"));
    let messages = vec![message("games", "Adam", "old", "g-1")];
    peer.tell(&Event::History { room: "games".to_owned(), messages, more: false, pos: "g-1".to_owned() });
    peer.tell(&joined("tea", "John"));
    peer.tell(&said("tea", "hot", "t-5"));
    peer.tell(&said("lobby", "first", "l-1"));
    peer.tell(&said("lobby", "second", "l-2"));
    peer.tell(&Event::Left { room: "tea".to_owned(), name: "Adam".to_owned(), time: 0 });
    assert!((0..8).all(|_| matches!(next(&updates), Update::Event(_))));
    assert_eq!(chat.rooms(), ["lobby", "games", "tea"]);
    peer.cut();

    let peer = script.peer();
    assert_eq!(peer.query("room").as_deref(), Some("lobby"));
    assert_eq!(peer.query("since").as_deref(), Some("l-2"));
    peer.welcome("S", "lobby", "l-3");
    assert!(back(&updates));
    peer.tell(&resumed("lobby", true, 1));
    peer.tell(&said("lobby", "second", "l-2"));
    peer.tell(&said("lobby", "third", "l-3"));
    peer.tell(&said("lobby", "third", "l-3"));
    peer.tell(&joined("lobby", "John"));
    peer.tell(&joined("lobby", "Eve"));
    assert_eq!(next_event(&updates), resumed("lobby", true, 1));
    assert_eq!(next_event(&updates), said("lobby", "third", "l-3"));
    assert_eq!(next_event(&updates), joined("lobby", "Eve"), "one's own return is not announced");
    for (room, since) in [("games", "g-1"), ("tea", "t-5")] {
        assert_eq!(peer.ask().ask, Ask::Join { room: room.to_owned(), since: Some(since.to_owned()) });
        peer.tell(&resumed(room, true, 0));
        peer.tell(&joined(room, "John"));
        assert_eq!(next_event(&updates), resumed(room, true, 0));
    }
    peer.restored();
    peer.tell(&joined("new", "John"));
    assert_eq!(next_event(&updates), joined("new", "John"));
    peer.cut();

    let peer = script.peer();
    assert_eq!(peer.query("since").as_deref(), Some("l-3"));
}

#[test]
fn a_room_that_was_left_is_not_joined_again() {
    let script = Script::new();
    let (chat, updates, peer) = script.join(script.builder().room("lobby"));
    peer.tell(&joined("games", "John"));
    next_event(&updates);
    let receipt = chat.ask(Ask::Leave { room: "lobby".to_owned() }).unwrap();
    peer.pong(&peer.is_asked(Ask::Leave { room: "lobby".to_owned() }).1);
    receipt.wait().unwrap();
    assert_eq!(chat.rooms(), ["games"]);
    peer.cut();
    let peer = script.peer();
    assert_eq!(peer.query("room").as_deref(), Some("games"));
    peer.welcome("S", "games", "g-0");
    peer.restored();
    back(&updates);
    chat.ask(Ask::Leave { room: "Games".to_owned() }).unwrap();
    peer.is_asked(Ask::Leave { room: "Games".to_owned() });
    peer.tell(&Event::Left { room: "games".to_owned(), name: "John".to_owned(), time: 0 });
    assert!(matches!(next_event(&updates), Event::Left { .. }));
    assert!(chat.rooms().is_empty());
    peer.cut();
    let peer = script.peer();
    peer.welcome("S", "games", "g-1");
    assert_eq!(peer.ask().ask, Ask::Leave { room: "games".to_owned() }, "for a connection begins in a room");
    peer.restored();
    peer.hears_nothing_but(&chat, "the leaving was done");
}

#[test]
fn a_server_that_has_restarted_is_told_everything_but_what_it_had_acked() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    let [acked, open] = ["acked", "open"].map(|text| chat.say("lobby", text).unwrap());
    peer.ack(&peer.hears("lobby", "acked"), "s-1");
    let id = peer.hears("lobby", "open");
    acked.wait().unwrap();
    let away = Ask::Away { text: "lunch".to_owned() };
    chat.ask(away.clone()).unwrap();
    peer.pong(&peer.is_asked(away.clone()).1);
    peer.tell(&Event::Ignoring { names: vec!["Eve".to_owned()] });
    peer.tell(&joined("games", "John"));
    peer.tell(&said("games", "before", "1"));
    while !matches!(next_event(&updates), Event::Message(_)) {}
    peer.cut();

    let peer = script.peer();
    peer.welcome("new", "lobby", "0");
    assert!(!back(&updates), "another session");
    peer.tell(&resumed("lobby", false, 0));
    assert_eq!(peer.ask().ask, Ask::Join { room: "games".to_owned(), since: Some("1".to_owned()) });
    assert_eq!(peer.ask().ask, away);
    assert_eq!(peer.ask().ask, Ask::Ignore { name: Some("Eve".to_owned()) });
    peer.tell(&resumed("games", false, 1));
    peer.tell(&said("games", "after", "1"));
    peer.tell(&Event::Away { name: "John".to_owned(), text: "lunch".to_owned(), time: 0 });
    peer.tell(&Event::Ignoring { names: vec!["Eve".to_owned()] });
    peer.restored();
    assert_eq!(peer.hears("lobby", "open"), id);
    peer.ack(&id, "1");
    open.wait().unwrap();
    assert_eq!(next_event(&updates), resumed("lobby", false, 0));
    assert_eq!(next_event(&updates), resumed("games", false, 1));
    assert_eq!(next_event(&updates), said("games", "after", "1"), "another store's position");
    assert!(matches!(next_event(&updates), Event::Ack { .. }), "what is restored is no news");
    peer.cut();
    let peer = script.peer();
    assert_eq!(peer.query("session").as_deref(), Some("new"));
    assert_eq!(peer.query("since").as_deref(), Some("0"), "the position of the welcome");
}

#[test]
fn a_server_that_knows_the_session_again_is_told_whom_it_has_forgotten_to_be_ignored() {
    let ignoring =
        |names: &[&str]| Event::Ignoring { names: names.iter().map(|name| (*name).into()).collect() };
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    peer.tell(&ignoring(&["Eve", "Mallory"]));
    next_event(&updates);
    for known in [&["Eve", "Mallory"][..], &["Mallory"], &[]] {
        script.server.hub().close_all(1012, "");
        let peer = script.peer();
        peer.welcome("S", "lobby", "s-0");
        assert!(back(&updates), "the same session");
        assert_eq!(peer.ask().ask, Ask::Ignore { name: None });
        peer.tell(&ignoring(known));
        let ping = peer.ask();
        for name in ["Eve", "Mallory"].into_iter().filter(|name| !known.contains(name)) {
            assert_eq!(peer.ask().ask, Ask::Ignore { name: Some(name.to_owned()) });
            peer.tell(&ignoring(&[name]));
        }
        peer.pong(&ping.id.unwrap());
        if known.len() < 2 {
            peer.restored();
        }
        chat.say("lobby", "all is restored").unwrap();
        peer.ack(&peer.hears("lobby", "all is restored"), "s-1");
        assert!(matches!(next_event(&updates), Event::Ack { .. }), "what is restored is no news");
    }
}

#[test]
fn a_room_that_cannot_be_resumed_is_begun_anew() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    peer.tell(&joined("games", "John"));
    peer.tell(&said("games", "hi", "g-1"));
    next_event(&updates);
    next_event(&updates);
    peer.cut();
    let peer = script.peer();
    peer.welcome("S", "lobby", "other-7");
    back(&updates);
    let id = peer.ask().id.unwrap();
    peer.refuse(&id, "too_many_rooms");
    peer.tell(&resumed("lobby", false, 0));
    assert!(matches!(next_event(&updates), Event::Error { .. }));
    next_event(&updates);
    assert_eq!(chat.rooms(), ["lobby"]);
    peer.cut();
    assert_eq!(script.peer().query("since").as_deref(), Some("other-7"));
}

#[test]
fn waits_grow_until_a_connection_was_stable() {
    let script = Script::new();
    let (clock, hand) = Clock::manual();
    let second = Duration::from_secs(1);
    let backoff = Backoff::new(second, 30 * second).random(|| 1.0);
    let options = ConnectOptions::new().clock(clock).ping_interval(None);
    let (chat, updates, mut peer) = script.join(script.builder().options(options).reconnect(Some(backoff)));
    for (attempt, wait) in [(1, 2), (2, 4), (3, 8), (4, 16), (5, 30), (6, 30)] {
        peer.cut();
        assert_eq!(lost(&updates), (wait * second, attempt), "accepted and closed at once");
        if attempt % 2 == 0 {
            chat.reconnect_now();
        } else {
            hand.advance(wait * second);
        }
        peer = script.peer();
        peer.welcome("S", "lobby", "s-0");
        back(&updates);
    }
    hand.advance(10 * second);
    peer.cut();
    assert_eq!(lost(&updates), (2 * second, 1));
}

#[test]
fn retry_after_is_honoured() {
    let script = Script::new();
    let (clock, hand) = Clock::manual();
    let second = Duration::from_secs(1);
    let options = ConnectOptions::new().clock(clock).ping_interval(None);
    let builder = script.builder().options(options).reconnect(Some(Backoff::new(second, second)));
    let (_chat, updates, peer) = script.join(builder);
    script.refuse([503, 429].map(|status| Refusal::new(status, "later").retry_after(7 * second)));
    peer.cut();
    lost(&updates);
    hand.advance(second);
    for attempt in [2, 3] {
        // Those that were all told the same do not all come at that moment.
        assert_eq!(lost(&updates), (8 * second, attempt));
        hand.advance(7 * second);
        let early = updates.recv_timeout(Duration::from_millis(50));
        assert!(early.is_err(), "not before the time: {early:?}");
        hand.advance(second);
        assert!(matches!(next(&updates), Update::Connecting));
    }
    script.peer().welcome("S", "lobby", "s-0");
    back(&updates);
}

#[test]
fn a_name_that_is_taken_is_asked_for_a_few_times() {
    let script = Script::new();
    let (_chat, updates, peer) = script.start();
    let taken = || Refusal::new(409, "the name John is taken");
    script.refuse((0..5).map(|_| taken()));
    peer.cut();
    let peer = script.peer();
    peer.welcome("S", "lobby", "s-0");
    assert!(back(&updates));
    script.refuse((0..6).map(|_| taken()));
    peer.cut();
    let Ending::Failed(error) = ended(&updates) else { panic!("expected a failure") };
    assert_eq!(error.to_string(), "the server refused with status 409: the name John is taken");
    assert!(script.refusals.lock().unwrap().is_empty());
}

#[test]
fn who_does_not_read_the_updates_slows_the_server_down_and_loses_nothing() {
    const COUNT: usize = 20_000;
    let script = Script::new();
    let (_chat, updates, peer) = script.start();
    let client = peer.client.clone();
    for number in 0..COUNT {
        client.send(said("lobby", &"x".repeat(500), &number.to_string()).to_json());
        // The server's own limit for a slow client is not what is tested here.
        while client.queued().1 > 500 && updates.len() < 256 {
            thread::yield_now();
        }
        if updates.len() == 256 && client.queued().1 > 500 {
            for _ in 0..256 {
                next_event(&updates);
            }
        }
    }
    peer.tell(&said("lobby", "last", "last"));
    let mut last = next_event(&updates);
    while last != said("lobby", "last", "last") {
        last = next_event(&updates);
    }
}
