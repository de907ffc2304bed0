//! Keepalive, slow readers, shutdown, and machines that run out of things.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use chinwag::{Clock, ClosedBy, CloseCode, Event, Overflow, Server};

use crate::support::{
    PATIENCE, Program, Raw, addr, answer_to, chat, chat_with, eventually, hear_end, hears, join, request,
};

#[test]
fn a_client_that_answers_no_ping_is_gone_after_two_intervals() {
    let (clock, hand) = Clock::manual();
    let (builder, events) = Server::builder().clock(clock).events(16);
    let server = builder.bind("127.0.0.1:0").unwrap();
    let mut silent = Raw::upgrade(addr(&server), "/");
    assert!(matches!(events.recv_timeout(PATIENCE).unwrap(), Event::Open(_)));
    hand.advance(Duration::from_secs(21));
    assert_eq!(silent.read_frame(), (0x89, vec![]), "a ping after 20 s of silence");
    silent.send(&[0x8a, 0x80, 0, 0, 0, 0]);
    // The pong has been read once this has been answered.
    silent.send_frame(0x81, b"hi");
    assert!(matches!(events.recv_timeout(PATIENCE).unwrap(), Event::Text(..)));
    hand.advance(Duration::from_secs(21));
    assert_eq!(silent.read_frame(), (0x89, vec![]), "another after 20 s more");
    assert!(events.is_empty(), "nobody is gone yet");
    hand.advance(Duration::from_secs(21));
    assert_eq!(silent.read_close().0, 1008);
    match events.recv_timeout(PATIENCE).unwrap() {
        Event::Close(_, reason) => {
            assert_eq!((reason.code, reason.by, reason.clean), (CloseCode::POLICY, ClosedBy::Local, false));
        }
        other => panic!("unexpected: {other:?}"),
    }
}

#[test]
fn a_message_that_never_ends_is_given_up() {
    let (clock, hand) = Clock::manual();
    let server = chat_with(Server::builder().clock(clock).ping_interval(None));
    let mut slow = Raw::upgrade(addr(&server), "/?name=Slow");
    slow.read(29);
    slow.send_frame(0x01, b"once upon a time");
    slow.send_frame(0x89, b"");
    assert_eq!(slow.read_frame().0, 0x8a, "the fragment has been read");
    // Looked at within half as much again as the limit of 30 s.
    hand.advance(Duration::from_secs(29));
    hand.advance(Duration::from_secs(16));
    assert_eq!(slow.read_close(), (1008, "the message took too long".to_owned()));
}

#[test]
fn a_close_that_is_not_answered_is_cut_after_its_time() {
    let (clock, hand) = Clock::manual();
    let (builder, events) = Server::builder().clock(clock).events(16);
    let server = builder.bind("127.0.0.1:0").unwrap();
    let mut raw = Raw::upgrade(addr(&server), "/");
    let Event::Open(client) = events.recv_timeout(PATIENCE).unwrap() else { panic!("opened first") };
    client.close(CloseCode::NORMAL, "bye");
    assert_eq!(raw.read_close(), (1000, "bye".to_owned()));
    assert!(events.is_empty());
    hand.advance(Duration::from_secs(6));
    assert_eq!(raw.read_to_end(), b"");
    let closed = events.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(closed, Event::Close(_, reason) if reason.by == ClosedBy::Local && !reason.clean));
}

/// A server that says much, one client that reads nothing, and one that reads all.
fn one_stalls(overflow: Overflow, clock: Clock) -> (Server, Raw, thread::JoinHandle<usize>) {
    let (builder, events) = Server::builder().clock(clock).overflow(overflow).events(1024);
    let server = builder.bind("127.0.0.1:0").unwrap();
    let stalled = Raw::upgrade(addr(&server), "/");
    let mut reading = chinwag::Connection::connect(&format!("ws://{}/", addr(&server))).unwrap();
    for _ in 0..2 {
        assert!(matches!(events.recv_timeout(PATIENCE).unwrap(), Event::Open(_)));
    }
    let reader = thread::spawn(move || {
        let count = |reading: &mut chinwag::Connection| reading.recv_timeout(PATIENCE).is_ok_and(|m| m.is_some());
        (0..).take_while(|_| count(&mut reading)).count()
    });
    (server, stalled, reader)
}

/// Says numbered lines of 4 KiB, each once all who read have room, until one who
/// does not is behind; returns how many.
fn say_until_behind(server: &Server) -> usize {
    let pad = "x".repeat(4096);
    let deadline = Instant::now() + PATIENCE;
    for number in 0.. {
        assert!(Instant::now() < deadline, "the system took everything");
        // Goes to fewer than all once one is full.
        if server.hub().everyone().broadcast_counted(format!("{number:08} {pad}")) < server.hub().len() {
            return number + 1;
        }
    }
    unreachable!()
}

#[test]
fn a_client_that_stops_reading_delays_nobody_and_is_out_after_the_grace() {
    let (clock, hand) = Clock::manual();
    let (server, mut stalled, reader) = one_stalls(Overflow::Disconnect { grace: Duration::from_secs(5) }, clock);
    let mut said = say_until_behind(&server);
    hand.advance(Duration::from_secs(4));
    server.broadcast("still within the grace");
    said += 1;
    assert_eq!(server.hub().len(), 2);
    hand.advance(Duration::from_secs(2));
    // The rest of its frame under way is still sent, then the close.
    assert_eq!(stalled.read_close(), (1013, "too slow to keep up".to_owned()));
    drop(stalled);
    eventually("it is out", || server.hub().len() == 1);
    server.shutdown().unwrap();
    assert_eq!(reader.join().unwrap(), said, "the other heard everything");
}

