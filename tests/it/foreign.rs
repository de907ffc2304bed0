//! What others' software says of us: foreign clients hold the conversation of the
//! article, and the Autobahn suite judges both sides. `tests/run` installs them.

use std::io::{BufRead, BufReader, pipe};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::examples::example;
use crate::support::{Program, addr};
use crate::tls;
use crate::tls::authority::{Authority, HERE};

pub const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign");
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/.venv/bin/python");
/// The scripts have limits of their own; this is for one that hangs all the same.
const TIME_LIMIT: Duration = Duration::from_secs(300);

#[test]
#[ignore = "needs Python's websockets: run tests/run"]
fn the_conversation_of_the_article_is_held_by_pythons_websockets() {
    let (_server, addr) = Program::chat_server(&[]);
    succeeds(python("conversation.py").arg(format!("ws://{addr}/")));
}

#[test]
#[ignore = "needs npm's ws: run tests/run"]
fn the_conversation_of_the_article_is_held_by_npms_ws() {
    let (_server, addr) = Program::chat_server(&[]);
    let script = format!("{SCRIPTS}/conversation.mjs");
    succeeds(Command::new("node").arg(script).arg(format!("ws://{addr}/")));
}

#[test]
#[ignore = "needs Python's kosoku: run tests/run"]
fn the_server_passes_the_autobahn_suite() {
    let mut echo = Program::start(example("echo").args(["--listen", "127.0.0.1:0"]));
    let url = format!("ws://{}/", echo.address());
    succeeds(python("conformance.py").args(["server", &url]));
}

#[test]
#[ignore = "needs Python's kosoku: run tests/run"]
fn the_client_passes_the_autobahn_suite() {
    let client = example("conformance_client");
    succeeds(python("conformance.py").arg("client").arg(client.get_program()));
}

#[test]
#[ignore = "needs Python's kosoku: run tests/run"]
fn the_server_passes_the_autobahn_suite_over_tls() {
    let authority = Authority::new();
    let server = tls::echo(&authority);
    let url = format!("wss://{}/", addr(&server));
    succeeds(python("conformance.py").args(["server", &url]).arg(authority.ca()));
}

#[test]
#[ignore = "needs Python's kosoku: run tests/run"]
fn the_client_passes_the_autobahn_suite_over_tls() {
    let authority = Authority::new();
    let identity = authority.server(&HERE);
    let client = example("conformance_client");
    let files = [&authority.ca(), &identity.cert, &identity.key];
    succeeds(python("conformance.py").arg("client").arg(client.get_program()).args(files));
}

#[test]
#[ignore = "needs Python's websockets: run tests/run"]
fn the_conversation_of_the_article_is_held_by_pythons_websockets_over_tls() {
    let authority = Authority::new();
    let (_server, addr) = Program::chat_server(&authority.server(&HERE).args());
    succeeds(python("conversation.py").arg(format!("wss://{addr}/")).arg(authority.ca()));
}

#[test]
#[ignore = "needs Python's prometheus-client: run tests/run"]
fn the_metrics_are_read_by_prometheus_own_parsers() {
    let (_server, addr) = Program::chat_server(&[]);
    succeeds(python("metrics.py").arg(format!("http://{addr}/metrics")));
}

pub fn python(script: &str) -> Command {
    assert!(Path::new(PYTHON).exists(), "{PYTHON} is missing: run tests/run");
    let mut command = Command::new(PYTHON);
    command.arg("-u").arg(format!("{SCRIPTS}/{script}"));
    command
}

/// A script under way, killed when the test ends.
struct Script(Child);

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a script to its end; what it prints is shown with the test's own output.
#[track_caller]
pub fn succeeds(command: &mut Command) {
    let (output, stdout) = pipe().unwrap();
    let stderr = stdout.try_clone().unwrap();
    let started = command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).spawn();
    let mut script = Script(started.unwrap_or_else(|error| panic!("failed to start {command:?}: {error}")));
    // The command holds the pipe's other end, and would keep it open.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (ended_tx, ended_rx) = mpsc::channel::<()>();
    thread::spawn(move || {
        let _ended_tx = ended_tx;
        BufReader::new(output).lines().map_while(Result::ok).for_each(|line| println!("{line}"));
    });
    let ended = ended_rx.recv_timeout(TIME_LIMIT);
    assert_eq!(ended, Err(RecvTimeoutError::Disconnected), "no end within {TIME_LIMIT:?}: {command:?}");
    let status = script.0.wait().unwrap();
    assert!(status.success(), "{status}: {command:?}");
}
