//! A real chat-client beside a hostile server that sends without end: what the process holds
//! in memory meanwhile is bounded, by what the system says of it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use chinwag::protocol::SUBPROTOCOL;

use super::footprint;
use crate::raw_server::{PING, Peer, RawServer, TEXT, frame};
use crate::support::{Program, wait_for_end};

const MIB: usize = 1 << 20;
/// What a client may have in memory at its height: itself and little more, or a message of
/// 16 MiB, the most that one may have, which is there some times over while it is passed on.
const SHORT: usize = 18 * MIB;
const LONG: usize = 80 * MIB;
/// How long a client that takes nothing more is waited for.
const STUCK: Duration = Duration::from_secs(1);

/// Whether somebody reads what the client prints.
#[derive(Clone, Copy, PartialEq)]
enum Output {
    Read,
    Unread,
}

/// Runs chat-client beside a server that sends what `next` gives for each number from 0 on,
/// `most` bytes of it. Asserts that the client's memory stays below `bound`; what it says on
/// stderr in the end.
fn bears(
    mode: &str,
    output: Output,
    most: usize,
    bound: usize,
    next: impl FnMut(usize) -> Vec<u8> + Send + 'static,
) -> String {
    let is_json = mode == "--json";
    let (pid_tx, pid_rx) = mpsc::channel();
    let server = RawServer::run(move |listener| {
        let mut peer = greet(listener, is_json);
        let height = pour(&mut peer, &pid_rx, most, next);
        assert!(height < bound, "{} MiB at the height", height >> 20);
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
    command.args(["--name", "John", "--no-reconnect"]).arg(mode).arg(server.url());
    let mut client = Program::start(command.stderr(Stdio::piped()));
    pid_tx.send(client.child.id()).unwrap();
    thread::scope(|scope| {
        let (child, stdout) = (&mut client.child, &mut client.stdout);
        let mut stderr = child.stderr.take().unwrap();
        let said = scope.spawn(move || {
            let mut said = String::new();
            stderr.read_to_string(&mut said).map(|_| said).unwrap()
        });
        if output == Output::Read {
            io::copy(stdout, &mut io::sink()).unwrap();
        }
        server.finish();
        if output == Output::Unread {
            child.kill().unwrap();
        }
        wait_for_end(child);
        said.join().unwrap()
    })
}

fn greet(listener: &TcpListener, is_json: bool) -> Peer {
    let mut peer = Peer::accept(listener);
    if is_json {
        peer.upgrade(&format!("Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n"));
        peer.send_frame(TEXT, br#"{"type":"welcome","name":"John","session":"s","room":"lobby","pos":"0"}"#);
    } else {
        peer.upgrade("");
    }
    peer
}

/// Sends until the client takes no more, or has taken enough; the most memory that it had.
fn pour(peer: &mut Peer, pid: &Receiver<u32>, most: usize, mut next: impl FnMut(usize) -> Vec<u8>) -> usize {
    let pid = pid.recv().unwrap();
    let mut reading = peer.stream.try_clone().unwrap();
    let reader = thread::spawn(move || drop(io::copy(&mut reading, &mut io::sink())));
    peer.stream.set_write_timeout(Some(STUCK)).unwrap();
    let (mut taken, mut height) = (0, 0);
    for number in 0.. {
        let bytes = next(number);
        let result = peer.stream.write_all(&bytes);
        taken += bytes.len();
        // None once the process has ended.
        height = height.max(footprint::peak(pid).unwrap_or_default());
        if result.is_err() || taken > most {
            break;
        }
    }
    let _ = peer.stream.shutdown(Shutdown::Both);
    reader.join().unwrap();
    height
}

/// An event in one frame.
fn event(json: &str) -> Vec<u8> {
    frame(TEXT, json.as_bytes())
}

#[test]
fn a_client_s_memory_is_bounded_beside_a_message_that_does_not_end() {
    for (words, fragments, bound) in [
        ("fragments", frame(0x00, b"").repeat(1000), SHORT),
        ("control frames", [frame(0x00, b""), frame(PING, b"").repeat(100)].concat(), SHORT),
        ("message over", frame(0x00, &[b'x'; 60_000]), LONG),
    ] {
        let next = move |number| if number == 0 { frame(0x01, b"") } else { fragments.clone() };
        let said = bears("--plain", Output::Read, 2 * bound, bound, next);
        assert!(said.contains(words), "no {words:?} in {said:?}");
    }
}

#[test]
fn a_client_s_memory_is_bounded_beside_messages_without_end() {
    let notice = |length| event(&format!(r#"{{"type":"notice","text":"{}"}}"#, "x".repeat(length)));
    for (mode, output, bytes, most, bound) in [
        ("--plain", Output::Read, notice(4096).repeat(100), 2 * SHORT, SHORT),
        ("--json", Output::Read, notice(4096).repeat(100), 2 * SHORT, SHORT),
        ("--plain", Output::Read, notice(15 * MIB), 2 * LONG, LONG),
        ("--plain", Output::Unread, notice(16 << 10), 2 * SHORT, SHORT),
        ("--json", Output::Unread, notice(16 << 10), 2 * SHORT, SHORT),
    ] {
        bears(mode, output, most, bound, move |_| bytes.clone());
    }
}

#[test]
fn a_client_s_memory_is_bounded_beside_rooms_without_end() {
    // Each would take some times as much memory as the word of it.
    for kind in ["joined", "resumed"] {
        bears("--json", Output::Read, SHORT / 2, SHORT, move |chunk| {
            let event = |room| {
                event(&format!(
                    r#"{{"type":"{kind}","room":"r{room}","name":"John","time":1,"complete":true,"missed":9}}"#
                ))
            };
            (2000 * chunk..2000 * (chunk + 1)).flat_map(event).collect()
        });
    }
}
