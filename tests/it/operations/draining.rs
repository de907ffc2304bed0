//! A shutdown: who is told what, who is refused, and how the clients' ends are spread.

use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use chinwag::chat::Chat;
use chinwag::chat_client::{ChatClient, Update};
use chinwag::{CloseCode, Connection, Server};

use crate::support::{PATIENCE, Program, Raw, addr, answer_to, hear_end, hears, request};

fn crowd(addr: SocketAddr, count: usize) -> Vec<Raw> {
    (0..count).map(|number| Raw::upgrade(addr, &format!("/?name=n{number}"))).collect()
}

/// When each of a crowd, in no order, hears that it is closed, and its number and code.
fn ends(crowd: Vec<Raw>) -> mpsc::Receiver<(Instant, usize, u16)> {
    let (end_tx, end_rx) = mpsc::channel();
    for (number, mut raw) in crowd.into_iter().enumerate() {
        let end_tx = end_tx.clone();
        thread::spawn(move || {
            let (code, _) = raw.read_close();
            let _ = end_tx.send((Instant::now(), number, code));
            raw.send_frame(0x88, &code.to_be_bytes());
        });
    }
    end_rx
}

/// The time between the first and the last of these moments without the tenth at each end. A
/// machine that is busy with other things makes it longer, not shorter.
fn middle_spread(moments: &mut [Instant]) -> Duration {
    moments.sort_unstable();
    moments[moments.len() * 9 / 10] - moments[moments.len() / 10]
}

