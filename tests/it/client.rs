//! The client, against a server of raw bytes.

use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use chinwag::{
    Canceller, Clock, CloseCode, ClosedBy, ConnectOptions, Connection, ConnectionState, Error, Message,
};

use crate::raw_server::{BINARY, CLOSE, PATIENCE, PING, PONG, Peer, RawServer, TEXT, frame};

mod connecting;
mod ending;

#[test]
fn messages_go_both_ways() {
    let server = RawServer::upgraded(|peer| {
        for _ in 0..2 {
            let frame = peer.read_frame();
            peer.send_frame(frame.flags, &frame.payload);
        }
        peer.answer_close();
    });
    let mut connection = Connection::connect(&server.url()).unwrap();
    assert_eq!(connection.state(), ConnectionState::Open);
    connection.send("hällo").unwrap();
    connection.send(vec![1, 2, 3]).unwrap();
    assert_eq!(connection.recv().unwrap().as_text(), Some("hällo"));
    assert_eq!(connection.recv().unwrap(), Message::from(vec![1, 2, 3]));
    let reason = connection.close(CloseCode::NORMAL, "bye").unwrap();
    assert_eq!((reason.code, reason.by, reason.clean), (CloseCode::NORMAL, ClosedBy::Local, true));
    assert_eq!(connection.state(), ConnectionState::Closed);
    server.finish();
}

#[test]
fn what_comes_right_behind_the_response_is_received() {
    let server = RawServer::run(|listener| {
        let mut peer = Peer::accept(listener);
        let bytes = [peer.switching("").as_bytes(), &frame(TEXT, b"first"), &frame(TEXT, b"second")].concat();
        peer.send(&bytes);
        peer.answer_close();
    });
    let mut connection = Connection::connect(&server.url()).unwrap();
    assert_eq!(connection.recv().unwrap().as_text(), Some("first"));
    assert_eq!(connection.recv().unwrap().as_text(), Some("second"));
    connection.close(1000, "").unwrap();
    server.finish();
}

#[test]
fn both_halves_work_while_the_peer_does_one_thing_at_a_time() {
    const COUNT: usize = 200;
    const SIZE: usize = 64 * 1024;
    // The server sends 12 MiB before it reads anything, then reads as much.
    let server = RawServer::upgraded(|peer| {
        for number in 0..COUNT {
            peer.send_frame(BINARY, &vec![number as u8; SIZE]);
        }
        for number in 0..COUNT {
            assert_eq!(peer.read_frame().payload, vec![number as u8; SIZE]);
        }
        peer.answer_close();
    });
    let (sender, mut receiver) = Connection::connect(&server.url()).unwrap().split();
    let sending = thread::spawn(move || {
        (0..COUNT).for_each(|number| sender.send(vec![number as u8; SIZE]).unwrap());
    });
    for number in 0..COUNT {
        assert_eq!(receiver.recv().unwrap().as_bytes(), vec![number as u8; SIZE]);
    }
    sending.join().unwrap();
    assert!(receiver.close(1000, "").unwrap().clean);
    server.finish();
}

#[test]
fn sending_waits_while_the_outbox_is_full_and_stays_bounded() {
    let (read_tx, read_rx) = mpsc::channel();
    let server = RawServer::upgraded(move |peer| {
        read_rx.recv_timeout(PATIENCE).unwrap();
        (0..100).for_each(|_| assert_eq!(peer.read_frame().payload.len(), 256 * 1024));
        peer.answer_close();
    });
    let options = ConnectOptions::new().outbox_bytes(512 * 1024).outbox_messages(4);
    let (sender, mut receiver) = options.connect(&server.url()).unwrap().split();
    let second = sender.clone();
    let sending = thread::spawn(move || {
        (0..100).for_each(|_| second.send(vec![7; 256 * 1024]).unwrap());
    });
    let start = Instant::now();
    while sender.queued().0 <= 256 * 1024 && start.elapsed() < PATIENCE {
        thread::yield_now();
    }
    let (bytes, messages) = sender.queued();
    assert!(bytes > 0 && bytes < 1024 * 1024 && messages <= 4, "{bytes} bytes, {messages} messages");
    assert!(!sending.is_finished(), "25 MiB fit into no socket");
    read_tx.send(()).unwrap();
    sending.join().unwrap();
    assert!(receiver.close(1000, "").unwrap().clean);
    server.finish();
}

