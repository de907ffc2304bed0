//! What the hub's thread owns, and its turn: a function of this state and the
//! commands that lie in the channel. It never blocks: an outbox that is full
//! acts by its policy.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crossbeam_channel::Sender;
use indexmap::IndexMap;

use super::command::{Command, RoomKey};
use super::members::{Encoded, Members};
use super::turn::Turn;
use super::{Client, ClientId, Edition, Instead};
use crate::counters::{Counters, TurnTally};
use crate::link::Link;
use crate::outbox::Pushed;
use crate::{CloseCode, Message};

/// A batch is sent at the latest after this many messages or bytes.
const BATCH_MESSAGES: usize = 512;
const BATCH_BYTES: usize = 64 * 1024;
/// Commands that follow each other more closely than this are a burst, which is
/// cheaper in batches.
const BURST: Duration = Duration::from_micros(20);
/// A room of so many at most is served by whoever speaks, and not by the hub's
/// thread.
const SMALL_ROOM: usize = 32;
/// Of so many clients at most is looked whether they are in a room, before all are sent what
/// is for them alone.
const LOOKED_FOR: usize = 64;
/// So many single messages at most are looked for among the members of a room.
const GREETINGS: usize = 8;

pub(crate) struct State {
    pub(super) clients: IndexMap<ClientId, Registered>,
    pub(super) rooms: HashMap<RoomKey, Members>,
    /// Rooms with a batch to send, in the order of their first message.
    dirty: Vec<RoomKey>,
    /// What single clients get after those batches, by the link's id.
    singles: IndexMap<u64, Single>,
    /// Who waits for the end of this turn.
    barriers: Vec<Sender<()>>,
    pending: Pending,
    /// What is to be done at the end of this turn.
    ends: Vec<Box<dyn FnOnce() + Send>>,
    /// When the last turn ended.
    rested_since: Option<Instant>,
    /// Nothing is done any more.
    is_stopped: bool,
    /// Of this turn; added to what is counted at its end.
    tally: TurnTally,
    counters: Arc<Counters>,
}

pub(super) struct Registered {
    pub client: Client,
    pub rooms: Vec<RoomKey>,
}

struct Single {
    id: ClientId,
    link: Arc<Link>,
    encoded: Encoded,
}

/// How much lies in all batches.
#[derive(Default)]
struct Pending {
    bytes: usize,
    messages: usize,
}

impl State {
    pub(super) fn new(counters: Arc<Counters>) -> Self {
        Self {
            clients: IndexMap::new(),
            rooms: HashMap::new(),
            dirty: Vec::new(),
            singles: IndexMap::new(),
            barriers: Vec::new(),
            pending: Pending::default(),
            ends: Vec::new(),
            rested_since: None,
            is_stopped: false,
            tally: TurnTally::default(),
            counters,
        }
    }

    /// Does what `first` and the commands behind it say, up to the limits of a
    /// batch, and sends what came of it. Breaks when told to stop.
    pub(super) fn turn(
        &mut self,
        began: Instant,
        first: Command,
        more: impl Iterator<Item = Command>,
    ) -> ControlFlow<()> {
        if self.is_stopped {
            return ControlFlow::Break(());
        }
        let flow = catch_unwind(AssertUnwindSafe(|| self.take_turn(first, more)));
        // A turn that panicked ends, too.
        self.end_turn();
        for barrier in self.barriers.drain(..) {
            // The asker may have stopped waiting.
            let _ = barrier.send(());
        }
        let ended = Instant::now();
        self.rested_since = Some(ended);
        self.count_turn(ended - began);
        flow.unwrap_or_else(|_| {
            // A bug of ours: what was to be sent is lost, and all go on.
            log::error!("the hub panicked in a turn; what was said in it is lost");
            self.forget_batches();
            ControlFlow::Continue(())
        })
    }

