//! A store that fails while people talk.

use std::fs;
use std::net::SocketAddr;

use chinwag::protocol::Event;

use super::{Shelf, hear_error, join, say, stop};
use crate::metrics::{get, scrape};
use crate::support::eventually;

fn is_ready(addr: SocketAddr) -> bool {
    get(addr, "/readyz").0 == 200
}

/// Takes the file away from a server that is running, as a slip of the hand would.
fn take_away(shelf: &Shelf) {
    fs::rename(shelf.file(), shelf.path("elsewhere.db")).unwrap();
}

fn put_back(shelf: &Shelf) {
    fs::rename(shelf.path("elsewhere.db"), shelf.file()).unwrap();
}

#[test]
fn who_talks_is_told_that_nothing_is_kept_and_so_is_whoever_watches() {
    let shelf = Shelf::new();
    let (server, addr) = shelf.serve(&[]);
    let mut john = join(addr, "John");
    say(&mut john, "kept", "a");
    assert!(is_ready(addr));
    take_away(&shelf);
    // It is found out by itself, while nobody talks.
    eventually("it is not ready", || !is_ready(addr));
    let (status, why) = get(addr, "/readyz");
    let path = shelf.file().display().to_string();
    assert!(status == 503 && why.contains("not kept") && why.contains(&path), "{why}");
    assert_eq!(get(addr, "/healthz").0, 200, "a restart would not mend it");
    john.ask(r#"{"type":"say","room":"lobby","text":"lost","id":"b"}"#);
    let (code, reason) = hear_error(&mut john);
    assert_eq!(code, "not_kept", "{reason}");
    let seen = scrape(addr);
    assert_eq!((seen.value("chinwag_store_up"), seen.value("chinwag_ready")), (0.0, 0.0));
    assert!(seen.labelled("chinwag_store_failures_total", &[("kind", "gone")]) >= 1.0);
    put_back(&shelf);
    eventually("it is ready again", || is_ready(addr));
    say(&mut john, "kept again", "b");
    assert_eq!(scrape(addr).value("chinwag_store_up"), 1.0);
    stop(server);
    assert_eq!(shelf.texts(), ["kept", "kept again"]);
}

#[test]
fn people_go_on_talking_where_the_operator_chose_so() {
    let shelf = Shelf::new();
    let (server, addr) = shelf.serve(&["--on-store-failure", "degrade"]);
    let mut john = join(addr, "John");
    say(&mut john, "kept", "a");
    take_away(&shelf);
    eventually("it is not ready", || !is_ready(addr));
    john.ask(r#"{"type":"say","room":"lobby","text":"heard","id":"b"}"#);
    let (mut notices, own) = (
        0,
        loop {
            match john.hear() {
                Event::Message(message) => break message,
                Event::Notice { .. } => {}
                other => panic!("{other:?}"),
            }
        },
    );
    assert_eq!((&*own.text, &*own.pos, own.id.as_deref()), ("heard", "", Some("b")));
    put_back(&shelf);
    eventually("it is ready again", || is_ready(addr));
    john.ask(r#"{"type":"say","room":"lobby","text":"kept again","id":"c"}"#);
    loop {
        match john.hear() {
            Event::Notice { .. } => notices += 1,
            Event::Ack { id, .. } if id == "c" => break,
            _ => {}
        }
    }
    assert!(notices >= 1, "nobody was told that it is over");
    stop(server);
    assert_eq!(shelf.texts(), ["kept", "kept again"]);
}

#[test]
fn a_store_that_works_is_counted() {
    let shelf = Shelf::new();
    let (server, addr) = shelf.serve(&[]);
    let before = scrape(addr);
    let mut john = join(addr, "John");
    for number in 0..10 {
        say(&mut john, "counted", &format!("c{number}"));
    }
    let after = scrape(addr);
    let more = |name: &str| after.value(name) - before.value(name);
    assert_eq!(more("chinwag_store_appended_messages_total"), 10.0);
    assert_eq!(more("chinwag_store_transaction_messages_sum"), 10.0);
    assert!(more("chinwag_store_transaction_seconds_count") >= 1.0);
    assert!(after.value("chinwag_store_transaction_seconds_sum") > 0.0);
    assert_eq!(after.value("chinwag_store_messages"), 10.0);
    assert!(after.value("chinwag_store_bytes") > 0.0 && after.value("chinwag_store_wal_bytes") > 0.0);
    assert_eq!(after.value("chinwag_store_queue"), 0.0);
    // Where it is quiet, the index of words follows.
    eventually("all can be found by it", || scrape(addr).value("chinwag_store_unindexed_messages") == 0.0);
    stop(server);
}
