//! Real conversations, changed by chance and thrown at a live chat, while others chat on.
//! The seed is printed; `CHINWAG_SEED` repeats a run, and `CHINWAG_MUTATIONS` says how many
//! inputs there are instead of ten seconds' worth.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::{PATIENCE, Server, accept};
use crate::chat::Chat;
use crate::client::{ConnectOptions, Sender, from_transport};
use crate::protocol::{Command, Event, Request, SUBPROTOCOL};
use crate::transport::{Faults, Faulty, Half, MemoryEnd, Transport, memory_pair};
use crate::{PeerAddr, frame};

/// How long it goes on unless a number is asked for.
const TIME: Duration = Duration::from_secs(10);
/// Frames that one connection sends at most.
const FRAMES: usize = 200;
/// The canaries are looked at after so many connections.
const LOOK: u64 = 32;

/// Small numbers, by a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound.max(1)
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// What a client of ours sent.
struct Recording {
    head: Vec<u8>,
    /// Frames without their mask: first byte and payload.
    frames: Vec<(u8, Vec<u8>)>,
}

/// What people do in text mode, and programs in JSON.
const TYPED: [&str; 17] = [
    "hi",
    "/who",
    "/rooms",
    "/me waves",
    "/join games",
    "hello games",
    "/topic tea",
    "/topic",
    "/leave",
    "/msg Johnny psst",
    "/nick Johnny",
    "/away lunch",
    "/back",
    "/history 5",
    "/ignore Canary",
    "/help join",
    "// a path",
];
const ASKED: [&str; 14] = [
    r#"{"type":"say","room":"lobby","text":"hi","id":"c1"}"#,
    r#"{"type":"say","room":"lobby","text":"waves","action":true}"#,
    r#"{"type":"join","room":"games","since":"a-1"}"#,
    r#"{"type":"leave","room":"games","id":"c2"}"#,
    r#"{"type":"whisper","to":"Johnny","text":"psst","id":"c3"}"#,
    r#"{"type":"who","room":"lobby"}"#,
    r#"{"type":"rooms"}"#,
    r#"{"type":"history","room":"lobby","before":"a-5","limit":50}"#,
    r#"{"type":"nick","name":"Johnny"}"#,
    r#"{"type":"topic","room":"lobby","text":"tea"}"#,
    r#"{"type":"away","text":"lunch"}"#,
    r#"{"type":"back"}"#,
    r#"{"type":"ignore","name":"Canary"}"#,
    r#"{"type":"ping","id":"c4"}"#,
];

fn chat() -> Server {
    let server = Server::builder().paths(Chat::PATHS).handler(Chat::new().gate());
    server.close_timeout(Duration::from_millis(200)).start().expect("without a listener")
}

/// Has a client say this, and keeps what it sent.
fn record(server: &Server, options: &ConnectOptions, said: &[&str]) -> Recording {
    let (ours, theirs) = memory_pair();
    accept::admit(&server.context, Arc::new(ours), PeerAddr::Memory, None);
    let theirs = Arc::new(Faulty::new(theirs, Faults::default()));
    let mut client =
        from_transport(theirs.clone(), PeerAddr::Memory, options, "/?name=Johnny").expect("a good client");
    said.iter().for_each(|text| client.send(*text).expect("it is open"));
    client.ping(b"there?").expect("it is open");
    client.close(1000, "bye").expect("it is open");
    let sent = theirs.sent();
    let end = sent.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head") + 4;
    let mut recording = Recording { head: sent[..end].to_vec(), frames: Vec::new() };
    let mut rest = &sent[end..];
    while let Some(header) = frame::Header::parse(rest) {
        let (bytes, behind) = rest.split_at(header.frame_len());
        let mut payload = bytes[header.size..].to_vec();
        frame::apply(header.mask.expect("a client masks"), &mut payload);
        recording.frames.push((header.flags, payload));
        rest = behind;
    }
    assert_eq!(recording.frames.len(), said.len() + 2);
    recording
}

/// Changes bytes in one of six ways.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = random.below(bytes.len());
    let until = (at + 1 + random.below(16)).min(bytes.len());
    match random.below(6) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
        1 if !bytes.is_empty() => bytes[at] = random.below(256) as u8,
        2 => drop(bytes.drain(at..until)),
        3 => {
            let repeated = bytes[at..until].repeat(1 + random.below(40));
            bytes.splice(at..at, repeated);
        }
        4 => {
            let from = random.below(other.len());
            bytes.splice(at..until, other[from..].iter().copied().take(32));
        }
        _ => {
            let odd = ["\0", "\u{202e}", "\u{fffd}", "\\ud800", "\"", "{", "[[[[", "1e999", "\u{301}", "/"];
            bytes.splice(at..at, random.pick(&odd).bytes());
        }
    }
}

