//! The search for the limit.

use std::time::Duration;

use serde_json::Value;

use super::{Fault, TempFile, faulty, json, load};
use crate::support::{Program, addr};

#[test]
fn the_ramp_ends_where_the_server_takes_no_more_and_draws_what_it_found() {
    let (_server, addr) = Program::chat_server(&["--max-clients", "20"]);
    let plot = TempFile::new("ramp.svg");
    let args = ["--find-limit", "--clients", "5", "--rate", "20", "--seconds", "0.3", "--p99", "10s"];
    let output = load(addr, &[&args[..], &["--json", "--plot", plot.path()]].concat());
    let ramp = json(&output);
    assert_eq!(output.status.code(), Some(0), "{ramp}");
    assert_eq!((&ramp["find_limit"], &ramp["p99_bound_ms"]), (&"clients".into(), &10_000.0.into()));
    let clients: Vec<_> =
        ramp["steps"].as_array().unwrap().iter().map(|step| step["clients"].clone()).collect();
    assert_eq!(clients, [5, 10, 20], "{ramp}");
    assert_eq!((&ramp["knee"]["clients"], &ramp["knee"]["lost"]), (&20.into(), &0.into()));
    assert!(ramp["stopped_by"].as_str().unwrap().contains("503: the server is full"), "{ramp}");
    let texts = plot.svg_texts();
    assert!(
        ["clients", "p99", "milliseconds"].iter().all(|text| texts.iter().any(|have| have == text)),
        "{texts:?}"
    );
}

#[test]
fn the_ramp_finds_the_rate_that_a_slow_server_bears() {
    // 50 messages a second at the most.
    let server = faulty(Fault::None, Duration::from_millis(20));
    let args = ["--find-limit=rate", "--clients", "3", "--senders", "2", "--rate", "20", "--seconds", "1"];
    let output = load(addr(&server), &[&args[..], &["--p99", "450ms", "--json"]].concat());
    let ramp = json(&output);
    assert_eq!(output.status.code(), Some(0), "{ramp}");
    let rate = ramp["knee"]["rate"].as_f64().unwrap();
    assert!((20.0..=100.0).contains(&rate), "{ramp}");
    assert!(ramp["stopped_by"].as_str().unwrap().contains("is over 450ms"), "{ramp}");
}

#[test]
fn a_bound_that_nothing_keeps_ends_the_ramp_without_a_knee() {
    let (_server, addr) = Program::chat_server(&[]);
    let args = ["--find-limit", "--clients", "20", "--seconds", "0.2", "--p99", "1us"];
    let output = load(addr, &args);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(stdout.contains("Not one step was good") && stdout.contains("is over 1µs"), "{stdout}");
    let output = load(addr, &[&args[..], &["--json"]].concat());
    let ramp = json(&output);
    assert_eq!((output.status.code(), &ramp["knee"]), (Some(1), &Value::Null), "{ramp}");
}
