//! A whole server on transports that a test holds in its hand.

#[cfg(feature = "chat")]
mod mutation;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::{Server, accept};
use crate::client::{ConnectOptions, from_transport};
use crate::transport::{Faults, Faulty, Half, MemoryEnd, Transport, memory_pair};
use crate::{Client, CloseReason, Handler, PeerAddr};

/// The longest that anything here may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Says back what it hears, and tells the test of all.
struct Echo(std::sync::mpsc::Sender<String>);

impl Handler for Echo {
    fn on_open(&mut self, _: &Client) {
        self.tell("open");
    }

    fn on_text(&mut self, me: &Client, text: &str) {
        self.tell(text);
        me.send(text);
    }

    fn on_close(&mut self, _: &Client, _: &CloseReason) {
        self.tell("close");
    }
}

impl Echo {
    fn tell(&self, what: &str) {
        let _ = self.0.send(what.to_owned());
    }
}

fn echo() -> (Server, Receiver<String>) {
    let (told_tx, told) = channel();
    let server = Server::builder()
        .handler(move |_| Ok(Echo(told_tx.clone())))
        .close_timeout(Duration::from_millis(200))
        .start()
        .expect("without a listener");
    (server, told)
}

/// Puts a connection with such faults before the server; its other end.
fn admit(server: &Server, faults: Faults) -> (Arc<Faulty>, MemoryEnd) {
    let (ours, theirs) = memory_pair();
    let ours = Arc::new(Faulty::new(ours, faults));
    accept::admit(&server.context, ours.clone(), PeerAddr::Memory, None);
    (ours, theirs)
}

/// All that comes until the end.
fn read_to_end(end: &MemoryEnd) -> Vec<u8> {
    let deadline = Instant::now() + PATIENCE;
    let (mut all, mut buffer) = (Vec::new(), [0; 1024]);
    loop {
        match end.read(&mut buffer, Some(deadline)) {
            Ok(0) => return all,
            Ok(read) => all.extend(&buffer[..read]),
            Err(error) => panic!("no end within {PATIENCE:?}: {error}"),
        }
    }
}

fn masked(flags: u8, payload: &[u8]) -> Vec<u8> {
    crate::frame::single(flags, payload, Some([1, 2, 3, 4])).to_vec()
}

/// What a client sends in a short conversation, fragments and all.
fn conversation() -> Vec<u8> {
    let head = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let long = "long ".repeat(30);
    [
        head.to_vec(),
        masked(0x81, b"one"),
        masked(0x01, b"tw"),
        masked(0x80, b"o"),
        masked(0x81, long.as_bytes()),
        masked(0x88, &[3, 232]),
    ]
    .concat()
}

/// What the server's handler heard of one connection, up to its end.
fn heard(server: &Server, told: &Receiver<String>) -> Vec<String> {
    let mut heard = Vec::new();
    // What is not there yet comes with the end.
    let deadline = Instant::now() + PATIENCE;
    while !server.context.greeting.lock().is_empty() {
        assert!(Instant::now() < deadline, "the handshake does not end");
        std::thread::yield_now();
    }
    while server.context.clients.load(std::sync::atomic::Ordering::SeqCst) > 0 {
        assert!(Instant::now() < deadline, "the client does not end");
        std::thread::yield_now();
    }
    heard.extend(told.try_iter());
    heard
}

/// The conversation through such faults: what the handler heard, and the client.
fn converse(server: &Server, told: &Receiver<String>, faults: Faults) -> (Vec<String>, Vec<u8>) {
    let (_ours, theirs) = admit(server, faults);
    let _ = theirs.try_send(&conversation());
    let answer = read_to_end(&theirs);
    theirs.shutdown(Half::Both);
    (heard(server, told), answer)
}

#[test]
fn a_stream_in_single_bytes_with_hiccups_gives_the_same_conversation() {
    let (server, told) = echo();
    let (expected, answer) = converse(&server, &told, Faults::default());
    assert_eq!(expected[..3], ["open", "one", "two"]);
    assert_eq!((expected.len(), expected.last().map(String::as_str)), (5, Some("close")));
    for piece in [None, Some(1), Some(2), Some(7)] {
        for hiccups in [false, true] {
            let faults = Faults { piece, hiccups, ..Faults::default() };
            let (heard, answered) = converse(&server, &told, faults);
            assert_eq!(heard, expected, "{faults:?}");
            assert_eq!(answered, answer, "{faults:?}");
        }
    }
}

