//! Those who speak no TLS where it is needed, half of it, or break it, beside a crowd that
//! chats over TLS.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use rustls::version::{TLS12, TLS13};

use super::arena::{Arena, end_of, foe, pour, status_of};
use super::{Answer, Kind};
use crate::support::{Raw, masked, request};
use crate::tls::{Foreign, foreign, foreign_session};
use Answer::{Alert, Close, Served, Status};

#[test]
fn whoever_breaks_tls_is_ended_beside_a_crowd() {
    Arena::secure().try_each(&kinds());
}

/// One who sends this instead of TLS.
fn sends(does: &'static str, bytes: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> Kind {
    Kind::new(does, Alert, move |arena| {
        let mut raw = Raw::connect(arena.addr);
        pour(&mut raw.stream, &bytes());
        let _ = raw.stream.shutdown(Shutdown::Write);
        alert(&raw.read_to_end())
    })
}

fn alert(answer: &[u8]) -> Answer {
    assert!(answer.is_empty() || answer[0] == 21, "{}", answer.escape_ascii());
    Alert
}

fn session(arena: &Arena) -> rustls::ClientConnection {
    foreign_session(arena.authority.as_ref().expect("the arena is a secure one"), &[&TLS13])
}

fn hello(arena: &Arena) -> Vec<u8> {
    let mut hello = Vec::new();
    session(arena).write_tls(&mut hello).unwrap();
    hello
}

/// Upgraded over TLS that is not ours.
fn upgraded(arena: &Arena) -> Foreign {
    let mut client = foreign(arena.addr, arena.authority.as_ref().unwrap(), &[&TLS12]);
    client.write_all(request(&format!("/?name={}", foe()), "").as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    client
}

pub fn kinds() -> Vec<Kind> {
    [garbage(), handshakes(), records()].into_iter().flatten().collect()
}

fn garbage() -> Vec<Kind> {
    vec![
        sends("sends zeros instead of TLS", || vec![0; 100]),
        sends("sends ones instead of TLS", || vec![255; 5000]),
        sends("sends an empty handshake record", || vec![22, 3, 1, 0, 0]),
        sends("sends 10,000 empty handshake records", || [22, 3, 1, 0, 0].repeat(10_000)),
        sends("sends a record longer than any may be", || vec![22, 3, 1, 255, 255, 1, 0, 255, 252]),
        sends("sends a hello of nonsense", || vec![22, 3, 1, 0, 5, 1, 0, 0, 1, 0]),
        sends("sends a hello of 16 MiB, a record at a time", || {
            let record = [&[22, 3, 1, 0x40, 0][..], &[0; 0x4000]].concat();
            [&[22, 3, 1, 0, 4, 1, 255, 255, 255][..], &record.repeat(16)].concat()
        }),
        sends("sends data before any handshake", || vec![23, 3, 3, 0, 3, 1, 2, 3]),
        sends("sends an alert before any handshake", || vec![21, 3, 3, 0, 2, 2, 40]),
        sends("speaks SSL 2", || vec![0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0]),
        sends("speaks TLS 1.0", || {
            let hello = [&[3, 1][..], &[7; 32], &[0, 0, 2, 0, 0x2f, 1, 0]].concat();
            let length = hello.len() as u8;
            [&[22, 3, 1, 0, length + 4, 1, 0, 0, length][..], &hello].concat()
        }),
        Kind::new("speaks plain HTTP on the TLS port", Status(400), |arena| {
            let mut raw = Raw::connect(arena.addr);
            pour(&mut raw.stream, request(&format!("/?name={}", foe()), "").as_bytes());
            let _ = raw.stream.shutdown(Shutdown::Write);
            status_of(&raw.read_to_end())
        }),
    ]
}

/// One who sends this much of its hello, and then nothing.
fn stops(does: &'static str, part: fn(&[u8]) -> &[u8]) -> Kind {
    Kind::new(does, Alert, move |arena| {
        let mut raw = Raw::connect(arena.addr);
        pour(&mut raw.stream, part(&hello(arena)));
        let began = Instant::now();
        // Of a whole hello the answer comes first.
        let _ = raw.read_to_end();
        assert!(began.elapsed() < Duration::from_secs(10), "took {:?}", began.elapsed());
        Alert
    })
}

fn handshakes() -> Vec<Kind> {
    vec![
        stops("connects to the TLS port and says nothing", |_| &[]),
        stops("sends half a hello", |hello| &hello[..hello.len() / 2]),
        stops("sends a hello and nothing more", |hello| hello),
        super::floods::blocks_the_door("stands at the TLS door 600 times and says nothing", Vec::new),
        super::floods::blocks_the_door("stands at the TLS door 600 times with half a hello", || {
            vec![22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]
        }),
        Kind::new("shakes hands and asks for nothing", Status(408), |arena| {
            let mut client = foreign(arena.addr, arena.authority.as_ref().unwrap(), &[&TLS13]);
            client.flush().unwrap();
            let mut answer = Vec::new();
            let _ = client.read_to_end(&mut answer);
            status_of(&answer)
        }),
        Kind::new("shakes hands, again and again, and resets", Served, |arena| {
            for _ in 0..20 {
                let mut client = foreign(arena.addr, arena.authority.as_ref().unwrap(), &[&TLS13]);
                client.flush().unwrap();
                rustix::net::sockopt::set_socket_linger(&client.sock, Some(Duration::ZERO)).unwrap();
            }
            drop(arena.newcomer());
            Served
        }),
    ]
}

/// The record with one text frame in it.
fn record(client: &mut Foreign) -> Vec<u8> {
    client.conn.writer().write_all(&masked(0x81, &[b'x'; 1000])).unwrap();
    let mut record = Vec::new();
    client.conn.write_tls(&mut record).unwrap();
    record
}

fn records() -> Vec<Kind> {
    vec![
        Kind::new("changes a bit of a record", Alert, |arena| {
            let mut client = upgraded(arena);
            let mut record = record(&mut client);
            *record.last_mut().unwrap() ^= 1;
            pour(&mut client.sock, &record);
            rest(&mut client)
        }),
        Kind::new("sends a record twice", Alert, |arena| {
            let mut client = upgraded(arena);
            let record = record(&mut client);
            pour(&mut client.sock, &record.repeat(2));
            rest(&mut client)
        }),
        Kind::new("sends garbage behind its handshake", Alert, |arena| {
            let mut client = upgraded(arena);
            pour(&mut client.sock, &[23, 3, 3, 255, 255, 1, 2, 3]);
            rest(&mut client)
        }),
        Kind::new("ends TCP within a record", Alert, |arena| {
            let mut client = upgraded(arena);
            let record = record(&mut client);
            pour(&mut client.sock, &record[..500]);
            client.sock.shutdown(Shutdown::Write).unwrap();
            rest(&mut client)
        }),
        Kind::new("ends TLS without the WebSocket's close", Alert, |arena| {
            let mut client = upgraded(arena);
            client.conn.send_close_notify();
            client.flush().unwrap();
            rest(&mut client)
        }),
        Kind::new("sends an illegal frame over TLS", Close(1002), |arena| {
            let mut client = upgraded(arena);
            client.write_all(b"\xc1\x80\0\0\0\0").unwrap();
            end_of(&mut client)
        }),
    ]
}

/// Reads on to the end, whichever it is.
fn rest(client: &mut Foreign) -> Answer {
    match client.read_to_end(&mut Vec::new()) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("no end in time"),
        _ => Alert,
    }
}
