//! What the server's store makes of what is said, and what the client makes of that.

use chinwag::chat_client::NotKept;

use super::*;

/// More often than that the client does not ask.
const ASKED_AGAIN: usize = 5;

fn own(text: &str, pos: &str, id: Option<String>) -> Event {
    Event::Message(ChatMessage { id, ..message("lobby", "John", text, pos) })
}

#[test]
fn what_is_said_and_in_no_log_is_told_so_and_never_sent_again() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    peer.tell(&said("lobby", "kept", "s-1"));
    let receipt = chat.say("lobby", "not kept").unwrap();
    let copy = own("not kept", "", Some(peer.hears("lobby", "not kept")));
    assert!(!copy.to_json().contains("pos"), "{}", copy.to_json());
    peer.tell(&copy);
    assert_eq!(receipt.wait(), Err(NotKept::Unstored));
    // Of others' there may be several, all without a position.
    let others = ["one", "one"].map(|text| said("lobby", text, ""));
    others.iter().for_each(|event| peer.tell(event));
    assert_eq!([(); 4].map(|()| next_event(&updates))[1..], [copy, others[0].clone(), others[1].clone()]);
    peer.cut();

    let peer = script.peer();
    assert_eq!(peer.query("since").as_deref(), Some("s-1"), "the last position that there was");
    peer.welcome("S", "lobby", "s-1");
    peer.restored();
    peer.hears_nothing_but(&chat, "after");
}

#[test]
fn what_got_into_the_log_after_all_is_not_told_twice() {
    let script = Script::new();
    let (_chat, updates, peer) = script.start();
    let unkept = said("lobby", "unkept", "");
    peer.tell(&unkept);
    assert_eq!(next_event(&updates), unkept);
    peer.cut();
    let peer = script.peer();
    peer.welcome("S", "lobby", "s-3");
    back(&updates);
    peer.tell(&resumed("lobby", true, 3));
    peer.tell(&said("lobby", "unkept", "s-1"));
    peer.tell(&own("unkept", "s-2", None));
    peer.tell(&said("lobby", "unkept", "s-3"));
    let heard = [(); 3].map(|()| next_event(&updates));
    let others = [own("unkept", "s-2", None), said("lobby", "unkept", "s-3")];
    assert_eq!(heard[1..], others, "what somebody else said, or said again");
    peer.cut();
    assert_eq!(script.peer().query("since").as_deref(), Some("s-3"));
}

#[test]
fn what_the_store_refuses_is_the_callers_to_say_again() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    let receipt = chat.ask_with_id(Request::say("lobby", "a").ask, "mine").unwrap();
    peer.hears("lobby", "a");
    peer.refuse("mine", "not_kept");
    let Err(NotKept::Refused { code, .. }) = receipt.wait() else { panic!("expected a refusal") };
    assert_eq!(code, "not_kept");
    assert!(matches!(next_event(&updates), Event::Error { .. }));
    let receipt = chat.ask_with_id(Request::say("lobby", "a").ask, "mine").unwrap();
    peer.hears("lobby", "a");
    peer.ack("mine", "s-1");
    assert_eq!(receipt.wait().unwrap().pos.as_deref(), Some("s-1"));
}

#[test]
fn a_server_that_is_unsure_is_asked_again_under_the_same_id_and_what_is_behind_stays_there() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    let [first, second] = ["a", "b"].map(|text| chat.say("lobby", text).unwrap());
    let ids = ["a", "b"].map(|text| peer.hears("lobby", text));
    peer.refuse(&ids[0], "unsure");
    peer.refuse(&ids[1], "unsure");
    // Both have been heard of once this has.
    peer.tell(&said("lobby", "meanwhile", "s-1"));
    assert_eq!(next_event(&updates), said("lobby", "meanwhile", "s-1"), "what is asked again is no news");
    let third = chat.say("lobby", "c").unwrap();
    assert_eq!([peer.hears("lobby", "a"), peer.hears("lobby", "b")], ids);
    let id = peer.hears("lobby", "c");
    peer.ack(&ids[1], "s-3");
    peer.ack(&id, "s-4");
    for _ in 1..ASKED_AGAIN {
        peer.refuse(&ids[0], "unsure");
        assert_eq!(peer.hears("lobby", "a"), ids[0]);
    }
    peer.ack(&ids[0], "s-2");
    for (receipt, pos) in [(first, "s-2"), (second, "s-3"), (third, "s-4")] {
        assert_eq!(receipt.wait().unwrap().pos.as_deref(), Some(pos));
    }
}

#[test]
fn a_server_that_stays_unsure_is_asked_a_few_times_and_then_the_caller_is_told() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    let receipt = chat.say("lobby", "a").unwrap();
    let id = peer.hears("lobby", "a");
    for _ in 0..ASKED_AGAIN {
        peer.refuse(&id, "unsure");
        assert_eq!(peer.hears("lobby", "a"), id);
    }
    peer.refuse(&id, "unsure");
    assert_eq!(receipt.wait(), Err(NotKept::Unsure));
    assert!(matches!(next_event(&updates), Event::Error { code, .. } if code == "unsure"));
    peer.hears_nothing_but(&chat, "b");
}