#[test]
fn fragments_are_on_the_wire_as_written_and_whole_messages_wait() {
    let (seen_tx, seen_rx) = mpsc::channel();
    let server = RawServer::upgraded(move |peer| {
        for _ in 0..6 {
            let frame = peer.read_frame();
            seen_tx.send((frame.flags, frame.text().to_owned())).unwrap();
        }
        peer.answer_close();
    });
    let mut connection = Connection::connect(&server.url()).unwrap();
    let mut writer = connection.text_writer().unwrap();
    writer.write("Hel").unwrap();
    let sender = connection.sender();
    let sending = thread::spawn(move || sender.send("whole").unwrap());
    connection.ping(b"in between").unwrap();
    writer.write("").unwrap();
    writer.write("lo").unwrap();
    writer.finish().unwrap();
    sending.join().unwrap();
    connection.binary_writer().unwrap().finish().unwrap();
    let expected =
        [(0x01, "Hel"), (PING, "in between"), (0x00, "lo"), (0x80, ""), (TEXT, "whole"), (BINARY, "")];
    for (flags, text) in expected {
        assert_eq!(seen_rx.recv_timeout(PATIENCE).unwrap(), (flags, text.to_owned()));
    }
    connection.close(1000, "").unwrap();
    server.finish();
}

#[test]
fn a_message_left_unfinished_closes_with_1011() {
    let server = RawServer::upgraded(|peer| {
        assert_eq!(peer.read_frame().flags, 0x01);
        assert_eq!(peer.answer_close().0, 1011);
    });
    let mut connection = Connection::connect(&server.url()).unwrap();
    let mut writer = connection.text_writer().unwrap();
    writer.write("half").unwrap();
    drop(writer);
    let Err(Error::Closed(reason)) = connection.recv() else { panic!("the connection should be closed") };
    assert_eq!((reason.code, reason.by, reason.clean), (CloseCode::INTERNAL, ClosedBy::Local, true));
    server.finish();
}

#[test]
fn a_writer_that_wrote_nothing_leaves_no_trace() {
    let server = RawServer::upgraded(|peer| {
        assert_eq!(peer.read_frame().text(), "hi");
        peer.answer_close();
    });
    let mut connection = Connection::connect(&server.url()).unwrap();
    drop(connection.text_writer().unwrap());
    connection.send("hi").unwrap();
    connection.close(1000, "").unwrap();
    server.finish();
}

#[test]
fn pings_are_answered_while_only_receiving() {
    let server = RawServer::upgraded(|peer| {
        peer.send_frame(PING, b"are you there");
        let pong = peer.read_frame();
        assert_eq!((pong.flags, pong.text()), (PONG, "are you there"));
        peer.send_frame(TEXT, b"thanks");
        peer.answer_close();
    });
    let mut connection = Connection::connect(&server.url()).unwrap();
    assert_eq!(connection.recv().unwrap().as_text(), Some("thanks"));
    connection.close(1000, "").unwrap();
    server.finish();
}

#[test]
fn waiting_for_a_message_ends_by_its_limit_and_loses_nothing() {
    let (go_tx, go_rx) = mpsc::channel();
    let server = RawServer::upgraded(move |peer| {
        let bytes = frame(TEXT, b"in two pieces");
        peer.send(&bytes[..5]);
        go_rx.recv_timeout(PATIENCE).unwrap();
        peer.send(&bytes[5..]);
        peer.answer_close();
    });
    let mut connection = Connection::connect(&server.url()).unwrap();
    assert_eq!(connection.try_recv().unwrap(), None);
    assert_eq!(connection.recv_timeout(Duration::from_millis(50)).unwrap(), None);
    go_tx.send(()).unwrap();
    let message = connection.recv_timeout(PATIENCE).unwrap().unwrap();
    assert_eq!(message.as_text(), Some("in two pieces"));
    connection.close(1000, "").unwrap();
    assert!(matches!(connection.try_recv(), Err(Error::Closed(_))));
    server.finish();
}

#[test]
fn iterating_ends_with_the_connection() {
    let server = RawServer::upgraded(|peer| {
        ["a", "b"].iter().for_each(|text| peer.send_frame(TEXT, text.as_bytes()));
        peer.close(4000, "that was all");
        assert_eq!(peer.read_close().0, 4000);
    });
    let (_sender, receiver) = Connection::connect(&server.url()).unwrap().split();
    let mut messages = receiver.into_iter();
    assert_eq!(messages.by_ref().map(|message| message.to_string()).collect::<Vec<_>>(), ["a", "b"]);
    let reason = messages.into_receiver().close_reason().unwrap();
    assert_eq!((reason.code.value(), reason.reason.as_str()), (4000, "that was all"));
    assert_eq!((reason.by, reason.clean), (ClosedBy::Peer, true));
    server.finish();
}
