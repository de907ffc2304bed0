//! How connections end, and what they leave behind.

use super::*;

#[test]
fn the_peers_close_code_and_reason_are_told() {
    let server = RawServer::upgraded(|peer| {
        peer.close(1008, "too fast");
        assert_eq!(peer.read_close().0, 1008);
    });
    let mut connection = Connection::connect(&server.url()).unwrap();
    let Err(Error::Closed(reason)) = connection.recv() else { panic!("expected the end") };
    assert_eq!((reason.code, reason.reason.as_str()), (CloseCode::POLICY, "too fast"));
    assert_eq!((reason.by, reason.clean), (ClosedBy::Peer, true));
    assert_eq!(connection.close_reason(), Some(reason.clone()));
    assert_eq!(connection.state(), ConnectionState::Closed);
    assert!(matches!(connection.send("late"), Err(Error::Closed(told)) if told == reason));
    assert!(matches!(connection.recv(), Err(Error::Closed(told)) if told == reason));
    server.finish();
}

#[test]
fn a_peer_that_vanishes_is_an_ordinary_end() {
    let server = RawServer::upgraded(|peer| peer.stream.shutdown(std::net::Shutdown::Both).unwrap());
    let mut connection = Connection::connect(&server.url()).unwrap();
    let Err(Error::Closed(reason)) = connection.recv() else { panic!("expected the end") };
    assert_eq!((reason.code, reason.by, reason.clean), (CloseCode::ABNORMAL, ClosedBy::Peer, false));
    server.finish();
}

#[test]
fn after_half_closing_messages_still_come_in() {
    let server = RawServer::upgraded(|peer| {
        assert_eq!(peer.read_frame().text(), "last");
        assert_eq!(peer.read_close(), (1000, "done".to_owned()));
        peer.send_frame(TEXT, b"one more thing");
        peer.close(1000, "");
        assert_eq!(peer.read_to_end(), 0, "nothing follows a close frame");
    });
    let mut connection = Connection::connect(&server.url()).unwrap();
    connection.send("last").unwrap();
    connection.close_output(CloseCode::NORMAL, "done").unwrap();
    assert_eq!(connection.state(), ConnectionState::CloseSent);
    assert!(matches!(connection.send("late"), Err(Error::Closed(_))));
    assert_eq!(connection.recv().unwrap().as_text(), Some("one more thing"));
    let Err(Error::Closed(reason)) = connection.recv() else { panic!("expected the end") };
    assert_eq!((reason.code, reason.by, reason.clean), (CloseCode::NORMAL, ClosedBy::Local, true));
    server.finish();
}

#[test]
fn closing_gives_up_where_the_peer_does_not_answer() {
    let (done_tx, done_rx) = mpsc::channel();
    let server = RawServer::upgraded(move |peer| {
        assert_eq!(peer.read_close().0, 1000);
        done_rx.recv_timeout(PATIENCE).unwrap();
    });
    let options = ConnectOptions::new().close_timeout(Duration::from_millis(100));
    let mut connection = options.connect(&server.url()).unwrap();
    let reason = connection.close(1000, "").unwrap();
    assert_eq!((reason.code, reason.clean), (CloseCode::NORMAL, false));
    done_tx.send(()).unwrap();
    server.finish();
}

#[test]
fn codes_and_reasons_that_must_not_be_sent_are_invalid() {
    let server = RawServer::upgraded(|peer| assert_eq!(peer.answer_close().0, 1005));
    let mut connection = Connection::connect(&server.url()).unwrap();
    assert!(matches!(connection.close(1006, ""), Err(Error::Invalid(_))));
    assert!(matches!(connection.close(1000, &"x".repeat(124)), Err(Error::Invalid(_))));
    assert!(matches!(connection.ping(&[0; 126]), Err(Error::Invalid(_))));
    assert_eq!(connection.state(), ConnectionState::Open);
    connection.close(CloseCode::NO_STATUS, "").unwrap();
    server.finish();
}

#[test]
fn aborting_wakes_a_blocked_receive() {
    let server = RawServer::upgraded(|peer| assert_eq!(peer.read_to_end(), 0));
    let (sender, mut receiver) = Connection::connect(&server.url()).unwrap().split();
    let (done_tx, done_rx) = mpsc::channel();
    thread::spawn(move || done_tx.send(receiver.recv()).unwrap());
    sender.abort();
    let result = done_rx.recv_timeout(PATIENCE).unwrap();
    let Err(Error::Closed(reason)) = result else { panic!("expected the end, got {result:?}") };
    assert_eq!((reason.code, reason.by), (CloseCode::ABNORMAL, ClosedBy::Local));
    assert_eq!(sender.state(), ConnectionState::Aborted);
    assert!(matches!(sender.send("late"), Err(Error::Closed(_))));
    server.finish();
}

#[test]
fn aborting_wakes_a_blocked_send() {
    let (done_tx, done_rx) = mpsc::channel();
    let server = RawServer::upgraded(move |_peer| {
        done_rx.recv_timeout(PATIENCE).unwrap();
    });
    let (sender, _receiver) = Connection::connect(&server.url()).unwrap().split();
    let second = sender.clone();
    let sending = thread::spawn(move || while second.send(vec![0; 512 * 1024]).is_ok() {});
    let start = Instant::now();
    while sender.queued().0 == 0 && start.elapsed() < PATIENCE {
        thread::yield_now();
    }
    sender.abort();
    sending.join().unwrap();
    done_tx.send(()).unwrap();
    server.finish();
}