#[test]
fn what_may_be_on_its_way_already_is_not_taken_for_refused() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    let receipts = ["a", "b"].map(|text| chat.say("lobby", text).unwrap());
    let ids = ["a", "b"].map(|text| peer.hears("lobby", text));
    peer.refuse(&ids[0], "unsure");
    assert_eq!(peer.hears("lobby", "a"), ids[0]);
    peer.refuse(&ids[0], "not_kept");
    assert_eq!(peer.hears("lobby", "a"), ids[0]);
    peer.ack(&ids[0], "s-1");
    assert_eq!(receipts[0].wait().unwrap().pos.as_deref(), Some("s-1"));
    peer.cut();

    let peer = script.peer();
    peer.welcome("S", "lobby", "s-1");
    peer.restored();
    back(&updates);
    assert_eq!(peer.hears("lobby", "b"), ids[1]);
    peer.refuse(&ids[1], "not_kept");
    assert_eq!(peer.hears("lobby", "b"), ids[1]);
    peer.ack(&ids[1], "s-2");
    assert_eq!(receipts[1].wait().unwrap().pos.as_deref(), Some("s-2"));
    assert!(matches!(next_event(&updates), Event::Ack { .. }), "and nobody was told of a refusal");
}

#[test]
fn who_leaves_does_not_wait_to_ask_again() {
    let script = Script::new();
    let hour = Duration::from_secs(3600);
    let (chat, updates, peer) = script.join(script.builder().reconnect(Some(Backoff::new(hour, hour))));
    let receipt = chat.say("lobby", "a").unwrap();
    peer.refuse(&peer.hears("lobby", "a"), "unsure");
    peer.tell(&said("lobby", "heard", "s-1"));
    next_event(&updates);
    chat.say("lobby", "b").unwrap();
    assert_eq!(receipt.outcome(), None);
    let leaving = thread::spawn(move || chat.close(Duration::ZERO));
    peer.hears("lobby", "a");
    peer.hears("lobby", "b");
    assert_eq!(leaving.join().unwrap(), 2);
}

#[test]
fn in_another_session_of_the_same_log_what_was_missed_tells_what_was_said() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    let texts = ["logged", "lost", "logged"];
    let [first, lost, again] = texts.map(|text| chat.say("lobby", text).unwrap());
    let ids = texts.map(|text| peer.hears("lobby", text));
    peer.cut();

    // What was not sent before cannot be what was missed.
    let peer = script.peer();
    let later = chat.say("lobby", "later").unwrap();
    peer.welcome("another", "lobby", "s-9");
    assert!(!back(&updates));
    peer.tell(&resumed("lobby", true, 4));
    peer.tell(&said("lobby", "lost", "s-1"));
    peer.tell(&own("later", "s-2", None));
    peer.tell(&own("logged", "s-3", None));
    peer.tell(&said("lobby", "logged", "s-4"));
    peer.tell(&own("logged", "s-5", None));
    assert_eq!(first.wait().unwrap().pos.as_deref(), Some("s-3"));
    assert_eq!([(); 5].map(|()| next_event(&updates))[3], own("logged", "s-3", Some(ids[0].clone())));
    peer.restored();
    assert_eq!(peer.hears("lobby", "lost"), ids[1], "nothing goes out before all is restored");
    assert_eq!(peer.hears("lobby", "logged"), ids[2], "what was not missed is somebody else's");
    peer.hears("lobby", "later");
    assert_eq!([lost.outcome(), again.outcome(), later.outcome()], [None, None, None]);
}

#[test]
fn a_room_without_a_message_in_the_new_log_is_resumed_from_the_place_of_the_welcome() {
    let script = Script::new();
    let (_chat, updates, peer) = script.start();
    peer.tell(&joined("games", "John"));
    peer.tell(&said("games", "in the old log", "s-1"));
    next_event(&updates);
    next_event(&updates);
    peer.cut();
    let peer = script.peer();
    peer.welcome("another", "lobby", "t-7");
    back(&updates);
    peer.ask();
    peer.tell(&resumed("games", false, 0));
    peer.restored();
    next_event(&updates);
    peer.cut();
    let peer = script.peer();
    peer.welcome("another", "lobby", "t-8");
    assert_eq!(peer.ask().ask, Ask::Join { room: "games".to_owned(), since: Some("t-7".to_owned()) });
}

#[test]
fn where_some_of_what_was_missed_is_gone_it_is_said_again() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    chat.say("lobby", "a").unwrap();
    let id = peer.hears("lobby", "a");
    peer.cut();
    let peer = script.peer();
    peer.welcome("another", "lobby", "t-9");
    back(&updates);
    peer.tell(&resumed("lobby", false, 1));
    peer.tell(&own("a", "t-9", None));
    peer.restored();
    assert_eq!(peer.hears("lobby", "a"), id);
}
