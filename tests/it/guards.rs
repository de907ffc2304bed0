//! What a server on a public port, or on a person's own machine, does not let be done to it.

use std::io::Read;
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use chinwag::chat_client::ChatClient;
use chinwag::{CloseCode, Connection, MessageRate, Server};

use crate::raw_server::{Peer, RawServer, TEXT};
use crate::support::{PATIENCE, Program, addr, answer_to, chat_with, hear_end, hears, join, request};

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

/// A server of raw bytes that says a rate; it hears `count` messages, and tells how long they took.
fn timing(
    fields: &'static str,
    first: &'static [&str],
    count: usize,
) -> (RawServer, mpsc::Receiver<Duration>) {
    let (took_tx, took_rx) = mpsc::channel();
    let server = RawServer::run(move |listener| {
        let mut peer = Peer::accept(listener);
        peer.upgrade(fields);
        first.iter().for_each(|text| peer.send_frame(TEXT, text.as_bytes()));
        let began = Instant::now();
        let messages = (0..count).map(|_| peer.read_frame()).filter(|frame| frame.flags == TEXT);
        assert_eq!(messages.count(), count);
        took_tx.send(began.elapsed()).unwrap();
    });
    (server, took_rx)
}

#[test]
fn clients_keep_to_the_rate_that_a_server_tells() {
    // Two at once, which is half of four, and then eight at 20 a second.
    let wanted = Duration::from_millis(380);
    let (server, took_rx) = timing("Chinwag-Message-Rate: 4:20\r\n", &[], 10);
    let mut john = Program::chat_client("John", server.addr);
    (0..10).for_each(|number| john.type_line(&number.to_string()));
    let took = took_rx.recv_timeout(PATIENCE).unwrap();
    assert!(took >= wanted, "text: {took:?}");
    server.finish();

    let fields = "Chinwag-Message-Rate: 4:20\r\nSec-WebSocket-Protocol: chinwag.v1\r\n";
    let welcome = &[r#"{"type":"welcome","name":"John","session":"12345678","room":"lobby","pos":"1"}"#];
    let (server, took_rx) = timing(fields, welcome, 10);
    let (chat, _updates) = ChatClient::builder(server.url(), "John").reconnect(None).connect().unwrap();
    (0..10).for_each(|number| drop(chat.say("lobby", number.to_string()).unwrap()));
    let took = took_rx.recv_timeout(PATIENCE).unwrap();
    assert!(took >= wanted, "JSON: {took:?}");
    server.finish();
}

#[test]
fn a_rate_that_is_none_changes_nothing() {
    for fields in ["", "Chinwag-Message-Rate: 0:10\r\n", "Chinwag-Message-Rate: fast\r\n"] {
        let server = RawServer::run(move |listener| {
            let mut peer = Peer::accept(listener);
            peer.upgrade(fields);
            peer.answer_close();
        });
        let mut connection = Connection::connect(&server.url()).unwrap();
        assert_eq!(connection.message_rate(), None, "{fields}");
        connection.close(CloseCode::NORMAL, "").unwrap();
        server.finish();
    }
    let told = join(&talking_at(20, 10), "John").message_rate();
    assert_eq!(told, Some("20:10".parse().unwrap()));
}

/// 200 lines at 15 a second are more than the ten seconds that a server bears with who is too fast.
#[test]
fn what_is_piped_in_faster_than_the_server_takes_it_is_all_said_in_order() {
    let (_server, addr) = Program::chat_server(&["--message-rate", "10:15"]);
    let mut clients = ["--plain", "--json"].map(|mode| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
        let mut client = Program::start(command.args([
            "--name",
            &mode[2..],
            mode,
            &format!("ws://{addr}/?room=of{mode}"),
        ]));
        for number in 0..200 {
            match mode {
                "--plain" => client.type_line(&format!("line {number}")),
                _ => {
                    client.type_line(&format!(r#"{{"type":"say","room":"of--json","text":"line {number}"}}"#))
                }
            }
        }
        drop(client.child.stdin.take());
        client
    });
    for client in &mut clients {
        let mut output = String::new();
        client.stdout.read_to_string(&mut output).unwrap();
        assert_eq!(client.exit_code(), 0, "{}", output.lines().last().unwrap_or_default());
        let said = output.lines().filter_map(|line| line.split_once("line ")).map(|(_, rest)| {
            rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse::<u32>().unwrap()
        });
        assert!(said.eq(0..200), "{output}");
    }
}
