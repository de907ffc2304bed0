//! The connection is lost, the terminal hangs, the program ends.

use chinwag::protocol::ChatMessage;

use super::*;
use crate::raw_server::{PING, PONG, Peer as RawPeer, RawServer, TEXT};

#[test]
fn what_is_typed_while_the_connection_is_lost_is_sent_after_once() {
    let script = Script::new();
    let mut terminal = Terminal::start(&script.url());
    let peer = script.welcome();
    peer.says("lobby", "Adam", "before");
    terminal.shows("Adam: before");
    terminal.press("half of ");
    terminal.has_typed("half of");
    peer.client.close(1012, "restarting");
    terminal.shows("!! connection lost: ");
    terminal.shows("(restarting)");
    terminal.shows("── lobby · not connected, again in ");
    terminal.enter("a line");
    terminal.shows("kept, will be sent: half of a line");
    terminal.press("more");

    let peer = script.peer();
    let [name, session, room, pos] = ["John", "S", "lobby", "9"].map(str::to_owned);
    peer.tell(&Event::Welcome { name, session, room: room.clone(), pos, role: None });
    peer.tell(&Event::Resumed { room, complete: true, missed: 2 });
    peer.says("lobby", "Adam", "missed one");
    peer.says("lobby", "Adam", "missed two");
    peer.hears("lobby", "half of a line");
    let rows = terminal.shows("> John: half of a line");
    let shown: Vec<&str> = rows.iter().map(|row| row.trim_end_matches(['─', ' '])).collect();
    let at =
        shown.iter().position(|row| *row == "── missed in lobby: 2").unwrap_or_else(|| panic!("{shown:#?}"));
    assert_eq!(shown[at + 1..at + 4], ["12:00   Adam: missed one", "12:00   Adam: missed two", "── now"]);
    assert!(rows.concat().contains("connected again after"));
    terminal.has_typed("more");
    terminal.press("\r");
    peer.hears("lobby", "more");
}

#[test]
fn the_real_server_comes_back_and_nothing_is_missing_or_double() {
    let (server, addr) = Program::chat_server(&["-qqq"]);
    let mut terminal = Terminal::start(&format!("ws://{addr}/"));
    terminal.shows("here: John");
    terminal.enter("before");
    terminal.shows("> John: before");
    drop(server);
    terminal.shows("── lobby · not connected");
    terminal.enter("meanwhile");
    terminal.shows("kept, will be sent: meanwhile");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_chat-server"));
    let _server = Program::start(command.args(["--listen", &addr.to_string(), "-qqq"]));
    terminal.shows("> John: meanwhile");
    terminal.enter("after");
    let rows = terminal.shows("> John: after");
    for text in ["John: before", "John: meanwhile", "John: after"] {
        assert_eq!(rows.iter().filter(|row| row.ends_with(text)).count(), 1, "{}", rows.join("\n"));
    }
}

#[test]
fn a_terminal_that_hangs_does_not_keep_the_network_from_being_read() {
    let (read_tx, read_rx) = std::sync::mpsc::channel();
    let server = RawServer::run(move |listener| {
        let mut peer = RawPeer::accept(listener);
        peer.upgrade("Sec-WebSocket-Protocol: chinwag.v1\r\n");
        let [name, session, room, pos] = ["John", "S", "lobby", "0"].map(str::to_owned);
        peer.send_frame(TEXT, Event::Welcome { name, session, room, pos, role: None }.to_json().as_bytes());
        let joined = Event::Joined { room: "lobby".to_owned(), name: "John".to_owned(), time: NOON };
        peer.send_frame(TEXT, joined.to_json().as_bytes());
        for number in 0..20_000 {
            let text = format!("number {number} {}", "x".repeat(100));
            peer.send_frame(TEXT, Event::Message(message("lobby", "Adam", &text)).to_json().as_bytes());
        }
        peer.send_frame(PING, b"all read?");
        while peer.read_frame().flags != PONG {}
        read_tx.send(()).unwrap();
        // Until the test is done with the terminal.
        peer.read_to_end();
    });
    let mut terminal = Setup::default().start(&server.url());
    terminal.stop(true);
    read_rx.recv_timeout(crate::support::PATIENCE).expect("everything was read though nothing was shown");
    terminal.stop(false);
    terminal.shows("number 19999 ");
    terminal.press("\x03");
    terminal.exit_code();
    let raw = String::from_utf8(terminal.raw()).unwrap();
    assert!(raw.contains(" lines skipped: more came than could be shown"));
    server.finish();
}

