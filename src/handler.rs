//! The embedder's callbacks, and how a newcomer is met.

use crate::hub::Client;
use crate::outbox::{GapNotice, gap_notice};
use crate::{CloseReason, Error, Message};

/// What an application does for one client: one value for each connection.
///
/// The callbacks of one client run one at a time, on that client's own thread.
/// **They may block**: a query, a file, a slow device delays that client and
/// nobody else. A panic ends that client with 1011 and nobody else either.
///
/// ```
/// use chinwag::{Client, CloseReason, Handler, Refusal, Server};
///
/// struct Lobby { name: String }
///
/// impl Handler for Lobby {
///     fn on_open(&mut self, me: &Client) {
///         me.join("lobby").broadcast(format!("{} joined.", self.name));
///         me.send(format!("Welcome {}.", self.name));
///     }
///     fn on_text(&mut self, me: &Client, text: &str) {
///         me.room("lobby").broadcast(format!("{} says: {text}", self.name));
///     }
///     fn on_close(&mut self, me: &Client, _reason: &CloseReason) {
///         me.room("lobby").broadcast(format!("{} left.", self.name));
///     }
/// }
///
/// let server = Server::builder()
///     .handler(|request| match request.query("name") {
///         Some(name) => Ok(Lobby { name }),
///         None => Err(Refusal::bad_request("the query needs a name: /?name=John")),
///     })
///     .bind("127.0.0.1:0")?;
/// # Ok::<(), chinwag::Error>(())
/// ```
pub trait Handler: Send {
    /// The connection is open. The first callback.
    fn on_open(&mut self, me: &Client) {
        let _ = me;
    }

    /// A whole text message came in.
    fn on_text(&mut self, me: &Client, text: &str) {
        let _ = (me, text);
    }

    /// A whole binary message came in.
    fn on_binary(&mut self, me: &Client, data: &[u8]) {
        let _ = (me, data);
    }

    /// The connection is about to end, for this reason: nothing more comes in, and what is
    /// sent to the client here still goes out before the close frame, if anything does. May
    /// wait for what the client asked for last. Comes once for each
    /// [`on_open`](Self::on_open), before [`on_close`](Self::on_close).
    fn on_closing(&mut self, me: &Client, reason: &CloseReason) {
        let _ = (me, reason);
    }

    /// The connection is over: the last callback, exactly once for each
    /// [`on_open`](Self::on_open), also after an error or a panic. The client is in
    /// no room any more, and what is sent to it goes nowhere.
    fn on_close(&mut self, me: &Client, reason: &CloseReason) {
        let _ = (me, reason);
    }

    /// The peer broke the protocol or sent a message over a limit, or a callback
    /// panicked. Comes before [`on_close`](Self::on_close). A client that is closed
    /// for silence or slowness is told by the reason there.
    fn on_error(&mut self, me: &Client, error: &Error) {
        let _ = (me, error);
    }
}

impl Handler for Box<dyn Handler> {
    fn on_open(&mut self, me: &Client) {
        (**self).on_open(me);
    }
    fn on_text(&mut self, me: &Client, text: &str) {
        (**self).on_text(me, text);
    }
    fn on_binary(&mut self, me: &Client, data: &[u8]) {
        (**self).on_binary(me, data);
    }
    fn on_closing(&mut self, me: &Client, reason: &CloseReason) {
        (**self).on_closing(me, reason);
    }
    fn on_close(&mut self, me: &Client, reason: &CloseReason) {
        (**self).on_close(me, reason);
    }
    fn on_error(&mut self, me: &Client, error: &Error) {
        (**self).on_error(me, error);
    }
}

/// A handler that does nothing, for a server that only broadcasts.
pub(crate) struct Silent;

impl Handler for Silent {}

/// A newcomer who may come in: the handler, and what the response should say.
///
/// Any [`Handler`] converts into it:
///
/// ```
/// # struct Chat; impl chinwag::Handler for Chat {}
/// use chinwag::Acceptance;
///
/// let plain: Acceptance = Chat.into();
/// let chosen = Acceptance::new(Chat).subprotocol("chinwag.v1").header("Server", "mine");
/// ```
pub struct Acceptance {
    pub(crate) handler: Box<dyn Handler>,
    pub(crate) subprotocol: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) gap_notice: Option<GapNotice>,
}

impl Acceptance {
    /// Lets the client in with this handler.
    pub fn new(handler: impl Handler + 'static) -> Self {
        Self { handler: Box::new(handler), subprotocol: None, headers: Vec::new(), gap_notice: None }
    }

    /// Chooses one of the subprotocols that the client offered. One that it did
    /// not offer is left out of the response, as RFC 6455 demands.
    pub fn subprotocol(mut self, subprotocol: impl Into<String>) -> Self {
        self.subprotocol = Some(subprotocol.into());
        self
    }

    /// The message that tells this client how many it missed, instead of
    /// [`ServerBuilder::gap_notice`](crate::ServerBuilder::gap_notice): under the same rules.
    pub fn gap_notice(mut self, notice: impl Fn(u64) -> Option<Message> + Send + Sync + 'static) -> Self {
        self.gap_notice = Some(gap_notice(notice));
        self
    }

    /// Adds a header field to the response, such as a cookie. One that is not
    /// valid in HTTP is left out, with a warning in the log.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

impl<H: Handler + 'static> From<H> for Acceptance {
    fn from(handler: H) -> Self {
        Self::new(handler)
    }
}

impl std::fmt::Debug for Acceptance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Acceptance").field("subprotocol", &self.subprotocol).finish_non_exhaustive()
    }
}
