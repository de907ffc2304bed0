//! What is said is said once, in order, however often the connection is lost.

use chinwag::chat_client::{AskError, NotKept};

use super::*;

#[test]
fn what_was_not_acked_is_sent_again_once_in_order_under_its_id() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    let receipts = ["a", "b", "c"].map(|text| chat.say("lobby", text).unwrap());
    let ids = ["a", "b", "c"].map(|text| peer.hears("lobby", text));
    assert_eq!(ids, receipts.each_ref().map(|receipt| receipt.id().to_owned()));
    peer.ack(&ids[0], "s-1");
    let kept = receipts[0].wait_timeout(PATIENCE).unwrap().expect("acked");
    assert_eq!((kept.room.as_deref(), kept.pos.as_deref()), (Some("lobby"), Some("s-1")));
    peer.cut();

    let peer = script.peer();
    assert_eq!(peer.query("session").as_deref(), Some("S"));
    assert_eq!(peer.query("name").as_deref(), Some("John"));
    peer.welcome("S", "lobby", "s-3");
    peer.restored();
    assert!(back(&updates), "the session is the same");
    assert_eq!(peer.hears("lobby", "b"), ids[1]);
    assert_eq!(peer.hears("lobby", "c"), ids[2]);
    peer.ack(&ids[1], "s-2");
    peer.ack(&ids[2], "s-3");
    assert_eq!(receipts[1].wait().unwrap().pos.as_deref(), Some("s-2"));
    assert_eq!(receipts[2].wait().unwrap().pos.as_deref(), Some("s-3"));
    assert!(chat.flush(PATIENCE));
    peer.hears_nothing_but(&chat, "d");
}

#[test]
fn ones_own_copy_confirms_as_well_as_an_ack() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    let receipt = chat.say("lobby", "a").unwrap();
    let whispered = chat.whisper("Adam", "psst").unwrap();
    let id = peer.hears("lobby", "a");
    peer.tell(&Event::Message(ChatMessage { id: Some(id), ..message("lobby", "John", "a", "s-1") }));
    assert_eq!(receipt.wait().unwrap().pos.as_deref(), Some("s-1"));
    let id = peer.ask().id;
    let [from, to, text] = ["John", "Adam", "psst"].map(str::to_owned);
    peer.tell(&Event::Whisper { from, to, text, time: 0, action: false, id });
    assert_eq!(whispered.wait().unwrap().pos, None);
    peer.cut();
    let peer = script.peer();
    assert_eq!(peer.query("since").as_deref(), Some("s-1"));
    peer.welcome("S", "lobby", "s-1");
    peer.restored();
    back(&updates);
    peer.hears_nothing_but(&chat, "b");
}

#[test]
fn own_copies_among_what_was_missed_are_not_said_again() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    let receipt = chat.say("lobby", "a").unwrap();
    let id = peer.hears("lobby", "a");
    peer.cut();
    let peer = script.peer();
    peer.welcome("S", "lobby", "s-1");
    peer.restored();
    peer.tell(&resumed("lobby", true, 1));
    peer.tell(&Event::Message(ChatMessage { id: Some(id), ..message("lobby", "John", "a", "s-1") }));
    back(&updates);
    assert_eq!(receipt.wait().unwrap().pos.as_deref(), Some("s-1"));
}

#[test]
fn what_is_said_while_offline_is_kept_and_goes_out_after_the_rooms_are_joined() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    peer.tell(&joined("games", "John"));
    assert_eq!(next_event(&updates), joined("games", "John"));
    script.refuse((0..3).map(|_| Refusal::new(502, "not yet")));
    peer.cut();
    lost(&updates);
    let receipt = chat.say("games", "typed offline").unwrap();
    chat.ask(Ask::Leave { room: "games".to_owned() }).unwrap();
    chat.say("lobby", "later").unwrap();
    assert_eq!(chat.queued(), 3);

    let peer = script.peer();
    peer.welcome("S", "lobby", "s-0");
    let attempts: Vec<u32> = std::iter::from_fn(|| match next(&updates) {
        Update::Lost { attempt, .. } => Some(Some(attempt)),
        Update::Back { .. } => None,
        _ => Some(None),
    })
    .flatten()
    .collect();
    assert_eq!(attempts, [2, 3, 4]);
    assert_eq!(peer.ask().ask, Ask::Join { room: "games".to_owned(), since: None });
    peer.restored();
    let id = peer.hears("games", "typed offline");
    peer.is_asked(Ask::Leave { room: "games".to_owned() });
    peer.hears("lobby", "later");
    peer.ack(&id, "s-1");
    receipt.wait().unwrap();
}