/// What one hostile client sends, and how many changed inputs there are in it.
fn conversation(random: &mut Random, recordings: &[Recording]) -> (Vec<u8>, u64) {
    let recording = random.pick(recordings);
    let mut head = recording.head.clone();
    if random.below(20) == 0 {
        mutate(random, &mut head, &recordings[0].head);
        return (head, 1);
    }
    let mut bytes = head;
    let is_well_formed = random.below(4) > 0;
    for count in 1..=FRAMES {
        let (flags, mut payload) = random.pick(&recording.frames).clone();
        let other = random.pick(&recording.frames).1.clone();
        (0..=random.below(3)).for_each(|_| mutate(random, &mut payload, &other));
        let is_data = flags & 0x08 == 0;
        if is_well_formed && is_data {
            // What breaks the connection is for the others: this one goes on.
            let text = String::from_utf8_lossy(&payload).into_owned();
            bytes.extend(frame::single(flags, text.as_bytes(), Some([7, 0, 9, 1])));
        } else if !is_well_formed {
            let flags = if random.below(8) == 0 { random.below(256) as u8 } else { flags };
            let mut broken = frame::single(flags, &payload, Some([7, 0, 9, 1])).to_vec();
            if random.below(16) == 0 {
                mutate(random, &mut broken, &other);
            }
            bytes.extend(broken);
            if random.below(8) == 0 {
                return (bytes, count as u64);
            }
        }
    }
    (bytes, FRAMES as u64)
}

/// Sends all of it, reads what comes meanwhile, and hangs up.
fn throw(server: &Server, bytes: &[u8]) {
    let (ours, theirs) = memory_pair();
    accept::admit(&server.context, Arc::new(ours), PeerAddr::Memory, None);
    let deadline = Instant::now() + PATIENCE;
    let mut rest = bytes;
    while !rest.is_empty() {
        read_some(&theirs, Duration::ZERO);
        match theirs.try_send(rest) {
            Ok(sent) => rest = &rest[sent..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                assert!(Instant::now() < deadline, "the server neither reads nor ends");
                read_some(&theirs, Duration::from_millis(1));
            }
            Err(_) => break,
        }
    }
    theirs.shutdown(Half::Write);
    while read_some(&theirs, PATIENCE) {
        assert!(Instant::now() < deadline, "the server does not end");
    }
}

/// Whether there may be more.
fn read_some(end: &MemoryEnd, wait: Duration) -> bool {
    let mut buffer = [0; 16 * 1024];
    !matches!(end.read(&mut buffer, Some(Instant::now() + wait)), Ok(0))
}

/// Two who chat on, in a room of their own, and read all the time: one who does not would be
/// taken for dead once somebody asks for its name.
struct Canaries {
    speaker: Sender,
    heard: [Receiver<String>; 2],
}

impl Canaries {
    fn new(server: &Server) -> Self {
        let join = |name| server.connect_memory(&format!("/?name={name}&room=cage")).expect("good clients");
        let [(speaker, first), (quiet, second)] = ["Canary", "Tweety"].map(|name| join(name).split());
        let heard = [(first, speaker.clone()), (second, quiet)].map(|(mut receiver, sender)| {
            let (heard_tx, heard) = channel();
            std::thread::spawn(move || {
                while let Ok(message) = receiver.recv() {
                    let _ = heard_tx.send(message.as_text().unwrap_or_default().to_owned());
                }
                drop(sender);
            });
            heard
        });
        Self { speaker, heard }
    }

    fn look(&self, number: u64, seed: u64) {
        self.speaker.send(format!("tweet {number}")).expect("a canary's connection");
        for heard in &self.heard {
            let expected = format!("Canary says: tweet {number}");
            while heard
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("a canary fell silent; CHINWAG_SEED={seed}"))
                != expected
            {}
        }
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a whole number"))
}

#[test]
fn conversations_changed_by_chance_do_nothing_to_others() {
    let seed = variable("CHINWAG_SEED").unwrap_or_else(|| u64::from(rand::random::<u32>()) + 1);
    let wanted = variable("CHINWAG_MUTATIONS");
    println!("CHINWAG_SEED={seed}");
    let server = chat();
    let json = ConnectOptions::new().subprotocol(SUBPROTOCOL);
    let recordings = [record(&server, &ConnectOptions::new(), &TYPED), record(&server, &json, &ASKED)];
    let canaries = Canaries::new(&server);
    let mut random = Random(seed);
    let began = Instant::now();
    let (mut inputs, mut connections) = (0, 0);
    while wanted.map_or(began.elapsed() < TIME, |wanted| inputs < wanted) {
        let (bytes, count) = conversation(&mut random, &recordings);
        throw(&server, &bytes);
        inputs += count;
        connections += 1;
        if connections % LOOK == 0 {
            canaries.look(connections, seed);
        }
        if connections % 10_000 == 0 {
            println!("{inputs} inputs, {connections} connections, {:?}", began.elapsed());
        }
    }
    canaries.look(0, seed);
    println!("{inputs} inputs in {connections} connections, {:?}", began.elapsed());
    assert!(inputs > 1000, "only {inputs} inputs");
}

#[test]
fn texts_changed_by_chance_are_parsed_or_refused() {
    let mut random = Random(variable("CHINWAG_SEED").unwrap_or(4));
    let wanted = variable("CHINWAG_MUTATIONS").unwrap_or(10_000);
    let began = Instant::now();
    for _ in 0..wanted {
        let mut bytes = random.pick(&ASKED).as_bytes().to_vec();
        let other = random.pick(&TYPED).as_bytes();
        (0..=random.below(4)).for_each(|_| mutate(&mut random, &mut bytes, other));
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(request) = Request::parse(&text) {
            assert_eq!(Request::parse(&request.to_json()).expect("its own JSON"), request);
        }
        if let Ok(event) = Event::parse(&text) {
            let _ = event.to_json();
        }
        let _ = Command::parse(&format!("/{text}"));
        let _ = crate::chat::Name::parse(&text).map(|name| name.key());
    }
    println!("{wanted} texts, {:?}", began.elapsed());
}
