//! A look at the wire, as the article has it.

use std::sync::Arc;

use chinwag::{CloseCode, ConnectOptions, Direction, Server, WireContent, WireRecord};
use parking_lot::Mutex;

use crate::support::{Program, addr, chat_with, hear, hears, join};

/// What an observer saw of one client: direction, size, and each frame's flags,
/// length and text.
type Seen = (u64, Direction, usize, Vec<(u8, u64, String)>);

fn seen(record: &WireRecord<'_>) -> Seen {
    let frames = match record.content {
        WireContent::Frames(frames) => frames,
        _ => &[],
    };
    let frame = |frame: &chinwag::WireFrame<'_>| {
        (frame.flags, frame.length, String::from_utf8_lossy(frame.data).into_owned())
    };
    (record.connection, record.direction, record.size, frames.iter().map(frame).collect())
}

#[test]
fn the_joining_of_john_and_adam_is_seen_as_in_the_article() {
    let records = Arc::new(Mutex::new(Vec::new()));
    let observed = records.clone();
    let server = chat_with(
        Server::builder().wire_observer(move |record: &WireRecord<'_>| observed.lock().push(seen(record))),
    );
    let mut ronald = join(&server, "Ronald");
    hears(&mut ronald, &["Ronald joined.", "Welcome Ronald."]);
    let mut john = join(&server, "John");
    hears(&mut john, &["John joined.", "Welcome John."]);
    let mut adam = join(&server, "Adam");
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    hears(&mut john, &["Adam joined."]);
    hears(&mut ronald, &["John joined.", "Adam joined."]);
    let records = records.lock();
    let to = |client: u64| {
        let sent = move |record: &&Seen| record.0 == client && record.1 == Direction::ServerToClient;
        records.iter().filter(sent).filter(|record| !record.3.is_empty()).cloned().collect::<Vec<_>>()
    };
    let text = |text: &str| (0b1000_0001, text.len() as u64, text.to_owned());
    // Sizes, flags and texts of the article's lines 1, 7, 14, 19 and 24.
    let out = Direction::ServerToClient;
    assert_eq!(
        to(1)[1..],
        [(1, out, 14, vec![text("John joined.")]), (1, out, 14, vec![text("Adam joined.")]),]
    );
    assert_eq!(
        to(2),
        [
            (2, out, 29, vec![text("John joined."), text("Welcome John.")]),
            (2, out, 14, vec![text("Adam joined.")]),
        ]
    );
    assert_eq!(to(3), [(3, out, 29, vec![text("Adam joined."), text("Welcome Adam.")])]);
}

#[test]
fn a_client_sees_its_own_frames_masked_and_the_handshake_without_its_password() {
    let server = chat_with(Server::builder());
    let lines = Arc::new(Mutex::new(Vec::new()));
    let observed = lines.clone();
    let options =
        ConnectOptions::new().basic_auth("john", "secret").wire_observer(move |record: &WireRecord<'_>| {
            let line = match record.content {
                WireContent::Http(head) => head.to_owned(),
                WireContent::Frames(frames) => frames
                    .iter()
                    .map(|frame| format!("{} {:?} {}", frame.kind(), frame.mask.is_some(), frame.size))
                    .collect(),
                _ => String::new(),
            };
            observed.lock().push((record.number, record.direction, line));
        });
    let mut john = options.connect(&format!("ws://{}/?name=John", addr(&server))).unwrap();
    hears(&mut john, &["John joined.", "Welcome John."]);
    john.send("hi").unwrap();
    assert_eq!(hear(&mut john), "John says: hi");
    john.close(CloseCode::NORMAL, "").unwrap();
    let lines = lines.lock();
    let (number, direction, request) = &lines[0];
    assert_eq!((*number, *direction), (1, Direction::ClientToServer));
    assert!(request.starts_with("GET /?name=John HTTP/1.1\r\n"), "{request}");
    assert!(!request.contains("am9objpzZWNyZXQ="), "{request}");
    assert!(lines[1].2.starts_with("HTTP/1.1 101 "), "{:?}", lines[1]);
    assert!(lines.iter().any(|(_, way, line)| *way == Direction::ClientToServer && line == "TEXT true 8"));
    assert!(lines.iter().any(|(_, way, line)| *way == Direction::ServerToClient && line == "TEXT false 15"));
}

#[test]
fn both_programs_print_the_wire_to_stderr() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    command.args(["--listen", "127.0.0.1:0", "--trace-wire", "-qqq"]).stderr(Stdio::piped());
    let mut server = Program::start(&mut command);
    let addr = server.address();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
    command.args(["--name", "John", "--trace-wire", "-qqq", &format!("ws://{addr}/")]).stderr(Stdio::piped());
    let mut client = Program::start(&mut command);
    assert_eq!([client.line(), client.line()], ["Received: John joined.", "Received: Welcome John."]);
    client.type_line("\x1b[31mred");
    assert_eq!(client.line(), r"Received: John says: \u{1b}[31mred");
    client.type_line("Bye");
    assert_eq!(client.exit_code(), 0);
    server.signal("-INT");
    assert_eq!(server.exit_code(), 0);
    for (program, masked) in
        [(&mut server, "Client->Server 1 (14 bytes)"), (&mut client, "Client->Server (14 bytes)")]
    {
        let lines: Vec<String> =
            BufReader::new(program.child.stderr.take().unwrap()).lines().map(Result::unwrap).collect();
        let trace = lines.join("\n");
        for part in [
            "(29 bytes)\n   TYPE: TEXT.\n   MESSAGE: John joined.\n   FLAGS: 10000001 DATA: 12 bytes.",
            "   TYPE: TEXT.\n   MESSAGE: Welcome John.\n   FLAGS: 10000001 DATA: 13 bytes.\n------",
            "GET /?name=John HTTP/1.1",
            "HTTP/1.1 101 Switching Protocols",
            masked,
            r"MESSAGE: \u{1b}[31mred",
            "FLAGS: 10000001 DATA: 8 bytes, masked using KEY: ",
            "TYPE: CLOSE.\n   MESSAGE: 1000",
        ] {
            // Two frames may come in by two reads on the client's side.
            assert!(trace.contains(part) || part.starts_with("(29"), "{part}\nis missing in\n{trace}");
        }
        assert!(!trace.contains('\x1b'), "an escape got through: {trace:?}");
    }
}
