//! Certificates that change while the server runs.

use std::fs;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use chinwag::{Server, ServerTls};
use rustls::version::TLS13;

use super::authority::{Authority, HERE};
use super::{foreign, join, start_with};
use crate::support::{PATIENCE, Program, addr};

/// The certificate that a new connection is shown.
fn shown(addr: std::net::SocketAddr, authority: &Authority) -> Vec<u8> {
    let mut client = foreign(addr, authority, &[&TLS13]);
    client.flush().unwrap();
    client.conn.peer_certificates().unwrap()[0].to_vec()
}

/// Asks again and again, as files are looked at once a second at the most.
fn eventually_shows_another(addr: std::net::SocketAddr, authority: &Authority, than: &[u8]) {
    let deadline = Instant::now() + PATIENCE;
    while shown(addr, authority) == than {
        assert!(Instant::now() < deadline, "the old certificate is still shown");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_changed_certificate_is_shown_to_newcomers_and_nobody_is_dropped() {
    let authority = Authority::new();
    let identity = authority.server(&HERE);
    let server =
        start_with(Server::builder(), &ServerTls::from_files(&identity.cert, &identity.key).unwrap());
    let mut early = join(&server, &authority, "early");
    let first = shown(addr(&server), &authority);
    authority.server(&HERE);
    eventually_shows_another(addr(&server), &authority, &first);
    while server.hub().is_empty() {
        thread::yield_now();
    }
    server.broadcast("still here?");
    assert_eq!(crate::support::hear(&mut early), "still here?");
}

#[test]
fn a_bad_new_certificate_leaves_the_old_in_use() {
    let authority = Authority::new();
    let identity = authority.server(&HERE);
    let tls = ServerTls::from_files(&identity.cert, &identity.key).unwrap();
    let server = start_with(Server::builder(), &tls);
    let first = shown(addr(&server), &authority);
    let key = fs::read(&identity.key).unwrap();
    fs::write(&identity.key, "no key").unwrap();
    assert!(tls.reload().is_err());
    assert_eq!(shown(addr(&server), &authority), first);
    fs::write(&identity.key, key).unwrap();
    tls.reload().unwrap();
    assert_eq!(shown(addr(&server), &authority), first);
    authority.server(&HERE);
    tls.reload().unwrap();
    assert_ne!(shown(addr(&server), &authority), first);
}

#[test]
fn chat_server_reads_its_certificate_again_on_sighup() {
    let authority = Authority::new();
    let identity = authority.server(&HERE);
    let log = authority.path("log");
    let mut args = identity.args().to_vec();
    args.extend(["--log-file", log.to_str().unwrap()]);
    let (server, addr) = Program::chat_server(&args);
    let first = shown(addr, &authority);
    authority.server(&HERE);
    server.signal("-HUP");
    crate::support::eventually("the log says so", || {
        fs::read_to_string(&log).unwrap().contains("asked to reload: certificate and key were read again")
    });
    assert_ne!(shown(addr, &authority), first);
}