#[test]
fn a_slow_client_is_told_how_many_it_missed() {
    for overflow in [Overflow::DropOldest, Overflow::DropNewest, Overflow::KeepLatest] {
        let (server, mut stalled, reader) = one_stalls(overflow, Clock::system());
        let mut said = say_until_behind(&server);
        for number in said..said + 50 {
            server.broadcast(format!("{number:08} more"));
        }
        said += 50;
        let (mut heard, mut missed) = (0, 0);
        server.hub().len();
        while heard + missed < said {
            let text = String::from_utf8(stalled.read_frame().1).unwrap();
            match text.strip_suffix(" messages missed.") {
                Some(count) => missed += count.parse::<usize>().unwrap(),
                None => heard += 1,
            }
            let number = text.split(' ').next().unwrap().parse::<usize>();
            assert!(text.ends_with("missed.") || number.is_ok_and(|number| number + 1 == heard + missed), "{text}");
        }
        assert!(missed > 0, "{overflow:?}");
        server.shutdown().unwrap();
        assert_eq!(reader.join().unwrap(), said);
    }
}

#[test]
fn a_shutdown_says_1001_to_all_and_sends_what_is_queued() {
    let server = chat();
    let mut john = join(&server, "John");
    hears(&mut john, &["John joined.", "Welcome John."]);
    let handle = server.shutdown_handle();
    (0..100).for_each(|number| server.broadcast(number.to_string()));
    let stopping = [handle.clone(), handle].map(|handle| thread::spawn(move || handle.shutdown()));
    (0..100).for_each(|number| hears(&mut john, &[&number.to_string()]));
    let reason = hear_end(&mut john);
    assert_eq!((reason.code, reason.by, reason.clean), (CloseCode::GOING_AWAY, ClosedBy::Peer, true));
    for stopped in stopping {
        stopped.join().unwrap().unwrap();
    }
    server.shutdown().unwrap();
    assert!(std::net::TcpStream::connect(addr(&server)).is_err(), "the port is free");
}

#[test]
fn a_shutdown_with_stalled_clients_ends_in_time() {
    let server = chat_with(Server::builder().drain_timeout(Duration::from_millis(200)));
    let stalled: Vec<Raw> = (0..8).map(|i| Raw::upgrade(addr(&server), &format!("/?name=s{i}"))).collect();
    let half_open = Raw::connect(addr(&server));
    let started = Instant::now();
    server.shutdown().unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    drop((stalled, half_open));
}

#[test]
fn a_shutdown_from_a_callback_returns_at_once_and_happens() {
    struct Stopper(Arc<std::sync::OnceLock<chinwag::ShutdownHandle>>);
    impl chinwag::Handler for Stopper {
        fn on_text(&mut self, _me: &chinwag::Client, _text: &str) {
            self.0.get().unwrap().shutdown().unwrap();
        }
    }
    let handle = Arc::new(std::sync::OnceLock::new());
    let shared = handle.clone();
    let server = Server::builder().handler(move |_| Ok(Stopper(shared.clone()))).start().unwrap();
    handle.set(server.shutdown_handle()).unwrap();
    let mut john = server.connect_memory("/").unwrap();
    john.send("stop").unwrap();
    assert_eq!(hear_end(&mut john).code, CloseCode::GOING_AWAY);
    server.join();
}

#[test]
fn two_thousand_connections_reset_in_every_stage_leave_nothing_behind() {
    let (_server, addr) = Program::chat_server(&["-qqq"]);
    let pid = _server.child.id();
    let count = |what: &str| std::fs::read_dir(format!("/proc/{pid}/{what}")).map_or(0, Iterator::count);
    let mut john = chinwag::Connection::connect(&format!("ws://{addr}/?name=John")).unwrap();
    hears(&mut john, &["John joined.", "Welcome John."]);
    let before = (count("task"), count("fd"));
    let whole = [request("/?name=reset", "").into_bytes(), crate::support::masked(0x81, b"hello")].concat();
    for number in 0..2000 {
        let mut raw = Raw::connect(addr);
        // Unread input turns the end into a reset.
        let sent = number * whole.len() / 2000;
        raw.stream.write_all(&whole[..sent]).unwrap();
        if number % 2 == 0 {
            let _ = raw.stream.set_nonblocking(true);
        }
    }
    if cfg!(target_os = "linux") {
        eventually("threads and descriptors are as before", || (count("task"), count("fd")) == before);
    }
    john.send("undisturbed").unwrap();
    while crate::support::hear(&mut john) != "John says: undisturbed" {}
}

#[test]
fn a_server_out_of_descriptors_goes_on_and_recovers() {
    let program = env!("CARGO_BIN_EXE_chat-server");
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n 64; exec {program} --listen 127.0.0.1:0 2>&1 >&3 3>&- | cat >&2"), "sh"]);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n 48; exec '{program}' --listen 127.0.0.1:0")]).stderr(Stdio::piped());
    let mut server = Program::start(&mut command);
    let addr = server.address();
    let flood: Vec<Raw> = (0..200).map(|_| Raw::connect(addr)).collect();
    let mut log = std::io::BufReader::new(server.child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("cannot accept") {
        said.clear();
        assert!(std::io::BufRead::read_line(&mut log, &mut said).unwrap() > 0, "it says that it is out");
    }
    let drained = thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    drop(flood);
    eventually("it takes clients again", || {
        answer_to(addr, &request("/?name=John", "")).starts_with("HTTP/1.1 101 ")
    });
    server.signal("-TERM");
    assert_eq!(server.exit_code(), 0);
    drained.join().unwrap().unwrap();
}
