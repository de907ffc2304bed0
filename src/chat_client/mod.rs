//! A client of the chat that comes back: it keeps what is said until the server has
//! it, connects again where the connection is lost, and goes on where it was.
//!
//! ```no_run
//! use chinwag::chat_client::{ChatClient, Update};
//! use chinwag::protocol::Event;
//! use std::time::Duration;
//!
//! let (chat, updates) = ChatClient::builder("ws://127.0.0.1:9001/", "John").room("lobby").connect()?;
//! let receipt = chat.say("lobby", "hi")?;
//! for update in &updates {
//!     match update {
//!         Update::Event(Event::Message(message)) => println!("{}: {}", message.from, message.text),
//!         Update::Lost { why, again_in, .. } => eprintln!("{why}; again in {again_in:?}"),
//!         Update::Ended(ending) => eprintln!("{ending}"),
//!         _ => {}
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is kept, and for how long
//!
//! Every request is put into one queue, in order, and stays there until it is settled:
//!
//! | request | settled by | while the connection is lost |
//! |---|---|---|
//! | `say`, `whisper` | its `ack`, or one's own copy | kept; sent again under the same id, so that it is said once |
//! | `join`, `leave`, `nick`, `away`, `back`, `ignore NAME`, `unignore`, `topic` with text | the `pong` of a ping behind it | kept; asked again |
//! | questions: `who`, `rooms`, `history`, `whois`, `ping`, `ignore` and `topic` that only ask | the `pong` of a ping behind it | refused with [`AskError::Offline`]; what was under way is [`NotKept::Lost`] |
//!
//! An `error` with its id settles any of them. The queue holds [`ChatClient::MAX_QUEUED`]
//! requests and [`ChatClient::MAX_QUEUED_BYTES`]; beyond that asking fails with
//! [`AskError::Full`], and nothing is lost silently.
//!
//! What the server's store makes of a message is in its [`Receipt`]:
//!
//! | the server answers | then |
//! |---|---|
//! | `ack`, or one's own copy with a position | [`Kept`]: it is in the log, in this place |
//! | one's own copy without a position | [`NotKept::Unstored`]: those who were there heard it, and no log has it |
//! | `error` with `not_kept` | [`NotKept::Refused`] with that code: nobody heard it, and it can be said again |
//! | `error` with `unsure`, or with `not_kept` where it went out before and may be on its way since | sent again under the same id after the [`Backoff`]'s time, and what comes behind it waits; after five times [`NotKept::Unsure`] |
//!
//! # Once
//!
//! What is sent again is said once, as long as somebody knows that it was said:
//!
//! | who says welcome | what was sent before, and not settled |
//! |---|---|
//! | a server that knows the session: the same one, or one that was started again with a store that outlives it | is in the log once. Ids tell: the last 1,024 are known, for ten minutes at least after the connection was lost, for a day in [`Sqlite`](crate::store) |
//! | the same log, but another session: this client was away for longer | is looked for among what was missed, under one's own name. What is there is settled, the rest is said; so it is in the log once, unless some of what was missed is gone (`resumed` with `complete: false`): then it may be there twice |
//! | another log, and another session: the server was started again, with a store in memory | is in the new log once. Who heard it before hears it again |
//!
//! A whisper is in no log: it is once where the server itself knows the session, and may
//! come again from one that was started again. So may what was said while the store
//! failed, where the connection was lost before one's own copy came.
//!
//! # When the connection is lost
//!
//! | why | then |
//! |---|---|
//! | closed by the server with 1000 (over), 1002, 1003, 1007, 1009 (ours was wrong), 1008 (kicked, or replaced by another connection), 1010, 3000, 3003 (not allowed) | it is over |
//! | closed by the server with 1001, 1011, 1012, 1013, 1014, without a code (1005), with any other code | again |
//! | vanished (1006), or silent for too long | again |
//! | the server broke the protocol, or sent what is too large | it is over |
//! | unreachable, timed out, not a chat for the moment | again |
//! | refused with 409: our dead connection may hold the name | again, up to five times in a row |
//! | refused with 400; with 401 or 403 and the reason as one line of plain text | it is over |
//! | refused with any other status, such as 200, 302, 404, 503: somebody else answers while the chat is away | again, not before the `Retry-After` (of a day at most) |
//!
//! Again is after the [`Backoff`]'s time, which grows until a connection has lasted for
//! 10 s. The first connection is not tried again: [`ChatClientBuilder::connect`] tells
//! why it failed.
//!
//! # When it is back
//!
//! The client comes as itself (`session`), under the name that it had last, into its first
//! room, and joins the others again, each from the position that it had heard last. It is
//! away again where it was, and a server that has forgotten whom it ignores is told. Then
//! goes out what was queued, in its order.
//!
//! A position of a log that is no more does no harm: the server says `complete: false`
//! and tells all that it has, and from there on this client has positions of the new one.
//!
//! Events come as the server sends them, with three exceptions. A message that was heard
//! under its position before is not told again, nor one that was heard without and got
//! into the log after all. One's own among what was missed has its
//! id where that settled it. And what only restores what was is not told: one's own
//! `joined` and `away`, the list of those ignored, the pongs of pings of the client's own,
//! and that the server is unsure where it is asked again. The acks and errors of requests
//! that were asked without an id are told, under the id of their [`Receipt`]; see
//! [`ChatClient::is_own_id`].

