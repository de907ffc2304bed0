//! A crowd over TLS.

use super::{assert_fails, command, json};
use crate::support::Program;
use crate::tls::authority::{Authority, HERE};

#[test]
fn a_crowd_over_tls_hears_everything_once_and_in_order() {
    let authority = Authority::new();
    let ca = authority.ca().display().to_string();
    let (_server, addr) = Program::chat_server(&authority.server(&HERE).args());
    let args = ["--clients", "100", "--senders", "5", "--rate", "40", "--seconds", "0.5", "--json"];
    let args = [&args[..], &["--ca", &ca]].concat();
    let output = command(&args).arg(format!("wss://{addr}/")).output().unwrap();
    let run = json(&output);
    assert_eq!(output.status.code(), Some(0), "{run}");
    assert_eq!((&run["sent"], &run["deliveries"]), (&20.into(), &2_000.into()), "{run}");
    assert_eq!([&run["lost"], &run["doubled"], &run["cut_off"]], [0, 0, 0], "{run}");
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_not_trusted() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (_server, addr) = Program::chat_server(&authority.server(&HERE).args());
    let url = format!("wss://{addr}/");
    let output = command(&["--ca", other.ca().to_str().unwrap(), &url, "--clients", "10"]).output().unwrap();
    assert_fails(&output, 1, &["0 of 10 clients came in", "TLS failed", "--ca"]);
    let output = command(&["--ca", "/no/such/ca.pem", &url]).output().unwrap();
    assert_fails(&output, 1, &["/no/such/ca.pem"]);
}

#[test]
fn a_scheme_that_is_not_the_servers_is_told() {
    let authority = Authority::new();
    let ca = authority.ca().display().to_string();
    let (_secure, secure) = Program::chat_server(&authority.server(&HERE).args());
    let (_plain, plain) = Program::chat_server(&[]);
    let url = format!("ws://{secure}/");
    assert_fails(&command(&[&url, "--clients", "1", "--senders", "1"]).output().unwrap(), 1, &["speaks TLS"]);
    let url = format!("wss://{plain}/");
    let args = ["--ca", &ca, &url, "--clients", "1", "--senders", "1"];
    assert_fails(&command(&args).output().unwrap(), 1, &["TLS failed"]);
}
