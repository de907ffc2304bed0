//! How many pings and pongs one peer may send, on either side.

use std::time::Duration;

use chinwag::{Clock, CloseCode, ConnectOptions, Connection, Error, Event, Server};

use crate::metrics::scrape;
use crate::raw_server::{PING, PONG, RawServer, TEXT, frame};
use crate::support::{PATIENCE, Program, Raw, addr, chat_with, hear, hears, join, masked};

const WORDS: &str = "too many control frames in a short time";

fn pings(count: usize) -> Vec<u8> {
    masked(PING, b"").repeat(count)
}

/// Whether the connection goes on.
fn is_answered(raw: &mut Raw) {
    raw.send_frame(PING, b"still there?");
    while raw.read_frame() != (PONG, b"still there?".to_vec()) {}
}

#[test]
fn a_thousand_pings_in_ten_seconds_are_answered_and_one_more_ends_in_1008() {
    let (clock, hand) = Clock::manual();
    let server = Server::builder().clock(clock).bind("127.0.0.1:0").unwrap();
    let mut raw = Raw::upgrade(addr(&server), "/");
    raw.send(&pings(999));
    is_answered(&mut raw);
    hand.advance(Duration::from_secs(10));
    raw.send(&pings(999));
    is_answered(&mut raw);
    // One of them lies in the middle of a piece of bytes that tungstenite would swallow whole.
    raw.send(&pings(10));
    assert_eq!(raw.read_close(), (1008, WORDS.to_owned()));
}

#[test]
fn pongs_that_nobody_asked_for_count_and_messages_between_do_not_hide_them() {
    let (builder, events) = Server::builder().max_control_frames(3).events(16);
    let server = builder.bind("127.0.0.1:0").unwrap();
    let mut raw = Raw::upgrade(addr(&server), "/");
    assert!(matches!(events.recv_timeout(PATIENCE).unwrap(), Event::Open(_)));
    let (text, begin, go_on) = (masked(TEXT, b"hi"), masked(0x01, b"once"), masked(0x00, b"upon"));
    let (ping, pong) = (masked(PING, b""), masked(PONG, b""));
    raw.send(&[text, pong.clone(), begin, pong.clone(), go_on, ping, pong].concat());
    assert!(matches!(events.recv_timeout(PATIENCE).unwrap(), Event::Text(_, text) if text == "hi"));
    assert_eq!(raw.read_close(), (1008, WORDS.to_owned()));
    let Event::Error(_, error) = events.recv_timeout(PATIENCE).unwrap() else { panic!("told first") };
    assert!(error.to_string().contains(WORDS), "{error}");
    assert!(matches!(
        events.recv_timeout(PATIENCE).unwrap(),
        Event::Close(_, reason) if reason.code == CloseCode::POLICY && reason.reason == WORDS
    ));
}

#[test]
fn pongs_that_were_asked_for_are_free() {
    let (builder, events) = Server::builder().max_control_frames(2).events(16);
    let server = builder.bind("127.0.0.1:0").unwrap();
    let john = Connection::connect(&format!("ws://{}/", addr(&server))).unwrap();
    let Event::Open(client) = events.recv_timeout(PATIENCE).unwrap() else { panic!("opened first") };
    let reading = std::thread::spawn(move || john.into_iter().for_each(drop));
    for round in 0..20 {
        assert!(client.measure_round_trip(PATIENCE).is_some(), "round trip {round}");
    }
    client.close(CloseCode::NORMAL, "enough");
    reading.join().unwrap();
    let Event::Close(_, reason) = events.recv_timeout(PATIENCE).unwrap() else { panic!("closed next") };
    assert_eq!((reason.code, reason.clean), (CloseCode::NORMAL, true));
}

#[test]
fn nobody_is_thrown_out_by_being_asked_for_their_name() {
    let server = chat_with(Server::builder().max_control_frames(2));
    let mut john = join(&server, "John");
    hears(&mut john, &["John joined.", "Welcome John."]);
    let reading = std::thread::spawn(move || (hear(&mut john), john));
    for claim in 0..20 {
        // Each has the holder pinged.
        match Connection::connect(&format!("ws://{}/?name=John", addr(&server))) {
            Err(Error::Refused(response)) => assert_eq!(response.status, 409, "claim {claim}"),
            other => panic!("claim {claim}: {other:?}"),
        }
    }
    let _adam = join(&server, "Adam");
    assert_eq!(reading.join().unwrap().0, "Adam joined.");
}

#[test]
fn who_pings_gets_as_many_pongs_as_that_is() {
    const PINGS: usize = 5_000;
    let (builder, events) = Server::builder().max_control_frames(u32::MAX).events(16);
    let server = builder.bind("127.0.0.1:0").unwrap();
    let mut john = Connection::connect(&format!("ws://{}/", addr(&server))).unwrap();
    for ping in 0..PINGS {
        john.ping(&ping.to_be_bytes()).unwrap();
    }
    john.send("that was all").unwrap();
    assert!(matches!(events.recv_timeout(PATIENCE).unwrap(), Event::Open(_)));
    let Event::Text(client, _) = events.recv_timeout(PATIENCE).unwrap() else { panic!("all were taken") };
    client.send("so it was");
    assert_eq!(hear(&mut john), "so it was");
}

#[test]
fn a_server_that_pings_without_end_is_left_with_1008() {
    let server = RawServer::upgraded(|peer| {
        peer.send(&frame(TEXT, b"hello"));
        // In both of two windows more than is borne.
        peer.send(&frame(PING, b"").repeat(3_000));
        let close = std::iter::repeat_with(|| peer.read_frame()).find(|frame| frame.flags == 0x88).unwrap();
        assert_eq!(close.payload, [&1008_u16.to_be_bytes()[..], WORDS.as_bytes()].concat());
    });
    let mut john =
        ConnectOptions::new().close_timeout(Duration::from_millis(200)).connect(&server.url()).unwrap();
    assert_eq!(hear(&mut john), "hello");
    match john.recv_timeout(PATIENCE) {
        Err(Error::Protocol(words, reason)) => {
            assert_eq!((&*words, reason.code), (WORDS, CloseCode::POLICY));
        }
        other => panic!("unexpected: {other:?}"),
    }
    server.finish();
}

#[test]
fn chat_server_has_the_limit_as_an_option_and_counts_who_broke_it() {
    let (_server, addr) = Program::chat_server(&["--max-control-frames", "5"]);
    let closed = || scrape(addr).labelled("chinwag_closes_total", &[("code", "1008")]);
    assert_eq!(closed(), 0.0);
    let mut raw = Raw::upgrade(addr, "/?name=Eve");
    raw.send(&pings(11));
    assert_eq!(raw.read_close(), (1008, WORDS.to_owned()));
    raw.read_to_end();
    crate::support::eventually("the close is counted", || closed() == 1.0);
}