    fn take_turn(&mut self, first: Command, mut more: impl Iterator<Item = Command>) -> ControlFlow<()> {
        let mut next = Some(first);
        let mut commands = 0;
        let flow = loop {
            let Some(command) = next else { break ControlFlow::Continue(()) };
            if self.apply(command).is_break() {
                break ControlFlow::Break(());
            }
            commands += 1;
            if commands >= BATCH_MESSAGES || self.pending.is_enough() {
                break ControlFlow::Continue(());
            }
            next = more.next();
        };
        // Before all that is sent: it may have others work meanwhile.
        self.end_turn();
        self.flush();
        flow
    }

    fn end_turn(&mut self) {
        for end in self.ends.drain(..) {
            if catch_unwind(AssertUnwindSafe(end)).is_err() {
                log::error!("a closure that was given to the hub for the end of its turn panicked");
            }
        }
    }

    /// Has `act` done once this turn is over.
    pub(super) fn at_end(&mut self, act: Box<dyn FnOnce() + Send>) {
        self.ends.push(act);
    }

    fn count_turn(&mut self, took: Duration) {
        // The room of everyone is none of its own.
        let rooms = self.rooms.len() - usize::from(!self.clients.is_empty());
        self.counters.hub.end_turn(&std::mem::take(&mut self.tally), took, self.clients.len(), rooms);
    }

    fn forget_batches(&mut self) {
        self.pending = Pending::default();
        self.dirty.clear();
        self.singles.clear();
        self.rooms.values_mut().for_each(Members::forget_batches);
    }

