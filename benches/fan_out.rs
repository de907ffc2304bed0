//! How fast a message said once reaches everybody: hub, outboxes, sockets.
//!
//! Clients are bare TCP sockets of this same process, read by one thread that only
//! counts bytes. Their reading is in the figures too, since it uses the same
//! machine; so these are good for comparing two versions of chinwag, not for
//! saying what a server with clients elsewhere can do. `chat-load` says that.
//!
//! A burst of messages is broadcast, and the next one begins when every client has
//! all of it. Bursts of 1 show the way of a single message, large ones how the hub
//! puts messages together.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use chinwag::Server;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const CLIENTS: [usize; 4] = [1, 10, 100, 1000];
const BURSTS: [usize; 2] = [1, 256];
const TIME_EACH: Duration = Duration::from_millis(750);
const MESSAGE: &str = "John says: thirty-two bytes long";
/// The message and the two bytes of its frame's header.
const FRAME_SIZE: usize = MESSAGE.len() + 2;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    raise_descriptor_limit()?;
    println!("{:>8} {:>6} {:>15} {:>16}", "clients", "burst", "deliveries/s", "µs a broadcast");
    for clients in CLIENTS {
        let server = Server::bind("127.0.0.1:0")?;
        let mut crowd = Crowd::connect(server.local_addr().ok_or("no address")?, clients)?;
        while server.hub().len() < clients {
            std::thread::yield_now();
        }
        for burst in BURSTS {
            let (broadcasts, elapsed) = measure(&server, &mut crowd, burst)?;
            let seconds = elapsed.as_secs_f64();
            println!(
                "{clients:>8} {burst:>6} {:>15.0} {:>16.2}",
                (broadcasts * clients) as f64 / seconds,
                seconds * 1e6 / broadcasts as f64,
            );
        }
    }
    Ok(())
}

/// Broadcasts burst after burst; how many broadcasts in what time.
fn measure(server: &Server, crowd: &mut Crowd, burst: usize) -> io::Result<(usize, Duration)> {
    let start = Instant::now();
    let mut broadcasts = 0;
    while start.elapsed() < TIME_EACH {
        for _ in 0..burst {
            server.broadcast(MESSAGE);
        }
        crowd.receive(burst * FRAME_SIZE)?;
        broadcasts += burst;
    }
    Ok((broadcasts, start.elapsed()))
}

/// Clients that count what they get.
struct Crowd {
    sockets: Vec<TcpStream>,
    poll: Poll,
    events: Events,
}

impl Crowd {
    fn connect(addr: SocketAddr, clients: usize) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut sockets = Vec::with_capacity(clients);
        for index in 0..clients {
            let socket = upgrade(addr)?;
            poll.registry().register(&mut SourceFd(&socket.as_raw_fd()), Token(index), Interest::READABLE)?;
            sockets.push(socket);
        }
        Ok(Self { sockets, poll, events: Events::with_capacity(1024) })
    }

    /// Waits until each client has got this many bytes.
    fn receive(&mut self, bytes_each: usize) -> io::Result<()> {
        let mut missing = bytes_each * self.sockets.len();
        let mut buffer = [0; 64 * 1024];
        while missing > 0 {
            self.poll.poll(&mut self.events, Some(Duration::from_secs(10)))?;
            if self.events.is_empty() {
                return Err(io::Error::other(format!("{missing} bytes did not arrive")));
            }
            for event in &self.events {
                // mio tells of a socket once: it must be emptied then.
                loop {
                    match self.sockets[event.token().0].read(&mut buffer) {
                        Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                        Ok(count) => missing -= count,
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(())
    }
}

fn upgrade(addr: SocketAddr) -> io::Result<TcpStream> {
    let mut socket = TcpStream::connect(addr)?;
    write!(
        socket,
        "GET / HTTP/1.1\r\nHost: {addr}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte)?;
        head.extend(byte);
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Each client takes two descriptors here, and 1,024 is a common limit.
fn raise_descriptor_limit() -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?)
}
