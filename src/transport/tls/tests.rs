//! TLS over pipes that a test makes narrow: a byte at a time, and full every other time.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::ServerName;

use super::{RECORD, Tls};
use crate::tls::{ClientTls, ServerTls};
use crate::transport::{Half, Handshake, MemoryEnd, Transport, Writable, memory_pair};

const PATIENCE: Duration = Duration::from_secs(20);

/// A pipe that takes and gives as little as it may.
struct Narrow {
    end: Arc<MemoryEnd>,
    /// The most that passes at once.
    width: usize,
    /// Every other send is refused.
    is_full: AtomicBool,
    /// Every send is.
    is_stuck: AtomicBool,
}

impl Transport for Narrow {
    fn read(&self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        let most = buffer.len().min(self.width);
        self.end.read(&mut buffer[..most], deadline)
    }

    fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_stuck.load(Ordering::SeqCst) || self.is_full.fetch_xor(true, Ordering::SeqCst) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.end.try_send(&bytes[..bytes.len().min(self.width)])
    }

    fn shutdown(&self, half: Half) {
        self.end.shutdown(half);
    }

    fn writable(&self) -> Writable<'_> {
        self.end.writable()
    }

    fn has_input(&self) -> bool {
        self.end.has_input()
    }
}

fn narrow(end: MemoryEnd, width: usize) -> Arc<Narrow> {
    Arc::new(Narrow {
        end: Arc::new(end),
        width,
        is_full: AtomicBool::new(false),
        is_stuck: AtomicBool::new(false),
    })
}

/// Files with an authority's certificate, a server's and its key.
fn files() -> [PathBuf; 3] {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let mut authority = CertificateParams::new(Vec::new()).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().expect("a key");
    let root = authority.self_signed(&authority_key).expect("a certificate").pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().expect("a key");
    let server = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let server = server.signed_by(&key, &issuer).expect("a certificate").pem();
    let number = NEXT.fetch_add(1, Ordering::SeqCst);
    let dir = std::env::temp_dir().join(format!("chinwag-tls-{}-{number}", std::process::id()));
    fs::create_dir_all(&dir).expect("a directory");
    [("ca", root), ("cert", server), ("key", key.serialize_pem())].map(|(name, pem)| {
        let path = dir.join(name);
        fs::write(&path, pem).expect("written");
        path
    })
}

/// Two ends that are not introduced to each other yet, and what carries them.
struct Pair {
    client: Tls,
    server: Tls,
    pipes: [Arc<Narrow>; 2],
}

fn pair(width: usize) -> Pair {
    let [authority, certificate, key] = files();
    let server_tls = ServerTls::from_files(&certificate, &key).expect("good files");
    let config = ClientTls::default().trust(authority.clone()).config().expect("good files");
    fs::remove_dir_all(authority.parent().expect("a directory")).expect("removed");
    let (ours, theirs) = memory_pair();
    let pipes = [narrow(ours, width), narrow(theirs, width)];
    let name = ServerName::try_from("localhost").expect("a name");
    let client = Tls::client(pipes[0].clone(), config, name).expect("a client");
    Pair { client, server: Tls::server(pipes[1].clone(), server_tls), pipes }
}

impl Pair {
    fn introduced(width: usize) -> Self {
        let pair = pair(width);
        thread::scope(|scope| {
            scope.spawn(|| shake(&pair.client));
            shake(&pair.server);
        });
        pair
    }
}

fn deadline() -> Option<Instant> {
    Some(Instant::now() + PATIENCE)
}

/// As the drain does it, again and again.
fn flush(tls: &Tls) {
    while tls.has_pending() {
        match tls.try_send(&[]) {
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            Ok(sent) => assert_eq!(sent, 0),
        }
    }
}

fn shake(tls: &Tls) {
    loop {
        flush(tls);
        match tls.handshake(deadline()).expect("a handshake") {
            Handshake::UnderWay => {}
            Handshake::Done(info) => {
                assert_eq!(info.expect("TLS").version, "TLS 1.3");
                return flush(tls);
            }
            Handshake::NotTls => panic!("it is TLS"),
        }
    }
}