mod address;
mod backoff;
mod builder;
mod driver;
mod queue;
mod receipt;
mod rooms;
mod session;
mod shared;
mod update;
mod verdict;
mod writer;

pub use backoff::Backoff;
pub use builder::ChatClientBuilder;
pub use receipt::{Kept, NotKept, Receipt};
pub use update::{ChatState, Ending, Update};

use std::fmt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use crate::protocol::Ask;
use crate::{Error, PeerAddr};
use shared::Shared;

/// A chat that one takes part in. Usable from any thread; share it in an
/// [`Arc`]. No method but [`flush`](Self::flush) and
/// [`close`](Self::close) waits for the network.
///
/// Two threads belong to it, one that connects and receives and one that sends, and
/// those of its [`Connection`](crate::Connection). Dropping it says 1001 where there is
/// a connection, without waiting for an answer, and ends them.
///
/// ```
/// use chinwag::{Server, chat::Chat, chat_client::ChatClient};
/// use std::time::Duration;
///
/// let server = Server::builder().handler(Chat::new().gate()).bind("127.0.0.1:0")?;
/// let url = format!("ws://{}/", server.local_addr().expect("bound to TCP"));
/// let (john, _updates) = ChatClient::builder(url, "John").connect()?;
/// let kept = john.say("lobby", "hi")?.wait()?;
/// assert_eq!(kept.room.as_deref(), Some("lobby"));
/// assert_eq!(john.close(Duration::from_secs(1)), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ChatClient {
    shared: Arc<Shared>,
    close_timeout: Duration,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Disconnected when all threads have ended.
    running_rx: Receiver<()>,
}

/// Settles everything when the thread that drives the chat ends, be it by a panic.
struct Over(Arc<Shared>, #[expect(dead_code, reason = "its end is what counts")] Sender<()>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Why a request was not taken. Nothing of it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AskError {
    /// The queue is full, or this request alone is larger than it. Wait until some of
    /// what was said is confirmed.
    Full,
    /// A question, while the connection is lost.
    Offline,
    /// The chat is over, or closing.
    Ended,
    /// The id is over [64 characters](crate::protocol::MAX_ID_CHARS).
    BadId,
}

impl ChatClient {
    /// The most requests that wait for the server's confirmation; what a server
    /// remembers of a session is a little more.
    pub const MAX_QUEUED: usize = 1_000;
    /// The most bytes of JSON that wait for it.
    pub const MAX_QUEUED_BYTES: usize = 1024 * 1024;

