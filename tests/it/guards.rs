//! What a server on a public port, or on a person's own machine, does not let be done to it.

use std::time::{Duration, Instant};

use chinwag::{CloseCode, Connection, MessageRate, Server};

use crate::support::{Program, addr, answer_to, chat_with, hear_end, hears, join, request};

#[test]
fn a_page_from_elsewhere_cannot_come_in_by_a_name_that_resolves_to_this_machine() {
    let (_server, addr) = Program::chat_server(&["--allow-host", "chat.example"]);
    let upgrade = |host: &str| {
        let fields = format!("Origin: http://{host}\r\n");
        let own = request("/?name=John", &fields);
        let host_field = own.lines().find(|line| line.starts_with("Host:")).unwrap().to_owned();
        answer_to(addr, &own.replace(&host_field, &format!("Host: {host}")))
    };
    let page = |host: &str| answer_to(addr, &format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    for host in ["evil.example", "evil.example:9001", "127.0.0.1.evil.example"] {
        for answer in [upgrade(host), page(host)] {
            assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("(Host)"), "{host}: {answer}");
        }
    }
    for host in ["localhost", "127.0.0.1:9001", "[::1]", "chat.example"] {
        assert!(page(host).starts_with("HTTP/1.1 200 "), "{host}");
    }
    assert!(upgrade("localhost:9001").starts_with("HTTP/1.1 101 "));
}

fn talking_at(burst: u32, per_second: u32) -> Server {
    let rate = MessageRate { burst: burst.try_into().unwrap(), per_second: per_second.try_into().unwrap() };
    chat_with(Server::builder().message_rate(Some(rate)))
}

#[test]
fn what_is_said_too_fast_waits_and_is_all_heard() {
    let server = talking_at(5, 50);
    let mut john = join(&server, "John");
    hears(&mut john, &["John joined.", "Welcome John."]);
    let began = Instant::now();
    for number in 0..25 {
        john.send(number.to_string()).unwrap();
    }
    for number in 0..25 {
        hears(&mut john, &[&format!("John says: {number}")]);
    }
    // Five at once, and then 20 at 50 a second.
    assert!(began.elapsed() >= Duration::from_millis(380), "{:?}", began.elapsed());
}

#[test]
fn who_goes_on_talking_too_fast_is_closed_and_nobody_else() {
    let server = talking_at(5, 10);
    let mut john = join(&server, "John");
    let mut flood = Connection::connect(&format!("ws://{}/?name=Flood", addr(&server))).unwrap();
    for number in 0..1000 {
        if flood.send(number.to_string()).is_err() {
            break;
        }
    }
    let reason = hear_end(&mut flood);
    assert_eq!(reason.code, CloseCode::POLICY);
    assert!(reason.reason.contains("too fast"), "{reason}");
    john.send("undisturbed").unwrap();
    while crate::support::hear(&mut john) != "John says: undisturbed" {}
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    for args in [
        ["--message-rate", "20"],
        ["--message-rate", "0:10"],
        ["--connections-per-address", "0"],
        ["--joins-per-address", "many"],
    ] {
        let output =
            std::process::Command::new(env!("CARGO_BIN_EXE_chat-server")).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}
