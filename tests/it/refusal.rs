//! Who is not let in is told why, before the upgrade.

use std::io::Write;
use std::time::Duration;

use chinwag::{Clock, Connection, Error, Server};

use crate::support::{PATIENCE, Program, Raw, addr, answer_to, chat, chat_with, hear, hears, join, request};

#[track_caller]
fn assert_answer(answer: &str, status: u16, words: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "expected {status}: {answer}");
    assert!(answer.contains(words), "expected {words:?}: {answer}");
}

#[test]
fn requests_that_cannot_be_served_get_a_status_and_a_reason() {
    let server = chat();
    let ask = |bytes: &str| answer_to(addr(&server), bytes);
    assert_answer(&ask(&request("/", "")), 400, "a name is needed");
    assert_answer(&ask(&request("/?name=%20", "")), 400, "name");
    assert_answer(&ask(&request("/?name=a%00b", "")), 400, "name not allowed");
    assert_answer(&ask(&request("/?name=John&room=two+words", "")), 400, "the room's name has a space");
    assert_answer(&ask(&request("/?name=John&history=x", "")), 400, "number");
    assert_answer(&ask(&request("/elsewhere?name=John", "")), 404, "nothing is here");
    assert_answer(&ask("GET /?name=John HTTP/1.1\r\nHost: a\r\n\r\n"), 426, "Upgrade: websocket");
    assert_answer(&ask(&request("/?name=John", "").replace("GET", "POST")), 405, "Allow: GET");
    assert_answer(&ask(&request("/?name=John", "").replace("HTTP/1.1", "HTTP/1.0")), 505, "HTTP/1.1");
    assert_answer(&ask(&request("/?name=John", "").replace(": 13", ": 8")), 426, "Sec-WebSocket-Version: 13");
    assert_answer(&ask(&request("/?name=John", "").replace("dGhl", "")), 400, "16 bytes in base64");
    assert_answer(&ask(&request("/?name=John", "Host: b\r\n")), 400, "one Host");
    assert_answer(&ask(&request("/?name=John", "Origin: https://evil.example\r\n")), 403, "web page");
    assert_answer(&ask(&request(&format!("/?name={}", "x".repeat(20_000)), "")), 431, "16384");
    assert_answer(&ask("\x16\x03\x01\x02\x00 this is TLS\r\n\r\n"), 400, "this port speaks no TLS");
    assert_answer(&ask(&request("/?name=John", "Content-Length: 5\r\n")), 400, "no body");
    assert_answer(&ask(&request("/?name=%ff", "")), 400, "name not allowed");
    // Nobody came in by any of these.
    assert!(server.hub().is_empty());
}

#[test]
fn a_page_of_the_same_host_is_let_in() {
    let server = chat();
    let answer = answer_to(addr(&server), &request("/?name=John", "Origin: http://127.0.0.1\r\n"));
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
}

#[test]
fn a_taken_name_is_refused_in_any_case_and_look_alike() {
    let (clock, hand) = Clock::manual();
    let server = chat_with(Server::builder().clock(clock));
    let mut john = join(&server, "John");
    hears(&mut john, &["John joined.", "Welcome John."]);
    let answering = std::thread::spawn(move || {
        hears(&mut john, &["still here"]);
        john.recv_timeout(PATIENCE)
    });
    for name in ["John", "JOHN", "J%D0%BEhn", "%20John%20"] {
        let url = format!("ws://{}/?name={name}", addr(&server));
        match Connection::connect(&url) {
            Err(Error::Refused(response)) => {
                assert_eq!(response.status, 409, "{name}");
                assert!(response.body.contains("taken"), "{}", response.body);
            }
            other => panic!("{name} was not refused: {other:?}"),
        }
    }
    // Who answered once need not speak again to stay.
    hand.advance(Duration::from_secs(3));
    hand.advance(Duration::from_secs(3));
    server.broadcast("still here");
    server.shutdown().unwrap();
    assert!(answering.join().unwrap().is_err(), "John heard nobody until the end");
}

#[test]
fn a_name_whose_holder_answers_no_ping_is_free_again() {
    let (clock, hand) = Clock::manual();
    let server = chat_with(Server::builder().clock(clock));
    // Reads nothing and so answers nothing.
    let mut ghost = Raw::upgrade(addr(&server), "/?name=John");
    ghost.read(29);
    let mut adam = join(&server, "Adam");
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    let url = format!("ws://{}/?name=John", addr(&server));
    let newcomer = std::thread::spawn(move || Connection::connect(&url));
    // The ping tells that the probe is under way.
    while ghost.read_frame().0 != 0x89 {}
    hand.advance(Duration::from_secs(3));
    let mut john = newcomer.join().unwrap().unwrap();
    hears(&mut john, &["John joined.", "Welcome John."]);
    hears(&mut adam, &["John left.", "John joined."]);
    assert_eq!(ghost.read_close().0, 1008);
}

