//! The programs' log: who logs waits for nobody, one event is one line, and what peers say
//! stays text in it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use chinwag::Connection;

use crate::raw_server::{RawServer, TEXT};
use crate::support::{Program, Raw, answer_to, hear, hears, request, wait_for_end};

/// More than the log's queue and a pipe of the system's hold together.
const TOO_MANY: usize = 2500;

/// chat-server with its stderr in a pipe.
fn server_with_pipe(args: &[&str]) -> (Program, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    command.args(["--listen", "127.0.0.1:0", "--message-rate", "off"]).args(args);
    let mut server = Program::start(command.stderr(Stdio::piped()));
    let addr = server.address();
    (server, addr)
}

/// Has the server log `count` lines, of a request each.
fn have_logged(addr: SocketAddr, count: usize) {
    let path = "x".repeat(150);
    for number in 0..count {
        let answer = answer_to(addr, &format!("GET /{number}{path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    }
}

#[test]
fn a_log_that_nobody_reads_holds_up_nobody_and_what_is_lost_is_counted() {
    let (mut server, addr) = server_with_pipe(&[]);
    let join = |name: &str| Connection::connect(&format!("ws://{addr}/?name={name}")).unwrap();
    let mut john = join("John");
    hears(&mut john, &["John joined.", "Welcome John."]);
    have_logged(addr, TOO_MANY);
    let mut adam = join("Adam");
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    john.send("still here?").unwrap();
    hears(&mut adam, &["John says: still here?"]);
    drop(adam);
    hears(&mut john, &["Adam joined.", "John says: still here?", "Adam left."]);
    drop(john);
    // From here on it is read.
    let stderr = BufReader::new(server.child.stderr.take().unwrap());
    let reading = thread::spawn(move || stderr.lines().map(Result::unwrap).collect::<Vec<_>>());
    server.signal("-TERM");
    assert_eq!(server.exit_code(), 0);
    let lines = reading.join().unwrap();
    let refused = lines.iter().filter(|line| line.contains("refused with 404")).count();
    let lost: usize = lines
        .iter()
        .filter_map(|line| {
            line.split_once(" [WARN] ")?
                .1
                .strip_suffix(" lines of the log are missing here: it was not read in time")
        })
        .map(|count| count.parse::<usize>().unwrap())
        .sum();
    assert!(lost > 0, "{} lines, and none is said to be missing", lines.len());
    // The limit of clients, two who opened and who left, what was asked, and the end.
    let told = lines.iter().filter(|line| !line.contains("lines of the log are missing")).count();
    assert!(refused < TOO_MANY && told + lost >= TOO_MANY + 4, "{refused} {told} {lost}");
    assert!(lines.last().unwrap().ends_with("[INFO] stopped"), "{:?}", lines.last());
}

#[test]
fn a_log_that_nobody_reads_keeps_no_server_from_ending() {
    let (mut server, addr) = server_with_pipe(&[]);
    have_logged(addr, TOO_MANY);
    let began = Instant::now();
    server.signal("-TERM");
    assert_eq!(server.exit_code(), 0);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn an_error_is_the_last_line_of_the_log_and_waits_for_nobody() {
    let (_running, addr) = Program::chat_server(&[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    let output = command.args(["--listen", &addr.to_string()]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.lines().last().unwrap().starts_with("chat-server: failed to bind"), "{stderr}");
    // A full pipe instead.
    let (unread, mut full) = std::io::pipe().unwrap();
    fill(&mut full);
    let mut child =
        command.stderr(full).stdout(Stdio::null()).stdin(Stdio::null()).spawn().expect("it starts");
    let began = Instant::now();
    assert_eq!(wait_for_end(&mut child).code(), Some(1));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    drop(unread);
}

/// Writes until the pipe takes no more.
fn fill(pipe: &mut std::io::PipeWriter) {
    rustix::io::ioctl_fionbio(&pipe, true).unwrap();
    while pipe.write(&[b'.'; 4096]).is_ok() {}
    while pipe.write(b".").is_ok() {}
    rustix::io::ioctl_fionbio(&pipe, false).unwrap();
}

/// What drives terminals, forges lines, turns the reading direction, or never ends.
fn hostile() -> Vec<String> {
    let long = "w".repeat(64 * 1024);
    let zalgo = "z\u{300}\u{301}\u{302}".repeat(300);
    [
        "\x1b[31mred\x1b]0;title\x07",
        "\u{9b}2J\u{7f}\0",
        "\u{202e}gnp.exe\u{2066}",
        "a\u{2028}b\u{2029}c\u{85}d",
        "x\r\n2026-01-01T00:00:00Z [ERROR] forged",
        &zalgo,
        &long,
    ]
    .map(str::to_owned)
    .into()
}

#[track_caller]
fn assert_is_clean(log: &str) {
    for line in log.split_terminator('\n') {
        let is_event = line.get(..4).is_some_and(|year| year.bytes().all(|byte| byte.is_ascii_digit()))
            && line.split_once(" [").is_some_and(|(time, _)| time.ends_with('Z'));
        assert!(is_event, "no event, but: {line:?}");
        assert!(!line.starts_with("2026-01-01T00:00:00Z"), "a forged line");
        assert!(line.len() < 10_000, "{} bytes in one line", line.len());
        let bad = line
            .chars()
            .find(|c| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'));
        assert_eq!(bad, None, "in {line:?}");
    }
}

#[test]
fn whatever_peers_say_an_event_of_the_server_is_one_line_of_text() {
    let (mut server, addr) = server_with_pipe(&["-vv"]);
    let stderr = BufReader::new(server.child.stderr.take().unwrap());
    let reading = thread::spawn(move || {
        let mut log = String::new();
        { stderr }.read_to_string(&mut log).unwrap();
        log
    });
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    for text in hostile() {
        let quoted = encode(&text.chars().take(1000).collect::<String>());
        let raw = |head: &str| drop(answer_to(addr, head));
        // As they are, and as a well-behaved client writes them.
        for word in [&text, &quoted] {
            raw(&format!("GET /{word} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            raw(&format!("{word} / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            raw(&request(&format!("/?name={word}"), ""));
            raw(&request(&format!("/?name=John&room={word}&session={word}&since={word}"), ""));
            for field in
                ["Origin", "Host", "Sec-WebSocket-Protocol", "User-Agent", "X-Forwarded-For", "Cookie"]
            {
                raw(&request("/?name=John", &format!("{field}: {word}\r\n")));
            }
            raw(word);
        }
        close_with(addr, &text);
        say(addr, &text);
    }
    // Known to the server by a name that is no more than strange.
    let mut known = Connection::connect(&format!("ws://{addr}/?name={}", encode("z\u{300}\u{301}"))).unwrap();
    hear(&mut known);
    drop(known);
    server.signal("-TERM");
    assert_eq!(server.exit_code(), 0);
    let log = reading.join().unwrap();
    assert!(log.contains(r"\u{1b}[31mred") && log.contains("closed by the peer with 3000"), "{log}");
    assert_is_clean(&log);
}

/// Joins, and leaves with these words and with others that are no UTF-8.
fn close_with(addr: SocketAddr, words: &str) {
    let short: String = words.chars().take(30).collect();
    for payload in [[&3000u16.to_be_bytes(), short.as_bytes()].concat(), b"\x0b\xb8\xff\xfe\x1b[31m".to_vec()]
    {
        let mut raw = Raw::upgrade(addr, "/?name=Closer");
        raw.send_frame(0x88, &payload);
        raw.read_to_end();
    }
}

/// Joins in JSON mode, and says what is none, and what is no request.
fn say(addr: SocketAddr, text: &str) {
    let short: String = text.chars().take(2000).collect();
    let mut raw = Raw::connect(addr);
    raw.send(request("/?name=Talker", "Sec-WebSocket-Protocol: chinwag.v1\r\n").as_bytes());
    raw.read_head();
    let json = serde_json::to_string(&short).unwrap();
    for request in [
        short.clone(),
        json.clone(),
        format!("{{\"type\":{json}}}"),
        format!("{{\"type\":\"nick\",\"name\":{json}}}"),
    ] {
        raw.send_frame(0x81, request.as_bytes());
    }
    raw.stream.shutdown(Shutdown::Write).unwrap();
    raw.read_to_end();
}

#[test]
fn whatever_a_server_says_an_event_of_the_clients_is_one_line_of_text() {
    for text in hostile() {
        let short: String = text.chars().take(30).collect();
        let server = RawServer::run(move |listener| {
            let mut peer = crate::raw_server::Peer::accept(listener);
            peer.upgrade("Sec-WebSocket-Protocol: chinwag.v1\r\n");
            peer.send_frame(
                TEXT,
                br#"{"type":"welcome","name":"John","session":"12345678","room":"lobby","pos":"1"}"#,
            );
            let json = serde_json::to_string(&text.chars().take(60_000).collect::<String>()).unwrap();
            peer.send_frame(TEXT, json.as_bytes());
            peer.send_frame(TEXT, format!("{{\"type\":\"pong\",\"id\":{json},\"id\":7}}").as_bytes());
            peer.close(4000, &short);
            peer.read_to_end();
        });
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
        command.args(["--json", "--name", "John", "-vv", &server.url()]).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Its end would be a wish to leave.
        let _stdin = child.stdin.take();
        let output = child.wait_with_output().unwrap();
        server.finish();
        assert_eq!(output.status.code(), Some(1));
        let log = String::from_utf8(output.stderr).unwrap();
        let (events, problem) = log.trim_end_matches('\n').rsplit_once('\n').unwrap();
        assert_is_clean(events);
        assert!(events.contains("what is no event"), "{events}");
        assert!(
            problem.starts_with("chat-client: the server ended the conversation")
                && !problem.contains('\x1b'),
            "{problem:?}"
        );
    }
}
