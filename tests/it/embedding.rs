//! What an embedder relies on: handlers, rooms, events, listeners, connections
//! within the process.

use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use chinwag::{
    Acceptance, Client, CloseCode, CloseReason, ClosedBy, ConnectOptions, Connection, Error, Event, Handler,
    Listener, Message, Refusal, Server,
};

use crate::support::{PATIENCE, Raw, addr, eventually, hear, hear_end, hears};

/// Tells what is called, and does as it is told.
struct Told {
    calls: Sender<String>,
}

impl Handler for Told {
    fn on_open(&mut self, me: &Client) {
        me.join("lobby");
        self.tell(format!("open {}", me.request().target()));
    }

    fn on_text(&mut self, me: &Client, text: &str) {
        self.tell(format!("text {text}"));
        match text {
            "panic" => panic!("as told"),
            "close" => me.close(CloseCode::from(4001), "as told"),
            "abort" => me.abort(),
            _ => me.send(text),
        }
    }

    fn on_binary(&mut self, me: &Client, data: &[u8]) {
        self.tell(format!("binary {data:?}"));
        me.send(data);
    }

    fn on_error(&mut self, _me: &Client, error: &Error) {
        self.tell(format!("error {error}"));
    }

    fn on_close(&mut self, me: &Client, reason: &CloseReason) {
        me.room("lobby").broadcast("somebody left");
        self.tell(format!("close {} {:?} {} {}", reason.code, reason.by, reason.clean, reason.reason));
    }
}

impl Told {
    fn tell(&self, call: String) {
        self.calls.send(call).unwrap();
    }
}

fn told() -> (Server, std::sync::mpsc::Receiver<String>) {
    let (calls, heard) = channel();
    let server =
        Server::builder().handler(move |_| Ok(Told { calls: calls.clone() })).bind("127.0.0.1:0").unwrap();
    (server, heard)
}

fn connect(server: &Server) -> Connection {
    Connection::connect(&format!("ws://{}/path?x=1", addr(server))).unwrap()
}

#[track_caller]
fn expect(calls: &std::sync::mpsc::Receiver<String>, expected: &[&str]) {
    for call in expected {
        assert_eq!(calls.recv_timeout(PATIENCE).unwrap(), *call);
    }
}

#[test]
fn callbacks_come_in_order_and_close_comes_once_and_last() {
    let (server, calls) = told();
    let mut john = connect(&server);
    john.send("hi").unwrap();
    john.send(vec![1, 2]).unwrap();
    assert_eq!(john.recv().unwrap(), Message::from("hi"));
    assert_eq!(john.recv().unwrap(), Message::from(vec![1, 2]));
    john.close(CloseCode::from(4000), "enough").unwrap();
    expect(&calls, &["open /path?x=1", "text hi", "binary [1, 2]", "close 4000 Peer true enough"]);
    drop(server);
    assert!(calls.recv().is_err(), "nothing comes after close");
}

#[test]
fn a_handler_that_panics_ends_its_own_client_with_1011_and_is_closed() {
    let (server, calls) = told();
    let (mut john, mut adam) = (connect(&server), connect(&server));
    expect(&calls, &["open /path?x=1", "open /path?x=1"]);
    john.send("panic").unwrap();
    let reason = hear_end(&mut john);
    assert_eq!((reason.code, reason.by), (CloseCode::INTERNAL, ClosedBy::Peer));
    expect(&calls, &["text panic", "error a handler panicked: as told"]);
    expect(&calls, &["close 1011 Local false the server failed"]);
    hears(&mut adam, &["somebody left"]);
    adam.send("still here").unwrap();
    hears(&mut adam, &["still here"]);
}

#[test]
fn a_handler_closes_with_code_and_reason_and_learns_that_it_was_clean() {
    let (server, calls) = told();
    let mut john = connect(&server);
    john.send("close").unwrap();
    let reason = hear_end(&mut john);
    assert_eq!((reason.code.value(), reason.reason.as_str(), reason.clean), (4001, "as told", true));
    expect(&calls, &["open /path?x=1", "text close", "close 4001 Local true as told"]);
}