#[test]
fn of_many_who_claim_a_name_at_once_exactly_one_gets_it() {
    let server = chat();
    let url = format!("ws://{}/?name=John", addr(&server));
    let claims: Vec<_> = (0..16)
        .map(|_| {
            let url = url.clone();
            // Whoever gets in goes on reading, and so answers the pings of the others.
            std::thread::spawn(move || match Connection::connect(&url) {
                Ok(mut john) => {
                    while john.recv_timeout(PATIENCE).is_ok_and(|message| message.is_some()) {}
                    true
                }
                Err(Error::Refused(response)) => {
                    assert_eq!(response.status, 409);
                    false
                }
                Err(error) => panic!("{error}"),
            })
        })
        .collect();
    crate::support::eventually("all but one are refused", || {
        claims.iter().filter(|claim| claim.is_finished()).count() == 15
    });
    assert_eq!(server.hub().len(), 1);
    server.shutdown().unwrap();
    let winners = claims.into_iter().filter_map(|claim| claim.join().unwrap().then_some(())).count();
    assert_eq!(winners, 1);
}

#[test]
fn a_full_server_answers_503_and_takes_clients_again_when_one_leaves() {
    let server = chat_with(Server::builder().max_clients(1));
    assert_eq!(server.max_clients().0, 1);
    let mut john = join(&server, "John");
    assert_eq!(hear(&mut john), "John joined.");
    let answer = answer_to(addr(&server), &request("/?name=Adam", ""));
    assert_answer(&answer, 503, "Retry-After: 5");
    john.close(chinwag::CloseCode::NORMAL, "").unwrap();
    drop(john);
    crate::support::eventually("the place is free", || {
        answer_to(addr(&server), &request("/?name=Adam", "")).starts_with("HTTP/1.1 101 ")
    });
}

#[test]
fn a_handshake_has_one_deadline_for_all_of_it() {
    let (clock, hand) = Clock::manual();
    let server = chat_with(Server::builder().clock(clock));
    let mut silent = Raw::connect(addr(&server));
    let mut slow = Raw::connect(addr(&server));
    slow.send(b"GET / HTTP/1.1\r\n");
    for _ in 0..4 {
        hand.advance(Duration::from_secs(2));
        slow.send(b"X-Slow: 1\r\n");
    }
    // Both are in their handshake once a third, which came later, has been answered.
    answer_to(addr(&server), "GET / HTTP/1.1\r\n\r\n");
    let read = std::thread::spawn(move || [silent.read_to_end(), slow.read_to_end()]);
    // Whenever they were accepted, ten seconds from then are over. The clock then
    // stands still, for they have a moment only to take the answer.
    hand.advance(Duration::from_secs(10));
    for answer in read.join().unwrap() {
        assert_answer(&String::from_utf8(answer).unwrap(), 408, "too long");
    }
}

#[test]
fn too_many_handshakes_end_the_oldest_and_not_the_newest() {
    let server = chat_with(Server::builder().max_handshakes(4));
    let mut half_open: Vec<Raw> = (0..8).map(|_| Raw::connect(addr(&server))).collect();
    for raw in &mut half_open {
        raw.stream.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    }
    let mut john = join(&server, "John");
    hears(&mut john, &["John joined.", "Welcome John."]);
    assert_answer(&String::from_utf8(half_open[0].read_to_end()).unwrap(), 408, "too long");
}

#[test]
fn one_who_asks_again_and_again_does_not_put_off_the_end_of_a_dead_holder() {
    let (clock, hand) = Clock::manual();
    let server = chat_with(Server::builder().clock(clock));
    let mut ghost = Raw::upgrade(addr(&server), "/?name=John");
    ghost.read(29);
    let url = format!("ws://{}/?name=John", addr(&server));
    let claim = || {
        let url = url.clone();
        std::thread::spawn(move || Connection::connect(&url))
    };
    let first = claim();
    while ghost.read_frame().0 != 0x89 {}
    hand.advance(Duration::from_millis(1500));
    let refused = claim().join().unwrap();
    assert!(
        matches!(refused, Err(Error::Refused(response)) if response.status == 409),
        "one at a time finds out"
    );
    hand.advance(Duration::from_millis(1500));
    assert!(first.join().unwrap().is_ok());
    assert_eq!(ghost.read_close().0, 1008);
}

#[test]
fn refused_ones_who_linger_hold_no_more_than_the_handshakes_places() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let (program, addr) = Program::chat_server(&["--max-handshakes", "8", "-qqq"]);
    let threads = || std::fs::read_dir(format!("/proc/{}/task", program.child.id())).unwrap().count();
    let idle = threads();
    let mut lingering = Vec::new();
    for _ in 0..40 {
        let mut raw = Raw::connect(addr);
        raw.send(request("/?name=%20", "").as_bytes());
        assert!(raw.read_head().starts_with("HTTP/1.1 400 "));
        lingering.push(raw);
        assert!(threads() <= idle + 20, "{} threads", threads());
    }
}
