//! Keepalive, slow readers, shutdown, and machines that run out of things.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chinwag::{Clock, CloseCode, ClosedBy, Event, Overflow, Server};

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
    assert_eq!(silent.read_frame().0, 0x89, "a ping after 20 s of silence");
    silent.send(&[0x8a, 0x80, 0, 0, 0, 0]);
    // The pong has been read once this has been answered.
    silent.send_frame(0x81, b"hi");
    assert!(matches!(events.recv_timeout(PATIENCE).unwrap(), Event::Text(..)));
    hand.advance(Duration::from_secs(21));
    assert_eq!(silent.read_frame().0, 0x89, "another after 20 s more");
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

/// A server with one client that reads nothing and one that reads all.
struct Stall {
    server: Server,
    stalled: Raw,
    said: usize,
    /// How many messages the reading client has heard.
    heard: Arc<AtomicUsize>,
    reader: thread::JoinHandle<()>,
}

impl Stall {
    fn new(overflow: Overflow, clock: Clock) -> Self {
        let (builder, events) = Server::builder().clock(clock).overflow(overflow).events(1024);
        let server = builder.bind("127.0.0.1:0").unwrap();
        let stalled = Raw::upgrade(addr(&server), "/");
        let mut reading = chinwag::Connection::connect(&format!("ws://{}/", addr(&server))).unwrap();
        for _ in 0..2 {
            assert!(matches!(events.recv_timeout(PATIENCE).unwrap(), Event::Open(_)));
        }
        let heard = Arc::<AtomicUsize>::default();
        let counter = heard.clone();
        let reader = thread::spawn(move || {
            while reading.recv().is_ok() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { server, stalled, said: 0, heard, reader }
    }

    /// Says a numbered line, and waits until the one who reads has heard it; to
    /// how many it went.
    fn say(&mut self, words: &str) -> usize {
        let count = self.server.hub().everyone().broadcast_counted(format!("{:08} {words}", self.said));
        self.said += 1;
        eventually("the client that reads has heard it", || self.heard.load(Ordering::SeqCst) == self.said);
        count
    }

    /// Says so much that the other's outbox is full.
    fn say_until_behind(&mut self) {
        let pad = "x".repeat(16 * 1024);
        while self.say(&pad) == 2 {
            assert!(self.said < 100_000, "the system took everything");
        }
    }

    fn finish(self) {
        drop(self.stalled);
        self.server.shutdown().unwrap();
        self.reader.join().unwrap();
        assert_eq!(self.heard.load(Ordering::SeqCst), self.said);
    }
}

#[test]
fn a_client_that_stops_reading_delays_nobody_and_is_out_after_the_grace() {
    let (clock, hand) = Clock::manual();
    let mut stall = Stall::new(Overflow::Disconnect { grace: Duration::from_secs(5) }, clock);
    stall.say_until_behind();
    hand.advance(Duration::from_secs(4));
    assert_eq!(stall.say("still within the grace"), 1);
    assert_eq!(stall.server.hub().len(), 2);
    let clients = stall.server.hub().clients();
    hand.advance(Duration::from_secs(2));
    eventually("one is being closed", || clients.iter().any(|client| !client.is_open()));
    // The rest of its frame under way is still sent, then the close.
    assert_eq!(stall.stalled.read_close(), (1013, "too slow to keep up".to_owned()));
    stall.stalled.send_frame(0x88, &1013u16.to_be_bytes());
    let server = &stall.server;
    eventually("it is out", || server.hub().len() == 1);
    stall.finish();
}

#[test]
fn a_slow_client_that_catches_up_within_the_grace_stays() {
    let (clock, hand) = Clock::manual();
    let mut stall = Stall::new(Overflow::Disconnect { grace: Duration::from_secs(5) }, clock);
    stall.say_until_behind();
    let numbered = |stalled: &mut Raw| String::from_utf8(stalled.read_frame().1).unwrap();
    while !numbered(&mut stall.stalled).starts_with("1 messages missed") {}
    hand.advance(Duration::from_secs(6));
    assert_eq!(stall.say("welcome back"), 2);
    assert!(numbered(&mut stall.stalled).ends_with(" welcome back"));
    stall.finish();
}

#[test]
fn a_slow_client_is_told_how_many_it_missed() {
    for overflow in [Overflow::DropOldest, Overflow::DropNewest, Overflow::KeepLatest] {
        let mut stall = Stall::new(overflow, Clock::system());
        stall.say_until_behind();
        for _ in 0..50 {
            stall.say("more");
        }
        let (mut heard, mut missed) = (0, 0);
        while heard + missed < stall.said {
            let text = String::from_utf8(stall.stalled.read_frame().1).unwrap();
            match text.strip_suffix(" messages missed.") {
                Some(count) => missed += count.parse::<usize>().unwrap(),
                // The number of each message is that of all before it, heard or missed.
                None => {
                    assert_eq!(text[..8].parse(), Ok(heard + missed), "{overflow:?}");
                    heard += 1;
                }
            }
        }
        assert!(missed > 0, "{overflow:?}");
        stall.finish();
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
        let sent = number * whole.len() / 2000;
        raw.stream.write_all(&whole[..sent]).unwrap();
        // Without lingering the end is a reset.
        rustix::net::sockopt::set_socket_linger(&raw.stream, Some(Duration::ZERO)).unwrap();
    }
    if cfg!(target_os = "linux") {
        // John's greeter may have been among those before.
        eventually("threads and descriptors are as before", || {
            count("task") <= before.0 && count("fd") <= before.1
        });
    }
    john.send("undisturbed").unwrap();
    while crate::support::hear(&mut john) != "John says: undisturbed" {}
}

#[test]
fn a_server_out_of_descriptors_goes_on_and_recovers() {
    let program = env!("CARGO_BIN_EXE_chat-server");
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("ulimit -n 48; exec '{program}' --listen 127.0.0.1:0")])
        .stderr(Stdio::piped());
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

#[test]
fn a_shutdown_ends_in_time_though_newcomers_keep_coming() {
    for _ in 0..20 {
        let server = chat_with(Server::builder().drain_timeout(Duration::from_secs(60)));
        let addr = addr(&server);
        let coming = thread::spawn(move || {
            let connect = || std::net::TcpStream::connect(addr).ok();
            let mut silent: Vec<_> = std::iter::repeat_with(connect).take(20).collect();
            while let Some(one) = connect() {
                silent.push(Some(one));
            }
        });
        let started = Instant::now();
        server.shutdown().unwrap();
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
        coming.join().unwrap();
    }
}

#[test]
fn a_stream_whose_reads_never_end_with_a_message_is_no_slow_message() {
    let (clock, hand) = Clock::manual();
    let (builder, events) = Server::builder().clock(clock).ping_interval(None).events(16);
    let server = builder.bind("127.0.0.1:0").unwrap();
    let mut raw = Raw::upgrade(addr(&server), "/");
    assert!(matches!(events.recv_timeout(PATIENCE).unwrap(), Event::Open(_)));
    let message = crate::support::masked(0x81, b"0123456789");
    let (start, rest) = message.split_at(4);
    raw.send(start);
    for _ in 0..5 {
        // The end of one message and the start of the next, in one piece.
        raw.send(&[rest, start].concat());
        assert!(matches!(events.recv_timeout(PATIENCE).unwrap(), Event::Text(..)));
        hand.advance(Duration::from_secs(20));
    }
    raw.send(rest);
    assert!(matches!(events.recv_timeout(PATIENCE).unwrap(), Event::Text(..)), "it is still open");
}

#[test]
fn times_without_end_are_as_good_as_any() {
    let builder = Server::builder()
        .handshake_timeout(Duration::MAX)
        .ping_interval(Some(Duration::MAX))
        .ping_timeout(Duration::MAX)
        .message_timeout(Some(Duration::MAX))
        .close_timeout(Duration::MAX)
        .overflow(Overflow::Disconnect { grace: Duration::MAX });
    let server = chat_with(builder);
    let mut john = join(&server, "John");
    hears(&mut john, &["John joined.", "Welcome John."]);
    let stopping = server.shutdown_handle();
    let stopped = thread::spawn(move || stopping.shutdown_within(Duration::MAX));
    assert_eq!(hear_end(&mut john).code, CloseCode::GOING_AWAY);
    stopped.join().unwrap().unwrap();
}