fn send_all(tls: &Tls, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match tls.try_send(bytes) {
            Ok(sent) => bytes = &bytes[sent..],
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
    flush(tls);
}

fn read_to_end(tls: &Tls) -> io::Result<Vec<u8>> {
    let (mut all, mut piece) = (Vec::new(), [0; 100]);
    loop {
        match tls.read(&mut piece, deadline()) {
            Ok(0) => return Ok(all),
            Ok(read) => all.extend(&piece[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => flush(tls),
            Err(error) => return Err(error),
        }
    }
}

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

#[test]
fn everything_arrives_both_ways_a_byte_at_a_time() {
    let pair = Pair::introduced(1);
    let (there, back) = (text(2 * RECORD + 7), text(RECORD + 1));
    thread::scope(|scope| {
        scope.spawn(|| {
            send_all(&pair.client, &there);
            pair.client.shutdown(Half::Write);
            flush(&pair.client);
        });
        scope.spawn(|| {
            send_all(&pair.server, &back);
            pair.server.shutdown(Half::Write);
            flush(&pair.server);
        });
        let heard = scope.spawn(|| read_to_end(&pair.client));
        assert!(read_to_end(&pair.server).expect("a clean end") == there);
        assert!(heard.join().expect("no panic").expect("a clean end") == back);
    });
}

#[test]
fn full_records_close_behind_each_other_are_all_read() {
    let pair = Pair::introduced(usize::MAX);
    let mut heard = vec![0; 2048];
    // So that one read holds the end of a full record, all of a short one, and more than
    // rustls then takes: it happens where the first has about this size.
    for first in 1990..2040 {
        let burst = [first, RECORD, 3, RECORD].map(text);
        burst.iter().for_each(|record| send_all(&pair.client, record));
        let expected = burst.concat();
        let mut rest = &expected[..];
        while !rest.is_empty() {
            let read = pair.server.read(&mut heard, deadline()).expect("more");
            assert!(rest.starts_with(&heard[..read]));
            rest = &rest[read..];
        }
    }
}

#[test]
fn what_the_system_refuses_is_bounded_and_sent_first() {
    let pair = Pair::introduced(usize::MAX);
    let stuck = &pair.pipes[0].is_stuck;
    stuck.store(true, Ordering::SeqCst);
    let bytes = text(4 * RECORD);
    assert_eq!(pair.client.try_send(&bytes).expect("one record is encrypted"), RECORD);
    assert!(pair.client.has_pending());
    let refused = pair.client.try_send(&bytes[RECORD..]).expect_err("the first is in the way");
    assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
    pair.client.shutdown(Half::Write);
    assert!(pair.client.has_pending(), "with the last word");
    stuck.store(false, Ordering::SeqCst);
    flush(&pair.client);
    assert!(read_to_end(&pair.server).expect("a clean end") == bytes[..RECORD]);
    let late = pair.client.try_send(b"more").expect_err("after its end");
    assert_eq!(late.kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn an_end_that_nobody_signed_is_no_end() {
    let pair = Pair::introduced(usize::MAX);
    send_all(&pair.client, b"half a mess");
    pair.pipes[0].shutdown(Half::Write);
    let error = read_to_end(&pair.server).expect_err("cut off");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_record_that_was_changed_on_the_way_ends_the_connection_with_an_alert() {
    let pair = Pair::introduced(usize::MAX);
    // A record of application data that nobody encrypted.
    let forged = [&[23, 3, 3, 0, 32][..], &[7; 32]].concat();
    assert!(pair.pipes[0].end.try_send(&forged).is_ok());
    let error = pair.server.read(&mut [0; 100], deadline()).expect_err("forged");
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(pair.server.has_pending(), "no alert");
    flush(&pair.server);
    let told = read_to_end(&pair.client).expect_err("an alert");
    assert!(told.to_string().contains("BadRecordMac"), "{told}");
    // Nothing that comes after is taken for plaintext.
    assert!(pair.pipes[0].end.try_send(b"more of it").is_ok());
    pair.pipes[0].shutdown(Half::Write);
    assert!(pair.server.read(&mut [0; 100], deadline()).is_err());
}

#[test]
fn a_key_update_is_answered_in_its_place() {
    let pair = Pair::introduced(usize::MAX);
    for round in 0..3 {
        pair.client.with(|session| match &mut session.stage {
            super::Stage::Running(connection) => connection.refresh_traffic_keys().expect("TLS 1.3"),
            _ => panic!("not running"),
        });
        send_all(&pair.client, b"with new keys");
        let mut heard = [0; 100];
        assert_eq!(pair.server.read(&mut heard, deadline()).expect("readable"), 13, "{round}");
        send_all(&pair.server, b"so do I");
        assert_eq!(pair.client.read(&mut heard, deadline()).expect("readable"), 7, "{round}");
    }
}

#[test]
fn a_handshake_without_end_is_ended() {
    let pair = pair(usize::MAX);
    // The first fragments of a message of 16 MiB, which is within no limit.
    let record = [&[22, 3, 1, 0x10, 0, 1, 0xff, 0xff, 0xff][..], &[0; 0x1000 - 4]].concat();
    let ended = (0..64).find_map(|_| {
        pair.pipes[0].end.try_send(&record).expect("room");
        pair.server.handshake(deadline()).err()
    });
    assert_eq!(ended.expect("taken without end").kind(), io::ErrorKind::InvalidData);
}

#[test]
fn input_that_nobody_has_read_is_known_in_every_form() {
    let pair = Pair::introduced(usize::MAX);
    // Session tickets may have come; they are no plaintext.
    send_all(&pair.server, b"hello");
    assert!(pair.client.has_input(), "encrypted");
    let mut piece = [0; 2];
    // Waits in pieces of two: the rest is decrypted and unread.
    while pair.client.read(&mut piece, deadline()).expect("readable") != 2 {}
    while pair.pipes[0].end.has_input() {
        pair.client.read(&mut piece, deadline()).expect("readable");
    }
    assert!(pair.client.has_input(), "decrypted");
    while pair.client.read(&mut piece, deadline()).expect("readable") == 2 {}
    assert!(!pair.client.has_input());
}
