//! What is said of a store that fails, to those who watch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chinwag::chat::{Chat, OnStoreFailure};
use chinwag::metrics::Metrics;
use chinwag::store::{Store, StoreErrorKind};
use chinwag::{Request, Server, Unready};

use super::{get, scrape};
use crate::rooms::Person;
use crate::support::flaky_store::FlakyStore;
use crate::support::{addr, eventually};

fn watched(store: &Arc<FlakyStore>, policy: OnStoreFailure) -> Server {
    let chat = Chat::builder().store(store.clone()).on_store_failure(policy).build();
    let builder = Server::builder();
    let (health, metrics) = (builder.monitor(), Metrics::new(builder.monitor()).chat(&chat));
    let kept = chat.clone();
    health.ready_when(move || kept.store_trouble().map_or(Ok(()), Err));
    let http = move |request: &Request| health.respond(request).or_else(|| metrics.respond(request));
    builder.paths(Chat::PATHS).handler(chat.gate()).http(http).bind("127.0.0.1:0").unwrap()
}

fn unkept(server: &Server) -> [f64; 3] {
    let seen = scrape(addr(server));
    ["refused", "degraded", "unsure"]
        .map(|outcome| seen.labelled("chinwag_unkept_messages_total", &[("outcome", outcome)]))
}

#[test]
fn messages_that_are_not_kept_are_counted_by_what_became_of_them() {
    for (policy, expected) in
        [(OnStoreFailure::Refuse, [2.0, 0.0, 0.0]), (OnStoreFailure::Degrade, [0.0, 2.0, 0.0])]
    {
        let store = FlakyStore::new();
        let server = watched(&store, policy);
        let mut john = Person::join(&server, "John");
        john.say("lobby", "kept");
        john.hears_message("John", "kept");
        assert_eq!(unkept(&server), [0.0; 3]);
        store.fail(StoreErrorKind::Full);
        for _ in 0..2 {
            john.say("lobby", "not kept");
        }
        eventually("both are counted", || unkept(&server) == expected);
        // Until something is kept again the chat does not know better.
        store.recover();
        eventually("it is well again", || get(addr(&server), "/readyz").0 == 200);
        assert_eq!(unkept(&server), expected);
    }
}

#[test]
fn a_store_that_fails_makes_the_server_unready_and_not_dead() {
    let store = FlakyStore::new();
    let server = watched(&store, OnStoreFailure::Refuse);
    let mut john = Person::join(&server, "John");
    assert_eq!(scrape(addr(&server)).value("chinwag_store_up"), 1.0);
    store.refuse(StoreErrorKind::Full);
    john.say("lobby", "not kept");
    let _ = john.hear();
    let (status, why) = get(addr(&server), "/readyz");
    assert!(status == 503 && why.trim().len() > 5, "{why}");
    assert!(matches!(server.monitor().ready(), Err(Unready::Unmet(_))));
    assert_eq!(get(addr(&server), "/healthz").0, 200);
    let seen = scrape(addr(&server));
    assert_eq!(seen.value("chinwag_store_up"), f64::from(u8::from(store.health().is_ok())));
    assert_eq!(seen.value("chinwag_ready"), 0.0);
    store.recover();
    eventually("it is ready again", || get(addr(&server), "/readyz").0 == 200);
}

#[test]
fn a_server_is_ready_only_while_all_conditions_hold() {
    let builder = Server::builder();
    let monitor = builder.monitor();
    let [is_open, is_warm] = [false, true].map(|is| Arc::new(AtomicBool::new(is)));
    for (what, holds) in [("closed", is_open.clone()), ("cold", is_warm.clone())] {
        let why = move || if holds.load(Ordering::SeqCst) { Ok(()) } else { Err(what.to_owned()) };
        monitor.ready_when(why);
    }
    let server = builder.start().unwrap();
    assert_eq!(monitor.ready(), Err(Unready::Unmet("closed".to_owned())));
    is_open.store(true, Ordering::SeqCst);
    assert_eq!(server.monitor().ready(), Ok(()));
    is_warm.store(false, Ordering::SeqCst);
    assert_eq!(monitor.ready(), Err(Unready::Unmet("cold".to_owned())));
    assert_eq!(monitor.alive(), Ok(()));
}
