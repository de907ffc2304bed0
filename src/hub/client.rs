//! The handle to one connected client, on the server's side.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::BytesMut;

use super::command::Command;
use super::{ClientStatistics, Hub, Room};
use crate::clock::later;
use crate::counters::TurnTally;
use crate::link::Link;
use crate::{CloseCode, Message, PeerAddr, Request, frame};

/// A client's number, unique for the life of its server.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(u64);

impl ClientId {
    /// The number, as it stands in the server's log.
    pub const fn value(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientId({})", self.0)
    }
}

/// One connected client. Cheap to clone, and usable from any thread, at any
/// time, also after the client has gone: then sending does nothing.
///
/// Sending is putting into a queue. It waits only while the hub's own queue is
/// full, which slows down who sends too much and nobody else.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    link: Arc<Link>,
    request: Request,
    hub: Hub,
}

impl Client {
    pub(crate) fn new(link: Arc<Link>, request: Request, hub: Hub) -> Self {
        Self(Arc::new(Shared { link, request, hub }))
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.0.link
    }

    /// This client's number.
    pub fn id(&self) -> ClientId {
        ClientId(self.0.link.id)
    }

    /// The request that opened the connection.
    pub fn request(&self) -> &Request {
        &self.0.request
    }

    /// Who is at the other end.
    pub fn peer_addr(&self) -> PeerAddr {
        self.0.link.peer()
    }

    /// The hub that this client belongs to.
    pub fn hub(&self) -> &Hub {
        &self.0.hub
    }

    /// Sends text or binary data to this client alone.
    pub fn send(&self, message: impl Into<Message>) {
        self.hub().tell(Command::Send { to: self.clone(), message: message.into() });
    }

    /// Closes the connection after what was sent before: with a code that a close
    /// frame may carry (see [`CloseCode::is_sendable`]; others are left out of the
    /// frame) and a reason, cut at 123 bytes. The peer has the close time-out to
    /// answer. The first close counts.
    pub fn close(&self, code: impl Into<CloseCode>, reason: impl Into<String>) {
        let code = code.into();
        let reason = reason.into().into_boxed_str();
        self.hub().tell(Command::Close { client: self.clone(), code, reason });
    }

    /// Closes the connection with 1008 at this time, after what is queued for it then: what
    /// let this client in ends, such as a token. The earliest of several counts. Waits for
    /// nothing. A system's clock that is set in between, or sleeps, is not noticed.
    pub fn expires_at(&self, time: SystemTime) {
        self.0.link.expire_in(time.duration_since(SystemTime::now()).unwrap_or_default());
    }

    /// Ends the connection at once, without a close frame; what was queued is lost.
    pub fn abort(&self) {
        self.0.link.abort("aborted by the server");
    }

    /// Joins a room, and returns it. Nothing that was said there before is heard.
    pub fn join(&self, room: impl AsRef<str>) -> Room {
        let room = self.room(room);
        room.add(self);
        room
    }

    /// Leaves a room.
    pub fn leave(&self, room: impl AsRef<str>) {
        self.room(room).remove(self);
    }

    /// The room of that name, whether this client is in it or not.
    pub fn room(&self, name: impl AsRef<str>) -> Room {
        self.hub().room(name)
    }

    /// The rooms that this client is in. Waits for the hub's answer.
    pub fn rooms(&self) -> Vec<Room> {
        let id = self.id();
        let names = self.hub().ask(move |state| state.rooms_of(id)).unwrap_or_default();
        names.into_iter().map(|name| Room::new(self.hub().clone(), Some(name))).collect()
    }

    /// Whether the connection is neither closed nor about to be.
    pub fn is_open(&self) -> bool {
        !self.0.link.is_closing()
    }

    /// Bytes and messages that wait in this client's outbox because it reads more
    /// slowly than it is sent to.
    pub fn queued(&self) -> (usize, usize) {
        self.0.link.outbox.depth()
    }

    /// What has passed over the connection until now: bytes, messages, what was dropped
    /// and what waits.
    pub fn statistics(&self) -> ClientStatistics {
        self.0.link.statistics()
    }

    /// Waits until this client has read so much of what it was sent that no more than
    /// half of its outbox waits, at most `timeout`; whether that is so. For who has much
    /// to send and may wait: between two pieces of it.
    ///
    /// Not to be called inside [`Hub::atomically`].
    pub fn wait_caught_up(&self, timeout: Duration) -> bool {
        let deadline = later(Instant::now(), timeout);
        // What was sent before has passed the hub then.
        self.hub().wait_turn() && self.0.link.outbox.wait_half_empty(deadline)
    }

    /// Sends these from the calling thread, in one piece, without keeping the hub from its
    /// work: for who has much to send to one client. They come behind what
    /// [`wait_caught_up`](Self::wait_caught_up) waited for; between them and what the hub was
    /// told since, no order is promised.
    pub fn send_directly(&self, messages: impl IntoIterator<Item = Message>) {
        let (mut frames, mut count) = (BytesMut::new(), 0);
        for message in messages {
            frame::encode(&message, &mut frames);
            count += 1;
        }
        if count > 0 {
            let link = &self.0.link;
            let tally = TurnTally::sent(link, &frames.freeze(), count);
            link.counters().sent_directly(&tally);
        }
    }

    /// Waits until no more than half of this client's outbox waits, at most `timeout`;
    /// whether that is so. What the hub was told, and has not done, is not waited for.
    pub fn wait_half_read(&self, timeout: Duration) -> bool {
        self.0.link.outbox.wait_half_empty(later(Instant::now(), timeout))
    }

    /// How long a ping took to this client and back, when it was last measured; `None`
    /// before the first time. Keepalive measures, where there is silence.
    pub fn round_trip(&self) -> Option<Duration> {
        self.0.link.round_trip()
    }

    /// Pings the client and waits for its answer, at most `timeout`; `None` where none
    /// came, which has no consequence.
    ///
    /// Not to be called from a callback of this same client, as [`probe`](Self::probe).
    pub fn measure_round_trip(&self, timeout: Duration) -> Option<Duration> {
        self.0.link.measure_round_trip(timeout)
    }

    /// Pings the client and waits for any sign of life. One that gives none within
    /// `timeout` is disconnected with 1008, and this returns false.
    ///
    /// Not to be called from a callback of this same client: its thread is the one
    /// that would read the answer.
    pub fn probe(&self, timeout: Duration) -> bool {
        self.0.link.probe(timeout)
    }
}

impl PartialEq for Client {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Client {}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({} {})", self.id(), self.peer_addr())
    }
}
