//! Behind a reverse proxy: whose word counts for who a client is, and that limits, the log
//! and the application go by it.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use chinwag::{Refusal, Request, Server, ServerBuilder, WireRecord};
use parking_lot::Mutex;

use crate::support::{Program, Raw, addr, answer_to, eventually, request};

/// Version 2's signature.
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

struct Nobody;
impl chinwag::Handler for Nobody {}

/// A server that trusts `proxies`, and tells who comes whom it takes them for.
fn telling(proxies: &[&str], builder: ServerBuilder) -> Server {
    let gate = |request: &Request| -> Result<Nobody, Refusal> {
        let via =
            request.via().map(|proxy| proxy.tcp().map_or(proxy.to_string(), |addr| addr.ip().to_string()));
        let (peer, secure) = (request.peer_addr(), request.is_secure());
        Err(Refusal::new(418, format!("{peer} via {} secure {secure}", via.unwrap_or("none".into()))))
    };
    trusting(proxies, builder.handler(gate))
}

fn trusting(proxies: &[&str], builder: ServerBuilder) -> Server {
    let trusted = proxies.iter().map(|proxy| proxy.parse().unwrap());
    trusted.fold(builder, ServerBuilder::trusted_proxy).bind("127.0.0.1:0").unwrap()
}

/// The last line of the answer to a request with these fields.
fn told(server: &Server, fields: &str) -> String {
    last_line(&answer_to(addr(server), &request("/", fields)))
}

fn last_line(answer: &str) -> String {
    answer.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn a_trusted_proxy_says_who_the_client_is_and_how_it_came() {
    let server = telling(&["127.0.0.0/8", "10.0.0.0/8"], Server::builder());
    let fields = "X-Forwarded-For: 6.6.6.6, 192.0.2.7, 10.1.1.1\r\nX-Forwarded-Proto: https\r\n";
    assert_eq!(told(&server, fields), "192.0.2.7 via 127.0.0.1 secure true");
    assert_eq!(told(&server, "X-Forwarded-For: 2001:db8::7\r\n"), "2001:db8::7 via 127.0.0.1 secure false");
    // One that says nothing speaks for itself.
    assert!(told(&server, "").ends_with(" via none secure false"));
    assert!(told(&server, "").starts_with("127.0.0.1:"));
    assert!(told(&server, "Forwarded: for=192.0.2.7\r\nX-Real-IP: 192.0.2.7\r\n").starts_with("127.0.0.1:"));
}

#[test]
fn of_anybody_else_the_fields_are_ignored_and_a_proxy_header_is_refused() {
    let fields = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n";
    for (proxies, speaks) in
        [(&[][..], false), (&["10.0.0.0/8", "unix", "::1"][..], false), (&["10.0.0.1"], true)]
    {
        let server = telling(proxies, Server::builder().proxy_protocol(speaks));
        let said = told(&server, fields);
        assert!(said.starts_with("127.0.0.1:") && said.ends_with(" via none secure false"), "{said}");
        for header in [&v1("TCP4 192.0.2.7 10.0.0.1 4711 80"), &v2(0x21, 0x11, &[1; 12])] {
            let answer = sent(&server, header);
            assert!(
                answer.starts_with("HTTP/1.1 400 ") && answer.contains("a PROXY header is taken"),
                "{answer}"
            );
        }
    }
}

fn v1(rest: &str) -> Vec<u8> {
    format!("PROXY {rest}\r\n").into_bytes()
}

fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    [V2, &[command, family], &u16::try_from(rest.len()).unwrap().to_be_bytes(), rest].concat()
}

/// Addresses of version 2: 192.0.2.7:4711 came to 10.0.0.1:443.
fn v4_addresses() -> Vec<u8> {
    let ports = [4711u16, 443].map(u16::to_be_bytes);
    [&[192, 0, 2, 7, 10, 0, 0, 1][..], ports.as_flattened()].concat()
}

fn v6_addresses() -> Vec<u8> {
    let mut bytes = [0; 36];
    bytes[..4].copy_from_slice(&[0x20, 1, 0x0d, 0xb8]);
    bytes[15] = 7;
    bytes[32..34].copy_from_slice(&4711u16.to_be_bytes());
    bytes.to_vec()
}

