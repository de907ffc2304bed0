//! The listeners and the threads that they started.
//!
//! ```text
//!  accept ──► greeter (deep, short) ──► client's thread (shallow, long)
//!  one for     one for each handshake    one for each client
//!  all ports   under way                 reads, calls the handler
//! ```

mod accept;
mod builder;
mod client_thread;
mod context;
mod events;
mod greeter;
mod http;
mod limits;
mod listen;
mod memory;
mod monitor;
mod origin;
mod pace;
mod proxies;
mod reminder;
mod settings;
mod shutdown;
mod socket_file;
mod stage;
mod statistics;
mod takeover;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod throttle;
mod visitors;

pub use builder::ServerBuilder;
pub use events::Event;
pub use listen::{Listener, LocalAddr};
pub use monitor::{Monitor, Unready};
pub use proxies::TrustedProxy;
pub use settings::{Settings, SettingsHandle};
#[cfg(feature = "chat")]
pub(crate) use socket_file::remove_stale;
pub use statistics::Statistics;
pub use takeover::Takeover;

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use crate::hub::Hub;
use crate::{Error, Message, Result, Room};
use context::Context;
use shutdown::{Plan, Stopper};

/// A running server. Dropping it shuts it down.
///
/// Its threads run from the moment it is bound. What it is told, from any
/// thread, goes through its [`Hub`].
///
/// ```
/// use chinwag::Server;
///
/// let server = Server::bind("127.0.0.1:0")?;
/// println!("listening on {}", server.local_addr().expect("bound to TCP"));
/// server.broadcast("21.5 °C");
/// server.shutdown()?;
/// # Ok::<(), chinwag::Error>(())
/// ```
pub struct Server {
    context: Arc<Context>,
    stopper: Arc<Stopper>,
    addrs: Vec<LocalAddr>,
    monitor: Monitor,
}

/// Stops a server from any thread. Cheap to clone. Not for a signal handler, which may
/// take no locks: let a thread wait for signals, as `chat-server` does.
#[derive(Clone)]
pub struct ShutdownHandle(Arc<Stopper>);

impl Server {
    /// A server that takes every client and only broadcasts: what clients send is
    /// read and ignored.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the address cannot be bound or a thread not started.
    pub fn bind(addr: impl ToSocketAddrs) -> Result<Self> {
        Self::builder().bind(addr)
    }

    /// Handlers, limits and several listeners.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::new()
    }

    /// The handle to rooms and clients.
    pub fn hub(&self) -> &Hub {
        &self.context.hub
    }

    /// Short for [`Hub::room`].
    pub fn room(&self, name: impl AsRef<str>) -> Room {
        self.hub().room(name)
    }

    /// Short for [`Hub::broadcast`].
    pub fn broadcast(&self, message: impl Into<Message>) {
        self.hub().broadcast(message);
    }

    /// The address of the first TCP listener, with the port that was chosen.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.addrs.iter().find_map(LocalAddr::tcp)
    }

    /// The addresses of all listeners, in the order given.
    pub fn local_addrs(&self) -> &[LocalAddr] {
        &self.addrs
    }

    /// How many clients this server takes at the most, and what sets that limit,
    /// in words.
    pub fn max_clients(&self) -> (usize, String) {
        let limits = self.context.live.get().limits.clone();
        (limits.max_clients, limits.why)
    }

    /// Reads and changes the limits of this server while it runs.
    pub fn settings(&self) -> SettingsHandle {
        SettingsHandle(self.context.clone())
    }

    /// A handle that watches this server from elsewhere.
    pub fn monitor(&self) -> Monitor {
        self.monitor.clone()
    }

    /// What this server has counted. Never waits for the hub.
    pub fn statistics(&self) -> Statistics {
        Statistics::of(&self.context)
    }

    /// A handle that stops this server from elsewhere.
    pub fn shutdown_handle(&self) -> ShutdownHandle {
        ShutdownHandle(self.stopper.clone())
    }

    /// Refuses newcomers with 503, closes every client with 1001 after what is queued for
    /// it, one after the other (see [`ServerBuilder::drain_window`]), waits for all of it
    /// at most the drain time-out (see [`ServerBuilder::drain_timeout`]) and a second more
    /// for callbacks to return, and joins every thread of the server's. A second call
    /// waits for the first. From a callback it only begins the shutdown, and returns at
    /// once.
    ///
    /// # Errors
    ///
    /// [`Error::StillRunning`] where callbacks had not returned in time.
    pub fn shutdown(&self) -> Result<()> {
        self.stopper.shutdown(Plan::stop(None))
    }

    /// Waits until the server has been shut down through a [`ShutdownHandle`].
    pub fn join(self) {
        self.stopper.wait();
    }
}

impl ShutdownHandle {
    /// As [`Server::shutdown`].
    ///
    /// # Errors
    ///
    /// [`Error::StillRunning`] where callbacks had not returned in time.
    pub fn shutdown(&self) -> Result<()> {
        self.0.shutdown(Plan::stop(None))
    }

    /// As [`Server::shutdown`], and tells the clients that the server comes back: they are
    /// closed with 1012.
    ///
    /// # Errors
    ///
    /// [`Error::StillRunning`] where callbacks had not returned in time.
    pub fn restart(&self) -> Result<()> {
        self.0.shutdown(Plan::restart())
    }

    /// As [`Server::shutdown`], with this drain time-out. With zero, connections
    /// end at once, also for a shutdown that is under way.
    ///
    /// # Errors
    ///
    /// [`Error::StillRunning`] where callbacks had not returned in time.
    pub fn shutdown_within(&self, timeout: Duration) -> Result<()> {
        self.0.shutdown(Plan::stop(Some(timeout)))
    }

    /// Whether a shutdown has begun, or is over: newcomers are not taken any more.
    pub fn is_stopping(&self) -> bool {
        self.0.is_begun()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Who shut it down before was told already.
        if !self.stopper.is_over()
            && let Err(error @ Error::StillRunning(_)) = self.stopper.shutdown(Plan::stop(None))
        {
            log::warn!("{error}");
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("addrs", &self.addrs).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ShutdownHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ShutdownHandle")
    }
}