#[test]
fn a_silent_peer_is_pinged_and_then_given_up() {
    let (pinged_tx, pinged_rx) = mpsc::channel();
    let server = RawServer::upgraded(move |peer| {
        let ping = peer.read_frame();
        assert_eq!(ping.flags, PING);
        pinged_tx.send(()).unwrap();
        assert_eq!(peer.read_close(), (1008, "keepalive missed: no answer to a ping".to_owned()));
        peer.read_to_end();
    });
    let (clock, hand) = Clock::manual();
    let options = ConnectOptions::new()
        .clock(clock)
        .ping_interval(Some(Duration::from_secs(7)))
        .ping_timeout(Duration::from_secs(3));
    let mut connection = options.connect(&server.url()).unwrap();
    hand.advance(Duration::from_secs(7));
    pinged_rx.recv_timeout(PATIENCE).unwrap();
    hand.advance(Duration::from_secs(3));
    let Err(Error::Closed(reason)) = connection.recv() else { panic!("expected the end") };
    assert_eq!((reason.code, reason.by, reason.clean), (CloseCode::POLICY, ClosedBy::Local, false));
    server.finish();
}

#[test]
fn a_peer_that_answers_pings_is_kept_while_nobody_receives() {
    let (event_tx, event_rx) = mpsc::channel();
    let server = RawServer::upgraded(move |peer| {
        for _ in 0..3 {
            assert_eq!(peer.read_frame().flags, PING);
            peer.send_frame(PONG, b"");
            event_tx.send(()).unwrap();
        }
        assert_eq!(peer.read_frame().text(), "still here");
        peer.answer_close();
    });
    let (clock, hand) = Clock::manual();
    let mut connection = ConnectOptions::new().clock(clock).connect(&server.url()).unwrap();
    // The pongs lie in the system's buffer: nobody calls recv meanwhile.
    for _ in 0..3 {
        hand.advance(Duration::from_secs(20));
        event_rx.recv_timeout(PATIENCE).expect("a ping each 20 s");
    }
    connection.send("still here").unwrap();
    assert!(connection.close(1000, "").unwrap().clean);
    server.finish();
}

#[test]
fn a_message_over_the_limit_closes_with_1009() {
    let server = RawServer::upgraded(|peer| {
        peer.send_frame(TEXT, &[b'x'; 101]);
        assert_eq!(peer.read_close().0, 1009);
    });
    let mut connection = ConnectOptions::new().max_message_size(100).connect(&server.url()).unwrap();
    let error = connection.recv().unwrap_err();
    assert!(matches!(error, Error::Protocol(..)), "{error:?}");
    assert_eq!(error.close_reason().unwrap().code, CloseCode::TOO_BIG);
    assert!(matches!(connection.recv(), Err(Error::Closed(reason)) if reason.code == CloseCode::TOO_BIG));
    server.finish();
}

#[test]
fn a_masked_frame_is_a_violation_and_closes_with_1002() {
    let server = RawServer::upgraded(|peer| {
        peer.send(&[TEXT, 0x81, 1, 2, 3, 4, b'x']);
        assert_eq!(peer.read_close().0, 1002);
    });
    let mut connection = Connection::connect(&server.url()).unwrap();
    let error = connection.recv().unwrap_err();
    assert!(matches!(&error, Error::Protocol(_, reason) if reason.code == CloseCode::PROTOCOL), "{error:?}");
    server.finish();
}

#[test]
fn dropping_says_going_away() {
    let server = RawServer::upgraded(|peer| {
        assert_eq!(peer.read_frame().text(), "hi");
        assert_eq!(peer.read_close().0, 1001);
        assert_eq!(peer.read_to_end(), 0);
    });
    let (sender, receiver) = Connection::connect(&server.url()).unwrap().split();
    sender.send("hi").unwrap();
    drop(receiver);
    drop(sender);
    server.finish();
}

/// Counts this process's threads, so it runs in a process of its own.
#[cfg(target_os = "linux")]
#[test]
fn no_thread_is_left_behind() {
    crate::support::succeeds_alone("client::ending::threads_of_this_process");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by no_thread_is_left_behind, alone in a process"]
fn threads_of_this_process() {
    let threads = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|name| name.starts_with("chinwag-")).count()
    };
    // A new thread gets its name, and a joined one leaves the list, a moment later.
    let wait_for_threads = |count| {
        let start = Instant::now();
        while threads() != count {
            assert!(start.elapsed() < PATIENCE, "expected {count} threads, there are {}", threads());
            thread::yield_now();
        }
    };
    let (done_tx, done_rx) = mpsc::channel();
    let server = RawServer::run(move |listener| {
        let mut first = Peer::accept(listener);
        first.upgrade("");
        first.answer_close();
        let mut second = Peer::accept(listener);
        second.upgrade("");
        done_rx.recv_timeout(PATIENCE).unwrap();
        assert_eq!(second.read_frame().flags, CLOSE);
    });
    let mut connection = Connection::connect(&server.url()).unwrap();
    wait_for_threads(1);
    connection.close(1000, "").unwrap();
    drop(connection);
    wait_for_threads(0);
    let connection = Connection::connect(&server.url()).unwrap();
    drop(connection);
    wait_for_threads(0);
    done_tx.send(()).unwrap();
    server.finish();
}
