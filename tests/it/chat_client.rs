//! The program `chat-client`, against a server of raw bytes.
#![cfg(feature = "programs")]

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use crate::raw_server::{PATIENCE, Peer, RawServer, TEXT};
use crate::support::wait_for_end;

struct Program {
    child: Child,
}

struct Ended {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Program {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
        let command = command.args(args).env_clear();
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { child: command.spawn().unwrap() }
    }

    fn type_in(&mut self, text: &str) {
        self.child.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Waits for the end, stdin left open.
    fn finish(mut self) -> Ended {
        let status = wait_for_end(&mut self.child).code();
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Ended { status, stdout, stderr }
    }
}

#[test]
fn lines_are_messages_and_bye_leaves_with_a_proper_close() {
    let (head_tx, head_rx) = mpsc::channel();
    let server = RawServer::run(move |listener| {
        let mut peer = Peer::accept(listener);
        head_tx.send(peer.head.clone()).unwrap();
        peer.upgrade("");
        peer.send_frame(TEXT, b"a\x1b[31m red\nline");
        assert_eq!(peer.read_frame().text(), "hi there");
        peer.send_frame(TEXT, b"John says: hi there");
        assert_eq!(peer.answer_close().0, 1000);
    });
    let url = format!("{}x?room=games&name=other", server.url());
    let mut program = Program::start(&["--name", "Jörg & Co", "-q", &url]);
    program.type_in("hi there\nBye\nnever sent\n");
    let ended = program.finish();
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, "Received: a\\u{1b}[31m red\\nline\nReceived: John says: hi there\n");
    assert_eq!(ended.stderr, "");
    let head = head_rx.recv_timeout(PATIENCE).unwrap();
    assert!(head.starts_with("GET /x?name=J%C3%B6rg%20%26%20Co&room=games HTTP/1.1\r\n"), "{head}");
    server.finish();
}

#[test]
fn a_lost_connection_ends_the_program_while_stdin_is_idle() {
    let server = RawServer::upgraded(|peer| peer.stream.shutdown(std::net::Shutdown::Both).unwrap());
    let ended = Program::start(&["--name", "John", "-q", &server.url()]).finish();
    assert_eq!((ended.status, ended.stderr.lines().count()), (Some(1), 1), "{}", ended.stderr);
    assert!(ended.stderr.starts_with("chat-client: the connection was lost"), "{}", ended.stderr);
    server.finish();
}

#[test]
fn a_refusal_is_one_line_that_says_why() {
    let server = RawServer::run(|listener| {
        let mut peer = Peer::accept(listener);
        peer.send(b"HTTP/1.1 409 Conflict\r\nContent-Length: 13\r\n\r\nJohn is taken");
        peer.read_to_end();
    });
    let ended = Program::start(&["--name", "John", &server.url()]).finish();
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""));
    assert_eq!(
        ended.stderr,
        "chat-client: the server refused with status 409: John is taken; choose another --name\n"
    );
    server.finish();
}

#[test]
fn wrong_usage_is_told_apart_from_failure() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (status, args) in [
        (2, vec![]),
        (2, vec!["--name", "John", "gopher://localhost/"]),
        (2, vec!["--name", "John", "--header", "no colon"]),
        (1, vec!["--name", "John", &format!("ws://{closed}/")]),
    ] {
        let ended = Program::start(&args).finish();
        assert_eq!(ended.status, Some(status), "{args:?}: {}", ended.stderr);
    }
}