#[test]
fn a_client_that_vanishes_is_an_ordinary_end() {
    let (server, calls) = told();
    let mut john = Raw::upgrade(addr(&server), "/");
    // In the middle of a frame.
    john.send(&[0x81, 0x85, 0, 0]);
    drop(john);
    expect(&calls, &["open /", "close 1006 Peer false the peer vanished without closing"]);
}

#[test]
fn broken_frames_are_answered_with_the_fitting_code() {
    let (server, calls) = told();
    let cases: [(&[u8], u16); 6] = [
        (&[0x81, 0x01, b'x'], 1002),
        (&[0xc1, 0x80, 0, 0, 0, 0], 1002),
        (&[0x83, 0x80, 0, 0, 0, 0], 1002),
        (&[0x80, 0x80, 0, 0, 0, 0], 1002),
        (&[0x81, 0x81, 0, 0, 0, 0, 0xff], 1007),
        (&[0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], 1009),
    ];
    for (bytes, code) in cases {
        let mut raw = Raw::upgrade(addr(&server), "/");
        raw.send(bytes);
        assert_eq!(raw.read_close().0, code, "{bytes:x?}");
        expect(&calls, &["open /"]);
        assert!(calls.recv_timeout(PATIENCE).unwrap().starts_with("error "), "{bytes:x?}");
        let closed = calls.recv_timeout(PATIENCE).unwrap();
        assert!(closed.starts_with(&format!("close {code} Local ")), "{closed}");
    }
}

#[test]
fn what_was_answered_before_a_frame_that_is_broken_is_heard() {
    let (server, _calls) = told();
    for _ in 0..50 {
        let mut raw = Raw::upgrade(addr(&server), "/");
        raw.send(b"\x81\x82\0\0\0\0hi\xc1\x80\0\0\0\0");
        // The one before may take its leave only now.
        let is_own = |(_, said): &(u8, Vec<u8>)| said != b"somebody left";
        assert_eq!(std::iter::repeat_with(|| raw.read_frame()).find(is_own), Some((0x81, b"hi".to_vec())));
        assert_eq!(raw.read_close().0, 1002);
    }
}

#[test]
fn a_message_in_too_many_fragments_ends_in_1008() {
    let (server, _calls) = told();
    let mut raw = Raw::upgrade(addr(&server), "/");
    raw.send_frame(0x01, b"");
    // Over the limit of 1,024, in one piece of bytes that tungstenite would swallow whole.
    raw.send(&[0x00, 0x80, 0, 0, 0, 0].repeat(1024));
    assert_eq!(raw.read_close(), (1008, "too many fragments in one message".to_owned()));
}

/// Waits in `on_text` until it is let go.
struct Blocking {
    entered: Sender<()>,
    go: crossbeam_channel::Receiver<()>,
}

impl Handler for Blocking {
    fn on_text(&mut self, me: &Client, text: &str) {
        if text == "block" {
            self.entered.send(()).unwrap();
            let _ = self.go.recv();
        }
        me.send(text);
    }
}

fn blocking(
    builder: chinwag::ServerBuilder,
) -> (Server, std::sync::mpsc::Receiver<()>, crossbeam_channel::Sender<()>) {
    let (entered, has_entered) = channel();
    let (go_tx, go) = crossbeam_channel::unbounded();
    let gate = move |_: &chinwag::Request| Ok(Blocking { entered: entered.clone(), go: go.clone() });
    (builder.handler(gate).bind("127.0.0.1:0").unwrap(), has_entered, go_tx)
}

