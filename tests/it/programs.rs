//! What scripts rely on: first lines, exit codes, what goes where.

use std::io::Read;
use std::process::{Command, Output, Stdio};

use crate::support::{Program, Raw, eventually, hears};

fn server(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    command.args(args).stdin(Stdio::null()).output().unwrap()
}

fn client(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
    command.args(args).stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
fn assert_ends(output: &Output, code: i32, words: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(output.stdout.is_empty(), "{output:?}");
    for word in words {
        assert!(stderr.contains(word), "{word:?} is missing in {stderr}");
    }
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_is_wrong() {
    assert_ends(&server(&["--no-such-option"]), 2, &["--no-such-option"]);
    assert_ends(&server(&["--ping-timeout", "soon"]), 2, &["--ping-timeout", "20s"]);
    assert_ends(&server(&["--max-clients", "0"]), 2, &["--max-clients", "at least 1"]);
    assert_ends(&server(&["--listen", "localhost"]), 2, &["--listen", "HOST:PORT"]);
    assert_ends(&server(&["--handshake-timeout", "0s"]), 2, &["--handshake-timeout"]);
    assert_ends(&server(&["--allow-origin", "example.org"]), 2, &["SCHEME://"]);
    assert_ends(&client(&["--name", "John", "localhost:9001"]), 2, &["ws://"]);
    assert_ends(&client(&[]), 2, &["--name"]);
    assert_ends(&client(&["--name", "John", "ftp://127.0.0.1/"]), 2, &["ws://"]);
}

#[test]
fn a_server_that_cannot_start_ends_with_1_and_says_why() {
    let (_running, addr) = Program::chat_server(&[]);
    let addr = addr.to_string();
    assert_ends(&server(&["--listen", &addr, "-qqq"]), 1, &["failed to bind", &addr, "in use"]);
    assert_ends(
        &server(&["--listen", "127.0.0.1:0", "--log-file", "/no/such/folder/log"]),
        1,
        &["/no/such/folder/log"],
    );
}

#[test]
fn a_client_that_gets_nowhere_ends_with_1_and_says_what_to_do() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("ws://{}/", unused.local_addr().unwrap());
    drop(unused);
    assert_ends(&client(&["--name", "John", &nowhere]), 1, &["refused", "is chat-server running"]);
    let (_server, addr) = Program::chat_server(&[]);
    let url = format!("ws://{addr}/");
    assert_ends(&client(&["--name", " ", &url]), 1, &["400", "name"]);
    let mut john = Program::chat_client("John", addr);
    assert_eq!(john.line(), "Received: John joined.");
    assert_ends(&client(&["--name", "john", &url]), 1, &["409", "taken", "choose another --name"]);
    assert_ends(&client(&["--name", "Adam", &format!("ws://{addr}/elsewhere")]), 1, &["404"]);
}

#[test]
fn a_client_whose_server_goes_away_ends_with_1_though_nobody_types() {
    let (mut server, addr) = Program::chat_server(&[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
    let mut john = Program::start(
        command.args(["--name", "John", "-q", &format!("ws://{addr}/")]).stderr(Stdio::piped()),
    );
    assert_eq!([john.line(), john.line()], ["Received: John joined.", "Received: Welcome John."]);
    server.signal("-TERM");
    assert_eq!(server.exit_code(), 0);
    assert_eq!(john.exit_code(), 1);
    let mut stderr = String::new();
    john.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert!(stderr.contains("1001") && stderr.lines().count() == 1, "{stderr}");
}

#[test]
fn what_is_piped_in_is_said_before_the_client_leaves() {
    let (_server, addr) = Program::chat_server(&["--message-rate", "off"]);
    let mut john = Program::chat_client("John", addr);
    (0..500).for_each(|number| john.type_line(&number.to_string()));
    john.type_line("Bye");
    assert_eq!([john.line(), john.line()], ["Received: John joined.", "Received: Welcome John."]);
    for number in 0..500 {
        assert_eq!(john.line(), format!("Received: John says: {number}"));
    }
    assert_eq!((john.line(), john.exit_code()), (String::new(), 0));
}

#[test]
fn a_second_signal_stops_a_server_at_once() {
    let (mut server, addr) = Program::chat_server(&["--drain-timeout", "1h", "--close-timeout", "1h"]);
    // Never answers the close frame.
    let mut stalled = Raw::upgrade(addr, "/?name=Stalled");
    server.signal("-TERM");
    assert_eq!(stalled.read_close().0, 1001);
    assert!(server.child.try_wait().unwrap().is_none(), "it waits for the answer");
    server.signal("-INT");
    assert_eq!(server.exit_code(), 0);
}

#[test]
fn options_come_from_the_environment_and_the_command_line_wins() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    command.env("CHINWAG_LISTEN", "127.0.0.1:0,127.0.0.1:0").env("CHINWAG_MAX_MESSAGE_SIZE", "10");
    let mut server = Program::start(command.args(["--max-message-size", "20", "-qqq"]));
    let (first, second) = (server.address(), server.address());
    assert_ne!(first, second);
    let mut john = chinwag::Connection::connect(&format!("ws://{second}/?name=John")).unwrap();
    hears(&mut john, &["John joined.", "Welcome John."]);
    john.send("fifteen letters").unwrap();
    hears(&mut john, &["John says: fifteen letters"]);
    john.send("more than twenty letters").unwrap();
    assert_eq!(crate::support::hear_end(&mut john).code, chinwag::CloseCode::TOO_BIG);
}

#[test]
fn what_a_peer_sends_is_escaped_in_the_log_and_one_event_is_one_line() {
    let path = std::env::temp_dir().join(format!("chinwag-test-{}.log", std::process::id()));
    let (mut server, addr) = Program::chat_server(&["--log-file", path.to_str().unwrap()]);
    let forged = "/x%0A[ERROR] forged\u{9b}?name=John";
    let answer = crate::support::answer_to(addr, &crate::support::request(forged, ""));
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    let mut raw = Raw::upgrade(addr, "/?name=John");
    raw.send_frame(0x88, b"\x03\xe8bye\n\x1b[2J[ERROR] forged");
    let log = || std::fs::read_to_string(&path).unwrap_or_default();
    let end = r"closed by the peer with 1000 (bye\n\u{1b}[2J[ERROR] forged)";
    eventually("the end is in the log", || log().contains(end));
    assert!(log().lines().all(|line| !line.starts_with("[ERROR]")) && !log().contains('\u{9b}'), "{}", log());
    server.signal("-TERM");
    assert_eq!(server.exit_code(), 0);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_client_whose_server_dies_while_it_talks_ends_with_1() {
    for _ in 0..10 {
        let (mut server, addr) = Program::chat_server(&["-qqq"]);
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
        let mut john = Program::start(
            command.args(["--name", "John", "-qqq", &format!("ws://{addr}/")]).stderr(Stdio::null()),
        );
        assert_eq!(john.line(), "Received: John joined.");
        let mut stdin = john.child.stdin.take().unwrap();
        let talking = std::thread::spawn(move || {
            use std::io::Write;
            while writeln!(stdin, "hi").is_ok() {}
        });
        assert_eq!(john.line(), "Received: Welcome John.");
        server.child.kill().unwrap();
        std::io::copy(&mut john.stdout, &mut std::io::sink()).unwrap();
        assert_eq!(john.exit_code(), 1);
        talking.join().unwrap();
    }
}

#[test]
fn a_message_that_the_server_did_not_take_is_no_good_end() {
    let (_server, addr) = Program::chat_server(&["-qqq", "--max-message-size", "10"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
    let mut john = Program::start(
        command.args(["--name", "John", "-qqq", &format!("ws://{addr}/")]).stderr(Stdio::piped()),
    );
    assert_eq!([john.line(), john.line()], ["Received: John joined.", "Received: Welcome John."]);
    john.type_line("far too long for this server");
    drop(john.child.stdin.take());
    assert_eq!(john.exit_code(), 1);
    let mut stderr = String::new();
    john.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert!(stderr.contains("1009"), "{stderr}");
}

#[test]
fn the_url_that_a_server_prints_is_one_that_the_client_takes() {
    let path = std::env::temp_dir().join(format!("chinwag-test-url-{}.sock", std::process::id()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    let mut server = Program::start(command.args(["--listen", &format!("unix:{}", path.display()), "-qqq"]));
    let line = server.line();
    let url = line.strip_prefix("listening on ").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
    let mut john = Program::start(command.args(["--name", "John", "-qqq", url]));
    assert_eq!(john.line(), "Received: John joined.");
}

#[test]
fn a_server_whose_log_nobody_reads_still_stops() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    let args = ["--listen", "127.0.0.1:0", "--trace-wire", "--drain-timeout", "1s", "--message-rate", "off"];
    // Never read, so that it fills up.
    let mut server = Program::start(command.args(args).stderr(Stdio::piped()));
    let addr = server.address();
    let mut john = chinwag::Connection::connect(&format!("ws://{addr}/?name=John")).unwrap();
    hears(&mut john, &["John joined.", "Welcome John."]);
    let line = "x".repeat(150);
    for _ in 0..1000 {
        john.send(line.as_str()).unwrap();
        assert!(crate::support::hear(&mut john).starts_with("John says: "));
    }
    // Its greeter logs, and so is stuck.
    let mut stuck = Raw::connect(addr);
    stuck.send(crate::support::request("/?name=Adam", "").as_bytes());
    server.signal("-TERM");
    assert_eq!(server.exit_code(), 0);
}

#[test]
fn a_client_whose_output_nobody_reads_can_be_interrupted() {
    let (_server, addr) = Program::chat_server(&["-qqq"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
    let mut john = Program::start(
        command.args(["--name", "John", "-qqq", &format!("ws://{addr}/")]).stderr(Stdio::null()),
    );
    assert_eq!(john.line(), "Received: John joined.");
    let mut adam = chinwag::Connection::connect(&format!("ws://{addr}/?name=Adam")).unwrap();
    let line = "x".repeat(10_000);
    for _ in 0..50 {
        adam.send(line.as_str()).unwrap();
    }
    while !crate::support::hear(&mut adam).starts_with("Adam says: ") {}
    john.signal("-INT");
    john.signal("-INT");
    assert_eq!(john.exit_code(), 0);
}