#[test]
fn from_the_beginning_of_a_shutdown_newcomers_get_503_and_plain_requests_their_answers() {
    let (answers_tx, answers_rx) = mpsc::channel();
    let (addr_tx, addr_rx) = mpsc::channel::<SocketAddr>();
    let builder = Server::builder();
    let monitor = builder.monitor();
    let server = builder
        .paths(["/"])
        .http(move |request| monitor.respond(request))
        .on_shutdown(move |_, code| {
            let addr = addr_rx.recv().unwrap();
            let plain = |path| answer_to(addr, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            let newcomer = answer_to(addr, &request("/", ""));
            let _ = answers_tx.send((code, newcomer, plain("/readyz"), plain("/healthz")));
        })
        .bind("127.0.0.1:0")
        .unwrap();
    let (addr, handle) = (addr(&server), server.shutdown_handle());
    addr_tx.send(addr).unwrap();
    assert!(!handle.is_stopping());
    server.shutdown().unwrap();
    assert!(handle.is_stopping());
    let (code, newcomer, readiness, health) = answers_rx.recv_timeout(PATIENCE).unwrap();
    assert_eq!(code, CloseCode::GOING_AWAY);
    assert!(newcomer.starts_with("HTTP/1.1 503 "), "{newcomer}");
    assert!(newcomer.contains("Retry-After: ") && newcomer.contains("going away"), "{newcomer}");
    assert!(readiness.starts_with("HTTP/1.1 503 ") && readiness.contains("shutting down"), "{readiness}");
    assert!(health.starts_with("HTTP/1.1 200 "), "{health}");
    assert!(TcpStream::connect(addr).is_err(), "nobody listens any more");
}

#[test]
fn clients_are_closed_in_random_order_evenly_over_the_window() {
    let builder = Server::builder().drain_window(Duration::from_secs(1)).drain_timeout(3 * PATIENCE);
    let server = builder.bind("127.0.0.1:0").unwrap();
    let end_rx = ends(crowd(addr(&server), 100));
    let handle = server.shutdown_handle();
    let stopped = thread::spawn(move || handle.restart());
    let mut ended: Vec<_> = (0..100).map(|_| end_rx.recv_timeout(PATIENCE).unwrap()).collect();
    stopped.join().unwrap().unwrap();
    ended.sort_unstable();
    assert!(ended.iter().all(|(_, _, code)| *code == 1012), "{ended:?}");
    let mut moments: Vec<Instant> = ended.iter().map(|(at, ..)| *at).collect();
    let took = moments[99] - moments[0];
    assert!(took >= Duration::from_millis(700), "over {took:?} only");
    let spread = middle_spread(&mut moments);
    assert!(spread >= Duration::from_millis(400), "four of five within {spread:?}");
    let order: Vec<usize> = ended.iter().map(|(_, number, _)| *number).collect();
    assert!(!order.is_sorted(), "{order:?}");
}

#[test]
fn few_clients_wait_for_nothing() {
    let builder =
        Server::builder().drain_window(Duration::from_secs(600)).drain_timeout(Duration::from_secs(3600));
    let server = builder.bind("127.0.0.1:0").unwrap();
    let end_rx = ends(crowd(addr(&server), 3));
    let began = Instant::now();
    server.shutdown().unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(end_rx.iter().count(), 3);
}

#[test]
fn stalled_clients_and_a_hook_that_never_returns_delay_it_by_no_more_than_the_time_out() {
    let (release_tx, release_rx) = mpsc::channel::<()>();
    let server = Server::builder()
        .drain_timeout(Duration::from_millis(600))
        .drain_window(Duration::from_secs(600))
        .close_timeout(Duration::from_secs(600))
        .on_shutdown(move |_, _| {
            let _ = release_rx.recv();
        })
        .bind("127.0.0.1:0")
        .unwrap();
    let stalled = crowd(addr(&server), 30);
    let began = Instant::now();
    server.shutdown().unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    drop((stalled, release_tx));
}

#[test]
fn a_hub_that_is_stuck_does_not_keep_a_shutdown_for_ever() {
    let server = Server::bind("127.0.0.1:0").unwrap();
    let mut client = Raw::upgrade(addr(&server), "/");
    let (release_tx, release_rx) = mpsc::channel::<()>();
    server.hub().atomically(move |_| {
        let _ = release_rx.recv();
    });
    let began = Instant::now();
    assert!(matches!(server.shutdown(), Err(chinwag::Error::StillRunning(1..))));
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(client.read_to_end(), b"");
    drop(release_tx);
}

#[test]
fn a_second_word_ends_it_at_once_in_the_midst_of_the_window() {
    let server = Server::builder()
        .drain_window(Duration::from_secs(600))
        .drain_timeout(Duration::from_secs(3600))
        .close_timeout(Duration::from_secs(600))
        .bind("127.0.0.1:0")
        .unwrap();
    // At 10 ms each this takes 4 s, and most never answer.
    let mut crowd = crowd(addr(&server), 400);
    let end_rx = ends(crowd.split_off(380));
    let handle = server.shutdown_handle();
    let stopping = thread::spawn({
        let handle = handle.clone();
        move || handle.shutdown()
    });
    end_rx.recv_timeout(PATIENCE).expect("one of the twenty is told");
    // Where the machine is busy, not all threads of the crowd end within a second.
    let _ = (handle.shutdown_within(Duration::ZERO), stopping.join().unwrap());
    let closed = crowd.iter_mut().map(Raw::read_to_end).filter(|said| said.ends_with(b"going away")).count();
    assert!(closed < 380, "all were told");
}

#[test]
fn everyone_is_told_in_their_own_way_before_they_are_closed() {
    let (mut server, addr) = Program::chat_server(&["-qqq"]);
    let mut john = Connection::connect(&format!("ws://{addr}/?name=John")).unwrap();
    hears(&mut john, &["John joined.", "Welcome John."]);
    let options = chinwag::ConnectOptions::new().subprotocol("chinwag.v1");
    let mut adam = options.connect(&format!("ws://{addr}/?name=Adam")).unwrap();
    hears(&mut john, &["Adam joined."]);
    server.signal("-TERM");
    hears(&mut john, &["Server: the server is going away"]);
    let notice = r#"{"type":"notice","text":"the server is going away"}"#;
    while crate::support::hear(&mut adam) != notice {}
    for client in [&mut john, &mut adam] {
        let reason = hear_end(client);
        assert_eq!((reason.code, reason.clean), (CloseCode::GOING_AWAY, true), "{reason}");
    }
    assert_eq!(server.exit_code(), 0);
}

#[test]
fn a_crowd_whose_server_restarts_does_not_come_back_as_a_herd() {
    const CROWD: usize = 200;
    let start = |addr: SocketAddr, arrivals: Arc<Mutex<Vec<Instant>>>| {
        let gate = Chat::new().gate();
        Server::builder()
            .drain_timeout(3 * PATIENCE)
            .handler(move |request| {
                arrivals.lock().unwrap().push(Instant::now());
                gate(request)
            })
            .bind(addr)
            .unwrap()
    };
    let old = start("127.0.0.1:0".parse().unwrap(), Arc::default());
    let addr = addr(&old);
    let clients: Vec<_> = (0..CROWD)
        .map(|number| ChatClient::builder(format!("ws://{addr}/"), format!("n{number}")).connect().unwrap())
        .collect();
    // Where the machine is busy, not all of its threads end in time.
    let _ = old.shutdown_handle().restart();
    let arrivals = Arc::<Mutex<Vec<Instant>>>::default();
    let new = start(addr, arrivals.clone());
    for (_, updates) in &clients {
        let deadline = Instant::now() + 3 * PATIENCE;
        loop {
            match updates.recv_deadline(deadline).expect("it comes back") {
                Update::Back { .. } => break,
                Update::Ended(ending) => panic!("ended: {ending}"),
                _ => {}
            }
        }
    }
    let mut arrivals = arrivals.lock().unwrap().clone();
    assert!(arrivals.len() >= CROWD);
    let spread = middle_spread(&mut arrivals);
    assert!(spread >= Duration::from_millis(300), "four of five within {spread:?}");
    drop((clients, new));
}
