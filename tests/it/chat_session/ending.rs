//! How a chat begins in vain, and how it ends.

use std::net::TcpListener;
use std::time::Instant;

use chinwag::{Canceller, CloseCode, ClosedBy, ConnectOptions, Error};

use super::*;

#[test]
fn close_codes_that_mean_do_not_are_final() {
    for code in [1000, 1002, 1003, 1007, 1008, 1009, 1010] {
        let script = Script::new();
        let (chat, updates, peer) = script.start();
        let receipt = chat.say("lobby", "hi").unwrap();
        peer.client.close(code, "kicked");
        let Ending::Closed(reason) = ended(&updates) else { panic!("expected an end by the server") };
        assert_eq!((reason.code, reason.reason.as_str()), (CloseCode::from(code), "kicked"));
        assert!(receipt.wait().is_err());
        assert_eq!(chat.state(), ChatState::Ended);
        assert!(chat.say("lobby", "late").is_err());
    }
}

#[test]
fn other_close_codes_are_not_final() {
    let script = Script::new();
    let (_chat, updates, mut peer) = script.start();
    for code in [1001, 1011, 1012, 1013, 4000] {
        peer.client.close(code, "soon");
        let Update::Lost { why, .. } = next(&updates) else { panic!("expected a loss") };
        assert_eq!(why.close_reason().unwrap().code, CloseCode::from(code));
        peer = script.peer();
        peer.welcome("S", "lobby", "s-0");
        back(&updates);
    }
}

#[test]
fn a_refusal_for_good_ends_the_return() {
    for status in [400, 401, 403] {
        let script = Script::new();
        let (_chat, updates, peer) = script.start();
        script.refuse([Refusal::new(status, "no")]);
        peer.cut();
        let Ending::Failed(Error::Refused(response)) = ended(&updates) else { panic!("expected a refusal") };
        assert_eq!(response.status, status);
    }
}

#[test]
fn without_reconnecting_a_lost_connection_is_the_end() {
    let script = Script::new();
    let (_chat, updates, peer) = script.join(script.builder().reconnect(None));
    peer.cut();
    let Update::Ended(Ending::Closed(reason)) = next(&updates) else { panic!("expected the end") };
    assert_eq!((reason.code, reason.by), (CloseCode::ABNORMAL, ClosedBy::Peer));
}

#[test]
fn the_first_connection_is_tried_once() {
    let script = Script::new();
    script.refuse([Refusal::new(503, "full")]);
    assert!(matches!(script.builder().connect(), Err(Error::Refused(response)) if response.status == 503));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let result = ChatClient::builder(format!("ws://{nobody}/"), "John").connect();
    assert!(matches!(result, Err(Error::Io { .. })));
}

#[test]
fn a_server_that_speaks_something_else_is_named_so() {
    let script = Script::new();
    let other = ChatClient::builder(script.url() + "none", "John").connect().unwrap_err();
    assert_eq!(other.to_string(), "the handshake failed: the server does not speak chinwag.v1");
    let builder = script.builder();
    let joining = thread::spawn(move || builder.connect());
    script.peer();
    let peer = script.peer();
    peer.tell(&said("lobby", "hi", "1"));
    assert!(matches!(joining.join().unwrap(), Err(Error::Handshake(_))));
}

#[test]
fn a_server_that_says_no_welcome_is_given_up_in_time() {
    let script = Script::new();
    let options = ConnectOptions::new().connect_timeout(Duration::from_millis(200));
    let error = script.builder().options(options).connect().unwrap_err();
    assert_eq!(error.to_string(), "timed out: waiting for the server's welcome");
}

#[test]
fn connecting_can_be_called_off_at_any_moment() {
    let join = |url: String| {
        let canceller = Canceller::new();
        let options = ConnectOptions::new().connect_timeout(PATIENCE * 2).canceller(&canceller);
        (canceller, thread::spawn(move || ChatClient::builder(url, "John").options(options).connect()))
    };
    // Accepts, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (canceller, joining) = join(format!("ws://{}/", silent.local_addr().unwrap()));
    let _open = silent.accept().unwrap();
    canceller.cancel();
    assert!(matches!(joining.join().unwrap(), Err(Error::Cancelled)));

    // Lets in, and says no welcome.
    let script = Script::new();
    let (canceller, joining) = join(script.url());
    let _peer = script.peer();
    canceller.cancel();
    assert!(matches!(joining.join().unwrap(), Err(Error::Cancelled)));
}

#[test]
fn a_canceller_ends_the_wait_for_the_next_attempt() {
    let script = Script::new();
    let canceller = Canceller::new();
    let wait = Duration::from_secs(3600);
    let builder = script.builder().options(ConnectOptions::new().canceller(&canceller));
    let (_chat, updates, peer) = script.join(builder.reconnect(Some(Backoff::new(wait, wait))));
    peer.cut();
    lost(&updates);
    canceller.cancel();
    assert!(matches!(ended(&updates), Ending::Failed(Error::Cancelled)));
}

