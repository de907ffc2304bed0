//! Options of a server, each with a default that suits most.

mod stopping;

use std::collections::HashSet;
use std::net::ToSocketAddrs;
use std::num::NonZeroU32;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use parking_lot::Mutex;

use super::context::{Context, Gate, Options};
use super::events::{Event, EventSource};
use super::limits::Limits;
use super::listen::{Listener, LocalAddr};
use super::proxies::{Proxies, TrustedProxy};
use super::settings::{InForce, Settings};
use super::shutdown::{Accepting, Stopper, Threads};
use super::{Monitor, Server, accept};
use crate::handler::{Acceptance, Silent};
use crate::hub::Hub;
use crate::link::Drain;
use crate::outbox::{GapNotice, Overflow, gap_notice};
use crate::wire::WireObserver;
use crate::{Clock, Error, Message, MessageRate, Refusal, Request, Response, Result};

/// Builds a [`Server`].
///
/// ```
/// use chinwag::{Overflow, Server};
/// use std::time::Duration;
///
/// let server = Server::builder()
///     .paths(["/readings"])
///     .max_message_size(1024)
///     .overflow(Overflow::KeepLatest)
///     .ping_interval(Some(Duration::from_secs(30)))
///     .bind("127.0.0.1:0")?;
/// # Ok::<(), chinwag::Error>(())
/// ```
#[must_use = "a server starts with `bind` or `start`"]
pub struct ServerBuilder {
    options: Options,
    settings: Settings,
    gap_notice: GapNotice,
    clock: Clock,
    listeners: Vec<Listener>,
    stop_tx: Option<Sender<()>>,
    monitor: Monitor,
}

impl ServerBuilder {
    pub(super) fn new() -> Self {
        let gate: Gate = Box::new(|_| Ok(Silent.into()));
        Self {
            options: Options {
                gate,
                http: None,
                paths: None,
                subprotocols: Vec::new(),
                proxies: Proxies::default(),
                stack_size: 256 * 1024,
                on_shutdown: Mutex::default(),
                observer: None,
            },
            settings: Settings::default(),
            gap_notice: Arc::new(|missed| Some(format!("{missed} messages missed.").into())),
            clock: Clock::system(),
            listeners: Vec::new(),
            stop_tx: None,
            monitor: Monitor::default(),
        }
    }

    /// Decides on each newcomer before the upgrade: its [`Handler`](crate::Handler)
    /// (or an [`Acceptance`] with more in it), or a [`Refusal`]. Runs on a thread of
    /// that newcomer's own and may block. Defaults to letting everyone in and
    /// ignoring what they send.
    pub fn handler<A: Into<Acceptance>>(
        mut self,
        gate: impl Fn(&Request) -> Result<A, Refusal> + Send + Sync + 'static,
    ) -> Self {
        self.options.gate = Box::new(move |request| gate(request).map(Into::into));
        self
    }

    /// Puts what happens into a queue of this many events instead of calling a
    /// handler, for an application with a loop of its own. While the queue is full,
    /// clients with something to say wait, and are read no further. Once a shutdown
    /// has begun, events that find it full are lost.
    ///
    /// ```
    /// use chinwag::{Event, Server};
    ///
    /// let (builder, events) = Server::builder().events(1024);
    /// let server = builder.bind("127.0.0.1:0")?;
    /// for frame in 0..3 {
    ///     for event in events.try_iter() {
    ///         if let Event::Text(client, text) = event {
    ///             client.send(text);
    ///         }
    ///     }
    ///     server.broadcast(format!("frame {frame}"));
    /// }
    /// # Ok::<(), chinwag::Error>(())
    /// ```
    pub fn events(mut self, capacity: usize) -> (Self, Receiver<Event>) {
        let (source, event_rx, stop_tx) = EventSource::new(capacity);
        self.stop_tx = Some(stop_tx);
        (self.handler(move |_| Ok(source.handler())), event_rx)
    }