fn extension(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind], &u16::try_from(value.len()).unwrap().to_be_bytes()[..], value].concat()
}

/// The answer to a request behind this header.
fn sent(server: &Server, header: &[u8]) -> String {
    let mut raw = Raw::connect(addr(server));
    raw.send(&[header, request("/", "").as_bytes()].concat());
    String::from_utf8_lossy(&raw.read_to_end()).into_owned()
}

#[test]
fn a_proxy_header_of_either_version_says_who_the_client_is() {
    let server = telling(&["127.0.0.1"], Server::builder().proxy_protocol(true));
    let with = |rest: Vec<u8>| [v4_addresses(), rest].concat();
    let ssl = |client: u8| extension(0x20, &[client, 0, 0, 0, 0]);
    for (header, told) in [
        (v1("TCP4 192.0.2.7 10.0.0.1 4711 443"), "192.0.2.7:4711 via 127.0.0.1 secure false"),
        (v1("TCP6 2001:db8::7 fd00::1 4711 443"), "[2001:db8::7]:4711 via 127.0.0.1 secure false"),
        (v2(0x21, 0x11, &v4_addresses()), "192.0.2.7:4711 via 127.0.0.1 secure false"),
        (v2(0x21, 0x21, &v6_addresses()), "[2001:db8::7]:4711 via 127.0.0.1 secure false"),
        (v2(0x21, 0x11, &with(ssl(1))), "192.0.2.7:4711 via 127.0.0.1 secure true"),
        (v2(0x21, 0x11, &with(ssl(0))), "192.0.2.7:4711 via 127.0.0.1 secure false"),
        (
            v2(0x21, 0x11, &with([extension(0xea, &[7; 3000]), extension(4, &[0; 9])].concat())),
            "192.0.2.7:4711 via 127.0.0.1 secure false",
        ),
    ] {
        assert_eq!(last_line(&sent(&server, &header)), told);
    }
}

#[test]
fn a_proxy_that_speaks_for_itself_or_for_a_socket_is_the_peer() {
    let server = telling(&["127.0.0.1"], Server::builder().proxy_protocol(true));
    for header in [
        v1("UNKNOWN"),
        v1("UNKNOWN ffff::1 ffff::2 1 2"),
        v2(0x20, 0, &[]),
        v2(0x20, 0x77, &[9; 5]),
        v2(0x21, 0, &extension(4, &[])),
        v2(0x21, 0x31, &[0; 216]),
    ] {
        let said = last_line(&sent(&server, &header));
        assert!(said.starts_with("127.0.0.1:") && said.ends_with(" via none secure false"), "{said}");
    }
}

#[test]
fn what_is_no_good_proxy_header_is_refused_with_400() {
    let server = telling(&["127.0.0.1"], Server::builder().proxy_protocol(true));
    let long = format!("TCP4 192.0.2.7 {}", "1".repeat(200));
    for (header, why) in [
        (Vec::new(), "a PROXY header was expected"),
        (b"PROXIES\r\n".to_vec(), "a PROXY header was expected"),
        (b"\r\n\r\n\0\r\nQUIX\n\x21\x11".to_vec(), "a PROXY header was expected"),
        (v1(&long), "too long"),
        (v2(0x21, 0x11, &[0; 5000]), "too long"),
        (v1("TCP4 192.0.2.700 10.0.0.1 4711 443"), "malformed"),
        (v1("TCP4 192.0.2.7 10.0.0.1 4711 70000"), "malformed"),
        (v1("TCP4 2001:db8::7 fd00::1 4711 443"), "malformed"),
        (v1("TCP5 192.0.2.7 10.0.0.1 4711 443"), "malformed"),
        (b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\n".to_vec(), "malformed"),
        (v2(0x31, 0x11, &v4_addresses()), "malformed"),
        (v2(0x22, 0x11, &v4_addresses()), "malformed"),
        (v2(0x21, 0x41, &v4_addresses()), "malformed"),
        (v2(0x21, 0x12, &v4_addresses()), "malformed"),
        (v2(0x21, 0x11, &v4_addresses()[..8]), "malformed"),
        (v2(0x21, 0x11, &[v4_addresses(), vec![4, 9, 9, 0]].concat()), "malformed"),
    ] {
        let answer = sent(&server, &header);
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains(why), "{header:?}: {answer}");
    }
}

