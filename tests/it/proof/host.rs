//! The real chat-server, started again and again behind one network.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use chinwag::{ConnectOptions, Connection};
use serde_json::{Value, json};

use super::network::Network;
use super::person::ROOMS;
use super::record::{Kept, Life, Message};
use crate::support::{Program, hear};

/// Nothing but the storm ends a connection, and all is kept.
const ARGS: [&str; 13] = [
    "--listen=127.0.0.1:0",
    "--message-rate=off",
    "--joins-per-address=off",
    "--connections-per-address=off",
    "--retention-messages=10000000",
    "--retention-bytes=10000000000",
    // Between lives nobody is to wait for who is gone.
    "--close-timeout=1s",
    // No one is slow here but by this machine.
    "--overflow-grace=60s",
    "--outbox-messages=1000000",
    "--outbox-bytes=100000000",
    "--max-handshakes=1000",
    "--drain-timeout=5s",
    "-q",
];

pub struct Host {
    pub network: Arc<Network>,
    make: Box<dyn Fn() -> Command>,
    log: std::path::PathBuf,
    program: Option<Program>,
    lives: u32,
}

impl Host {
    /// A server with these options and variables, which writes its log into `folder`.
    pub fn start(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>();
        let variables = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let variables = variables.collect::<Vec<_>>();
        let make = move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
            command.args(ARGS).args(&args).envs(variables.clone());
            command
        };
        let (network, log) = (Arc::new(Network::start()), folder.join("server.log"));
        let mut host = Self { network, make: Box::new(make), log, program: None, lives: 0 };
        host.start_again();
        host
    }

    pub fn start_again(&mut self) {
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let mut program = Program::start((self.make)().stderr(Stdio::from(log)));
        self.lives += 1;
        self.network.lead_to(program.address(), self.life());
        self.program = Some(program);
    }

    /// This life, or the last one.
    pub fn life(&self) -> Life {
        Life { server: "chat".to_owned(), number: self.lives }
    }

    /// SIGKILL; it is dead then.
    pub fn kill(&mut self) {
        drop(self.program.take().unwrap());
    }

    /// Asks it to stop, and waits for that.
    pub fn stop(&mut self) {
        let mut program = self.program.take().unwrap();
        program.signal("-TERM");
        assert_eq!(program.exit_code(), 0);
    }

    /// The log of both rooms, as a newcomer can read it back page by page.
    pub fn history(&self) -> Vec<Kept> {
        let url = format!("ws://{}/?name=reader&room={}", self.network.addr, ROOMS[0]);
        let mut reader = ConnectOptions::new().subprotocol("chinwag.v1").connect(&url).unwrap();
        reader.send(json!({"type": "join", "room": ROOMS[1]}).to_string()).unwrap();
        let mut kept = ROOMS.iter().flat_map(|room| pages(&mut reader, room)).collect::<Vec<_>>();
        kept.sort_unstable_by_key(|kept| number(&kept.pos));
        kept
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let lines = log.lines().collect::<Vec<_>>();
            eprintln!("the server's log ends so:\n{}", lines[lines.len().saturating_sub(30)..].join("\n"));
        }
    }
}

fn pages(reader: &mut Connection, room: &str) -> Vec<Kept> {
    let mut pages = Vec::new();
    let mut before: Option<String> = None;
    loop {
        let mut request = json!({"type": "history", "room": room, "limit": 100});
        before.iter().for_each(|before| request["before"] = json!(before));
        reader.send(request.to_string()).unwrap();
        // What a newcomer gets without asking is shorter.
        reader.send(json!({"type": "ping", "id": "page"}).to_string()).unwrap();
        let mut page = Value::Null;
        loop {
            let event: Value = serde_json::from_str(&hear(reader)).unwrap();
            match event["type"].as_str() {
                Some("pong") => break,
                Some("history") if event["room"] == room => page = event,
                _ => {}
            }
        }
        let messages = page["messages"].as_array().unwrap().iter().map(kept).collect::<Vec<_>>();
        before = messages.first().map(|first| first.pos.clone());
        pages.push(messages);
        if page["more"] == false {
            return pages.into_iter().rev().flatten().collect();
        }
    }
}

fn kept(message: &Value) -> Kept {
    let text = |key: &str| message[key].as_str().unwrap();
    Kept { pos: text("pos").to_owned(), message: Message::new(text("room"), text("from"), text("text")) }
}

/// The order of all rooms: a position is the store's epoch and a number.
fn number(pos: &str) -> u64 {
    pos.rsplit_once('-').unwrap().1.parse().unwrap()
}
