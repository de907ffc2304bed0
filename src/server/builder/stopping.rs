//! Options of how a server stops.

use std::time::Duration;

use super::ServerBuilder;
use crate::{CloseCode, Hub};

impl ServerBuilder {
    /// Time that a shutdown gives all clients together. Defaults to 10 s.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.settings.drain_timeout = timeout;
        self
    }

    /// Time over which a shutdown closes the clients, evenly and in random order, so that
    /// they do not all come back in the same moment; one each 10 ms at the least, and
    /// within half of the [`drain_timeout`](Self::drain_timeout). Until the last was
    /// told to go, newcomers get 503. Defaults to 5 s; with zero all are closed at once.
    pub fn drain_window(mut self, window: Duration) -> Self {
        self.settings.drain_window = window;
        self
    }

    /// Called once, at the beginning of a shutdown, while all clients are still there: to
    /// tell them, for instance. It has the code that they will be closed with: 1001, or
    /// 1012 where the server comes back. Runs on a thread of its own; after a second the
    /// shutdown goes on without it. Defaults to nothing.
    ///
    /// ```
    /// use chinwag::{CloseCode, Server};
    ///
    /// let server = Server::builder()
    ///     .on_shutdown(|hub, code| match code {
    ///         CloseCode::RESTART => hub.broadcast("back in a moment"),
    ///         _ => hub.broadcast("good night"),
    ///     })
    ///     .start()?;
    /// let mut john = server.connect_memory("/")?;
    /// server.shutdown_handle().restart()?;
    /// assert_eq!(john.recv()?.as_text(), Some("back in a moment"));
    /// # Ok::<(), chinwag::Error>(())
    /// ```
    pub fn on_shutdown(mut self, hook: impl FnOnce(&Hub, CloseCode) + Send + 'static) -> Self {
        *self.options.on_shutdown.get_mut() = Some(Box::new(hook));
        self
    }
}
