//! Options from a file, the environment and the command line; what is wrong with them; and
//! what changes while the server runs.

mod checking;
mod generated;
mod reloading;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use chinwag::{CloseCode, Connection};

use crate::support::{Program, hear_end, hears};

/// A configuration file, removed when the test ends.
struct File {
    folder: PathBuf,
    path: PathBuf,
}

impl File {
    fn new(text: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("chinwag-config-{:016x}", rand::random::<u64>()));
        fs::create_dir(&folder).unwrap();
        let file = Self { path: folder.join("chat-server.toml"), folder };
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        fs::write(&self.path, text).unwrap();
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    fn beside(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// chat-server, not started yet.
fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    command.args(args).stdin(Stdio::null());
    command
}

fn check(file: &File, more: &[&str]) -> Output {
    command(&["check-config", "--config", file.path()]).args(more).output().unwrap()
}

fn start(command: &mut Command) -> Program {
    Program::start(command.stderr(Stdio::null()))
}

/// Joins, says something of so many bytes, and asserts what comes of it.
#[track_caller]
fn assert_max_message_size(server: &mut Program, bytes: usize) {
    let url = format!("ws://{}/?name=John", server.address());
    let mut john = Connection::connect(&url).unwrap();
    hears(&mut john, &["John joined.", "Welcome John."]);
    john.send("x".repeat(bytes)).unwrap();
    hears(&mut john, &[&format!("John says: {}", "x".repeat(bytes))]);
    john.send("x".repeat(bytes + 1)).unwrap();
    assert_eq!(hear_end(&mut john).code, CloseCode::TOO_BIG);
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
    let file = File::new("listen = \"127.0.0.1:0\"\nmax-message-size = 10\n");
    let run = |args: &[&str], variable: Option<&str>| {
        let mut command = command(&["--config", file.path()]);
        command.args(args);
        if let Some(size) = variable {
            command.env("CHINWAG_MAX_MESSAGE_SIZE", size);
        }
        start(&mut command)
    };
    assert_max_message_size(&mut run(&[], None), 10);
    assert_max_message_size(&mut run(&[], Some("20")), 20);
    assert_max_message_size(&mut run(&["--max-message-size", "30"], Some("20")), 30);
    assert_max_message_size(&mut run(&["--max-message-size", "30"], None), 30);
}

#[test]
fn lists_flags_and_times_are_taken_from_the_file_that_the_environment_names() {
    let file = File::new(
        "listen = [\"127.0.0.1:0\", \"127.0.0.1:0\"]\ntrace-wire = true\nping-interval = \"off\"\n\
         message-rate = \"off\"\nhistory = 0x10\n",
    );
    let mut command = command(&[]);
    let mut server = Program::start(command.env("CHINWAG_CONFIG", file.path()).stderr(Stdio::piped()));
    let (first, second) = (server.address(), server.address());
    assert_ne!(first, second);
    drop(Connection::connect(&format!("ws://{second}/?name=John")).unwrap());
    server.signal("-TERM");
    assert_eq!(server.exit_code(), 0);
    let log = std::io::read_to_string(server.child.stderr.take().unwrap()).unwrap();
    assert!(log.contains("GET /?name=John HTTP/1.1"), "the wire is not shown: {log}");
    let print = check(&file, &["--print"]);
    assert!(String::from_utf8_lossy(&print.stdout).contains("\nhistory = 16  # "), "{print:?}");
}

#[test]
fn a_list_on_the_command_line_takes_the_place_of_that_in_the_file() {
    let file = File::new("listen = [\"127.0.0.1:0\", \"127.0.0.1:0\"]\n");
    let mut server = start(&mut command(&["--config", file.path(), "--listen", "127.0.0.1:0"]));
    server.address();
    server.signal("-TERM");
    assert_eq!((server.line().as_str(), server.exit_code()), ("", 0));
}

#[test]
fn options_that_need_each_other_may_come_from_different_places() {
    let file = File::new("listen = \"127.0.0.1:0\"\n");
    let authority = crate::tls::authority::Authority::new();
    let identity = authority.server(&crate::tls::authority::HERE);
    file.write(&format!("listen = \"127.0.0.1:0\"\ntls-cert = {:?}\n", identity.cert));
    let key = identity.key.to_str().unwrap();
    let mut with_variable = command(&["--config", file.path()]);
    for command in [
        command(&["--config", file.path(), "--tls-key", key]),
        std::mem::replace(with_variable.env("CHINWAG_TLS_KEY", key), Command::new("")),
    ] {
        let mut command = command;
        let mut server = start(&mut command);
        let line = server.line();
        assert!(line.starts_with("listening on wss://"), "{line}");
    }
}

#[test]
fn a_server_with_a_broken_file_does_not_start_and_says_so_in_one_line() {
    let file = File::new("max-clients = 0\nmax-fragments = 1\nhistroy = 2\n");
    let output = command(&["--config", file.path()]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), stderr.lines().count()), (Some(1), 1), "{stderr}");
    let place = format!("chat-server: {}:1: max-clients", file.path());
    assert!(stderr.starts_with(&place) && stderr.contains("and 1 more"), "{stderr}");
    let missing = file.beside("missing.toml");
    let output = command(&["--config", &missing]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && stderr.contains(&missing), "{stderr}");
    assert!(Path::new(file.path()).exists());
}

#[test]
fn verbose_and_quiet_go_from_the_level_in_the_file() {
    let file = File::new("listen = \"127.0.0.1:0\"\nlog-level = \"warn\"\n");
    let log_with = |name: &str, args: &[&str]| {
        let log = file.beside(name);
        let mut server = start(command(&["--config", file.path(), "--log-file", &log]).args(args));
        server.address();
        server.signal("-TERM");
        assert_eq!(server.exit_code(), 0);
        fs::read_to_string(log).unwrap()
    };
    assert_eq!(log_with("as-it-is", &[]), "");
    let verbose = log_with("verbose", &["-v"]);
    assert!(verbose.contains("[INFO]") && !verbose.contains("[DEBUG]"), "{verbose}");
    let named = log_with("named", &["--log-level", "debug", "-q"]);
    assert!(named.contains("[INFO]") && !named.contains("[DEBUG]"), "{named}");
}
