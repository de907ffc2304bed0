//! Peers that speak no TLS, too little of it, or break off.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use chinwag::{
    Canceller, Client, CloseCode, CloseReason, ConnectOptions, Error, Handler, Refusal, Request, Server,
};
use rustls::version::TLS13;

use super::authority::{Authority, HERE};
use super::{chat, foreign, join, start, trusting, url};
use crate::raw_server::RawServer;
use crate::support::{PATIENCE, Raw, addr, answer_to, hears, request};

/// Reports why its client left.
struct Ends(mpsc::Sender<CloseReason>);

impl Handler for Ends {
    fn on_close(&mut self, _: &Client, reason: &CloseReason) {
        let _ = self.0.send(reason.clone());
    }
}

fn reporting(authority: &Authority) -> (Server, mpsc::Receiver<CloseReason>) {
    let (ends_tx, ends) = mpsc::channel();
    let builder = Server::builder().handler(move |_: &Request| Ok::<_, Refusal>(Ends(ends_tx.clone())));
    (start(builder, &authority.server(&HERE)), ends)
}

#[test]
fn http_in_the_clear_on_the_tls_port_is_answered_so_that_one_understands() {
    let authority = Authority::new();
    let server = chat(&authority);
    for target in ["/", "/?name=John"] {
        let answer = answer_to(addr(&server), &request(target, ""));
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("this port speaks TLS: connect with wss://"), "{answer}");
    }
    let refused = ConnectOptions::new().connect(&format!("ws://{}/", addr(&server)));
    let Err(Error::Refused(response)) = refused else { panic!("{refused:?}") };
    assert!(response.body.contains("wss://"), "{}", response.body);
}

#[test]
fn tls_on_the_plain_port_ends_at_once_and_says_why() {
    let server = crate::support::chat();
    let began = Instant::now();
    let refused = ConnectOptions::new().connect(&format!("wss://{}/?name=John", addr(&server)));
    let words = match refused {
        Err(error @ (Error::Tls(_) | Error::Invalid(_))) => error.to_string(),
        other => panic!("{other:?}"),
    };
    // Without any authorities on this system it does not come so far.
    assert!(
        words.contains("does not speak TLS: is it ws://") || words.contains("ca-certificates"),
        "{words}"
    );
    let authority = Authority::new();
    let refused = trusting(&authority).connect(&format!("wss://{}/?name=John", addr(&server)));
    let Err(Error::Tls(words)) = refused else { panic!("{refused:?}") };
    assert!(words.contains("does not speak TLS: is it ws://"), "{words}");
    assert!(began.elapsed() < Duration::from_secs(5), "took {:?}", began.elapsed());
}

