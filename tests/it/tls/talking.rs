//! All that works in the clear works over TLS.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Barrier};
use std::thread;

use chinwag::{Client, CloseCode, Handler, Message, Overflow, Refusal, Request, Server};
use rustls::version::{TLS12, TLS13};

use super::authority::{Authority, HERE};
use super::{Foreign, chat, foreign, join, start, trusting, url};
use crate::raw_server::RawServer;
use crate::support::{PATIENCE, Program, addr, hear, hear_end, hears, request};

pub struct Echo;

impl Handler for Echo {
    fn on_text(&mut self, me: &Client, text: &str) {
        me.send(text);
    }

    fn on_binary(&mut self, me: &Client, data: &[u8]) {
        me.send(data);
    }
}

#[test]
fn three_programs_have_the_conversation_of_the_article() {
    let authority = Authority::new();
    let mut server = Program::chat_server_with(&authority.server(&HERE).args());
    let line = server.line();
    let url = line.strip_prefix("listening on ").unwrap();
    assert!(url.starts_with("wss://127.0.0.1:"), "{line}");
    let client = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
        Program::start(command.args(["--name", name, "--ca", authority.ca().to_str().unwrap(), url]))
    };
    let mut ronald = client("Ronald");
    assert_eq!([ronald.line(), ronald.line()], ["Received: Ronald joined.", "Received: Welcome Ronald."]);
    let mut john = client("John");
    assert_eq!([john.line(), john.line()], ["Received: John joined.", "Received: Welcome John."]);
    assert_eq!(ronald.line(), "Received: John joined.");
    john.type_line("hi");
    for one in [&mut ronald, &mut john] {
        assert_eq!(one.line(), "Received: John says: hi");
    }
    john.type_line("Bye");
    assert_eq!((john.line(), john.exit_code()), (String::new(), 0));
    assert_eq!(ronald.line(), "Received: John left.");
}

#[test]
fn a_close_is_clean_on_both_sides() {
    let authority = Authority::new();
    let server = chat(&authority);
    let mut ronald = join(&server, &authority, "Ronald");
    let mut john = join(&server, &authority, "John");
    hears(&mut ronald, &["Ronald joined.", "Welcome Ronald.", "John joined."]);
    let reason = john.close(CloseCode::NORMAL, "").unwrap();
    assert!(reason.clean, "{reason}");
    hears(&mut ronald, &["John left."]);
    server.shutdown().unwrap();
    let reason = hear_end(&mut ronald);
    assert_eq!((reason.code, reason.clean), (CloseCode::GOING_AWAY, true));
}

#[test]
fn both_versions_are_spoken_and_the_request_tells_which() {
    let authority = Authority::new();
    let builder = Server::builder().handler(|request: &Request| -> Result<Echo, Refusal> {
        let tls = request.tls().unwrap();
        let name = tls.server_name.as_deref();
        let told = format!("{} {name:?} {}", tls.version, tls.peer_certificates.len());
        assert!(!tls.cipher_suite.is_empty());
        Err(Refusal::new(418, told))
    });
    let server = start(builder, &authority.server(&HERE));
    for (version, told) in [(&TLS12, "TLS 1.2"), (&TLS13, "TLS 1.3")] {
        let mut client = foreign(addr(&server), &authority, &[version]);
        client.write_all(request("/", "").as_bytes()).unwrap();
        let answer = read_answer(&mut client);
        assert!(answer.starts_with("HTTP/1.1 418 "), "{answer}");
        assert!(answer.contains(&format!("{told} Some(\"localhost\") 0")), "{answer}");
    }
}

