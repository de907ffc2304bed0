//! What a running server can change: limits that hold for those who come from then on.
//! Read when a connection comes in and when it shakes hands, never on the path of a
//! message.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::context::Context;
use super::limits::Limits;
use super::visitors::PerAddress;
use crate::MessageRate;
use crate::link::Life;
use crate::outbox::{GapNotice, OutboxOptions, Overflow};

/// The limits of a server that can change while it runs; each field is the option of
/// [`ServerBuilder`](crate::ServerBuilder) of that name.
///
/// ```
/// use chinwag::Server;
///
/// let server = Server::builder().start()?;
/// server.settings().change(|settings| settings.max_clients = Some(10));
/// assert_eq!(server.max_clients().0, 10);
/// # Ok::<(), chinwag::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Clients at the most; `None` for what the machine holds. Who is in stays in.
    pub max_clients: Option<usize>,
    /// Origins whose web pages may connect, or `*`; see
    /// [`allow_origin`](crate::ServerBuilder::allow_origin).
    pub allowed_origins: Vec<String>,
    /// Further host names on a loopback address, or `*`; see
    /// [`allow_host`](crate::ServerBuilder::allow_host).
    pub allowed_hosts: Vec<String>,
    /// Connections that one address may have open.
    pub connections_per_address: Option<usize>,
    /// WebSockets that one address may open in a minute. A change lets every address
    /// begin anew.
    pub joins_per_address: Option<NonZeroU32>,
    /// How fast each client may talk.
    pub message_rate: Option<MessageRate>,
    /// Handshakes that may be under way at once, at least 1.
    pub max_handshakes: usize,
    /// Time for a whole handshake.
    pub handshake_timeout: Duration,
    /// Silence after which a client is pinged.
    pub ping_interval: Option<Duration>,
    /// Time for a sign of life after a ping.
    pub ping_timeout: Duration,
    /// Time for all fragments of one message.
    pub message_timeout: Option<Duration>,
    /// Time for the peer to answer a close frame.
    pub close_timeout: Duration,
    /// Time that a shutdown gives all clients together.
    pub drain_timeout: Duration,
    /// Time over which a shutdown closes them.
    pub drain_window: Duration,
    /// Bytes in one incoming message.
    pub max_message_size: usize,
    /// Fragments in one incoming message.
    pub max_fragments: u32,
    /// Pings, and pongs that answer none, from one client in 10 s.
    pub max_control_frames: u32,
    /// Bytes that may wait for one slow client.
    pub outbox_bytes: usize,
    /// Messages that may wait for one slow client.
    pub outbox_messages: usize,
    /// What happens to a client that reads too slowly.
    pub overflow: Overflow,
}

impl Default for Settings {
    /// The defaults that [`ServerBuilder`](crate::ServerBuilder) names.
    fn default() -> Self {
        let life = Life::default();
        Self {
            max_clients: None,
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            connections_per_address: Some(32),
            joins_per_address: NonZeroU32::new(60),
            message_rate: None,
            max_handshakes: 256,
            handshake_timeout: life.handshake_timeout,
            ping_interval: life.ping_interval,
            ping_timeout: life.ping_timeout,
            message_timeout: life.message_timeout,
            close_timeout: life.close_timeout,
            drain_timeout: Duration::from_secs(10),
            drain_window: Duration::from_secs(5),
            max_message_size: life.max_message_size,
            max_fragments: life.max_fragments,
            max_control_frames: life.max_control_frames,
            outbox_bytes: 1024 * 1024,
            outbox_messages: 1024,
            overflow: Overflow::Disconnect { grace: Duration::from_secs(5) },
        }
    }
}

impl Settings {
    pub(super) fn per_address(&self) -> PerAddress {
        PerAddress { connections: self.connections_per_address, joins: self.joins_per_address }
    }

    fn life(&self) -> Life {
        Life {
            handshake_timeout: self.handshake_timeout,
            ping_interval: self.ping_interval,
            ping_timeout: self.ping_timeout,
            message_timeout: self.message_timeout,
            close_timeout: self.close_timeout,
            max_message_size: self.max_message_size,
            max_fragments: self.max_fragments,
            max_control_frames: self.max_control_frames,
        }
    }

    fn outbox(&self, gap_notice: Option<GapNotice>) -> OutboxOptions {
        OutboxOptions {
            max_bytes: self.outbox_bytes,
            max_messages: self.outbox_messages,
            overflow: Some(self.overflow),
            gap_notice,
        }
    }
}

/// Settings, and what connections are made from because of them.
pub(super) struct InForce {
    pub settings: Settings,
    pub limits: Limits,
    pub life: Arc<Life>,
    pub outbox: Arc<OutboxOptions>,
}

impl InForce {
    pub(super) fn new(mut settings: Settings, gap_notice: Option<GapNotice>) -> Self {
        settings.max_handshakes = settings.max_handshakes.max(1);
        let limits = Limits::find(settings.max_clients, settings.max_handshakes);
        if let Some(asked) = settings.max_clients.filter(|asked| *asked > limits.max_clients) {
            let Limits { max_clients, why } = &limits;
            log::warn!("asked for {asked} clients, but this machine holds {max_clients}: raise {why}");
        }
        let (life, outbox) = (Arc::new(settings.life()), Arc::new(settings.outbox(gap_notice)));
        Self { settings, limits, life, outbox }
    }
}

/// The settings in force. The lock is held to take or put a reference.
pub(super) struct Live {
    in_force: RwLock<Arc<InForce>>,
    /// Held while they change, so that no change is lost.
    changing: Mutex<()>,
}

impl Live {
    pub(super) fn new(in_force: InForce) -> Self {
        Self { in_force: RwLock::new(Arc::new(in_force)), changing: Mutex::default() }
    }

    pub(super) fn get(&self) -> Arc<InForce> {
        self.in_force.read().clone()
    }
}

/// Reads and changes a running server's [`Settings`] from any thread. Cheap to clone.
#[derive(Clone)]
pub struct SettingsHandle(pub(super) Arc<Context>);

impl SettingsHandle {
    /// The settings in force.
    pub fn get(&self) -> Settings {
        self.0.live.get().settings.clone()
    }

    /// Changes them for those who connect from now on; who is connected keeps the limits
    /// that were in force at the time. `change` must not use the handle itself.
    pub fn change(&self, change: impl FnOnce(&mut Settings)) {
        let live = &self.0.live;
        let _changing = live.changing.lock();
        let before = live.get();
        let mut settings = before.settings.clone();
        change(&mut settings);
        if settings == before.settings {
            return;
        }
        let after = Arc::new(InForce::new(settings, before.outbox.gap_notice.clone()));
        self.0.visitors.limit(after.settings.per_address());
        *live.in_force.write() = after;
    }
}

impl std::fmt::Debug for SettingsHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.get().fmt(f)
    }
}
