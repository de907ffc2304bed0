//! Clients within the process, for tests of a handler without a socket.

use std::sync::Arc;

use super::{Server, accept};
use crate::Result;
use crate::client::{ConnectOptions, Connection, from_transport};
use crate::transport::{PeerAddr, memory_pair};

impl Server {
    /// Connects to this server within the process: the whole stack, handshake
    /// and all, without a socket. `target` is the path and query, such as
    /// `/?name=John`. Blocks until the handshake is done.
    ///
    /// ```
    /// # use chinwag::{Client, Handler, Server};
    /// struct Echo;
    /// impl Handler for Echo {
    ///     fn on_text(&mut self, me: &Client, text: &str) {
    ///         me.send(text);
    ///     }
    /// }
    /// let server = Server::builder().handler(|_| Ok(Echo)).start()?;
    /// let mut john = server.connect_memory("/?name=John")?;
    /// john.send("hi")?;
    /// assert_eq!(john.recv()?.as_text(), Some("hi"));
    /// # Ok::<(), chinwag::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Connection::connect`].
    pub fn connect_memory(&self, target: &str) -> Result<Connection> {
        self.connect_memory_with(target, &ConnectOptions::new())
    }

    /// [`connect_memory`](Self::connect_memory) with options of the client's.
    ///
    /// # Errors
    ///
    /// As [`Connection::connect`].
    pub fn connect_memory_with(&self, target: &str, options: &ConnectOptions) -> Result<Connection> {
        let (ours, theirs) = memory_pair();
        accept::admit(&self.context, Arc::new(ours), PeerAddr::Memory, None);
        from_transport(Arc::new(theirs), PeerAddr::Memory, options, target)
    }
}
