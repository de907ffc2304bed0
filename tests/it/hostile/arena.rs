//! One chat-server, the crowd in it, and how a kind is tried there.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chinwag::ConnectOptions;

use super::crowd::Crowd;
use super::footprint::Footprint;
use super::{Answer, Kind};
use crate::metrics::scrape;
use crate::support::{PATIENCE, Program, Raw, eventually, request};
use crate::tls::authority::{Authority, HERE};

/// What 99 of 100 deliveries take at most, whatever goes on.
const BOUND: Duration = Duration::from_millis(50);
/// Other programs take the machine's processors too. Where deliveries were late, the crowd is
/// listened to without an attack until they are in time, and then the attack is repeated, so
/// many times at most. Loss, order and answers get no second try.
const TRIES: usize = 6;
/// A quick attack is repeated for so long, that the crowd has something to hear meanwhile.
const WINDOW: Duration = Duration::from_millis(200);

/// Short, so that nothing here waits long for what a server waits longer for.
const OPTIONS: [&str; 12] = [
    "--handshake-timeout=1s",
    "--message-timeout=1s",
    "--close-timeout=500ms",
    "--ping-interval=2s",
    "--ping-timeout=2s",
    "--overflow-grace=1s",
    "--outbox-bytes=131072",
    // A thousand in ten seconds are no flood here.
    "--joins-per-address=off",
    "--connections-per-address=off",
    "--max-clients=4000",
    "--verbose",
    "--log-file",
];

pub struct Arena {
    server: Program,
    pub addr: SocketAddr,
    /// How the crowd, and any good newcomer, connects.
    pub options: ConnectOptions,
    scheme: &'static str,
    log: tempfile::Log,
    /// Who signed the server's certificate, where it has one.
    pub authority: Option<Authority>,
    crowd: Option<Crowd>,
    before: Footprint,
}

mod tempfile {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A log file that goes with its test.
    pub struct Log(pub PathBuf);

    impl Log {
        pub fn new() -> Self {
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            let number = NEXT.fetch_add(1, Ordering::SeqCst);
            let name = format!("chinwag-test-hostile-{}-{number}.log", std::process::id());
            Self(std::env::temp_dir().join(name))
        }
    }

    impl Drop for Log {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }
}

impl Arena {
    pub fn new() -> Self {
        Self::new_with(&[])
    }

    /// With further arguments for the server.
    pub fn new_with(args: &[&str]) -> Self {
        Self::with(args, ConnectOptions::new(), "ws", None)
    }

    /// Behind TLS.
    pub fn secure() -> Self {
        let authority = Authority::new();
        let identity = authority.server(&HERE);
        let options = ConnectOptions::new().ca_file(authority.ca());
        Self::with(&identity.args(), options, "wss", Some(authority))
    }

    fn with(
        args: &[&str],
        options: ConnectOptions,
        scheme: &'static str,
        authority: Option<Authority>,
    ) -> Self {
        let log = tempfile::Log::new();
        let path = log.0.to_str().unwrap();
        let (server, addr) = Program::chat_server(&[&OPTIONS[..], &[path], args].concat());
        let before = Footprint::of(server.child.id());
        let mut arena = Self { server, addr, options, scheme, log, authority, crowd: None, before };
        arena.crowd = Some(Crowd::gather(&arena.url(), &arena.options));
        // A client that came and went has the server's lazy parts in place.
        drop(arena.newcomer());
        arena.crowd().listen(WINDOW);
        arena.before = Footprint::of(arena.pid());
        arena
    }

    fn pid(&self) -> u32 {
        self.server.child.id()
    }

    pub fn crowd(&self) -> &Crowd {
        self.crowd.as_ref().expect("it is there until the arena ends")
    }

    fn url(&self) -> String {
        format!("{}://{}/", self.scheme, self.addr)
    }

    /// Somebody without bad intentions.
    pub fn newcomer(&self) -> chinwag::Connection {
        self.options.connect(&format!("{}?name={}", self.url(), foe())).unwrap()
    }

    /// One who is upgraded already, and about to do harm; in text mode.
    pub fn foe(&self) -> Raw {
        self.foe_with("")
    }

    /// The same, with further header fields.
    pub fn foe_with(&self, fields: &str) -> Raw {
        self.upgraded(&foe(), fields)
    }

    /// The same, under a name that is known.
    pub fn foe_named(&self, name: &str) -> Raw {
        self.upgraded(name, "")
    }

    fn upgraded(&self, name: &str, fields: &str) -> Raw {
        let mut raw = Raw::connect(self.addr);
        raw.send(request(&format!("/?name={name}"), fields).as_bytes());
        let head = raw.read_head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        raw
    }

    /// How many connections the server has ended with this code. For who does not read: the
    /// close frame may wait for ever behind what the system cannot deliver.
    pub fn closes(&self, code: u16) -> f64 {
        scrape(self.addr).labelled("chinwag_closes_total", &[("code", &code.to_string())])
    }

    /// Waits until there is one more of these than before.
    pub fn close_after(&self, code: u16, before: f64) -> Answer {
        eventually("the server ends it", || self.closes(code) > before);
        assert_eq!(self.closes(code), before + 1.0, "closes with {code}");
        Answer::Close(code)
    }

