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

/// What a client may have in memory at its height. A message may have 16 MiB, and is there
/// twice while it is put together.
const BOUND: usize = 64 << 20;
/// What is sent of anything: much more than the bound.
const MOST: usize = 160 << 20;
/// How long a client that takes nothing more is waited for.
const STUCK: Duration = Duration::from_secs(1);

/// Whether somebody reads what the client prints.
#[derive(Clone, Copy, PartialEq)]
enum Output {
    Read,
    Unread,
}

/// Runs chat-client beside a server that sends `first` and then goes on with what `next` gives
/// for each number from 0 on; what the client says on stderr in the end.
#[track_caller]
fn bears(args: &[&str], output: Output, next: impl FnMut(usize) -> Vec<u8> + Send + 'static) -> String {
    let is_json = args.contains(&"--json");
    let (pid_tx, pid_rx) = mpsc::channel();
    let server = RawServer::run(move |listener| {
        let mut peer = greet(listener, is_json);
        let height = pour(&mut peer, &pid_rx, next);
        assert!(height < BOUND, "{} MiB at the height", height >> 20);
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
    command.args(["--name", "John", "--no-reconnect"]).args(args).arg(server.url());
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
fn pour(peer: &mut Peer, pid: &Receiver<u32>, mut next: impl FnMut(usize) -> Vec<u8>) -> usize {
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
        if result.is_err() || taken > MOST {
            break;
        }
    }
    let _ = peer.stream.shutdown(Shutdown::Both);
    reader.join().unwrap();
    height
}

/// A chunk of small frames, so that memory is not looked at for each.
fn many(mut frame_of: impl FnMut(usize) -> Vec<u8>) -> impl FnMut(usize) -> Vec<u8> {
    move |chunk| (0..2000).flat_map(|index| frame_of(chunk * 2000 + index)).collect()
}

#[test]
fn a_client_s_memory_is_bounded_beside_a_message_that_does_not_end() {
    let begin = |number| if number == 0 { frame(0x01, b"") } else { Vec::new() };
    for (words, fragments) in [
        ("fragments", frame(0x00, b"").repeat(1000)),
        ("message over", frame(0x00, &[b'x'; 60_000])),
        ("control frames", [frame(0x00, b""), frame(PING, b"").repeat(100)].concat()),
    ] {
        let said =
            bears(&["--plain"], Output::Read, move |number| [begin(number), fragments.clone()].concat());
        assert!(said.contains(words), "no {words:?} in {said:?}");
    }
}

#[test]
fn a_client_s_memory_is_bounded_beside_messages_without_end() {
    for args in [["--plain"], ["--json"]] {
        let notice = |length| {
            frame(TEXT, format!(r#"{{"type":"notice","text":"{}"}}"#, "x".repeat(length)).as_bytes())
        };
        for (output, bytes) in [
            (Output::Read, notice(1000).repeat(1000)),
            (Output::Read, notice(15 << 20)),
            (Output::Unread, notice(16 << 10)),
        ] {
            bears(&args, output, move |_| bytes.clone());
        }
    }
}

#[test]
fn a_client_s_memory_is_bounded_beside_events_without_end() {
    let positions = |number: usize| {
        let pos = format!("{number:0>60000}");
        frame(
            TEXT,
            format!(r#"{{"type":"message","room":"lobby","from":"Eve","text":"hi","pos":"{pos}","time":1}}"#)
                .as_bytes(),
        )
    };
    bears(&["--json"], Output::Read, positions);
    let rooms = |number| {
        frame(TEXT, format!(r#"{{"type":"joined","room":"r{number}","name":"John","time":1}}"#).as_bytes())
    };
    bears(&["--json"], Output::Read, many(rooms));
    let renamed = |number| {
        let name = format!("{number:0>60000}");
        frame(TEXT, format!(r#"{{"type":"joined","room":"{name}","name":"John","time":1}}"#).as_bytes())
    };
    bears(&["--json"], Output::Read, renamed);
}