    /// Takes clients on these paths only; others get 404. Defaults to any path.
    pub fn paths<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.options.paths = Some(paths.into_iter().map(Into::into).collect::<HashSet<_>>());
        self
    }

    /// Answers requests that are for no WebSocket, GET and HEAD on any path: a page, a
    /// health check. Where it has no answer, neither has the server (404 or 426). Runs
    /// on a thread of that request's own and may block; the time for a handshake does
    /// not count while it does. Defaults to nothing. See [`Response`].
    pub fn http(mut self, answer: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static) -> Self {
        self.options.http = Some(Box::new(answer));
        self
    }

    /// A handle that watches the server that this starts: for [`http`](Self::http) to
    /// answer health checks with, say.
    pub fn monitor(&self) -> Monitor {
        self.monitor.clone()
    }

    /// Subprotocols that the server speaks: the first that a client offers and that
    /// is among them is chosen, unless the handler chooses. Defaults to none.
    pub fn subprotocols<P: Into<String>>(mut self, subprotocols: impl IntoIterator<Item = P>) -> Self {
        self.options.subprotocols = subprotocols.into_iter().map(Into::into).collect();
        self
    }

    /// Lets web pages of this origin in, such as `https://example.org`, or of all
    /// with `*`. Defaults to pages from the same host and port; programs, which
    /// send no origin, always come in.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.settings.allowed_origins.push(origin.into());
        self
    }

    /// Answers to this host's name too, on a loopback address: a reverse proxy's, say, that
    /// passes it on. There, where a browser asks, only names of this machine are taken, for
    /// a page from elsewhere could have its own name resolved to this machine (DNS
    /// rebinding). With `*` all are.
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.settings.allowed_hosts.push(host.into());
        self
    }

    /// Connections that one address may have open; further ones get 429. Of IPv6 the first
    /// 64 bits count as one; this machine's own addresses are not limited. Defaults to 32.
    pub fn connections_per_address(mut self, connections: Option<usize>) -> Self {
        self.settings.connections_per_address = connections;
        self
    }

    /// WebSockets that one address may open in a minute; further ones get 429. Counted as
    /// [`connections_per_address`](Self::connections_per_address) counts. Defaults to 60.
    pub fn joins_per_address(mut self, joins: Option<NonZeroU32>) -> Self {
        self.settings.joins_per_address = joins;
        self
    }

    /// Takes the word of this proxy, or of all in this network, for whom it connects: by the
    /// fields `X-Forwarded-For` and `X-Forwarded-Proto` of a request, or as
    /// [`proxy_protocol`](Self::proxy_protocol) says. That one is the peer then, for limits,
    /// the log and [`Request::peer_addr`]; [`Request::via`] tells the proxy. Of others such
    /// fields are ignored. Defaults to trusting nobody.
    ///
    /// ```
    /// use chinwag::Server;
    ///
    /// let server = Server::builder()
    ///     .trusted_proxy("127.0.0.1".parse()?)
    ///     .trusted_proxy("10.0.0.0/8".parse()?)
    ///     .bind("127.0.0.1:0")?;
    /// # Ok::<(), chinwag::Error>(())
    /// ```
    pub fn trusted_proxy(mut self, proxy: TrustedProxy) -> Self {
        self.options.proxies.trusted.push(proxy);
        self
    }

    /// Whether each connection of a trusted proxy begins with a PROXY header, of version 1
    /// or 2, before TLS too. The fields of its requests are then not read, for such a proxy
    /// passes on what the client wrote there. Defaults to no, and from others such a header
    /// is refused with 400.
    pub fn proxy_protocol(mut self, is_spoken: bool) -> Self {
        self.options.proxies.speak_first = is_spoken;
        self
    }

    /// How fast each client may talk. The response to its upgrade says so
    /// ([`MessageRate::HEADER`]), for clients that pace themselves. Defaults to no limit.
    ///
    /// ```
    /// use chinwag::{MessageRate, Server};
    ///
    /// let rate = MessageRate { burst: 20.try_into()?, per_second: 10.try_into()? };
    /// let server = Server::builder().message_rate(Some(rate)).start()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn message_rate(mut self, rate: Option<MessageRate>) -> Self {
        self.settings.message_rate = rate;
        self
    }

    /// Clients at the most; further ones get 503. Defaults to what the machine
    /// holds, and never exceeds it: threads, descriptors, memory mappings.
    pub fn max_clients(mut self, max_clients: usize) -> Self {
        self.settings.max_clients = Some(max_clients);
        self
    }

    /// All limits that can change later, at once, in the place of those set before. See
    /// [`Server::settings`].
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Handshakes that may be under way at once; beyond that the oldest gives way.
    /// Each has a thread. Defaults to 256, at least 1.
    pub fn max_handshakes(mut self, max_handshakes: usize) -> Self {
        self.settings.max_handshakes = max_handshakes;
        self
    }

    /// Bytes of stack for each client's thread, where callbacks run. Only what is
    /// touched costs memory. Defaults to 256 KiB.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.options.stack_size = bytes;
        self
    }

    /// Time for a whole handshake, from connecting to the request's end; what the
    /// [`handler`](Self::handler) closure then does has no limit. Defaults to 10 s.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.settings.handshake_timeout = timeout;
        self
    }

    /// Silence after which a client is pinged; `None` never pings, and dead clients
    /// stay until something is sent to them. Defaults to 20 s.
    pub fn ping_interval(mut self, interval: Option<Duration>) -> Self {
        self.settings.ping_interval = interval;
        self
    }

    /// Time for a sign of life after a ping; then the client is gone, with 1008.
    /// Defaults to 20 s.
    pub fn ping_timeout(mut self, timeout: Duration) -> Self {
        self.settings.ping_timeout = timeout;
        self
    }

    /// Time for all fragments of one message, told within half as much again; then
    /// 1008. `None` lets a message take for ever. Defaults to 30 s.
    pub fn message_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.settings.message_timeout = timeout;
        self
    }

    /// Time for the peer to answer a close frame; then the connection is cut.
    /// Defaults to 5 s.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.settings.close_timeout = timeout;
        self
    }

    /// Bytes in one incoming message, all fragments together; over that 1009.
    /// Defaults to 64 KiB.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.settings.max_message_size = bytes;
        self
    }

    /// Fragments in one incoming message; over that 1008. Defaults to 1,024.
    pub fn max_fragments(mut self, fragments: u32) -> Self {
        self.settings.max_fragments = fragments;
        self
    }

    /// Control frames from one client in 10 s: pings, and pongs that answer no ping of the
    /// server's; over that 1008. Each costs its thread a moment, and nobody needs many: a
    /// high limit lets one client take a processor. Defaults to 1,000.
    pub fn max_control_frames(mut self, frames: u32) -> Self {
        self.settings.max_control_frames = frames;
        self
    }

    /// Bytes that may wait for one slow client; beyond that its
    /// [`overflow`](Self::overflow) policy. Defaults to 1 MiB.
    pub fn outbox_bytes(mut self, bytes: usize) -> Self {
        self.settings.outbox_bytes = bytes;
        self
    }

    /// Messages that may wait for one slow client; beyond that its
    /// [`overflow`](Self::overflow) policy. Defaults to 1,024.
    pub fn outbox_messages(mut self, messages: usize) -> Self {
        self.settings.outbox_messages = messages;
        self
    }

    /// What happens to a client that reads too slowly. Defaults to disconnecting it
    /// after a grace of 5 s.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.settings.overflow = overflow;
        self
    }

    /// The message that tells a slow client how many it missed, in their place;
    /// `None` tells it nothing. Called under a lock, on a thread that serves all:
    /// return quickly, and ask or tell the server nothing from here. Defaults to the
    /// text `37 messages missed.`
    pub fn gap_notice(mut self, notice: impl Fn(u64) -> Option<Message> + Send + Sync + 'static) -> Self {
        self.gap_notice = gap_notice(notice);
        self
    }

    /// Where keepalive and deadlines take their time from; a test brings its own.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Shows handshakes and frames of all clients as they pass. Defaults to nobody.
    pub fn wire_observer(mut self, observer: impl WireObserver + 'static) -> Self {
        self.options.observer = Some(Arc::new(observer));
        self
    }

    /// Adds a listener; a server may have several, or none.
    pub fn listener(mut self, listener: impl Into<Listener>) -> Self {
        self.listeners.push(listener.into());
        self
    }

    /// Binds a TCP address and starts. Port 0 takes any free port.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the address cannot be bound or a thread not started.
    pub fn bind(self, addr: impl ToSocketAddrs) -> Result<Server> {
        self.listener(Listener::bind_addr(addr)?).start()
    }

    /// Binds a Unix domain socket and starts. The file is removed at the end.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the path cannot be bound or a thread not started.
    pub fn bind_unix(self, path: impl AsRef<Path>) -> Result<Server> {
        self.listener(Listener::bind_unix(path)?).start()
    }

    /// Starts with the listeners that were added; with none, clients come through
    /// [`Server::connect_memory`] alone.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where a thread or descriptor is not to be had.
    pub fn start(self) -> Result<Server> {
        let prepared =
            self.listeners.iter().map(Listener::prepare).collect::<std::io::Result<Vec<LocalAddr>>>();
        let addrs = prepared.map_err(Error::io("prepare the listeners"))?;
        let in_force = InForce::new(self.settings.clone(), Some(self.gap_notice.clone()));
        let Limits { max_clients, why } = &in_force.limits;
        log::info!("takes at most {max_clients} clients; the limit is {why}");
        let (drain, drain_thread) =
            Drain::start(self.clock.clone(), "chinwag-drain").map_err(Error::io("start the drain"))?;
        // Where the rest fails, the hub ends by itself, and the drain is told.
        let started = drain.clone();
        self.start_with(drain, drain_thread, in_force, addrs).inspect_err(|_| started.stop())
    }

    fn start_with(
        self,
        drain: Arc<Drain>,
        drain_thread: JoinHandle<()>,
        in_force: InForce,
        addrs: Vec<LocalAddr>,
    ) -> Result<Server> {
        let (hub, hub_thread) = Hub::start(drain.counters.clone()).map_err(Error::io("start the hub"))?;
        let context = Arc::new(Context::new(self.options, in_force, hub, drain));
        self.monitor.watch(&context);
        let (wake, woken) = UnixStream::pair().map_err(Error::io("make a socket pair"))?;
        let listeners = Arc::new(self.listeners);
        let lending = Arc::downgrade(&listeners);
        let accepting = context.clone();
        let accept_thread = thread::Builder::new()
            .name("chinwag-accept".to_owned())
            .spawn(move || accept::run(&accepting, &listeners, &woken))
            .map_err(Error::io("start the accepting thread"))?;
        let threads = Threads { hub: hub_thread, drain: drain_thread };
        let accepting = Accepting { thread: accept_thread, wake, listeners: lending };
        let stopper = Arc::new(Stopper::new(context.clone(), accepting, self.stop_tx, threads));
        Ok(Server { context, stopper, addrs, monitor: self.monitor })
    }
}

impl std::fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}