#[test]
fn a_handler_that_blocks_delays_its_own_client_and_nobody_else() {
    let (server, has_entered, go) = blocking(Server::builder());
    let (mut john, mut adam) = (connect(&server), connect(&server));
    john.send("block").unwrap();
    has_entered.recv_timeout(PATIENCE).unwrap();
    // However long it blocks, others talk, and John himself still hears.
    for number in 0..100 {
        adam.send(number.to_string()).unwrap();
        hears(&mut adam, &[&number.to_string()]);
    }
    server.broadcast("to all");
    hears(&mut john, &["to all"]);
    assert!(john.try_recv().unwrap().is_none());
    go.send(()).unwrap();
    hears(&mut john, &["block"]);
}

#[test]
fn a_shutdown_leaves_a_handler_behind_that_does_not_return() {
    let (server, has_entered, go) = blocking(Server::builder().drain_timeout(Duration::from_millis(50)));
    let john = connect(&server);
    john.send("block").unwrap();
    has_entered.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(server.shutdown(), Err(Error::StillRunning(1))));
    drop(go);
}

#[test]
fn clients_are_sent_to_from_any_thread_and_by_id() {
    let (builder, events) = Server::builder().events(16);
    let server = builder.bind("127.0.0.1:0").unwrap();
    let mut john = connect(&server);
    let Event::Open(client) = events.recv_timeout(PATIENCE).unwrap() else { panic!("opened first") };
    let hub = server.hub().clone();
    thread::spawn(move || {
        client.send("from a thread");
        hub.send_to(client.id(), "by id");
        assert_eq!(hub.client(client.id()), Some(client));
    });
    hears(&mut john, &["from a thread", "by id"]);
}

