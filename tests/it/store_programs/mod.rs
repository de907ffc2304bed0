//! A store in a file, as whoever runs the programs meets it.

mod failing;
mod keeping;
mod refusing;
mod transfer;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use chinwag::ConnectOptions;
use chinwag::protocol::{ChatMessage, Event, SUBPROTOCOL};
use tempfile::TempDir;

use crate::rooms::Person;
use crate::support::Program;

/// A folder with a store's file in it, gone with the test.
pub struct Shelf(TempDir);

impl Shelf {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn file(&self) -> PathBuf {
        self.path("chat.db")
    }

    /// As `--store` has it.
    pub fn store(&self) -> String {
        format!("sqlite:{}", self.file().display())
    }

    /// A server that keeps what is said here.
    pub fn serve(&self, args: &[&str]) -> (Program, SocketAddr) {
        Program::chat_server(&[&["--store", &self.store(), "--message-rate", "off"], args].concat())
    }

    /// `chat-server TASK --store …`, to its end.
    pub fn run(&self, task: &str, args: &[&str]) -> Output {
        run(&[&[task, "--store", &self.store()], args].concat())
    }

    /// What `chat-server export` writes.
    #[track_caller]
    pub fn export(&self, args: &[&str]) -> Vec<ChatMessage> {
        let output = self.run("export", args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && stderr.is_empty(), "{stderr}");
        messages(std::str::from_utf8(&output.stdout).unwrap())
    }

    pub fn texts(&self) -> Vec<String> {
        self.export(&[]).into_iter().map(|message| message.text).collect()
    }
}

pub fn messages(lines: &str) -> Vec<ChatMessage> {
    let message = |line: &str| match Event::parse(line) {
        Ok(Event::Message(message)) => message,
        other => panic!("{other:?}: {line}"),
    };
    lines.lines().map(message).collect()
}

/// chat-server with nothing on stdin, to its end.
pub fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chat-server")).args(args).stdin(Stdio::null()).output().unwrap()
}

/// Stops a server as its operator would.
pub fn stop(mut server: Program) {
    server.signal("-TERM");
    assert_eq!(server.exit_code(), 0);
}

/// Somebody who has connected with this query, before anything is heard.
pub fn connect(addr: SocketAddr, query: &str) -> Person {
    let url = format!("ws://{addr}/?{query}");
    Person { connection: ConnectOptions::new().subprotocol(SUBPROTOCOL).connect(&url).unwrap() }
}

/// Somebody who has come in.
pub fn join(addr: SocketAddr, name: &str) -> Person {
    connect(addr, &format!("name={name}")).told_of_coming(name)
}

/// Says something under an id; its place.
#[track_caller]
pub fn say(person: &mut Person, text: &str, id: &str) -> String {
    person.ask(&format!(r#"{{"type":"say","room":"lobby","text":{text:?},"id":{id:?}}}"#));
    hear_ack(person, id)
}

/// Skips what comes before the acknowledgement.
#[track_caller]
pub fn hear_ack(person: &mut Person, wanted: &str) -> String {
    loop {
        match person.hear() {
            Event::Ack { id, pos, .. } if id == wanted => return pos.unwrap(),
            Event::Error { code, reason, .. } => panic!("{code}: {reason}"),
            _ => {}
        }
    }
}

/// Skips what comes before an error; its code and reason.
pub fn hear_error(person: &mut Person) -> (String, String) {
    loop {
        if let Event::Error { code, reason, .. } = person.hear() {
            return (code, reason);
        }
    }
}