#[test]
fn fields_of_requests_are_not_read_where_a_header_came_first() {
    let server = telling(&["127.0.0.1"], Server::builder().proxy_protocol(true));
    let mut raw = Raw::connect(addr(&server));
    let fields = "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n";
    raw.send(&[v1("TCP4 192.0.2.7 10.0.0.1 4711 443"), request("/", fields).into_bytes()].concat());
    let said = last_line(&String::from_utf8_lossy(&raw.read_to_end()));
    assert_eq!(said, "192.0.2.7:4711 via 127.0.0.1 secure false");
}

#[test]
fn a_header_may_come_byte_by_byte_but_not_later_than_a_handshake() {
    let builder = Server::builder().proxy_protocol(true);
    let server = telling(&["127.0.0.1"], builder.handshake_timeout(Duration::from_secs(2)));
    for header in [v1("TCP4 192.0.2.7 10.0.0.1 4711 443"), v2(0x21, 0x11, &v4_addresses())] {
        let mut raw = Raw::connect(addr(&server));
        for byte in header.iter().chain(request("/", "").as_bytes()) {
            raw.send(&[*byte]);
        }
        let said = last_line(&String::from_utf8_lossy(&raw.read_to_end()));
        assert_eq!(said, "192.0.2.7:4711 via 127.0.0.1 secure false");
        let mut slow = Raw::connect(addr(&server));
        slow.send(&header[..header.len() - 1]);
        let answer = String::from_utf8_lossy(&slow.read_to_end()).into_owned();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
}

/// Upgrades as this client of the proxy's; the connection, or the status of the refusal.
fn upgrade(server: &Server, client: &str) -> Result<Raw, String> {
    let mut raw = Raw::connect(addr(server));
    raw.send(request("/", &format!("X-Forwarded-For: {client}\r\n")).as_bytes());
    let head = raw.read_head();
    if head.starts_with("HTTP/1.1 101 ") { Ok(raw) } else { Err(head[9..12].to_owned()) }
}

#[test]
fn connections_are_counted_by_the_address_behind_the_proxy() {
    let server = trusting(&["127.0.0.1"], Server::builder().connections_per_address(Some(2)));
    // What a proxy calls its own machine is not exempt.
    for client in ["192.0.2.7", "2001:db8::1", "127.0.0.1"] {
        let first = upgrade(&server, client).expect("a place");
        let _second = upgrade(&server, client).expect("a place");
        assert_eq!(upgrade(&server, client).err().as_deref(), Some("429"), "{client}");
        drop(first);
        eventually("its place is free", || upgrade(&server, client).is_ok());
    }
    // The proxy's own connections are this machine's, and not limited.
    let own: Vec<Raw> = (0..5).map(|_| Raw::upgrade(addr(&server), "/")).collect();
    assert_eq!(own.len(), 5);
}

#[test]
fn joins_are_counted_by_the_address_behind_the_proxy() {
    for speaks in [false, true] {
        let builder = Server::builder().joins_per_address(3.try_into().ok()).proxy_protocol(speaks);
        let server = trusting(&["127.0.0.1"], builder);
        let come = |client: &str| {
            let mut raw = Raw::connect(addr(&server));
            let header = v1(&format!("TCP4 {client} 10.0.0.1 4711 443"));
            let fields = format!("X-Forwarded-For: {client}\r\n");
            raw.send(if speaks { &header } else { &[] });
            raw.send(request("/", if speaks { "" } else { &fields }).as_bytes());
            raw.read_head()[9..12].to_owned()
        };
        for status in ["101", "101", "101", "429", "429"] {
            assert_eq!(come("192.0.2.7"), status);
        }
        assert_eq!(come("192.0.2.8"), "101");
    }
}

#[test]
fn through_a_unix_socket_a_proxy_is_believed_where_that_is_trusted() {
    let path = std::env::temp_dir().join(format!("chinwag-proxy-{}.sock", std::process::id()));
    for (trusted, speaks, told) in [
        ("unix", false, "192.0.2.7 via unix secure true"),
        ("unix", true, "192.0.2.7:4711 via unix secure false"),
        ("10.0.0.1", false, "unix via none secure false"),
    ] {
        let gate = |request: &Request| -> Result<Nobody, Refusal> {
            let via = request.via().map_or("none".to_owned(), |proxy| proxy.to_string());
            Err(Refusal::new(
                418,
                format!("{} via {via} secure {}", request.peer_addr(), request.is_secure()),
            ))
        };
        let fields = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n";
        let builder = Server::builder().trusted_proxy(trusted.parse().unwrap()).proxy_protocol(speaks);
        let _server = builder.handler(gate).bind_unix(&path).unwrap();
        let mut stream = UnixStream::connect(&path).unwrap();
        let header = if speaks { v1("TCP4 192.0.2.7 10.0.0.1 4711 443") } else { Vec::new() };
        stream.write_all(&[header, request("/", fields).into_bytes()].concat()).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert_eq!(last_line(&answer), told);
    }
}

#[test]
fn a_page_in_the_clear_is_another_origin_where_the_client_came_encrypted() {
    let server = trusting(&["127.0.0.1"], Server::builder());
    for (proto, origin, status) in [
        ("https", "https", "101"),
        ("https", "http", "403"),
        ("http", "http", "101"),
        ("http", "https", "101"),
    ] {
        let fields = format!("X-Forwarded-Proto: {proto}\r\nOrigin: {origin}://127.0.0.1\r\n");
        let mut raw = Raw::connect(addr(&server));
        raw.send(request("/", &fields).as_bytes());
        assert_eq!(raw.read_head()[9..12], *status, "{proto} {origin}");
    }
    // What it says of the host changes nothing.
    let fields = "X-Forwarded-Host: chat.example\r\nOrigin: https://chat.example\r\n";
    assert!(answer_to(addr(&server), &request("/", fields)).starts_with("HTTP/1.1 403 "));
}

#[test]
fn an_observer_of_the_wire_sees_whose_connection_it_is() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let shown = seen.clone();
    let observer = move |record: &WireRecord<'_>| shown.lock().push(record.peer.to_string());
    let server = telling(&["127.0.0.1"], Server::builder().proxy_protocol(true).wire_observer(observer));
    sent(&server, &v1("TCP4 192.0.2.7 10.0.0.1 4711 443"));
    eventually("request and answer are seen", || seen.lock().len() == 2);
    assert_eq!(*seen.lock(), ["192.0.2.7:4711", "192.0.2.7:4711"]);
}