#[test]
fn events_come_to_a_loop_that_drains_them() {
    let (builder, events) = Server::builder().events(4);
    let server = builder.bind("127.0.0.1:0").unwrap();
    let mut john = connect(&server);
    for number in 0..64 {
        john.send(number.to_string()).unwrap();
    }
    john.send(vec![7]).unwrap();
    // Sixteen times what the queue holds: the client waits, and nothing is lost.
    let mut heard = Vec::new();
    while heard.len() < 66 {
        match events.recv_timeout(PATIENCE).unwrap() {
            Event::Open(_) => heard.push("open".to_owned()),
            Event::Text(_, text) => heard.push(text),
            Event::Binary(client, data) => {
                heard.push(format!("{data:?}"));
                client.close(CloseCode::NORMAL, "done");
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
    let expected =
        ["open".to_owned()].into_iter().chain((0..64).map(|n| n.to_string())).chain(["[7]".to_owned()]);
    assert_eq!(heard, expected.collect::<Vec<_>>());
    assert!(hear_end(&mut john).clean);
    assert!(matches!(events.recv_timeout(PATIENCE).unwrap(), Event::Close(_, reason) if reason.clean));
}

#[test]
fn a_shutdown_does_not_wait_for_a_reader_of_events_that_is_gone() {
    let (builder, events) = Server::builder().drain_timeout(Duration::from_millis(200)).events(1);
    let server = builder.bind("127.0.0.1:0").unwrap();
    let john = connect(&server);
    (0..10).for_each(|number| john.send(number.to_string()).unwrap());
    let open = events.recv_timeout(PATIENCE).unwrap();
    server.shutdown().unwrap();
    drop(open);
}

#[test]
fn rooms_add_remove_clear_contain_count_and_say_to_how_many() {
    let (builder, events) = Server::builder().events(16);
    let server = builder.bind("127.0.0.1:0").unwrap();
    let mut people = Vec::new();
    for _ in 0..3 {
        let connection = connect(&server);
        let Event::Open(client) = events.recv_timeout(PATIENCE).unwrap() else { panic!("opened first") };
        people.push((connection, client));
    }
    let (red, blue) = (server.room("red"), server.room("blue"));
    let ids: Vec<_> = people.iter().map(|(_, client)| client.id()).collect();
    people[..2].iter().for_each(|(_, client)| red.add(client));
    people[1..].iter().for_each(|(_, client)| blue.add(client));
    assert_eq!((red.len(), blue.len(), server.hub().len()), (2, 2, 3));
    assert!(red.contains(ids[0]) && !red.contains(ids[2]));
    assert_eq!(people[1].1.rooms(), [red.clone(), blue.clone()]);
    assert_eq!(red.broadcast_counted("red"), 2);
    red.broadcast_except("not the first", &[ids[0]]);
    server.hub().broadcast_to(&[&red, &blue], "either");
    server.broadcast(vec![9]);
    let expected: [&[&str]; 3] = [&["red", "either"], &["red", "not the first", "either"], &["either"]];
    for ((connection, _), lines) in people.iter_mut().zip(expected) {
        hears(connection, lines);
        assert_eq!(connection.recv_timeout(PATIENCE).unwrap().unwrap(), Message::from(vec![9]));
    }
    red.remove(&people[0].1);
    blue.clear();
    assert_eq!((red.clients(), blue.is_empty()), (vec![people[1].1.clone()], true));
    assert_eq!(server.hub().rooms(), [(red.clone(), 1)]);
    let (mut gone, _) = people.remove(1);
    gone.close(CloseCode::NORMAL, "").unwrap();
    eventually("a client that left is in no room", || red.is_empty());
    assert_eq!(red.broadcast_counted("nobody"), 0);
}

#[test]
fn a_newcomer_hears_nothing_that_was_said_before() {
    struct Joining;
    impl Handler for Joining {
        fn on_open(&mut self, me: &Client) {
            let room = me.room("lobby");
            room.broadcast("before");
            room.add(me);
            room.broadcast("after");
        }
    }
    let server = Server::builder().handler(|_| Ok(Joining)).start().unwrap();
    hears(&mut server.connect_memory("/").unwrap(), &["after"]);
}

#[test]
fn the_gate_sees_the_request_and_chooses_subprotocol_and_fields() {
    struct Nothing;
    impl Handler for Nothing {}
    let server = Server::builder()
        .subprotocols(["second", "first"])
        .handler(|request| {
            assert_eq!((request.path(), request.query("q").as_deref()), ("/a", Some("1 2")));
            assert_eq!((request.cookie("c"), request.header("x-y")), (Some("3"), Some("z")));
            assert_eq!(request.origin(), Some("https://page.example"));
            match request.query("choose") {
                Some(choice) => Ok(Acceptance::new(Nothing).subprotocol(choice).header("Set-Cookie", "d=4")),
                None if request.query("refuse").is_some() => {
                    Err(Refusal::new(451, "by law").header("X-Law", "1"))
                }
                None => Ok(Nothing.into()),
            }
        })
        .allow_origin("https://page.example")
        .start()
        .unwrap();
    let options = ConnectOptions::new().cookie("c", "3").header("X-Y", "z").origin("https://page.example");
    let options = options.subprotocol("first").subprotocol("other");
    let plain = server.connect_memory_with("/a?q=1+2", &options).unwrap();
    assert_eq!(plain.subprotocol(), Some("first"));
    let chosen = server.connect_memory_with("/a?q=1%202&choose=other", &options).unwrap();
    assert_eq!((chosen.subprotocol(), chosen.response_header("set-cookie")), (Some("other"), Some("d=4")));
    match server.connect_memory_with("/a?q=1%202&refuse", &options) {
        Err(Error::Refused(response)) => {
            assert_eq!(
                (response.status, response.body.trim(), response.header("x-law")),
                (451, "by law", Some("1"))
            );
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_gate_that_panics_refuses_with_500_and_goes_on() {
    struct Nothing;
    impl Handler for Nothing {}
    let server = Server::builder()
        .handler(|request| if request.path() == "/panic" { panic!("as told") } else { Ok(Nothing) })
        .start()
        .unwrap();
    assert!(
        matches!(server.connect_memory("/panic"), Err(Error::Refused(response)) if response.status == 500)
    );
    assert!(server.connect_memory("/").is_ok());
}

#[test]
fn one_server_listens_on_several_addresses_and_a_unix_socket() {
    let path = std::env::temp_dir().join(format!("chinwag-test-{}.sock", std::process::id()));
    let server = Server::builder()
        .listener(Listener::bind("127.0.0.1:0").unwrap())
        .listener(std::net::TcpListener::bind("127.0.0.1:0").unwrap())
        .listener(Listener::bind(&format!("unix:{}", path.display())).unwrap())
        .start()
        .unwrap();
    let mut people: Vec<Connection> = server.local_addrs()[..2]
        .iter()
        .map(|addr| Connection::connect(&addr.to_string()).unwrap())
        .collect();
    let mut unix = std::os::unix::net::UnixStream::connect(&path).unwrap();
    std::io::Write::write_all(&mut unix, crate::support::request("/", "").as_bytes()).unwrap();
    eventually("all three are in", || server.hub().len() == 3);
    server.broadcast("hi");
    people.iter_mut().for_each(|person| hears(person, &["hi"]));
    let mut bytes = Vec::new();
    unix.set_read_timeout(Some(PATIENCE)).unwrap();
    while !bytes.ends_with(b"\x81\x02hi") {
        let mut byte = [0];
        std::io::Read::read_exact(&mut unix, &mut byte).unwrap();
        bytes.extend(byte);
    }
    assert!(Listener::bind_unix(&path).is_err(), "the socket is in use");
    drop((unix, people));
    server.shutdown().unwrap();
    assert!(!path.exists(), "the socket file is removed");
}

#[test]
fn a_client_can_be_probed_from_elsewhere() {
    let (builder, events) = Server::builder().events(16);
    let server = builder.start().unwrap();
    let mut john = server.connect_memory("/").unwrap();
    let Event::Open(client) = events.recv_timeout(PATIENCE).unwrap() else { panic!("opened first") };
    let reading = thread::spawn(move || hear(&mut john));
    assert!(client.probe(PATIENCE));
    client.send("done");
    assert_eq!(reading.join().unwrap(), "done");
}

#[test]
fn a_gate_may_take_longer_than_a_handshake() {
    struct Silent;
    impl Handler for Silent {
        fn on_open(&mut self, me: &Client) {
            me.send("welcome");
        }
    }
    let (clock, hand) = chinwag::Clock::manual();
    let server = Server::builder()
        .clock(clock)
        .handler(move |_| {
            hand.advance(Duration::from_secs(60));
            Ok(Silent)
        })
        .start()
        .unwrap();
    hears(&mut server.connect_memory("/").unwrap(), &["welcome"]);
}

#[test]
fn a_gate_that_shuts_the_server_down_is_not_waited_for_by_itself() {
    struct Nothing;
    impl Handler for Nothing {}
    let handle = std::sync::Arc::new(std::sync::OnceLock::<chinwag::ShutdownHandle>::new());
    let shared = handle.clone();
    let server = Server::builder()
        .handler(move |_| {
            shared.get().unwrap().shutdown().unwrap();
            Ok(Nothing)
        })
        .bind("127.0.0.1:0")
        .unwrap();
    handle.set(server.shutdown_handle()).unwrap();
    let _ = Connection::connect(&format!("ws://{}/", addr(&server)));
    server.shutdown().unwrap();
}

#[test]
fn a_field_that_is_not_ascii_is_left_out_of_the_response() {
    struct Nothing;
    impl Handler for Nothing {}
    let gate =
        |_: &chinwag::Request| Ok(Acceptance::new(Nothing).header("X-Name", "Jörg").header("X-Fine", "1"));
    let server = Server::builder().handler(gate).start().unwrap();
    let connection = server.connect_memory("/").unwrap();
    assert_eq!(
        (connection.response_header("x-name"), connection.response_header("x-fine")),
        (None, Some("1"))
    );
}
