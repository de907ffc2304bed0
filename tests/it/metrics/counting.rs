//! The numbers are right.

use std::time::Duration;

use chinwag::metrics::Metrics;
use chinwag::{Clock, CloseCode, Listener, Message, MessageRate, Overflow, Server, ServerTls, Statistics};

use super::{Scrape, get, scrape, watched};
use crate::support::{PATIENCE, Program, Raw, addr, answer_to, eventually, hears, join, masked, request};
use crate::tls::authority::{Authority, HERE};

const TEXT: u8 = 0x81;

#[test]
fn messages_and_their_recipients_are_counted() {
    let server = watched(Server::builder());
    let mut john = join(&server, "John");
    hears(&mut john, &["John joined.", "Welcome John."]);
    let mut adam = join(&server, "Adam");
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    for _ in 0..5 {
        john.send("hi").unwrap();
        hears(&mut adam, &["John says: hi"]);
    }
    hears(&mut john, &["Adam joined."]);
    hears(&mut john, &["John says: hi"; 5]);
    // Two and three for the joins, and ten.
    eventually("the turn's end", || server.statistics().messages_sent == 15);
    let seen = scrape(addr(&server));
    assert_eq!(seen.value("chinwag_messages_received_total"), 5.0);
    assert_eq!(seen.value("chinwag_messages_sent_total"), 15.0);
    // A masked frame has 6 bytes before its text, one of ours 2.
    assert_eq!(seen.value("chinwag_bytes_received_total"), 40.0);
    let said = ["John joined.", "Welcome John.", "Adam joined.", "Adam joined.", "Welcome Adam."];
    let bytes = said.iter().map(|line| line.len() + 2).sum::<usize>() + 10 * ("John says: hi".len() + 2);
    assert_eq!(seen.value("chinwag_bytes_sent_total"), bytes as f64);
    assert_eq!(seen.value("chinwag_batch_messages_sum"), 9.0);
    assert!(seen.value("chinwag_fan_out_seconds_sum") > 0.0);
    assert!(
        seen.value("chinwag_fan_out_seconds_sum") <= seen.value("chinwag_hub_busy_seconds_total"),
        "a turn that sends is a turn"
    );
    assert_eq!(seen.value("chinwag_clients"), 2.0);
    assert_eq!(seen.value("chinwag_rooms"), 1.0);
    assert_eq!(seen.value("chinwag_chat_people"), 2.0);
    assert_eq!(seen.value("chinwag_chat_rooms"), 1.0);
    assert_eq!(seen.value("chinwag_chat_log_messages"), 5.0);
    assert!(seen.value("chinwag_chat_log_bytes") >= 10.0);
    assert_eq!(seen.value("chinwag_dropped_messages_total"), 0.0);
    assert_eq!(seen.value("chinwag_ready"), 1.0);
}