    /// Whether the last turn was so long ago that no burst is under way.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.is_stopped || self.rested_since.is_none_or(|since| now.duration_since(since) > BURST)
    }

    /// Whether the command is done in so little time that any thread may do it.
    pub(super) fn is_small(&self, command: &Command) -> bool {
        let is_small = |room: &RoomKey| self.member_count(room) <= SMALL_ROOM;
        match command {
            _ if self.is_stopped => true,
            Command::Broadcast { room, .. } | Command::BroadcastCounted { room, .. } => is_small(room),
            Command::Act { room, .. } => room.as_ref().is_some_and(is_small),
            Command::BroadcastToAny { rooms, .. } => {
                rooms.iter().map(|room| self.member_count(room)).sum::<usize>() <= SMALL_ROOM
            }
            Command::Send { .. } | Command::SendTo { .. } => true,
            Command::Ask(_) | Command::Barrier(_) => is_small(&None),
            // Comings and goings are left to the hub: on an idle client's thread a turn
            // would touch a page of stack that it never needs again.
            _ => false,
        }
    }

    fn apply(&mut self, command: Command) -> ControlFlow<()> {
        match command {
            Command::Register(client) => self.register(client),
            Command::Unregister { client, close_reply } => self.unregister(&client, close_reply),
            Command::Join { room, client, edition } => self.join(room, &client, edition),
            Command::Leave { room, id } => self.leave(&room, id),
            Command::Clear { room } => self.clear(&room),
            Command::Broadcast { room, message, instead } => {
                self.broadcast(&room, &mut |_| Some(message.clone()), &instead);
            }
            Command::BroadcastCounted { room, message, count_tx } => {
                let count = self.send_now([&room], &mut |_| Some(message.clone()));
                // The asker may have stopped waiting.
                let _ = count_tx.send(count);
            }
            Command::BroadcastToAny { rooms, message } => {
                self.send_now(&*rooms, &mut |_| Some(message.clone()));
            }
            Command::Send { to, message } => self.send(&to, &message),
            Command::SendTo { id, message } => {
                if let Some(client) = self.client(id) {
                    self.send(&client, &message);
                }
            }
            Command::Close { client, code, reason } => self.close(&client, code, &reason),
            Command::CloseAll { code, reason } => {
                self.flush();
                for entry in self.clients.values() {
                    entry.client.link().close(code, &reason, false);
                }
            }
            Command::Ask(question) => {
                self.flush();
                question(self);
            }
            Command::Barrier(passed_tx) => self.barriers.push(passed_tx),
            Command::Act { act, .. } => Turn::run(self, act),
            Command::Stop => {
                self.end_turn();
                self.flush();
                let tally = std::mem::take(&mut self.tally);
                *self = Self { is_stopped: true, tally, ..Self::new(self.counters.clone()) };
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    // Nobody hears what was said before they came: of a batch that waits a newcomer gets
    // the rest. Whoever leaves gets it first.

    fn register(&mut self, client: Client) {
        self.rooms.entry(None).or_default().insert(client.id(), client.link().clone(), Edition::default());
        self.clients.insert(client.id(), Registered { client, rooms: Vec::new() });
    }

    /// The last that the client gets is what was said before it left.
    fn unregister(&mut self, client: &Client, close_reply: Option<Bytes>) {
        self.flush();
        if let Some(reply) = close_reply {
            client.link().outbox.close(reply, false);
        }
        client.link().finish();
        let id = client.id();
        let Some(entry) = self.clients.swap_remove(&id) else { return };
        for room in entry.rooms.iter().chain([&None]) {
            self.remove_member(room, id);
        }
    }

    /// A member that joins again gets another edition from now on.
    pub(super) fn join(&mut self, room: RoomKey, client: &Client, edition: Edition) {
        let Some(entry) = self.clients.get_mut(&client.id()) else { return };
        if room.is_none() {
            return;
        }
        if !entry.rooms.contains(&room) {
            entry.rooms.push(room.clone());
        }
        if self.is_member(&room, client.id()) {
            self.flush();
        }
        self.rooms.entry(room).or_default().insert(client.id(), client.link().clone(), edition);
    }

    pub(super) fn leave(&mut self, room: &RoomKey, id: ClientId) {
        let Some(entry) = self.clients.get_mut(&id) else { return };
        let before = entry.rooms.len();
        entry.rooms.retain(|joined| joined != room);
        if entry.rooms.len() < before {
            self.flush();
            self.remove_member(room, id);
        }
    }

    fn clear(&mut self, room: &RoomKey) {
        if room.is_none() {
            return;
        }
        self.flush();
        let Some(members) = self.rooms.remove(room) else { return };
        for id in members.ids() {
            if let Some(entry) = self.clients.get_mut(&id) {
                entry.rooms.retain(|joined| joined != room);
            }
        }
    }

    fn remove_member(&mut self, room: &RoomKey, id: ClientId) {
        let Some(members) = self.rooms.get_mut(room) else { return };
        members.remove(id);
        if members.len() == 0 {
            self.rooms.remove(room);
        }
    }

    /// Sends what `render` makes for each edition that has members in `room`, and to
    /// some something else instead.
    pub(super) fn broadcast(
        &mut self,
        room: &RoomKey,
        render: &mut dyn FnMut(Edition) -> Option<Message>,
        instead: &[Instead],
    ) {
        if self.owes_members_of(room) {
            self.flush();
        }
        let Some(members) = self.rooms.get_mut(room) else { return };
        let pending = &mut self.pending;
        members.add(&mut |edition| render(edition).inspect(|message| pending.count(message)), instead);
        if !std::mem::replace(&mut members.is_dirty, true) {
            self.dirty.push(room.clone());
        }
    }

    /// Whether something that was sent to a member of this room alone has to leave before
    /// what is said there next.
    fn owes_members_of(&self, room: &RoomKey) -> bool {
        match (self.singles.len(), self.rooms.get(room)) {
            (0, _) | (_, None) => false,
            (count, _) if count > LOOKED_FOR => true,
            (_, Some(members)) => self.singles.values().any(|single| members.contains(single.id)),
        }
    }

    pub(super) fn send(&mut self, client: &Client, message: &Message) {
        self.pending.count(message);
        let link = client.link();
        let new = || Single { id: client.id(), link: link.clone(), encoded: Encoded::default() };
        self.singles.entry(link.id).or_insert_with(new).encoded.add(message);
    }

    pub(super) fn close(&mut self, client: &Client, code: CloseCode, reason: &str) {
        self.flush();
        client.link().close(code, reason, false);
    }

    /// Sends one message on its own to each member of `rooms`, once; returns to how
    /// many.
    pub(super) fn send_now<'a>(
        &mut self,
        rooms: impl IntoIterator<Item = &'a RoomKey>,
        render: &mut dyn FnMut(Edition) -> Option<Message>,
    ) -> usize {
        self.flush();
        let mut members: IndexMap<ClientId, (Edition, &Arc<Link>)> = IndexMap::new();
        for room in rooms {
            let links = self.rooms.get(room).into_iter().flat_map(Members::links);
            members.extend(links.map(|(id, edition, link)| (id, (edition, link))));
        }
        let mut rendered: HashMap<Edition, (Bytes, usize)> = HashMap::new();
        let tally = &mut self.tally;
        let push = |(edition, link): &(Edition, &Arc<Link>)| {
            let (bytes, messages) = rendered.entry(*edition).or_insert_with(|| {
                let mut encoded = Encoded::default();
                if let Some(message) = render(*edition) {
                    encoded.add(&message);
                    tally.encode(message.len(), 1);
                }
                encoded.take()
            });
            *messages > 0 && tally.push(link, bytes, *messages) == Pushed::Taken
        };
        members.values().map(push).filter(|is_taken| *is_taken).count()
    }

    /// Sends all batches: one push for each member of a room, however many
    /// messages are in it.
    fn flush(&mut self) {
        let Pending { bytes, messages } = std::mem::take(&mut self.pending);
        let tally = &mut self.tally;
        tally.encode(bytes, messages);
        // A newcomer's greeting leaves together with what its room hears.
        let is_greeting = self.dirty.len() == 1 && self.singles.len() <= GREETINGS;
        let mut joined = if is_greeting { std::mem::take(&mut self.singles) } else { IndexMap::new() };
        for room in self.dirty.drain(..) {
            let Some(members) = self.rooms.get_mut(&room) else { continue };
            members.send(|link, bytes, messages| {
                let single = if joined.is_empty() { None } else { joined.shift_remove(&link.id) };
                match single {
                    None => tally.push(link, bytes, messages),
                    Some(mut single) => {
                        single.encoded.prepend(bytes, messages);
                        let (bytes, messages) = single.encoded.take();
                        tally.push(link, &bytes, messages)
                    }
                };
            });
        }
        let singles = joined.into_iter().chain(self.singles.drain(..));
        for mut single in singles.map(|(_, single)| single) {
            let (bytes, messages) = single.encoded.take();
            tally.push(&single.link, &bytes, messages);
        }
    }
}

impl TurnTally {
    /// Of what is sent without the hub.
    pub(super) fn sent(link: &Link, bytes: &Bytes, messages: usize) -> Self {
        let mut tally = Self::default();
        tally.push(link, bytes, messages);
        tally
    }

    fn encode(&mut self, bytes: usize, messages: usize) {
        self.bytes += bytes as u64;
        self.messages += messages as u64;
    }

    /// Passes frames on to one recipient.
    fn push(&mut self, link: &Link, bytes: &Bytes, messages: usize) -> Pushed {
        let pushed = link.outbox.push(bytes, messages);
        if pushed != Pushed::Closed {
            self.deliveries += messages as u64;
            self.bytes_sent += bytes.len() as u64;
        }
        if let Pushed::Dropped(dropped) = pushed {
            self.dropped += dropped as u64;
        }
        pushed
    }
}

impl Pending {
    fn count(&mut self, message: &Message) {
        self.bytes += message.len();
        self.messages += 1;
    }

    fn is_enough(&self) -> bool {
        self.messages >= BATCH_MESSAGES || self.bytes >= BATCH_BYTES
    }
}
