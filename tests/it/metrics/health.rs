//! Alive, and ready for clients.

use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use chinwag::{Server, Unready};

use super::{get, scrape, watched};
use crate::support::{PATIENCE, Program, Raw, addr, answer_to, eventually, join, request};

#[test]
fn a_server_that_works_says_so() {
    let (_server, addr) = Program::chat_server(&[]);
    assert_eq!(get(addr, "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(get(addr, "/readyz"), (200, "ok\n".to_owned()));
}

#[test]
fn a_hub_that_is_stuck_is_told_from_one_that_works() {
    let server = watched(Server::builder());
    let (stuck_tx, stuck_rx) = mpsc::channel();
    let (go_on_tx, go_on_rx) = mpsc::channel::<()>();
    server.hub().atomically(move |_| {
        stuck_tx.send(()).unwrap();
        let _ = go_on_rx.recv();
    });
    stuck_rx.recv().unwrap();
    for path in ["/healthz", "/readyz"] {
        let (status, why) = get(addr(&server), path);
        assert_eq!(status, 503, "{path}");
        assert!(why.contains("hub") && why.ends_with('\n'), "{path}: {why}");
    }
    // What was counted can be had even so.
    let seen = scrape(addr(&server));
    assert_eq!(seen.value("chinwag_ready"), 0.0);
    assert!(seen.value("chinwag_hub_queue") >= 1.0);
    drop(go_on_tx);
    eventually("the hub goes on", || get(addr(&server), "/readyz").0 == 200);
}

#[test]
fn a_full_server_is_alive_but_not_ready() {
    let server = watched(Server::builder().max_clients(1));
    let john = join(&server, "John");
    let (status, why) = get(addr(&server), "/readyz");
    assert!(status == 503 && why.contains("full"), "{status} {why}");
    assert_eq!(get(addr(&server), "/healthz").0, 200);
    drop(john);
    eventually("a place is free again", || get(addr(&server), "/readyz").0 == 200);
}

#[test]
fn readiness_ends_where_a_shutdown_begins() {
    let server = watched(Server::builder().close_timeout(Duration::from_secs(60)));
    let monitor = server.monitor();
    assert_eq!(monitor.ready(), Ok(()));
    // Answers no close frame, and so keeps the shutdown waiting.
    let stalled = Raw::upgrade(addr(&server), "/?name=Stalled");
    let handle = server.shutdown_handle();
    let shutdown = std::thread::spawn(move || handle.shutdown());
    eventually("not ready", || monitor.ready() == Err(Unready::Stopping));
    assert_eq!(monitor.alive(), Ok(()));
    assert!(!shutdown.is_finished(), "the stalled client should keep it");
    drop(stalled);
    shutdown.join().unwrap().unwrap();
    assert_eq!(monitor.alive(), Err(Unready::Stopped));
}

#[test]
fn while_a_server_drains_its_port_says_that_it_is_alive_and_not_ready() {
    let (addr_tx, addr_rx) = mpsc::channel();
    let (answers_tx, answers_rx) = mpsc::channel();
    let server = watched(Server::builder().on_shutdown(move |_, _| {
        let addr = addr_rx.recv().unwrap();
        let refused = answer_to(addr, &request("/?name=late", ""));
        assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
        let answers = ["/healthz", "/readyz"].map(|path| get(addr, path));
        let _ = answers_tx.send((answers, scrape(addr)));
    }));
    addr_tx.send(addr(&server)).unwrap();
    server.shutdown().unwrap();
    let ([alive, ready], seen) = answers_rx.recv_timeout(PATIENCE).unwrap();
    assert_eq!(alive, (200, "ok\n".to_owned()));
    assert_eq!(ready, (503, "the server is shutting down\n".to_owned()));
    assert_eq!(seen.value("chinwag_ready"), 0.0);
    assert_eq!(seen.labelled("chinwag_refusals_total", &[("reason", "stopping")]), 1.0);
}

#[test]
fn who_watches_a_server_that_is_not_there_is_told_so() {
    let builder = Server::builder();
    let monitor = builder.monitor();
    assert_eq!(monitor.ready(), Err(Unready::NotStarted));
    assert!(monitor.statistics().is_none());
    drop(builder.start().unwrap());
    assert_eq!(monitor.alive(), Err(Unready::Stopped));
}

#[test]
fn a_server_that_is_nearly_out_of_descriptors_is_not_ready() {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 64 && exec \"$0\" --listen 127.0.0.1:0"]);
    let mut server = Program::start(command.arg(env!("CARGO_BIN_EXE_chat-server")).stderr(Stdio::null()));
    let addr = server.address();
    let mut waiting = Vec::new();
    let why = loop {
        let (status, why) = get(addr, "/readyz");
        if status != 200 {
            break why;
        }
        // One that says nothing, and so takes a descriptor but no place.
        waiting.push(Raw::connect(addr));
        let accepted = waiting.len() as f64;
        eventually("it is accepted", || scrape(addr).value("chinwag_handshakes_under_way") > accepted);
        assert!(waiting.len() < 64, "still ready");
    };
    assert!(why.contains("descriptors"), "{why}");
    assert_eq!(get(addr, "/healthz").0, 200);
    drop(waiting);
    eventually("ready again", || get(addr, "/readyz").0 == 200);
}