#[test]
fn what_the_server_refuses_is_not_sent_again() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    let receipt = chat.say("elsewhere", "a").unwrap();
    let id = peer.hears("elsewhere", "a");
    peer.refuse(&id, "not_in_room");
    let Err(NotKept::Refused { code, reason }) = receipt.wait() else { panic!("expected a refusal") };
    assert_eq!((code.as_str(), reason.as_str()), ("not_in_room", "because"));
    assert!(matches!(next_event(&updates), Event::Error { id: Some(told), .. } if told == id));
    peer.cut();
    let peer = script.peer();
    peer.welcome("S", "lobby", "s-0");
    peer.restored();
    peer.hears_nothing_but(&chat, "b");
}

#[test]
fn a_change_is_asked_again_until_the_server_has_passed_it() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    let nick = Ask::Nick { name: "Johnny".to_owned() };
    let receipt = chat.ask_with_id(nick.clone(), "mine").unwrap();
    assert_eq!(peer.is_asked(nick.clone()).0, "mine");
    assert!(!chat.is_own_id("mine") && chat.is_own_id(chat.ask(Ask::Back).unwrap().id()));
    peer.cut();

    let peer = script.peer();
    assert_eq!(peer.query("name").as_deref(), Some("John"), "nobody said that it changed");
    peer.welcome("S", "lobby", "s-0");
    peer.restored();
    back(&updates);
    let (_, ping) = peer.is_asked(nick);
    let [from, name] = ["John", "Johnny"].map(str::to_owned);
    peer.tell(&Event::Renamed { from, name, time: 0 });
    peer.pong(&ping);
    receipt.wait().unwrap();
    assert!(matches!(next_event(&updates), Event::Renamed { .. }));
    assert_eq!(chat.name(), "Johnny");
    peer.is_asked(Ask::Back);
    peer.cut();

    let peer = script.peer();
    assert_eq!(peer.query("name").as_deref(), Some("Johnny"));
    peer.welcome("S", "lobby", "s-0");
    peer.restored();
    back(&updates);
    peer.pong(&peer.is_asked(Ask::Back).1);
    assert!(chat.flush(PATIENCE));
    peer.tell(&said("lobby", "hi", "s-1"));
    assert_eq!(next_event(&updates), said("lobby", "hi", "s-1"), "no pong of the client's own is shown");
}

#[test]
fn questions_are_refused_offline_and_given_up_when_the_connection_is_lost() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    let (asked, pinged) = (chat.ask(Ask::Rooms).unwrap(), chat.ask_with_id(Ask::Ping, "lag").unwrap());
    peer.is_asked(Ask::Rooms);
    assert_eq!(peer.ask().id.as_deref(), Some("lag"));
    peer.pong("lag");
    assert_eq!(next_event(&updates), Event::Pong { id: Some("lag".to_owned()) });
    pinged.wait().unwrap();
    let wait = Duration::from_secs(3600);
    drop((chat, updates, peer));
    assert_eq!(asked.wait(), Err(NotKept::Lost));

    let (chat, updates, peer) = script.join(script.builder().reconnect(Some(Backoff::new(wait, wait))));
    let asked = chat.ask(Ask::Rooms).unwrap();
    peer.is_asked(Ask::Rooms);
    peer.cut();
    assert_eq!(asked.wait(), Err(NotKept::Lost));
    lost(&updates);
    assert_eq!(chat.state(), ChatState::Waiting);
    for question in [Ask::Rooms, Ask::Ping, Ask::Topic { room: "lobby".to_owned(), text: None }] {
        assert_eq!(chat.ask(question).unwrap_err(), AskError::Offline);
    }
    assert_eq!(chat.ask_with_id(Ask::Back, "x".repeat(65)).unwrap_err(), AskError::BadId);
}

#[test]
fn the_queue_is_bounded_and_says_so() {
    let script = Script::new();
    let wait = Duration::from_secs(3600);
    let (chat, updates, peer) = script.join(script.builder().reconnect(Some(Backoff::new(wait, wait))));
    peer.cut();
    lost(&updates);
    for number in 0..ChatClient::MAX_QUEUED {
        chat.say("lobby", number.to_string()).unwrap();
    }
    assert_eq!(chat.say("lobby", "one more").unwrap_err(), AskError::Full);
    assert_eq!(chat.queued(), 1000);
    // Unread, they would keep the acks from being received.
    drop(updates);
    chat.reconnect_now();
    let peer = script.peer();
    peer.welcome("S", "lobby", "s-0");
    peer.restored();
    for number in 0..ChatClient::MAX_QUEUED {
        peer.ack(&peer.hears("lobby", &number.to_string()), "s-1");
    }
    assert!(chat.flush(PATIENCE));
    peer.cut();

    let large = "x".repeat(64 * 1024);
    let taken = (0..).take_while(|_| chat.say("lobby", large.clone()).is_ok()).count();
    assert_eq!(taken, 15, "with what is around them 16 are over 1 MiB");
    assert_eq!(chat.say("lobby", "x".repeat(2 * 1024 * 1024)).unwrap_err(), AskError::Full);
    chat.say("lobby", "a short one fits").unwrap();
}
