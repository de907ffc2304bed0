//! Certificates that will not be good for long, and what is said of them in time.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use chinwag::ServerTls;

use super::authority::{Authority, HERE, Identity};
use crate::support::{Program, eventually};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// chat-server with this certificate, and its log.
fn server(authority: &Authority, identity: &Identity) -> (Program, PathBuf) {
    let log = authority.path("log");
    let mut args = identity.args().to_vec();
    args.extend(["--log-file", log.to_str().unwrap()]);
    let (server, _) = Program::chat_server(&args);
    (server, log)
}

fn logged(log: &PathBuf) -> String {
    fs::read_to_string(log).unwrap()
}

#[test]
fn a_certificate_that_expires_soon_is_told_at_the_start_and_when_it_is_read_again() {
    let authority = Authority::new();
    let identity = authority.server_until(SystemTime::now() + 11 * DAY);
    let (server, log) = server(&authority, &identity);
    eventually("the start is told", || logged(&log).contains("in 10 days: renew it"));
    let told = logged(&log);
    let line = told.lines().find(|line| line.contains("renew it")).unwrap();
    assert!(line.contains("[WARN]") && line.contains("server.pem"), "{line}");
    authority.server_until(SystemTime::now() + 5 * DAY);
    server.signal("-HUP");
    eventually("the reload is told", || logged(&log).contains("in 4 days: renew it"));
    authority.server_until(SystemTime::now() - 5 * DAY);
    server.signal("-HUP");
    eventually("the end is told", || {
        let told = logged(&log);
        told.lines().any(|line| line.contains("[ERROR]") && line.contains("expired on"))
    });
}

#[test]
fn one_that_lasts_is_not_mentioned_and_the_date_is_known() {
    let authority = Authority::new();
    let (mut running, log) = server(&authority, &authority.server_until(SystemTime::now() + 40 * DAY));
    running.signal("-TERM");
    assert_eq!(running.exit_code(), 0);
    assert!(!logged(&log).contains("expire"), "{}", logged(&log));

    // Whole days are what the test's certificates have.
    let identity = authority.server_until(SystemTime::UNIX_EPOCH + 30_000 * DAY);
    let tls = ServerTls::from_files(&identity.cert, &identity.key).unwrap();
    assert_eq!(tls.not_after(), Some(SystemTime::UNIX_EPOCH + 30_000 * DAY));
    authority.server_until(SystemTime::UNIX_EPOCH + 31_000 * DAY);
    tls.reload().unwrap();
    assert_eq!(tls.not_after(), Some(SystemTime::UNIX_EPOCH + 31_000 * DAY));
    assert!(ServerTls::from_files(&authority.server(&HERE).cert, &identity.key).is_ok());
}