#[test]
fn comings_and_goings_are_counted_by_how_they_went() {
    let server = watched(Server::builder().max_message_size(1024).max_clients(3));
    let addr = addr(&server);
    let closed = |code: &str| {
        let closes = server.statistics().closes;
        closes.iter().find(|(known, _)| *known == code).unwrap().1
    };
    let mut john = join(&server, "John");
    for (number, (bytes, code)) in [
        (masked(0x88, &4001_u16.to_be_bytes()), "4xxx"),
        (masked(0x88, &[]), "1005"),
        (masked(TEXT, &[b'x'; 2000]), "1009"),
        (masked(TEXT, &[0xff]), "1007"),
        (vec![TEXT, 2, b'h', b'i'], "1002"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut raw = Raw::upgrade(addr, &format!("/?name=raw{number}"));
        raw.send(&bytes);
        raw.read_to_end();
        eventually(code, || closed(code) == 1);
    }
    drop(Raw::upgrade(addr, "/?name=vanishing"));
    eventually("1006", || closed("1006") == 1);
    drop(john.close(CloseCode::NORMAL, ""));
    eventually("1000", || closed("1000") == 1);

    // Reads, and so answers who asks whether the name is in use.
    let john = join(&server, "John");
    let _reading = std::thread::spawn(move || john.into_iter().for_each(drop));
    for (target, fields) in [
        ("/", ""),
        ("/?name=", ""),
        ("/elsewhere?name=x", ""),
        ("/?name=JOHN", ""),
        ("/?name=x", "Origin: https://evil.example\r\n"),
    ] {
        answer_to(addr, &request(target, fields));
    }
    answer_to(addr, "GET /?name=x HTTP/1.1\r\nHost: localhost\r\n\r\n");
    answer_to(addr, "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let _others = [join(&server, "Adam"), join(&server, "Eve")];
    answer_to(addr, &request("/?name=x", ""));

    eventually("the last refusal", || {
        let seen = scrape(addr);
        seen.labelled("chinwag_refusals_total", &[("reason", "full")]) == 1.0
            && seen.value("chinwag_handshake_seconds_count") == 10.0
    });
    let seen = scrape(addr);
    let refused = |reason| seen.labelled("chinwag_refusals_total", &[("reason", reason)]);
    let reasons = ["bad_request", "not_found", "conflict", "forbidden", "upgrade_needed", "other", "full"];
    assert_eq!(reasons.map(refused), [2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    let ended = |outcome| seen.labelled("chinwag_handshakes_total", &[("outcome", outcome)]);
    assert_eq!(ended("refused"), 8.0);
    assert_eq!(ended("joined"), 10.0);
    assert_eq!(seen.value("chinwag_handshake_seconds_count"), 10.0);
    assert_eq!(seen.value("chinwag_clients"), 3.0);
    assert_eq!(seen.value("chinwag_clients_max"), 3.0);
    assert_eq!(seen.value("chinwag_ready"), 0.0);
    // This scrape's own handshake is under way.
    assert!(seen.value("chinwag_handshakes_under_way") >= 1.0);
    assert!(seen.value("chinwag_connections_total") >= 20.0);
}

#[test]
fn what_a_slow_reader_misses_is_counted_once() {
    const SENT: u64 = 400;
    let server = watched(Server::builder().outbox_messages(16).overflow(Overflow::DropNewest));
    let mut stalled = Raw::upgrade(addr(&server), "/?name=Stalled");
    stalled.read("Stalled joined.Welcome Stalled.".len() + 4);
    let payload = Message::binary(vec![7; 60_000]);
    for _ in 0..SENT {
        server.broadcast(payload.clone());
    }
    eventually("all is sent or dropped", || server.statistics().messages_sent == SENT + 2);
    let then = scrape(addr(&server));
    let dropped = then.value("chinwag_dropped_messages_total");
    assert!(dropped > 0.0 && dropped < SENT as f64, "{dropped}");
    assert_eq!(then.labelled("chinwag_gaps_total", &[("policy", "drop_newest")]), 1.0);
    assert_eq!(then.value("chinwag_slow_clients"), 1.0);
    let waiting = then.value("chinwag_outbox_messages");
    assert!((1.0..=16.0).contains(&waiting), "{waiting}");
    assert!(then.value("chinwag_outbox_bytes") >= (waiting - 1.0) * 60_000.0);

    let (mut got, mut missed) = (0, 0);
    while got + missed < SENT {
        let (flags, payload) = stalled.read_frame();
        let text = String::from_utf8_lossy(&payload);
        match text.strip_suffix(" messages missed.").filter(|_| flags == TEXT) {
            Some(count) => missed += count.parse::<u64>().unwrap(),
            None => got += 1,
        }
    }
    assert_eq!(missed as f64, dropped);
    eventually("nobody is slow", || server.statistics().slow_clients == 0);
    let after = server.statistics();
    assert_eq!((after.outbox_bytes, after.outbox_messages, after.messages_dropped), (0, 0, missed));
}

#[test]
fn messages_that_had_to_wait_for_the_rate_are_counted() {
    let rate = MessageRate { burst: 1.try_into().unwrap(), per_second: 20.try_into().unwrap() };
    let server = watched(Server::builder().message_rate(Some(rate)));
    let mut john = Raw::upgrade(addr(&server), "/?name=John");
    john.send(&[masked(TEXT, b"one"), masked(TEXT, b"two"), masked(TEXT, b"three")].concat());
    eventually("all are taken", || server.statistics().messages_received == 3);
    // How many had to depends on how long the others took.
    let delayed = server.statistics().messages_delayed;
    assert!((1..=2).contains(&delayed), "{delayed}");
}

#[test]
fn round_trips_are_measured_into_a_histogram() {
    let (clock, hand) = Clock::manual();
    let server = watched(Server::builder().clock(clock));
    let mut john = Raw::upgrade(addr(&server), "/?name=John");
    john.read("John joined.Welcome John.".len() + 4);
    let client = server.hub().clients().remove(0);
    let measuring = std::thread::spawn(move || client.measure_round_trip(PATIENCE));
    let (flags, payload) = john.read_frame();
    assert_eq!(flags, 0x89);
    hand.advance(Duration::from_millis(30));
    john.send_frame(0x8a, &payload);
    assert_eq!(measuring.join().unwrap(), Some(Duration::from_millis(30)));
    let seen = scrape(addr(&server));
    let within = |bound| seen.labelled("chinwag_round_trip_seconds_bucket", &[("le", bound)]);
    assert_eq!((within("0.025"), within("0.05")), (0.0, 1.0));
    assert_eq!(seen.value("chinwag_round_trip_seconds_sum"), 0.03);
}

#[test]
fn tls_handshakes_that_fail_are_counted_by_why() {
    let authority = Authority::new();
    let identity = authority.server(&HERE);
    let tls = ServerTls::from_files(&identity.cert, &identity.key).unwrap();
    let listener = Listener::bind("127.0.0.1:0").unwrap().tls(&tls).unwrap();
    let server = Server::builder().listener(listener).start().unwrap();
    let addr = addr(&server);
    let failed = |reason: &str| {
        let failures = server.statistics().tls_failures;
        failures.iter().find(|(known, _)| *known == reason).unwrap().1
    };
    answer_to(addr, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    eventually("HTTP in the clear", || failed("not_tls") == 1);
    // A client that does not know the authority ends it.
    assert!(chinwag::Connection::connect(&format!("wss://{addr}/")).is_err());
    eventually("the alert", || failed("refused_by_peer") == 1);
    answer_to(addr, "\x16\x03\x01\x00\x05hello");
    eventually("a record with nonsense in it", || failed("other") == 1);
}

#[test]
fn it_is_said_when_the_certificate_expires() {
    let authority = Authority::new();
    let expired = authority.expired();
    let tls = ServerTls::from_files(&expired.cert, &expired.key).unwrap();
    let metrics = Metrics::new(Server::builder().monitor()).tls(&tls);
    let at = Scrape::parse(&metrics.text()).value("chinwag_tls_certificate_not_after_timestamp_seconds");
    let february = std::time::UNIX_EPOCH + Duration::from_secs_f64(at);
    assert_eq!(humantime::format_rfc3339_seconds(february).to_string(), "2021-02-03T00:00:00Z");
}

#[test]
fn a_program_shows_its_process_too() {
    let (_server, addr) = Program::chat_server(&[]);
    let before = scrape(addr);
    assert!(before.value("process_resident_memory_bytes") > 1e6);
    assert!(before.value("process_open_fds") < before.value("process_max_fds"));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((before.value("process_start_time_seconds") - now).abs() < 120.0);
    let _raw = (0..10).map(|number| Raw::upgrade(addr, &format!("/?name=raw{number}"))).collect::<Vec<_>>();
    let after = scrape(addr);
    let more = |name| after.value(name) - before.value(name);
    assert!(more("process_threads") >= 10.0 && more("process_open_fds") >= 10.0);
    assert_eq!(after.labelled("chinwag_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
}

#[test]
fn metrics_can_be_closed() {
    let (_open, addr) = Program::chat_server(&["--metrics", "loopback"]);
    assert_eq!(get(addr, "/metrics").0, 200);
    let (_closed, addr) = Program::chat_server(&["--metrics", "off"]);
    assert_eq!(get(addr, "/metrics").0, 404);
    assert_eq!(get(addr, "/healthz").0, 200);
}

#[test]
fn the_text_is_offered_as_what_was_asked_for() {
    let (_server, addr) = Program::chat_server(&[]);
    let ask = |accept: &str| {
        let answer = answer_to(addr, &format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\n{accept}\r\n"));
        let content_type = answer.lines().find_map(|line| line.strip_prefix("Content-Type: "));
        content_type.unwrap().to_owned()
    };
    assert!(ask("").starts_with("text/plain; version=0.0.4"));
    let prometheus = "Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3\r\n";
    assert!(ask(prometheus).starts_with("application/openmetrics-text; version=1.0.0"));
}

#[test]
fn nothing_that_a_client_brings_is_in_the_metrics() {
    let (_server, addr) = Program::chat_server(&["--message-rate", "off"]);
    let mut raw = Raw::upgrade(addr, "/ws?name=Zebedee&room=hideout");
    raw.send_frame(TEXT, b"sesame");
    raw.send_frame(0x88, &[&4242_u16.to_be_bytes()[..], b"sesame"].concat());
    raw.read_to_end();
    answer_to(addr, &request("/ws?name=Zebedee%00", "X-Secret: sesame\r\n"));
    let (_, text) = get(addr, "/metrics");
    for word in ["Zebedee", "hideout", "sesame", "\"4242\"", "127.0.0.1"] {
        assert!(!text.contains(word), "{word} is in {text}");
    }
}

#[test]
fn an_embedder_has_the_numbers_without_a_socket() {
    let server = Server::builder().start().unwrap();
    let monitor = server.monitor();
    let john = server.connect_memory("/").unwrap();
    eventually("John is a client", || monitor.statistics().unwrap().clients == 1);
    let Statistics { rooms, hub_queue_capacity, overflow_policy, .. } = server.statistics();
    assert_eq!((rooms, overflow_policy), (0, "disconnect"));
    assert!(hub_queue_capacity > 0);
    drop(john);
    server.shutdown().unwrap();
    drop(server);
    assert!(monitor.statistics().is_none());
}