#[test]
fn closing_sends_what_was_said_waits_for_it_and_says_1000() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    let receipts: Vec<_> = (0..100).map(|number| chat.say("lobby", number.to_string()).unwrap()).collect();
    let closing = thread::spawn(move || (chat.close(PATIENCE), chat));
    for number in 0..100 {
        peer.ack(&peer.hears("lobby", &number.to_string()), "s-1");
    }
    let (unsettled, chat) = closing.join().unwrap();
    assert_eq!(unsettled, 0);
    assert!(receipts.iter().all(|receipt| receipt.outcome().unwrap().is_ok()));
    let end = peer.end_rx.recv_timeout(PATIENCE).unwrap();
    assert_eq!((end.code, end.by, end.clean), (CloseCode::NORMAL, ClosedBy::Peer, true));
    let Ending::Left(reason) = ended(&updates) else { panic!("expected to have left") };
    assert_eq!((reason.code, reason.by, reason.clean), (CloseCode::NORMAL, ClosedBy::Local, true));
    assert_eq!(chat.close(PATIENCE), 0, "twice is once");
}

#[test]
fn closing_in_no_time_still_sends_what_was_said() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    chat.say("lobby", "a").unwrap();
    chat.say("lobby", "b").unwrap();
    assert_eq!(chat.close(Duration::ZERO), 2, "nobody confirmed them");
    peer.hears("lobby", "a");
    peer.hears("lobby", "b");
    assert_eq!(peer.end_rx.recv_timeout(PATIENCE).unwrap().code, CloseCode::NORMAL);
    assert!(matches!(ended(&updates), Ending::Left(_)));
}

#[test]
fn closing_waits_for_a_return_and_not_for_ever() {
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    script.refuse((0..3).map(|_| Refusal::new(502, "not yet")));
    peer.cut();
    lost(&updates);
    let receipt = chat.say("lobby", "a").unwrap();
    let closing = thread::spawn(move || chat.close(PATIENCE));
    let peer = script.peer();
    peer.welcome("S", "lobby", "s-0");
    peer.restored();
    peer.ack(&peer.hears("lobby", "a"), "s-1");
    assert_eq!(closing.join().unwrap(), 0);
    receipt.wait().unwrap();
    assert!(matches!(ended(&updates), Ending::Left(_)));

    let wait = Duration::from_secs(3600);
    let (chat, updates, peer) = script.join(script.builder().reconnect(Some(Backoff::new(wait, wait))));
    peer.cut();
    lost(&updates);
    chat.say("lobby", "never").unwrap();
    assert_eq!(chat.close(Duration::from_millis(10)), 1);
    assert!(matches!(ended(&updates), Ending::Left(_)));
}

#[test]
fn dropping_ends_all_at_once_wherever_the_chat_is() {
    let start = Instant::now();
    let script = Script::new();
    let (chat, updates, peer) = script.start();
    drop(chat);
    assert_eq!(peer.end_rx.recv_timeout(PATIENCE).unwrap().code, CloseCode::GOING_AWAY);
    while updates.recv_timeout(PATIENCE).is_ok() {}

    let wait = Duration::from_secs(3600);
    let waiting = Some(Backoff::new(wait, wait));
    let (chat, updates, peer) = script.join(script.builder().reconnect(waiting));
    peer.cut();
    lost(&updates);
    drop(chat);
    while updates.recv_timeout(PATIENCE).is_ok() {}

    // The next attempt gets no welcome.
    let (chat, updates, peer) = script.start();
    peer.cut();
    let _unwelcome = script.peer();
    drop(chat);
    while updates.recv_timeout(PATIENCE).is_ok() {}

    // Nobody reads the updates.
    let (chat, updates, peer) = script.start();
    (0..1000).for_each(|number| peer.tell(&said("lobby", "hi", &number.to_string())));
    crate::support::eventually("the updates are full", || updates.is_full());
    drop(chat);
    assert!(start.elapsed() < PATIENCE);
}

/// Counts this process's threads, so it runs in a process of its own.
#[cfg(target_os = "linux")]
#[test]
fn no_thread_is_left_behind() {
    crate::support::succeeds_alone("chat_session::ending::threads_of_this_process");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by no_thread_is_left_behind, alone in a process"]
fn threads_of_this_process() {
    let threads = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        let is_ours = |name: &String| name.starts_with("chinwag-chat") || name.contains("drain-c");
        names.filter(is_ours).count()
    };
    let script = Script::new();
    let (chat, _updates, peer) = script.start();
    crate::support::eventually("three threads", || threads() == 3);
    peer.cut();
    script.peer().welcome("S", "lobby", "s-0");
    crate::support::eventually("three threads again", || threads() == 3);
    drop(chat);
    crate::support::eventually("none", || threads() == 0);
    let (chat, _updates, _peer) = script.start();
    chat.close(Duration::ZERO);
    crate::support::eventually("none after closing", || threads() == 0);
}