    /// Tries each kind by itself.
    pub fn try_each(self, kinds: &[Kind]) {
        for kind in kinds {
            self.try_beside_the_crowd(kind.does, || {
                let until = Instant::now() + WINDOW;
                while {
                    self.check(kind);
                    Instant::now() < until
                } {}
            });
        }
        self.finish();
    }

    /// Tries all kinds at once.
    pub fn try_together(self, kinds: &[Kind]) {
        self.try_beside_the_crowd("all together", || {
            thread::scope(|scope| {
                for kind in kinds {
                    scope.spawn(|| self.check(kind));
                }
            });
        });
        self.finish();
    }

    fn check(&self, kind: &Kind) {
        let answer = (kind.attack)(self);
        assert_eq!(answer, kind.expected, "to one who {}", kind.does);
        println!("done: one who {}", kind.does);
    }

    fn try_beside_the_crowd(&self, does: &str, attack: impl Fn()) {
        println!("one who {does}");
        let mut late = Vec::new();
        for _ in 0..TRIES {
            let first = self.crowd().said();
            attack();
            let last = self.crowd().said();
            self.crowd().check(does);
            self.before.wait_for(self.pid(), does);
            let p99 = self.crowd().p99(first..last.max(first + 1));
            if p99 < BOUND {
                return;
            }
            late.push((p99, self.wait_for_calm()));
            println!("late: {:?}", late.last());
        }
        panic!("{does}: 99 of 100 deliveries took up to this long, and then without an attack: {late:?}");
    }

    /// Waits until the crowd is in time by itself, if it will be; its p99 then.
    fn wait_for_calm(&self) -> Duration {
        let deadline = Instant::now() + PATIENCE / 4;
        loop {
            let heard = self.crowd().listen(WINDOW);
            self.crowd().check("calm");
            let p99 = self.crowd().p99(heard);
            if p99 < BOUND / 2 || Instant::now() > deadline {
                return p99;
            }
        }
    }

    fn finish(mut self) {
        self.before.check_peak(self.pid());
        self.crowd = None;
        self.server.signal("-TERM");
        assert_eq!(self.server.exit_code(), 0);
        super::logs::check(&std::fs::read(&self.log.0).unwrap());
    }
}

/// A name that nobody has.
pub fn foe() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("Foe{}", NEXT.fetch_add(1, Ordering::SeqCst))
}

/// Sends as much of it as the server takes.
pub fn pour(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
}

/// Sends on a thread of its own what `next` gives, as long as the server takes it, and
/// meanwhile reads the answer.
pub fn answer_while(raw: &mut Raw, next: impl FnMut() -> Option<Vec<u8>> + Send) -> Answer {
    reads_while(raw, next, end_of)
}

/// The same, and reads the answer in this way.
pub fn reads_while(
    raw: &mut Raw,
    mut next: impl FnMut() -> Option<Vec<u8>> + Send,
    read: impl FnOnce(&mut TcpStream) -> Answer,
) -> Answer {
    let mut writing = raw.stream.try_clone().unwrap();
    writing.set_write_timeout(Some(PATIENCE)).unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            while let Some(bytes) = next() {
                if writing.write_all(&bytes).is_err() {
                    break;
                }
            }
        });
        let answer = read(&mut raw.stream);
        // Wakes one that waits to write.
        let _ = raw.stream.shutdown(std::net::Shutdown::Both);
        answer
    })
}

/// Reads on to a close frame or the end.
pub fn end_of(stream: &mut impl Read) -> Answer {
    loop {
        match read_frame(stream) {
            Some((0x88, payload)) if payload.is_empty() => return Answer::Close(1005),
            Some((0x88, payload)) => return Answer::Close(u16::from_be_bytes([payload[0], payload[1]])),
            Some(_) => {}
            None => return Answer::Cut,
        }
    }
}

/// The next frame's first byte and payload; `None` at the end.
pub fn read_frame(stream: &mut impl Read) -> Option<(u8, Vec<u8>)> {
    let mut read = |size: usize| {
        let mut bytes = vec![0; size];
        match stream.read_exact(&mut bytes) {
            Ok(()) => Some(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("no answer in time"),
            Err(_) => None,
        }
    };
    let head = read(2)?;
    assert_eq!(head[1] & 0x80, 0, "a server masks nothing");
    let length = match head[1] {
        126 => u16::from_be_bytes(read(2)?.try_into().unwrap()).into(),
        127 => u64::from_be_bytes(read(8)?.try_into().unwrap()),
        short => u64::from(short),
    };
    assert!(length < 1 << 24, "a server's frame of {length} bytes");
    Some((head[0], read(length as usize)?))
}

/// The status of the answer, whose reason must be one line of text.
pub fn status_of(answer: &[u8]) -> Answer {
    if answer.is_empty() {
        return Answer::Cut;
    }
    let text = std::str::from_utf8(answer).unwrap_or_else(|_| panic!("{}", answer.escape_ascii()));
    let status = text.strip_prefix("HTTP/1.1 ").unwrap_or_else(|| panic!("no HTTP: {text:?}"));
    let (_, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no whole head: {text:?}"));
    let status: u16 = status[..3].parse().unwrap();
    if status == 101 {
        return Answer::Served;
    }
    let body = body.trim_end_matches('\n');
    assert!(!body.is_empty() && !body.contains(char::is_control), "to be one line for people: {body:?}");
    Answer::Status(status)
}
