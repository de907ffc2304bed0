//! Behind a proxy that passes TLS on: what it says of a connection comes before that.

use std::io::{Read, Write};
use std::net::TcpStream;

use chinwag::{Listener, Refusal, Request, Server, ServerTls};
use rustls::StreamOwned;
use rustls::version::{TLS12, TLS13};

use super::authority::{Authority, HERE};
use super::certificates::Nobody;
use super::foreign_session;
use crate::support::{PATIENCE, addr, request};

fn telling(authority: &Authority) -> Server {
    let identity = authority.server(&HERE);
    let tls = ServerTls::from_files(&identity.cert, &identity.key).unwrap();
    Server::builder()
        .trusted_proxy("127.0.0.1".parse().unwrap())
        .proxy_protocol(true)
        .handler(|request: &Request| -> Result<Nobody, Refusal> {
            Err(Refusal::new(418, format!("{} {}", request.peer_addr(), request.tls().unwrap().version)))
        })
        .listener(Listener::bind("127.0.0.1:0").unwrap().tls(&tls).unwrap())
        .start()
        .unwrap()
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(addr(server)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

#[test]
fn the_header_comes_before_tls() {
    let authority = Authority::new();
    let server = telling(&authority);
    for (version, name) in [(&TLS12, "TLS 1.2"), (&TLS13, "TLS 1.3")] {
        let mut stream = connect(&server);
        stream.write_all(b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n").unwrap();
        let mut client = StreamOwned::new(foreign_session(&authority, &[version]), stream);
        client.write_all(request("/", "").as_bytes()).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with(&format!("192.0.2.7:4711 {name}\n")), "{answer}");
    }
}

#[test]
fn without_it_the_connection_ends_and_the_next_is_served() {
    let authority = Authority::new();
    let server = telling(&authority);
    for wrong in [
        &b"\x16\x03\x01\x02\x00 not a header"[..],
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PROXY NONSENSE\r\n",
    ] {
        let mut stream = connect(&server);
        stream.write_all(wrong).unwrap();
        let mut answer = Vec::new();
        // An end, or a reset.
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty(), "{answer:?}");
    }
    let mut stream = connect(&server);
    stream.write_all(b"PROXY UNKNOWN\r\n").unwrap();
    let mut client = StreamOwned::new(foreign_session(&authority, &[&TLS13]), stream);
    client.write_all(request("/", "").as_bytes()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 418 "), "{answer}");
}
