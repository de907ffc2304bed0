//! The network between clients and server: one address for all of the server's lives, and
//! connections that break anywhere, in the middle of a frame too.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;

use super::chance::Chance;
use super::record::Life;

pub struct Network {
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    /// Where connections go, and whose life that is.
    upstream: Mutex<Option<(SocketAddr, Life)>>,
    /// Breaks connections; none stay whole for long.
    breaking: Mutex<Option<Chance>>,
    is_over: Mutex<bool>,
}

/// Both sides of one connection.
struct Line {
    sides: [TcpStream; 2],
    /// Bytes until it breaks.
    left: AtomicI64,
    /// It breaks with a reset.
    is_reset: bool,
}

impl Network {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let (upstream, breaking, is_over) = (Mutex::new(None), Mutex::new(None), Mutex::new(false));
        let shared = Arc::new(Shared { upstream, breaking, is_over });
        let accepting = thread::spawn({
            let shared = shared.clone();
            move || shared.accept(&listener)
        });
        Self { addr, shared, accepting: Some(accepting) }
    }

    /// Leads to this server from now on.
    pub fn lead_to(&self, addr: SocketAddr, life: Life) {
        *self.shared.upstream.lock() = Some((addr, life));
    }

    /// Whose life a connection that is made now meets.
    pub fn life(&self) -> Option<Life> {
        self.shared.upstream.lock().as_ref().map(|(_, life)| life.clone())
    }

    /// Breaks connections that are made from now on, or leaves them alone.
    pub fn breaks(&self, chance: Option<Chance>) {
        *self.shared.breaking.lock() = chance;
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if *self.is_over.lock() {
                return;
            }
            let (Ok(client), Some((upstream, _))) = (client, self.upstream.lock().clone()) else { continue };
            let Ok(server) = TcpStream::connect(upstream) else { continue };
            let line = Line::new([client, server], self.breaking.lock().as_mut());
            for from in 0..2 {
                let line = line.clone();
                thread::spawn(move || line.carry(from));
            }
        }
    }
}

impl Line {
    fn new(sides: [TcpStream; 2], chance: Option<&mut Chance>) -> Arc<Self> {
        sides.iter().for_each(|side| side.set_nodelay(true).unwrap());
        let (left, is_reset) = chance.map_or((i64::MAX, false), |chance| {
            // In the handshake, in what is missed, or later.
            let most = [300, 3_000, 30_000, 300_000][chance.below(4) as usize];
            (chance.below(most) as i64, chance.one_in(2))
        });
        Arc::new(Self { sides, left: AtomicI64::new(left), is_reset })
    }

    fn carry(&self, from: usize) {
        let [mut from, mut to] = [&self.sides[from], &self.sides[1 - from]];
        let mut bytes = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            let left = self.left.fetch_sub(count as i64, Ordering::SeqCst);
            let allowed = count.min(left.max(0) as usize);
            if to.write_all(&bytes[..allowed]).is_err() || allowed < count {
                break;
            }
        }
        self.cut();
    }

    fn cut(&self) {
        for side in &self.sides {
            if self.is_reset {
                // Without lingering the end is a reset, once the last of the two threads is gone.
                let _ = rustix::net::sockopt::set_socket_linger(side, Some(Duration::ZERO));
            }
            let _ = side.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        *self.shared.is_over.lock() = true;
        // Wakes who accepts; the lines end with the programs at their ends.
        let _ = TcpStream::connect(self.addr);
        self.accepting.take().into_iter().for_each(|thread| thread.join().unwrap());
    }
}
