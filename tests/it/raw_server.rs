//! A server of raw bytes, so that the client is tested against nothing of ours.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

pub const PATIENCE: Duration = Duration::from_secs(20);

pub const TEXT: u8 = 0x81;
pub const BINARY: u8 = 0x82;
pub const CLOSE: u8 = 0x88;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8a;

/// A listener whose thread follows a script.
pub struct RawServer {
    pub addr: SocketAddr,
    done: mpsc::Receiver<()>,
    thread: thread::JoinHandle<()>,
}

impl RawServer {
    pub fn run(script: impl FnOnce(&TcpListener) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let (done_tx, done) = mpsc::channel();
        let thread = thread::spawn(move || {
            let _done_tx = done_tx;
            script(&listener);
        });
        Self { addr, done, thread }
    }

    /// Accepts one client, upgrades it, and follows `script` with it.
    pub fn upgraded(script: impl FnOnce(&mut Peer) + Send + 'static) -> Self {
        Self::run(move |listener| {
            let mut peer = Peer::accept(listener);
            peer.upgrade("");
            script(&mut peer);
        })
    }

    pub fn url(&self) -> String {
        format!("ws://{}/", self.addr)
    }

    /// Waits until the script is done; fails where it failed.
    pub fn finish(self) {
        let ended = self.done.recv_timeout(PATIENCE);
        assert_eq!(ended, Err(mpsc::RecvTimeoutError::Disconnected), "the server's script did not end");
        if let Err(panic) = self.thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// One client, as the raw server sees it.
pub struct Peer {
    pub stream: TcpStream,
    /// The head of its request.
    pub head: String,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    pub flags: u8,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.payload).unwrap()
    }
}

impl Peer {
    pub fn accept(listener: &TcpListener) -> Self {
        let stream = listener.accept().unwrap().0;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let mut peer = Self { stream, head: String::new() };
        peer.read_head();
        peer
    }

    pub fn read_head(&mut self) {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(self.read(1)[0]);
        }
        self.head = String::from_utf8(bytes).unwrap();
    }

    /// The value of a header field of the request.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Answers the handshake; `fields` are more lines for the head.
    pub fn upgrade(&mut self, fields: &str) {
        let head = self.switching(fields);
        self.send(head.as_bytes());
    }

    pub fn switching(&self, fields: &str) -> String {
        let key = self.header("Sec-WebSocket-Key").unwrap();
        let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{fields}\r\n"
        )
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub fn send_frame(&mut self, flags: u8, payload: &[u8]) {
        self.send(&frame(flags, payload));
    }

    pub fn close(&mut self, code: u16, reason: &str) {
        self.send_frame(CLOSE, &[&code.to_be_bytes(), reason.as_bytes()].concat());
    }

    pub fn read(&mut self, size: usize) -> Vec<u8> {
        let mut bytes = vec![0; size];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// The next frame, unmasked; a client's must be masked.
    pub fn read_frame(&mut self) -> Frame {
        let head = self.read(2);
        assert_ne!(head[1] & 0x80, 0, "a client's frame has no mask");
        let length = match head[1] & 0x7f {
            126 => self.read(2),
            127 => self.read(8),
            length => vec![length],
        };
        let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let mask = self.read(4);
        let payload =
            self.read(length).iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        Frame { flags: head[0], payload }
    }

    /// The code and reason of the next frame, which is a close frame.
    pub fn read_close(&mut self) -> (u16, String) {
        let frame = self.read_frame();
        assert_eq!(frame.flags, CLOSE, "expected a close frame, got {frame:?}");
        if frame.payload.is_empty() {
            return (1005, String::new());
        }
        let code = u16::from_be_bytes([frame.payload[0], frame.payload[1]]);
        (code, String::from_utf8(frame.payload[2..].to_vec()).unwrap())
    }

    /// Answers the client's close frame with its code.
    pub fn answer_close(&mut self) -> (u16, String) {
        let (code, reason) = self.read_close();
        self.close(code, "");
        (code, reason)
    }

    /// Reads until the client has ended the connection; returns how much came.
    pub fn read_to_end(&mut self) -> usize {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(size) => size,
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
                rest.len()
            }
        }
    }
}

/// A server's frame.
pub fn frame(flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![flags];
    match payload.len() {
        length @ 0..=125 => bytes.push(length as u8),
        length @ 126..=0xffff => {
            bytes.push(126);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}