#[test]
fn chat_server_counts_and_logs_who_is_behind_the_proxy() {
    let log = std::env::temp_dir().join(format!("chinwag-proxy-{}.log", std::process::id()));
    let args = ["--trusted-proxy", "127.0.0.1,unix", "--log-file", log.to_str().unwrap()];
    let (_server, addr) = Program::chat_server(&args);
    let come = |name: &str| -> SocketAddr {
        let mut raw = Raw::connect(addr);
        let fields = "X-Forwarded-For: 192.0.2.7\r\n";
        raw.send(request(&format!("/?name={name}"), fields).as_bytes());
        assert!(raw.read_head().starts_with("HTTP/1.1 101 "));
        raw.stream.local_addr().unwrap()
    };
    let proxy = come("John");
    let wanted = format!(" 192.0.2.7 opens / via {proxy}");
    eventually("the log names the client", || std::fs::read_to_string(&log).unwrap().contains(&wanted));
    std::fs::remove_file(&log).unwrap();
}

#[test]
fn metrics_for_this_machine_are_not_for_one_behind_the_proxy() {
    let (_server, addr) = Program::chat_server(&["--trusted-proxy", "127.0.0.1", "--metrics", "loopback"]);
    let status = |fields: &str| {
        answer_to(addr, &format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"))[9..12]
            .to_owned()
    };
    assert_eq!(status(""), "200");
    assert_eq!(status("X-Forwarded-Proto: https\r\n"), "200");
    assert_eq!(status("X-Forwarded-For: 192.0.2.7\r\n"), "403");
    assert_eq!(status("X-Forwarded-For: 127.0.0.1\r\n"), "403");
}

#[test]
fn proxies_that_make_no_sense_are_wrong_usage() {
    for args in [
        &["--trusted-proxy", "proxy.example"][..],
        &["--trusted-proxy", "10.0.0.0/33"],
        &["--proxy-protocol"],
    ] {
        let output =
            std::process::Command::new(env!("CARGO_BIN_EXE_chat-server")).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}
