//! SIGHUP.

use std::fs;
use std::time::{Duration, Instant};

use chinwag::{CloseCode, Connection, Settings};

use super::{File, command, start};
use crate::support::{Program, addr, answer_to, chat, eventually, hear, hear_end, hears, join, request};

/// A server that reads `text`, and its log.
struct Running {
    file: File,
    server: Program,
    addr: std::net::SocketAddr,
}

impl Running {
    fn new(text: &str, args: &[&str]) -> Self {
        let file = File::new(text);
        let log = file.beside("log");
        let mut command = command(&["--listen", "127.0.0.1:0", "--config", file.path(), "--log-file", &log]);
        let mut server = start(command.args(args));
        let addr = server.address();
        Self { file, server, addr }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.file.beside("log")).unwrap_or_default()
    }

    /// Has the file read again; the line in the log that says what came of it.
    fn reload(&self, text: &str) -> String {
        self.file.write(text);
        let told = |log: &str| log.lines().filter(|line| line.contains("asked to reload:")).count();
        let before = told(&self.log());
        self.server.signal("-HUP");
        eventually("the log says what was read", || told(&self.log()) > before);
        self.log().lines().rfind(|line| line.contains("asked to reload:")).unwrap().to_owned()
    }

    fn join(&self, name: &str) -> Connection {
        let mut client = Connection::connect(&format!("ws://{}/?name={name}", self.addr)).unwrap();
        while hear(&mut client) != format!("Welcome {name}.") {}
        client
    }

    fn answer(&self, fields: &str) -> String {
        answer_to(self.addr, &request("/?name=Page", fields))
    }
}

/// How long it takes until three messages, said at once, were all heard.
fn time_for_three(client: &mut Connection, name: &str) -> Duration {
    let began = Instant::now();
    (0..3).for_each(|number| client.send(format!("{number}")).unwrap());
    while hear(client) != format!("{name} says: 2") {}
    began.elapsed()
}

#[test]
fn a_new_rate_holds_for_newcomers_and_who_is_there_keeps_the_old_one() {
    const TWO_WAITS: Duration = Duration::from_millis(1900);
    let running = Running::new("message-rate = \"20:10\"\n", &[]);
    let mut early = running.join("early");
    let line = running.reload("message-rate = \"1:1\"\n");
    assert!(line.contains("message-rate was \"20:10\" and is \"1:1\""), "{line}");
    let mut late = running.join("late");
    let time = time_for_three(&mut late, "late");
    assert!(time >= TWO_WAITS, "three messages in {time:?}, at one a second");
    running.reload("message-rate = \"off\"\n");
    let time = time_for_three(&mut late, "late");
    assert!(time >= TWO_WAITS, "three messages in {time:?}, though it came at one a second");
    // Nobody was dropped.
    time_for_three(&mut early, "early");
}

#[test]
fn limits_origins_and_hosts_change_while_the_server_runs() {
    let running = Running::new("", &[]);
    let origin = "Origin: https://other.example\r\n";
    assert!(running.answer(origin).starts_with("HTTP/1.1 403 "));
    let line = running
        .reload("allow-origin = \"https://other.example\"\nallow-host = \"*\"\nmax-message-size = 5\n");
    assert!(line.contains("allow-origin was not set and is [\"https://other.example\"]"), "{line}");
    assert!(running.answer(origin).starts_with("HTTP/1.1 101 "));
    let mut john = running.join("John");
    john.send("more than five").unwrap();
    assert_eq!(hear_end(&mut john).code, CloseCode::TOO_BIG);
    running.reload("max-clients = 1\n");
    eventually("John has gone", || running.answer("").starts_with("HTTP/1.1 101 "));
    let _adam = loop {
        // The one who asked just now may be on the way out.
        if let Ok(adam) = Connection::connect(&format!("ws://{}/?name=Adam", running.addr)) {
            break adam;
        }
    };
    let full = running.answer("");
    assert!(full.starts_with("HTTP/1.1 503 ") && full.contains("all of its 1 places"), "{full}");
}

#[test]
fn a_broken_file_changes_nothing_and_the_server_goes_on() {
    let running = Running::new("max-message-size = 5\n", &[]);
    let line = running.reload("max-message-size = 500\nhistory = \"x\"\n");
    let place = format!("{}:2: history", running.file.path());
    assert!(line.contains("[ERROR]") && line.contains(&place) && line.contains("going on"), "{line}");
    let mut john = running.join("John");
    john.send("more than five").unwrap();
    assert_eq!(hear_end(&mut john).code, CloseCode::TOO_BIG);
    // And the next one is read.
    running.reload("max-message-size = 500\n");
    let mut john = running.join("John");
    john.send("more than five").unwrap();
    hears(&mut john, &["John says: more than five"]);
}

#[test]
fn the_command_line_still_wins_and_what_needs_a_restart_is_told_of_each_time() {
    let running = Running::new("history = 3\n", &["--max-message-size", "5"]);
    let text = "max-message-size = 500\nlog-file = \"/elsewhere\"\ntrace-wire = true\nhistory = 4\n";
    let line = running.reload(text);
    assert!(
        line.contains("history was 3 and is 4") && line.contains("needs a restart: trace-wire"),
        "{line}"
    );
    assert!(!line.contains("max-message-size") && !line.contains("log-file"), "{line}");
    let line = running.reload(text);
    assert!(!line.contains("history") && line.contains("needs a restart: trace-wire"), "{line}");
    let mut john = running.join("John");
    john.send("more than five").unwrap();
    assert_eq!(hear_end(&mut john).code, CloseCode::TOO_BIG);
}

#[test]
fn the_level_of_the_log_changes() {
    let running = Running::new("", &[]);
    assert!(running.answer("").starts_with("HTTP/1.1 101 "));
    assert!(!running.log().contains("[DEBUG]"));
    running.reload("log-level = \"debug\"\n");
    let page = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert!(answer_to(running.addr, page).starts_with("HTTP/1.1 200 "));
    eventually("a line at the new level", || running.log().contains("[DEBUG]"));
}

#[test]
fn an_embedder_changes_settings_and_who_is_connected_keeps_them() {
    let server = chat();
    assert_eq!(server.settings().get(), Settings::default());
    let mut early = join(&server, "early");
    hears(&mut early, &["early joined.", "Welcome early."]);
    server.settings().change(|settings| settings.max_message_size = 5);
    let mut late = join(&server, "late");
    hears(&mut early, &["late joined."]);
    late.send("more than five").unwrap();
    assert_eq!(hear_end(&mut late).code, CloseCode::TOO_BIG);
    hears(&mut early, &["late left."]);
    early.send("more than five").unwrap();
    hears(&mut early, &["early says: more than five"]);
    server.settings().change(|settings| settings.max_clients = Some(1));
    let refused = Connection::connect(&format!("ws://{}/?name=third", addr(&server))).unwrap_err();
    assert!(refused.to_string().contains("503"), "{refused}");
    server.settings().change(|settings| settings.max_clients = None);
    join(&server, "third");
}
