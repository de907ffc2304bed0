//! All clients, and the one thread that moves them: it waits for whichever socket can
//! be read or written.
//!
//! The library gives each connection a thread or two, which is right for an
//! application with a few of them. Here 30,000 on one machine must leave it to the
//! server, so this program polls sockets itself and reads them all through one buffer. A
//! client between two frames then costs its descriptor and about 300 bytes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::check::Heard;
use crate::client::{Client, Hear, State};
use crate::dial::Dialer;
use crate::socket::{Security, Socket};
use crate::stamp::Codec;
use crate::stop::Stop;
use crate::target::Target;

/// Handshakes under way at once: far fewer than a server allows (256 by default).
const MAX_JOINING: usize = 64;
/// So long without anybody let in, and it is given up: what a server gives a handshake.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the handshakes may still take that are under way when the next was refused.
const SETTLING: Duration = Duration::from_secs(2);
/// How long leaving may take.
const LEAVING: Duration = Duration::from_secs(5);
/// Long enough to take all that a socket holds at once.
const SCRATCH: usize = 256 * 1024;

/// The crowd.
pub struct Swarm {
    poll: Poll,
    events: Events,
    scratch: Vec<u8>,
    target: Target,
    dialer: Dialer,
    security: Option<Security>,
    /// In the order of their tokens.
    pub clients: Vec<Client>,
    /// Every client ever has a number, and so a name, of its own: the server may hold
    /// one's name for a while after it left.
    next_number: u32,
    connect_rate: Option<f64>,
}

impl Swarm {
    pub fn new(
        target: Target,
        dialer: Dialer,
        security: Option<Security>,
        connect_rate: Option<f64>,
    ) -> std::io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            scratch: vec![0; SCRATCH],
            target,
            dialer,
            security,
            clients: Vec::new(),
            next_number: 0,
            connect_rate,
        })
    }

    /// Waits until a socket can be used or the time has passed, and uses those that can.
    /// Whether there were any.
    pub fn turn(&mut self, wait: Duration, hear: &mut impl Hear) -> bool {
        self.wait(wait);
        // Fails only where a signal interrupts it, and then there is nothing.
        let _ = self.poll.poll(&mut self.events, Some(Duration::ZERO));
        for event in &self.events {
            let Some(client) = self.clients.get_mut(event.token().0) else { continue };
            if event.is_readable() || event.is_error() || event.is_read_closed() {
                client.receive(&mut self.scratch, hear);
            }
            // What came may be what TLS waited for before it could send.
            if event.is_writable() || !client.socket.tells_all() {
                client.flush();
            }
        }
        !self.events.is_empty()
    }

    /// mio waits for whole milliseconds, which is long where latency is measured; its
    /// descriptor can be waited for exactly.
    fn wait(&self, wait: Duration) {
        if wait.is_zero() {
            return;
        }
        let timeout = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
        let _ = poll(&mut [PollFd::new(self.poll.registry(), PollFlags::IN)], Some(&timeout));
    }

    /// Brings in clients until there are `count`. `hear` gets what they hear meanwhile;
    /// `progress` is told how many are in.
    pub fn grow(
        &mut self,
        count: usize,
        codec: &Codec,
        hear: &mut impl Hear,
        mut progress: impl FnMut(usize),
    ) -> Result<(), Stop> {
        self.clear_ended();
        let began = Instant::now();
        let before = self.clients.len();
        let (mut open, mut last_joined) = (before, began);
        loop {
            let may_be = self.connect_rate.map_or(usize::MAX, |rate| {
                before.saturating_add((began.elapsed().as_secs_f64() * rate) as usize + 1)
            });
            while self.clients.len() < count.min(may_be).min(open + MAX_JOINING) {
                self.dial(codec)?;
            }
            self.turn(Duration::from_millis(10), hear);
            let now_open = self.open_from(open)?;
            if now_open > open {
                (open, last_joined) = (now_open, Instant::now());
                progress(open);
            }
            if open >= count {
                return Ok(());
            }
            if last_joined.elapsed() > PATIENCE && self.clients.len() > open {
                return Err(Stop::Silence(PATIENCE.as_secs()));
            }
        }
    }

    fn dial(&mut self, codec: &Codec) -> Result<(), Stop> {
        let (name, protocol) = (codec.name(self.next_number), codec.protocol());
        let socket = self.dialer.dial()?;
        let socket = match &self.security {
            Some(security) => security.protect(socket)?,
            None => Socket::Plain(socket),
        };
        let request = |key: &str| self.target.request(&name, key, protocol);
        let mut client = Client::new(socket, self.next_number, request);
        self.next_number += 1;
        let token = Token(self.clients.len());
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(client.socket.source(), token, interest).map_err(|error| {
            Stop::System(format!("failed to watch one socket more: {error} (fs.epoll.max_user_watches)"))
        })?;
        self.clients.push(client);
        Ok(())
    }

    /// How many have come in, where the first `open` have; or why one could not.
    fn open_from(&mut self, open: usize) -> Result<usize, Stop> {
        let newcomers = &mut self.clients[open..];
        if let Some(State::Shut(stop)) =
            newcomers.iter().map(|client| &client.state).find(|state| matches!(state, State::Shut(_)))
        {
            return Err(stop.clone());
        }
        // They come in about in order; who waits for a neighbour is counted with it.
        let joined = newcomers.iter().take_while(|client| !matches!(client.state, State::Joining { .. }));
        Ok(open + joined.count())
    }

    /// Lets the handshakes that are under way come to their end, and forgets who did not
    /// come in; how many are in.
    pub fn settle_joins(&mut self, hear: &mut impl Hear) -> usize {
        let deadline = Instant::now() + SETTLING;
        let joining = |client: &Client| matches!(client.state, State::Joining { .. });
        while self.clients.iter().any(joining) && Instant::now() < deadline {
            self.turn(Duration::from_millis(10), hear);
        }
        self.forget(|client| !client.is_open());
        self.clients.len()
    }

    /// Has all clients from the `count`th on leave.
    pub fn shrink(&mut self, count: usize) {
        let ignore = &mut |_: &mut Heard, _: &[u8], _: Instant| {};
        for client in self.clients.iter_mut().skip(count) {
            client.leave();
        }
        let deadline = Instant::now() + LEAVING;
        while self.clients.iter().skip(count).any(Client::is_alive) && Instant::now() < deadline {
            self.turn(Duration::from_millis(10), ignore);
        }
        self.clients.truncate(count);
    }

    /// Forgets those whose connection is over.
    pub fn clear_ended(&mut self) {
        self.forget(|client| !client.is_alive());
    }

    fn forget(&mut self, is_gone: impl Fn(&Client) -> bool) {
        let mut index = 0;
        while index < self.clients.len() {
            if !is_gone(&self.clients[index]) {
                index += 1;
                continue;
            }
            self.clients.swap_remove(index);
            if let Some(moved) = self.clients.get_mut(index) {
                let interest = Interest::READABLE | Interest::WRITABLE;
                // It is registered; only its token changes.
                let _ = self.poll.registry().reregister(moved.socket.source(), Token(index), interest);
            }
        }
    }

    /// How many were cut off, by what they were told.
    pub fn cut_off(&self) -> BTreeMap<String, usize> {
        let mut reasons = BTreeMap::new();
        for client in &self.clients {
            if let State::CutOff(why) = &client.state {
                *reasons.entry(why.clone()).or_default() += 1;
            }
        }
        reasons
    }
}