#[test]
fn the_status_tells_how_it_ended() {
    // Closed for good.
    let script = Script::new();
    let mut terminal = Terminal::start(&script.url());
    let peer = script.welcome();
    terminal.press("unsent words");
    terminal.has_typed("unsent words");
    peer.client.close(1008, "kicked");
    assert_eq!(terminal.exit_code(), 1);
    let shown = terminal.shows("chat-client: the server ended the conversation: ");
    assert!(shown.concat().ends_with("(kicked)"), "{}", shown.join("\n"));
    terminal.shows("unsent words");

    // Lost, and the user wants no other.
    let script = Script::new();
    let mut terminal = Setup { args: &["--no-reconnect"], ..Setup::default() }.start(&script.url());
    let peer = script.welcome();
    terminal.shows("here:");
    peer.client.close(1012, "restarting");
    assert_eq!(terminal.exit_code(), 1);
    assert!(terminal.rows().concat().ends_with("(restarting)"));

    // Asked by a signal.
    let (_server, addr) = Program::chat_server(&["-qqq"]);
    let mut terminal = Terminal::start(&format!("ws://{addr}/"));
    terminal.shows("here:");
    terminal.signal("-TERM");
    assert_eq!(terminal.exit_code(), 0);

    // There is a server, but not of chinwag.v1.
    let server = RawServer::upgraded(|peer| assert_eq!(peer.read_to_end(), 0));
    let mut terminal = Terminal::start(&server.url());
    assert_eq!(terminal.exit_code(), 1);
    terminal.shows("--plain");
}

#[test]
fn what_somebody_else_answers_during_an_outage_does_not_end_it() {
    const SECRET: &str = "a-secret-session";
    let server = RawServer::run(|listener| {
        let welcome = |mut peer: RawPeer| {
            peer.upgrade("Sec-WebSocket-Protocol: chinwag.v1\r\n");
            let [name, session, room, pos] = ["John", SECRET, "lobby", "0"].map(str::to_owned);
            peer.send_frame(
                TEXT,
                Event::Welcome { name, session, room, pos, role: None }.to_json().as_bytes(),
            );
            let joined = Event::Joined { room: "lobby".to_owned(), name: "John".to_owned(), time: NOON };
            peer.send_frame(TEXT, joined.to_json().as_bytes());
            peer
        };
        welcome(RawPeer::accept(listener)).close(1012, "restarting");
        let answer = |head: &str| {
            let mut peer = RawPeer::accept(listener);
            assert!(peer.head.contains(SECRET));
            let body = format!("no {SECRET}\n<p>{}", "x".repeat(500));
            let length = body.len();
            peer.send(format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes());
        };
        answer("200 OK");
        // No more of them: the waits between grow.
        answer("403 Forbidden\r\nContent-Type: text/html");
        // Not again.
        answer("400 Bad Request");
    });
    let mut terminal = Terminal::start(&server.url());
    terminal.shows("connection lost");
    terminal.enter("words to keep");
    terminal.shows("kept, will be sent: words to keep");
    assert_eq!(terminal.exit_code(), 1);
    terminal.shows("not confirmed: words to keep");
    terminal.shows("refused with status 400: no ...");
    assert!(!String::from_utf8(terminal.raw()).unwrap().contains(SECRET));
    server.finish();
}

#[test]
fn what_the_servers_store_does_not_keep_is_shown_so_and_what_it_refuses_can_be_had_back() {
    let script = Script::new();
    let mut terminal = Terminal::start(&script.url());
    let peer = script.welcome();
    let unkept = |text| Event::Message(ChatMessage { pos: String::new(), ..message("lobby", "Adam", text) });
    peer.tell(&unkept("said"));
    peer.says("lobby", "Adam", "kept");
    let rows = terminal.shows("Adam: kept");
    assert!(rows.contains(&"12:00   Adam: said (not kept)".to_owned()), "{}", rows.join("\n"));

    peer.fails_next("not_kept");
    terminal.enter("one line");
    terminal.shows("!! it fails: not_kept");
    terminal.shows("-- not sent: one line (Up brings it back)");
    terminal.press("\x1b[A");
    terminal.has_typed("one line");
    terminal.press("\r");
    terminal.shows("> John: one line");
    for _ in 0..2 {
        peer.hears("lobby", "one line");
    }

    // The server could not tell whether it had it: it is asked again, and nobody need know.
    peer.fails_next("unsure");
    terminal.enter("another");
    let rows = terminal.shows("> John: another");
    assert!(!rows.concat().contains("unsure"), "{}", rows.join("\n"));
}