    /// Starts the thread that sends, and the one that does the rest, which is `drive`.
    fn start(
        shared: Arc<Shared>,
        close_timeout: Duration,
        drive: impl FnOnce() + Send + 'static,
    ) -> crate::Result<Self> {
        // Nothing is ever sent through it.
        let (running_tx, running_rx) = bounded(0);
        // Dropped where a thread cannot be started, it ends the other.
        let chat = Self { shared: shared.clone(), close_timeout, threads: Mutex::default(), running_rx };
        let over = Over(shared.clone(), running_tx.clone());
        chat.spawn("chinwag-chat", move || {
            let _over = over;
            drive();
        })?;
        chat.spawn("chinwag-chat-send", move || {
            let _running_tx = running_tx;
            writer::run(&shared);
        })?;
        Ok(chat)
    }

    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) -> crate::Result<()> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
        self.threads.lock().push(thread.map_err(Error::io("start a thread for the chat"))?);
        Ok(())
    }

    /// Ends all threads at once, where they have not ended.
    fn end(&self) {
        self.shared.stop();
        // A second caller waits until they have.
        for thread in self.threads.lock().drain(..) {
            // An observer of the wire may own this, and be the last to drop it.
            if thread.thread().id() != thread::current().id() {
                let _ = thread.join();
            }
        }
    }

    /// Joins the chat at `url` as `name`. What the URL's query says besides `name`,
    /// `room`, `session` and `since` stays as it is.
    pub fn builder(url: impl Into<String>, name: impl Into<String>) -> ChatClientBuilder {
        ChatClientBuilder::new(url.into(), name.into())
    }

    /// Says `text` in `room`. A server closes the connection for good with 1009 where a
    /// message is larger than it takes, usually 64 KiB with what is around it.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn say(&self, room: impl Into<String>, text: impl Into<String>) -> Result<Receipt, AskError> {
        self.ask(Ask::Say { room: room.into(), text: text.into(), action: false })
    }

    /// Does something in `room`: `waves` is shown as *John waves*.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn act(&self, room: impl Into<String>, text: impl Into<String>) -> Result<Receipt, AskError> {
        self.ask(Ask::Say { room: room.into(), text: text.into(), action: true })
    }

    /// Says `text` to one person alone.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn whisper(&self, to: impl Into<String>, text: impl Into<String>) -> Result<Receipt, AskError> {
        self.ask(Ask::Whisper { to: to.into(), text: text.into(), action: false })
    }

    /// Asks for anything, under an id of this client's own. Puts it into the queue and
    /// returns.
    ///
    /// # Errors
    ///
    /// [`AskError`]: the queue is full, the chat is over, or it is a question and the
    /// connection is lost.
    pub fn ask(&self, ask: Ask) -> Result<Receipt, AskError> {
        self.shared.ask(ask, None)
    }

    /// Asks for anything under an `id` of the caller's, which must be unique in this
    /// chat: what comes a second time under the id of a message is not said again.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask), and [`AskError::BadId`].
    pub fn ask_with_id(&self, ask: Ask, id: impl Into<String>) -> Result<Receipt, AskError> {
        self.shared.ask(ask, Some(id.into()))
    }

    /// Whether this client made `id` up, rather than the caller: for programs that
    /// pass events on to who knows only the ids of their own.
    pub fn is_own_id(&self, id: &str) -> bool {
        self.shared.with(|session| session.is_own_id(id))
    }

    /// The name that this client goes by, as the server shows it.
    pub fn name(&self) -> String {
        self.shared.with(|session| session.name.clone())
    }

    /// The rooms that this client is in, or will be in again after a reconnect; the
    /// first room first, the others in the order joined.
    pub fn rooms(&self) -> Vec<String> {
        self.shared.with(|session| session.rooms.names().map(str::to_owned).collect())
    }

    /// Where the chat is between its first connection and its end. Threads may have
    /// changed it by the time that one looks at it.
    pub fn state(&self) -> ChatState {
        self.shared.phase()
    }

    /// Who is at the other end of the connection, or of the last one: the server, or
    /// the proxy before it.
    pub fn peer_addr(&self) -> PeerAddr {
        self.shared.peer().expect("there was a connection before there was a handle")
    }

    /// How many requests have not been settled yet.
    pub fn queued(&self) -> usize {
        self.shared.with(|session| session.queue.len())
    }

    /// Ends the wait for the next attempt to connect, where there is one.
    pub fn reconnect_now(&self) {
        self.shared.hurry();
    }

    /// Waits until every request is settled, at the longest for `timeout`; a
    /// reconnection is waited for, too. False where some are not. The updates must be
    /// read meanwhile, or dropped.
    pub fn flush(&self, timeout: Duration) -> bool {
        self.shared.flush(timeout)
    }

    /// Leaves: takes no more requests, waits as [`flush`](Self::flush) does for those
    /// under way, at the longest for `timeout`, closes the connection with 1000, and
    /// waits for the server's answer, at the longest for the
    /// [close time-out](crate::ConnectOptions::close_timeout) and a second. Then all
    /// threads of the chat have ended. Returns how many requests were not settled.
    ///
    /// With a zero `timeout` what was said already still goes out before the close
    /// frame where there is a connection, and nobody waits for it. The last update is
    /// [`Update::Ended`]; where nobody reads the updates, it and others may be lost. A
    /// second call changes nothing.
    pub fn close(&self, timeout: Duration) -> usize {
        self.shared.take_no_more();
        self.shared.flush(timeout);
        self.shared.leave();
        // The connection's own deadline ends it before this one does, unless a thread
        // waits for who reads the updates.
        let _ = self.running_rx.recv_timeout(self.close_timeout.saturating_add(Duration::from_secs(1)));
        self.end();
        self.shared.unsettled()
    }
}

impl Drop for ChatClient {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for ChatClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, state) = (self.name(), self.state());
        f.debug_struct("ChatClient").field("name", &name).field("state", &state).finish_non_exhaustive()
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "too much waits to be sent already",
            Self::Offline => "not connected",
            Self::Ended => "the chat is over",
            Self::BadId => "the id is over 64 characters",
        })
    }
}

impl std::error::Error for AskError {}