/// Asserts that what was heard is the beginning of a whole conversation, opened and closed
/// once, or nothing at all.
fn check_beginning(heard: &[String], whole: &[String], faults: Faults) {
    let Some((last, before)) = heard.split_last() else { return };
    assert_eq!(last, "close", "{faults:?}: {heard:?}");
    assert!(!before.is_empty() && whole.starts_with(before), "{faults:?}: {heard:?}");
}

#[test]
fn a_reset_at_any_byte_ends_a_client_once_and_harms_no_other() {
    let (server, told) = echo();
    let (whole, answer) = converse(&server, &told, Faults::default());
    let mut ends = std::collections::HashSet::new();
    for at in 1..=conversation().len() {
        let faults = Faults { reset_after_read: Some(at), piece: Some(1 + at % 5), ..Faults::default() };
        let (heard, _) = converse(&server, &told, faults);
        check_beginning(&heard, &whole, faults);
        ends.insert(heard.len());
    }
    for at in 1..=answer.len() {
        let faults =
            Faults { reset_after_sent: Some(at), hiccups: at.is_multiple_of(2), ..Faults::default() };
        let (heard, answered) = converse(&server, &told, faults);
        check_beginning(&heard, &whole, faults);
        assert!(answer.starts_with(&answered), "{faults:?}");
    }
    // Somewhere in it each message was the last.
    assert_eq!(ends.len(), 5, "{ends:?}");
    assert_eq!(converse(&server, &told, Faults::default()), (whole, answer));
}

/// A short conversation as our client has it, through such faults; how far it came.
fn client_through(server: &Server, faults: Faults) -> (crate::Result<Vec<String>>, Arc<Faulty>) {
    let (ours, theirs) = memory_pair();
    accept::admit(&server.context, Arc::new(ours), PeerAddr::Memory, None);
    let theirs = Arc::new(Faulty::new(theirs, faults));
    let options = ConnectOptions::new().close_timeout(Duration::from_millis(200)).connect_timeout(PATIENCE);
    let talk = || {
        let mut connection = from_transport(theirs.clone(), PeerAddr::Memory, &options, "/")?;
        let mut heard = Vec::new();
        for text in ["one", "two"] {
            connection.send(text)?;
            let deadline = Instant::now() + PATIENCE;
            let message = loop {
                assert!(Instant::now() < deadline, "{faults:?}: no answer");
                if let Some(message) = connection.recv_timeout(Duration::from_millis(50))? {
                    break message;
                }
            };
            heard.push(message.as_text().unwrap_or_default().to_owned());
        }
        connection.close(1000, "")?;
        Ok(heard)
    };
    (talk(), theirs)
}

#[test]
fn a_reset_at_any_byte_is_an_error_to_our_client_and_never_a_hang() {
    let (server, told) = echo();
    let whole = Faults { piece: Some(1), hiccups: true, ..Faults::default() };
    let (heard_in_pieces, transport) = client_through(&server, whole);
    assert_eq!(heard_in_pieces.expect("it is only slow"), ["one", "two"]);
    let (read, sent) = (transport.bytes_read(), transport.sent().len());
    let resets = (1..read).map(|at| Faults { reset_after_read: Some(at), ..Faults::default() });
    let resets = resets.chain((1..sent).map(|at| Faults { reset_after_sent: Some(at), ..whole }));
    for faults in resets {
        if let Ok(texts) = client_through(&server, faults).0 {
            // Only the closing was hit.
            assert_eq!(texts, ["one", "two"], "{faults:?}");
        }
        let told = heard(&server, &told);
        assert_eq!(
            told.iter().filter(|call| *call == "open").count(),
            told.iter().filter(|call| *call == "close").count(),
            "{faults:?}: {told:?}"
        );
    }
}
