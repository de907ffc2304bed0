//! A line between clients and a server that can be cut, at any byte.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};
use std::thread;

use parking_lot::Mutex;

/// Listens as long as it is there. Without an end to lead to it lets nobody in.
pub struct Line {
    pub addr: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    end: Mutex<Option<SocketAddr>>,
    open: Mutex<Vec<TcpStream>>,
    /// How many bytes, both ways together, the next connection carries before it is cut.
    lives: Mutex<Option<Box<dyn FnMut() -> isize + Send>>>,
    /// What the server says does not arrive.
    is_deaf: AtomicBool,
    is_over: AtomicBool,
}

impl Line {
    pub fn to(end: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { end: Mutex::new(Some(end)), ..Shared::default() });
        let accepting = shared.clone();
        thread::spawn(move || accepting.accept(&listener));
        Self { addr, shared }
    }

    /// Leads elsewhere from the next connection on, or nowhere.
    pub fn lead_to(&self, end: Option<SocketAddr>) {
        *self.shared.end.lock() = end;
    }

    /// Cuts each connection from the next one on after as many bytes as `lives` says.
    pub fn cut_after(&self, lives: impl FnMut() -> isize + Send + 'static) {
        *self.shared.lives.lock() = Some(Box::new(lives));
    }

    /// Whether what the server says is lost on the way.
    pub fn deafen(&self, is_deaf: bool) {
        self.shared.is_deaf.store(is_deaf, Ordering::SeqCst);
    }

    /// Cuts all connections.
    pub fn cut(&self) {
        self.shared.open.lock().drain(..).for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.addr);
        self.cut();
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
            let Ok(client) = client else { continue };
            let Some(end) = *self.end.lock() else { continue };
            let Ok(server) = TcpStream::connect(end) else { continue };
            let life = self.lives.lock().as_mut().map_or(isize::MAX, |lives| lives());
            let life = Arc::new(AtomicIsize::new(life));
            let again = |stream: &TcpStream| stream.try_clone().unwrap();
            self.open.lock().extend([again(&client), again(&server)]);
            let (to_client, to_server) = (again(&client), again(&server));
            for (from, to, is_from_server) in [(client, to_server, false), (server, to_client, true)] {
                let (shared, life) = (self.clone(), life.clone());
                thread::spawn(move || shared.carry(from, to, is_from_server, &life));
            }
        }
    }

    /// Until one of the two ends it, or its life is over: then it is cut in the middle of
    /// what was said.
    fn carry(&self, mut from: TcpStream, mut to: TcpStream, is_from_server: bool, life: &AtomicIsize) {
        let mut bytes = [0; 1024];
        while let Ok(size @ 1..) = from.read(&mut bytes) {
            if is_from_server && self.is_deaf.load(Ordering::SeqCst) {
                continue;
            }
            let left = life.fetch_sub(size as isize, Ordering::SeqCst);
            let size = size.min(left.max(0) as usize);
            if to.write_all(&bytes[..size]).is_err() || left <= size as isize {
                break;
            }
        }
        for stream in [from, to] {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
