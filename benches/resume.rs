//! How long it takes many clients to come back who missed much, and how it delays those who
//! talk meanwhile: a crowd returns to a `chat-server` all at once, each client with the
//! position that it heard last.
//!
//!     cargo bench --bench resume -- [CLIENTS] [MISSED] [chat-server options]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chinwag::protocol::{Ask, Event, Request};
use chinwag::{ConnectOptions, Connection};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Between two live messages.
const PAUSE: Duration = Duration::from_millis(10);
/// The stack of a thread that only reads.
const STACK: usize = 128 * 1024;

fn main() -> Result<(), Failure> {
    let mut numbers = Vec::new();
    let mut options = Vec::new();
    for arg in std::env::args().skip(1).filter(|arg| arg != "--bench") {
        match arg.parse::<usize>() {
            Ok(number) if options.is_empty() => numbers.push(number),
            _ => options.push(arg),
        }
    }
    let (clients, missed) =
        (numbers.first().copied().unwrap_or(1000), numbers.get(1).copied().unwrap_or(1000));
    let (mut server, addr) = start(&options)?;
    let result = measure(addr, clients, missed);
    server.kill()?;
    server.wait()?;
    result
}

fn start(options: &[String]) -> Result<(Child, SocketAddr), Failure> {
    let mut server = Command::new(env!("CARGO_BIN_EXE_chat-server"))
        .args(["--listen", "127.0.0.1:0", "--message-rate", "off", "--log-level", "warn"])
        .args(["--retention-messages", "1000000", "--retention-bytes", "1000000000"])
        .args(options)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(server.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    let addr = line.trim().strip_prefix("listening on ws://").and_then(|rest| rest.strip_suffix('/'));
    Ok((server, addr.ok_or("no address")?.parse()?))
}

fn measure(addr: SocketAddr, clients: usize, missed: usize) -> Result<(), Failure> {
    let (mut talker, mut listener) = (join(addr, "talker")?, join(addr, "listener")?);
    let since = say(&mut talker, "the last that all heard")?;
    for number in 0..missed {
        say(&mut talker, &format!("{number:05} what they missed while they were away"))?;
    }
    read_past(&mut listener, missed + 1)?;
    let quiet = live(&mut talker, &mut listener, 200, &AtomicBool::new(false))?;
    report("alone", &quiet);

    let is_over = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let crowd = (0..clients).map(|number| {
        let since = since.clone();
        let name = format!("client{number}");
        thread::Builder::new().stack_size(STACK).spawn(move || come_back(addr, &name, &since, missed))
    });
    let crowd = crowd.collect::<Result<Vec<_>, _>>()?;
    let over = is_over.clone();
    let waiting = thread::spawn(move || {
        let took = crowd.into_iter().map(|client| client.join().expect("a client panicked"));
        let took = took.collect::<Result<Vec<Duration>, Failure>>();
        over.store(true, Ordering::Relaxed);
        (took, began.elapsed())
    });
    let busy = live(&mut talker, &mut listener, usize::MAX, &is_over)?;
    let (took, total) = waiting.join().expect("no panic");
    let mut took = took?;
    took.sort_unstable();
    println!(
        "{clients} clients who missed {missed} messages were back after {total:.2?}; one by one: median {:.2?}, last {:.2?}",
        took[took.len() / 2],
        took[took.len() - 1],
    );
    report("meanwhile", &busy);
    Ok(())
}

fn report(when: &str, delays: &[Duration]) {
    let mut delays = delays.to_vec();
    delays.sort_unstable();
    let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize];
    println!(
        "live messages {when}: {} messages, p50 {:.2?}, p99 {:.2?}, max {:.2?}",
        delays.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

fn join(addr: SocketAddr, name: &str) -> Result<Connection, Failure> {
    let options = ConnectOptions::new().subprotocol("chinwag.v1");
    Ok(options.connect(&format!("ws://{addr}/?name={name}"))?)
}

/// The position that it got.
fn say(talker: &mut Connection, text: &str) -> Result<String, Failure> {
    let ask = Ask::Say { room: "lobby".to_owned(), text: text.to_owned(), action: false };
    talker.send(Request::new(ask).with_id(text).to_json())?;
    loop {
        if let Event::Ack { pos: Some(pos), .. } = next(talker)? {
            return Ok(pos);
        }
    }
}

fn next(connection: &mut Connection) -> Result<Event, Failure> {
    let message = connection.recv()?;
    Ok(Event::parse(message.as_text().ok_or("binary")?)?)
}

fn read_past(listener: &mut Connection, count: usize) -> Result<(), Failure> {
    let mut seen = 0;
    while seen < count {
        seen += usize::from(matches!(next(listener)?, Event::Message(_)));
    }
    Ok(())
}

/// How long each of some live messages took from one to the other.
fn live(
    talker: &mut Connection,
    listener: &mut Connection,
    count: usize,
    is_over: &AtomicBool,
) -> Result<Vec<Duration>, Failure> {
    let mut delays = Vec::new();
    while delays.len() < count && !is_over.load(Ordering::Relaxed) {
        let sent = Instant::now();
        let text = format!("live {}", delays.len());
        let ask = Ask::Say { room: "lobby".to_owned(), text: text.clone(), action: false };
        talker.send(Request::new(ask).to_json())?;
        while !matches!(next(listener)?, Event::Message(message) if message.text == text) {}
        delays.push(sent.elapsed());
        while !matches!(next(talker)?, Event::Message(message) if message.text == text) {}
        thread::sleep(PAUSE);
    }
    Ok(delays)
}

/// Comes back and reads until all that was missed is there, each once and in order.
fn come_back(addr: SocketAddr, name: &str, since: &str, missed: usize) -> Result<Duration, Failure> {
    let began = Instant::now();
    let mut stream = TcpStream::connect(addr)?;
    let head = format!(
        "GET /?name={name}&since={since}&history=0 HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: chinwag.v1\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    let (mut expected, mut rest, mut buffer) = (0, Vec::new(), vec![0; 32 * 1024]);
    while expected < missed {
        let size = stream.read(&mut buffer)?;
        if size == 0 {
            return Err(format!("{name} has heard {expected} messages only").into());
        }
        rest.extend_from_slice(&buffer[..size]);
        expected = count_on(name, &mut rest, expected)?;
    }
    Ok(began.elapsed())
}

/// Looks for the messages that are numbered, in order.
fn count_on(name: &str, rest: &mut Vec<u8>, mut expected: usize) -> Result<usize, Failure> {
    const BEFORE: &[u8] = b"\"text\":\"0";
    let mut done = 0;
    while let Some(at) = rest[done..].windows(BEFORE.len()).position(|window| window == BEFORE) {
        let from = done + at + BEFORE.len() - 1;
        let Some(number) = rest.get(from..from + 5) else { break };
        let number = std::str::from_utf8(number)?.parse::<usize>()?;
        if number != expected {
            return Err(format!("{name} has heard {number} instead of {expected}").into());
        }
        expected += 1;
        done = from + 5;
    }
    // The start of the next may be at the end.
    done = done.max(rest.len().saturating_sub(BEFORE.len() + 5));
    rest.drain(..done);
    Ok(expected)
}
