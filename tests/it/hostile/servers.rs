//! The other way round: a client of ours that meets a hostile server ends with a clear error,
//! in time, and takes in no more than its limits.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use chinwag::{ConnectOptions, Error};

use crate::raw_server::{CLOSE, PING, PONG, Peer, RawServer, TEXT, frame};

/// What a client takes in of a server that it has given up: for a moment it reads on and throws
/// away, so that its last words arrive.
const MOST: usize = 1 << 30;

type Script = fn(&TcpListener);

/// What the server does, words that the error has, and how it does it.
const SERVERS: [(&str, &str, Script); COUNT] = [
    ("speaks SSH", "HTTP", |listener| {
        answer(listener, |peer| peer.send(b"SSH-2.0-OpenSSH_9.9\r\n"));
    }),
    ("accepts and hangs up", "before a whole response", |listener| drop(Peer::accept(listener))),
    ("accepts and says nothing", "within 1s", |listener| answer(listener, |_| {})),
    ("sends a head that never ends", "16 KiB", |listener| {
        answer(listener, |peer| {
            peer.send(b"HTTP/1.1 101 Switching Protocols\r\n");
            let _ = peer.stream.write_all(b"X: ");
            pour(peer, &[b'x'; 1000]);
        });
    }),
    ("sends a head one byte at a time, for ever", "within 1s", |listener| {
        answer(listener, |peer| {
            let _ = peer.stream.write_all(b"HTTP/1.1 101 X\r\nX: ");
            while peer.stream.write_all(b"x").is_ok() {
                thread::sleep(Duration::from_millis(10));
            }
        });
    }),
    ("sends fields without end", "too many headers", |listener| {
        answer(listener, |peer| {
            peer.send(b"HTTP/1.1 101 Switching Protocols\r\n");
            pour(peer, b"X:\r\n");
        });
    }),
    ("sends frames before its answer", "HTTP", |listener| {
        answer(listener, |peer| peer.send(&frame(TEXT, b"too early")));
    }),
    ("answers with another key", "Sec-WebSocket-Accept", |listener| {
        answer(listener, |peer| {
            let head = peer.switching("").replace("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x");
            peer.send(head.as_bytes());
        });
    }),
    ("answers with two keys", "Sec-WebSocket-Accept", |listener| {
        answer(listener, |peer| {
            peer.upgrade("Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQAAAAA=\r\n");
        });
    }),
    ("answers with an extension that nobody asked for", "extension", |listener| {
        answer(listener, |peer| peer.upgrade("Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    }),
    ("answers with a subprotocol that nobody asked for", "subprotocol", |listener| {
        answer(listener, |peer| peer.upgrade("Sec-WebSocket-Protocol: evil\r\n"));
    }),
    ("answers 200", "200", |listener| {
        answer(listener, |peer| peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
    }),
    ("refuses with a body that never ends", "403", |listener| {
        answer(listener, |peer| {
            peer.send(b"HTTP/1.1 403 Forbidden\r\n\r\n");
            pour(peer, &[b'x'; 4096]);
        });
    }),
    ("refuses with words that drive a terminal", r"\u{1b}[2J", |listener| {
        answer(listener, |peer| {
            peer.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 12\r\n\r\n\x1b[2J\r\nforged");
        });
    }),
    ("redirects to itself without end", "302", |listener| {
        for _ in 0..5 {
            let mut peer = Peer::accept(listener);
            peer.send(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n");
            peer.read_to_end();
        }
    }),
    ("redirects to a file", "302", |listener| {
        answer(listener, |peer| {
            peer.send(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n");
        });
    }),
    ("speaks TLS garbage in the clear", "wss://", |listener| {
        answer(listener, |peer| peer.send(&[21, 3, 3, 0, 2, 2, 10]));
    }),
    ("masks its frames", "1002", |listener| {
        upgraded(listener, |peer| peer.send(&[TEXT, 0x81, 1, 2, 3, 4, b'x']));
    }),
    ("sets a reserved bit", "1002", |listener| upgraded(listener, |peer| peer.send(&[0xc1, 0]))),
    ("sends an opcode that there is not", "1002", |listener| {
        upgraded(listener, |peer| peer.send(&[0x83, 0]));
    }),
    ("fragments a ping", "1002", |listener| upgraded(listener, |peer| peer.send(&[0x09, 0]))),
    ("continues what was not begun", "1002", |listener| upgraded(listener, |peer| peer.send(&[0x80, 0]))),
    ("announces 2^62 bytes", "1009", |listener| {
        upgraded(listener, |peer| peer.send(&[TEXT, 127, 0x40, 0, 0, 0, 0, 0, 0, 0]));
    }),
    ("announces 2^64 - 1 bytes", "1002", |listener| {
        upgraded(listener, |peer| peer.send(&[TEXT, 127, 255, 255, 255, 255, 255, 255, 255, 255]));
    }),
    ("sends a message that never ends", "1009", |listener| {
        upgraded(listener, |peer| {
            peer.send(&[0x01, 0]);
            pour(peer, &frame(0x00, &[b'x'; 1000]));
        });
    }),
    ("sends fragments without end", "1008", |listener| {
        upgraded(listener, |peer| {
            peer.send(&[0x01, 0]);
            pour(peer, &[0x00, 0].repeat(1000));
        });
    }),
    ("sends text that is not UTF-8", "1007", |listener| {
        upgraded(listener, |peer| peer.send(&frame(TEXT, b"\xed\xa0\x80")));
    }),
    ("closes with a code that must not be sent", "1002", |listener| {
        upgraded(listener, |peer| peer.send_frame(CLOSE, &1006_u16.to_be_bytes()));
    }),
    ("closes with half a code", "1002", |listener| upgraded(listener, |peer| peer.send_frame(CLOSE, &[3]))),
    ("closes for a reason that drives a terminal", r"4000 (\u{1b}[2J\n)", |listener| {
        upgraded(listener, |peer| peer.close(4000, "\x1b[2J\n"));
    }),
    ("answers no ping", "keepalive missed", |listener| upgraded(listener, |_| {})),
    ("resets", "lost", |listener| {
        let mut peer = Peer::accept(listener);
        peer.upgrade("");
        rustix::net::sockopt::set_socket_linger(&peer.stream, Some(Duration::ZERO)).unwrap();
    }),
    ("hangs up within a frame", "vanished", |listener| {
        let mut peer = Peer::accept(listener);
        peer.upgrade("");
        peer.send(&[TEXT, 100, b'x']);
    }),
    ("sends pings without end", "too many control frames", |listener| {
        upgraded(listener, |peer| pour(peer, &frame(PING, &[b'p'; 125]).repeat(100)));
    }),
    ("sends pongs without end", "too many control frames", |listener| {
        upgraded(listener, |peer| pour(peer, &frame(PONG, b"").repeat(1000)));
    }),
    ("sends a ping behind each message, without end", "too many control frames", |listener| {
        upgraded(listener, |peer| pour(peer, &[frame(TEXT, b"hi"), frame(PING, b"")].concat().repeat(100)));
    }),
    ("sends 900 pings, and then garbage", "1002", |listener| {
        upgraded(listener, |peer| {
            peer.send(&frame(PING, &[b'p'; 125]).repeat(900));
            peer.send(&[0x83, 0]);
        });
    }),
];

pub const COUNT: usize = 37;

/// What each does, and what the client then says.
pub fn table() -> Vec<(&'static str, String)> {
    SERVERS.iter().map(|(does, words, _)| (*does, format!("error with `{words}`"))).collect()
}

/// Accepts one client, follows the script, and reads on until the client has gone.
fn answer(listener: &TcpListener, script: impl FnOnce(&mut Peer)) {
    let mut peer = Peer::accept(listener);
    script(&mut peer);
    let _ = peer.stream.read_to_end(&mut Vec::new());
    let _ = peer.stream.shutdown(Shutdown::Both);
}

fn upgraded(listener: &TcpListener, script: impl FnOnce(&mut Peer)) {
    answer(listener, |peer| {
        peer.upgrade("");
        script(peer);
    });
}

/// Sends this as long as the client takes it, which is not for long.
fn pour(peer: &mut Peer, bytes: &[u8]) {
    // What the client says meanwhile is read too, or its last words would be waited for.
    let mut reading = peer.stream.try_clone().unwrap();
    let reader = thread::spawn(move || reading.read_to_end(&mut Vec::new()));
    let mut taken = 0;
    // The system can hold a write for long whose reader has closed with a full window.
    peer.stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    while peer.stream.write_all(bytes).is_ok() {
        taken += bytes.len();
        assert!(taken < MOST, "the client took {taken} bytes");
    }
    let _ = peer.stream.shutdown(Shutdown::Both);
    let _ = reader.join().unwrap();
}

/// How a client fares: the error in the end.
fn meet(url: &str) -> Error {
    let options = ConnectOptions::new()
        .connect_timeout(Duration::from_secs(1))
        .close_timeout(Duration::from_millis(200))
        .ping_interval(Some(Duration::from_millis(500)))
        .ping_timeout(Duration::from_millis(500))
        .max_message_size(64 * 1024);
    let mut connection = match options.connect(url) {
        Ok(connection) => connection,
        Err(error) => return error,
    };
    loop {
        if let Err(error) = connection.recv() {
            return error;
        }
    }
}

#[test]
fn a_client_that_meets_a_hostile_server_ends_with_a_clear_error() {
    for (does, words, script) in SERVERS {
        let server = RawServer::run(script);
        let began = Instant::now();
        let error = meet(&server.url());
        let said = format!("{error} {}", error.close_reason().map_or(String::new(), ToString::to_string));
        assert!(said.contains(words), "a server that {does}: no {words:?} in {said:?} ({error:?})");
        assert!(!said.contains(char::is_control), "a server that {does}: {said:?}");
        assert!(began.elapsed() < Duration::from_secs(8), "a server that {does}: {:?}", began.elapsed());
        server.finish();
    }
}