/// To the end, which must be a clean one.
fn read_answer(client: &mut Foreign) -> String {
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn big_messages_go_both_ways_at_once_and_arrive_whole_and_in_order() {
    const COUNT: usize = 40;
    let authority = Authority::new();
    let builder = Server::builder()
        .handler(|_: &Request| Ok::<_, Refusal>(Echo))
        .max_message_size(4 << 20)
        .outbox_bytes(1 << 30)
        .outbox_messages(1 << 20)
        .overflow(Overflow::DropNewest);
    let server = start(builder, &authority.server(&HERE));
    let message = |number: usize| {
        let size = if number.is_multiple_of(3) { 1 << 20 } else { 1000 * number };
        Message::from(vec![number as u8; size])
    };
    let options = trusting(&authority).max_message_size(4 << 20);
    let clients = (0..3).map(|_| options.connect(&url(&server, "")).unwrap());
    let together = Arc::new(Barrier::new(3));
    let talks = clients.map(|client| {
        let together = together.clone();
        thread::spawn(move || {
            let (sender, mut receiver) = client.split();
            let speaking = thread::spawn(move || {
                // Nobody reads yet: what the systems do not hold waits for the drain.
                (0..COUNT / 2).for_each(|number| sender.send(message(number)).unwrap());
                together.wait();
                (COUNT / 2..COUNT).for_each(|number| sender.send(message(number)).unwrap());
                sender
            });
            for number in 0..COUNT {
                let heard = receiver.recv_timeout(PATIENCE).unwrap();
                assert!(heard == Some(message(number)), "{number} is missing or broken");
            }
            speaking.join().unwrap();
        })
    });
    talks.collect::<Vec<_>>().into_iter().for_each(|talk| talk.join().unwrap());
}

#[test]
fn one_that_reads_nothing_is_sent_all_of_it_by_the_drain_later() {
    let authority = Authority::new();
    let builder = Server::builder().outbox_bytes(1 << 30).outbox_messages(1 << 20);
    let server = start(builder, &authority.server(&HERE));
    let mut slow = join(&server, &authority, "slow");
    let mut other = join(&server, &authority, "other");
    while server.hub().len() < 2 {
        thread::yield_now();
    }
    for number in 0..2000u32 {
        server.broadcast(vec![number as u8; 10_000]);
    }
    server.broadcast("the end");
    let hear_all = |client: &mut chinwag::Connection| {
        for number in 0..2000u32 {
            let heard = client.recv_timeout(PATIENCE).unwrap();
            assert!(
                heard == Some(Message::from(vec![number as u8; 10_000])),
                "{number} is missing or broken"
            );
        }
        assert_eq!(hear(client), "the end");
    };
    hear_all(&mut other);
    hear_all(&mut slow);
}

#[test]
fn one_who_waits_for_a_message_keeps_nobody_from_sending() {
    let authority = Authority::new();
    let server =
        start(Server::builder().handler(|_: &Request| Ok::<_, Refusal>(Echo)), &authority.server(&HERE));
    let (sender, mut receiver) = join(&server, &authority, "John").split();
    let waiting = thread::spawn(move || receiver.recv_timeout(PATIENCE).unwrap());
    // It is in `read` now, or soon: either way this must get through.
    sender.send("hi").unwrap();
    assert_eq!(waiting.join().unwrap(), Some(Message::from("hi")));
}

#[test]
fn a_redirect_may_lead_from_ws_to_wss_and_a_proxy_may_be_in_between() {
    let authority = Authority::new();
    let server = chat(&authority);
    let target = url(&server, "John");
    let plain = RawServer::run(move |listener| {
        let mut peer = crate::raw_server::Peer::accept(listener);
        peer.send(
            format!("HTTP/1.1 307 Elsewhere\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n").as_bytes(),
        );
    });
    let mut john = trusting(&authority).connect(&plain.url()).unwrap();
    hears(&mut john, &["John joined.", "Welcome John."]);
    plain.finish();

    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxied = trusting(&authority).proxy(&format!("http://{}", proxy.local_addr().unwrap()));
    let addr = addr(&server);
    thread::spawn(move || relay(&proxy, addr));
    let mut adam = proxied.connect(&url(&server, "Adam")).unwrap();
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
}

/// Answers CONNECT and then passes bytes on, both ways.
fn relay(proxy: &TcpListener, to: std::net::SocketAddr) {
    let mut inner = crate::raw_server::Peer::accept(proxy);
    assert!(inner.head.starts_with(&format!("CONNECT {to} ")), "{}", inner.head);
    inner.send(b"HTTP/1.1 200 Go on\r\n\r\n");
    let outer = std::net::TcpStream::connect(to).unwrap();
    let (mut from, mut into) = (inner.stream.try_clone().unwrap(), outer.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut from, &mut into));
    let _ = std::io::copy(&mut &outer, &mut &inner.stream);
}

#[test]
fn a_page_in_the_clear_is_another_origin_and_the_own_page_is_not() {
    let authority = Authority::new();
    let server = chat(&authority);
    for (scheme, status) in [("https", 101), ("http", 403)] {
        let mut client = foreign(addr(&server), &authority, &[&TLS13]);
        let fields = format!("Origin: {scheme}://127.0.0.1\r\n");
        client.write_all(request(&format!("/?name={scheme}"), &fields).as_bytes()).unwrap();
        let mut start = [0; 12];
        client.read_exact(&mut start).unwrap();
        assert_eq!(start, format!("HTTP/1.1 {status}").as_bytes());
    }
}