#[test]
fn ws_to_a_foreign_server_that_speaks_tls_is_told_so() {
    let alert = RawServer::run(|listener| {
        let (mut stream, _) = listener.accept().unwrap();
        let mut some = [0; 64];
        let _ = stream.read(&mut some).unwrap();
        // A fatal alert: unexpected message.
        stream.write_all(&[21, 3, 3, 0, 2, 2, 10]).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let refused = ConnectOptions::new().connect(&alert.url());
    let Err(Error::Tls(words)) = refused else { panic!("{refused:?}") };
    assert!(words.contains("is it wss://"), "{words}");
    alert.finish();
}

#[test]
fn garbage_of_every_kind_is_ended_and_people_chat_on() {
    let authority = Authority::new();
    let server = chat(&authority);
    let (mut ronald, mut john) = (join(&server, &authority, "Ronald"), join(&server, &authority, "John"));
    hears(&mut ronald, &["Ronald joined.", "Welcome Ronald.", "John joined."]);
    hears(&mut john, &["John joined.", "Welcome John."]);
    let garbage: [&[u8]; 8] = [
        &[0; 100],
        &[255; 5000],
        // Handshake records: empty, longer than any may be, of nonsense.
        &[22, 3, 1, 0, 0],
        &[22, 3, 1, 255, 255, 1, 0, 255, 252],
        &[22, 3, 1, 0, 5, 1, 0, 0, 1, 0],
        // Application data and an alert before any handshake.
        &[23, 3, 3, 0, 3, 1, 2, 3],
        &[21, 3, 3, 0, 2, 2, 40],
        // SSL 2.
        &[0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0],
    ];
    for bytes in garbage {
        let mut raw = Raw::connect(addr(&server));
        raw.send(bytes);
        let _ = raw.stream.shutdown(std::net::Shutdown::Write);
        let answer = raw.read_to_end();
        // Nothing, or an alert.
        assert!(answer.is_empty() || answer[0] == 21, "{bytes:?}: {answer:?}");
        john.send("still here").unwrap();
        for one in [&mut ronald, &mut john] {
            hears(one, &["John says: still here"]);
        }
    }
    crate::support::eventually("nobody else is left", || server.hub().len() == 2);
}

#[test]
fn a_handshake_that_stops_halfway_ends_at_its_deadline() {
    let authority = Authority::new();
    let timeout = Duration::from_millis(300);
    let server = start(Server::builder().handshake_timeout(timeout), &authority.server(&HERE));
    let mut hello = Vec::new();
    super::foreign_session(&authority, &[&TLS13]).write_tls(&mut hello).unwrap();
    for sent in [0, 1, hello.len() / 2, hello.len()] {
        let began = Instant::now();
        let mut raw = Raw::connect(addr(&server));
        raw.send(&hello[..sent]);
        let answer = raw.read_to_end();
        assert!(began.elapsed() >= timeout, "{sent} bytes: ended after {:?}", began.elapsed());
        assert_eq!(answer.is_empty(), sent < hello.len(), "{sent} bytes");
    }
    // One that trickles is no better off.
    let mut raw = Raw::connect(addr(&server));
    for byte in hello {
        thread::sleep(Duration::from_millis(10));
        if raw.stream.write_all(&[byte]).is_err() {
            return;
        }
    }
    panic!("took the whole of a handshake that took too long");
}

/// Upgraded, on foreign TLS.
fn upgraded(server: &Server, authority: &Authority) -> super::Foreign {
    let mut client = foreign(addr(server), authority, &[&TLS13]);
    client.write_all(request("/", "").as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    client
}

#[test]
fn an_end_in_the_clear_is_no_clean_one() {
    let authority = Authority::new();
    let (server, ends) = reporting(&authority);
    // Cut off: the end of TCP without that of TLS.
    let client = upgraded(&server, &authority);
    client.sock.shutdown(std::net::Shutdown::Write).unwrap();
    let reason = ends.recv_timeout(PATIENCE).unwrap();
    assert_eq!((reason.code, reason.clean), (CloseCode::ABNORMAL, false), "{reason}");
    assert!(reason.reason.contains("cut off"), "{reason}");
    // The same in the middle of a record.
    let mut client = upgraded(&server, &authority);
    client.conn.writer().write_all(&crate::support::masked(0x81, &[b'x'; 1000])).unwrap();
    let mut record = Vec::new();
    client.conn.write_tls(&mut record).unwrap();
    client.sock.write_all(&record[..record.len() / 2]).unwrap();
    client.sock.shutdown(std::net::Shutdown::Write).unwrap();
    let reason = ends.recv_timeout(PATIENCE).unwrap();
    assert_eq!((reason.code, reason.clean), (CloseCode::ABNORMAL, false), "{reason}");
    // And TLS ended in order, but not the WebSocket.
    let mut client = upgraded(&server, &authority);
    client.conn.send_close_notify();
    client.flush().unwrap();
    let reason = ends.recv_timeout(PATIENCE).unwrap();
    assert_eq!((reason.code, reason.clean), (CloseCode::ABNORMAL, false), "{reason}");
}

#[test]
fn a_peer_that_stops_in_the_middle_of_a_record_is_found_dead() {
    let authority = Authority::new();
    let (ends_tx, ends) = mpsc::channel();
    let builder = Server::builder()
        .ping_interval(Some(Duration::from_millis(100)))
        .ping_timeout(Duration::from_millis(100))
        .handler(move |_: &Request| Ok::<_, Refusal>(Ends(ends_tx.clone())));
    let server = start(builder, &authority.server(&HERE));
    let mut client = upgraded(&server, &authority);
    client.conn.writer().write_all(&crate::support::masked(0x81, &[b'x'; 1000])).unwrap();
    let mut record = Vec::new();
    client.conn.write_tls(&mut record).unwrap();
    client.sock.write_all(&record[..500]).unwrap();
    let reason = ends.recv_timeout(PATIENCE).unwrap();
    assert_eq!(reason.code, CloseCode::POLICY, "{reason}");
}

#[test]
fn a_record_that_was_changed_ends_the_connection() {
    let authority = Authority::new();
    let (server, ends) = reporting(&authority);
    let mut client = upgraded(&server, &authority);
    client.conn.writer().write_all(&crate::support::masked(0x81, b"hi")).unwrap();
    let mut record = Vec::new();
    client.conn.write_tls(&mut record).unwrap();
    *record.last_mut().unwrap() ^= 1;
    client.sock.write_all(&record).unwrap();
    let reason = ends.recv_timeout(PATIENCE).unwrap();
    assert_eq!((reason.code, reason.clean), (CloseCode::ABNORMAL, false), "{reason}");
    let alert = client.read(&mut [0; 100]).unwrap_err().to_string();
    assert!(alert.contains("BadRecordMac"), "{alert}");
}

#[test]
fn a_client_waits_for_no_server_longer_than_it_was_told() {
    let authority = Authority::new();
    let server = RawServer::run(|listener| {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    let url = server.url().replace("ws://", "wss://");
    let options = trusting(&authority).connect_timeout(Duration::from_millis(200));
    let result = options.connect(&url);
    assert!(matches!(&result, Err(Error::TimedOut(what)) if what.contains("agree on TLS")), "{result:?}");
    let canceller = Canceller::new();
    let options = trusting(&authority).canceller(&canceller);
    let attempt = thread::spawn(move || options.connect(&url));
    canceller.cancel();
    assert!(matches!(attempt.join().unwrap(), Err(Error::Cancelled)));
    // Whether or not the second came as far as connecting.
    let _ = TcpStream::connect(server.addr);
    server.finish();
}

#[test]
fn the_observer_sees_frames_and_no_records() {
    struct Lines(mpsc::Sender<String>);
    impl chinwag::WireObserver for Lines {
        fn observe(&self, record: &chinwag::WireRecord<'_>) {
            if let chinwag::WireContent::Frames(frames) = &record.content {
                for frame in frames.iter() {
                    let _ = self.0.send(String::from_utf8_lossy(frame.data).into_owned());
                }
            }
        }
    }
    let authority = Authority::new();
    let (seen_tx, seen) = mpsc::channel();
    let builder = Server::builder().wire_observer(Lines(seen_tx));
    let server = start(builder, &authority.server(&HERE));
    let client = trusting(&authority).connect(&url(&server, "John")).unwrap();
    client.send("in the open").unwrap();
    assert_eq!(seen.recv_timeout(PATIENCE).unwrap(), "in the open");
}
