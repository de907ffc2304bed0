//! The hub: rooms and membership, and the order of everything. This file has the
//! handle to it and its thread; [`state`] what a turn of it does.
//!
//! Waiting goes one way: any thread may wait for the hub, whose channel is
//! bounded; the hub waits for nobody.
//!
//! An idle hub need not be woken. A thread with a small command that finds nothing
//! in the channel, nobody at work, and the last turn a while ago, takes the hub's
//! turn itself: it saves the way through a thread that sleeps. What comes in a burst
//! still goes through the channel, where it is batched. The order holds, because the channel is
//! looked at under the same lock under which the hub's thread takes from it.

mod answers;
mod client;
mod command;
mod members;
mod room;
mod state;
mod statistics;
mod turn;

pub use client::{Client, ClientId};
pub(crate) use command::Command;
pub use room::Room;
pub use statistics::ClientStatistics;
pub use turn::{Edition, Instead, Turn};

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Select, Sender, TryRecvError, bounded};
use parking_lot::Mutex;

use crate::counters::Counters;
use crate::{CloseCode, Message};
use state::State;

/// Commands that wait for the hub. When it is full, who commands waits: a
/// client's thread then reads no more, and TCP slows that client down.
const CAPACITY: usize = 1024;

/// The handle to a server's hub, from any thread, cheap to clone.
///
/// What it is told takes effect in the order told, after all that the same
/// thread told it before. All members of a room hear what is said there in the same order;
/// what is said in two rooms close together reaches one who is in both in either order, for
/// each room's batch leaves on its own. Once the server has stopped, commands do nothing and
/// questions find nobody.
///
/// ```
/// let server = chinwag::Server::builder().start()?;
/// let hub = server.hub();
/// hub.broadcast("to all");
/// hub.room("readings").broadcast(vec![1, 2, 3]);
/// assert_eq!(hub.len(), 0);
/// # Ok::<(), chinwag::Error>(())
/// ```
#[derive(Clone)]
pub struct Hub {
    command_tx: Sender<Command>,
    /// Held for one turn, which never waits for anything.
    state: Arc<Mutex<State>>,
}

impl Hub {
    /// Starts the hub's thread, which ends at [`Command::Stop`].
    pub(crate) fn start(counters: Arc<Counters>) -> io::Result<(Self, JoinHandle<()>)> {
        let (command_tx, command_rx) = bounded(CAPACITY);
        let state = Arc::new(Mutex::new(State::new(counters)));
        let shared = state.clone();
        let hub = thread::Builder::new().name("chinwag-hub".to_owned());
        let thread = hub.spawn(move || run(&command_rx, &shared))?;
        Ok((Self { command_tx, state }, thread))
    }

    /// The room of that name. It need not exist: rooms come into being when
    /// somebody joins and go when nobody is left.
    pub fn room(&self, name: impl AsRef<str>) -> Room {
        Room::new(self.clone(), Some(name.as_ref().into()))
    }

    /// The room that every client is in from its opening to its end. Nobody can
    /// be added to it or removed from it.
    pub fn everyone(&self) -> Room {
        Room::new(self.clone(), None)
    }

    /// Sends to every client: short for [`everyone`](Self::everyone).
    pub fn broadcast(&self, message: impl Into<Message>) {
        self.everyone().broadcast(message);
    }

    /// Sends to each client that is in at least one of `rooms`, once.
    pub fn broadcast_to(&self, rooms: &[&Room], message: impl Into<Message>) {
        let rooms = rooms.iter().map(|room| room.key()).collect();
        self.tell(Command::BroadcastToAny { rooms, message: message.into() });
    }

    /// Sends to the client with this id. Does nothing where it has gone.
    pub fn send_to(&self, id: ClientId, message: impl Into<Message>) {
        self.tell(Command::SendTo { id, message: message.into() });
    }

    /// Has `act` done in the hub's turn: what it does takes effect together, with
    /// nothing of others' between, and what one client gets of it leaves in one piece
    /// where possible. Returns at once.
    ///
    /// All clients wait while it runs: it must be quick and never block. A panic in it
    /// is logged, and ends nothing.
    ///
    /// ```no_run
    /// # fn on_open(me: &chinwag::Client) {
    /// let (me, lobby) = (me.clone(), me.room("lobby"));
    /// me.clone().hub().atomically(move |turn| {
    ///     turn.join(&lobby, &me);
    ///     turn.broadcast(&lobby, "John joined.");
    ///     turn.send(&me, format!("Welcome John. {} are here.", turn.len(&lobby)));
    /// });
    /// # }
    /// ```
    pub fn atomically(&self, act: impl FnOnce(&mut Turn<'_>) + Send + 'static) {
        self.tell(Command::Act { room: None, act: Box::new(act) });
    }

    /// The client with this id. Waits for the hub's answer.
    pub fn client(&self, id: ClientId) -> Option<Client> {
        self.ask(move |state| state.client(id)).flatten()
    }

    /// All clients at this moment, in no order. Waits for the hub's answer.
    pub fn clients(&self) -> Vec<Client> {
        self.everyone().clients()
    }

    /// How many clients there are. Waits for the hub's answer.
    pub fn len(&self) -> usize {
        self.everyone().len()
    }

    /// Whether there is no client. Waits for the hub's answer.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rooms that have members, with how many, in no order. Waits for the
    /// hub's answer.
    pub fn rooms(&self) -> Vec<(Room, usize)> {
        let rooms = self.ask(|state| state.rooms()).unwrap_or_default();
        rooms.into_iter().map(|(name, members)| (Room::new(self.clone(), Some(name)), members)).collect()
    }

    /// Closes every client's connection, after what was sent to it before.
    pub fn close_all(&self, code: impl Into<CloseCode>, reason: impl Into<String>) {
        let reason = reason.into().into_boxed_str();
        self.tell(Command::CloseAll { code: code.into(), reason });
    }

    /// Waits while the hub's channel is full. After the hub's end it does nothing.
    pub(crate) fn tell(&self, command: Command) {
        // Looked at before the lock, to spare a busy hub the contention, and under it.
        if self.command_tx.is_empty()
            && let Some(mut state) = self.state.try_lock()
            && self.command_tx.is_empty()
            && let now = Instant::now()
            && state.is_idle(now)
            && state.is_small(&command)
        {
            // Only a stop breaks, and it is not small.
            let _ = state.turn(now, command, std::iter::empty());
            return;
        }
        let _ = self.command_tx.send(command);
    }

    /// Whether the hub's thread comes to a question within this time; `None` after the
    /// hub's end.
    pub(crate) fn answers_within(&self, timeout: Duration) -> Option<bool> {
        let deadline = Instant::now() + timeout;
        let (answer_tx, answer_rx) = bounded(1);
        let question = Command::Ask(Box::new(move |_| {
            // The asker may have stopped waiting.
            let _ = answer_tx.send(());
        }));
        match self.command_tx.send_deadline(question, deadline) {
            Ok(()) => {}
            Err(error) => return error.is_timeout().then_some(false),
        }
        match answer_rx.recv_deadline(deadline) {
            Ok(()) => Some(true),
            Err(error) => error.is_timeout().then_some(false),
        }
    }

    /// Commands that wait, and how many may.
    pub(crate) fn queue(&self) -> (usize, usize) {
        (self.command_tx.len(), CAPACITY)
    }

    /// Waits until all that was told before is done and sent; false after the hub's end.
    fn wait_turn(&self) -> bool {
        let (passed_tx, passed_rx) = bounded(1);
        self.tell(Command::Barrier(passed_tx));
        passed_rx.recv().is_ok()
    }

    /// The answer to a question about the state, after all that was told before;
    /// `None` after the hub's end.
    fn ask<T: Send + 'static>(&self, question: impl FnOnce(&State) -> T + Send + 'static) -> Option<T> {
        let (answer_tx, answer_rx) = bounded(1);
        self.tell(Command::Ask(Box::new(move |state| drop(answer_tx.send(question(state))))));
        answer_rx.recv().ok()
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hub")
    }
}

fn run(command_rx: &Receiver<Command>, state: &Mutex<State>) {
    let mut ready = Select::new();
    ready.recv(command_rx);
    loop {
        // Waits first and takes under the lock: a command taken before it could be
        // overtaken by another thread's turn.
        ready.ready();
        let mut state = state.lock();
        let first = match command_rx.try_recv() {
            Ok(first) => first,
            Err(TryRecvError::Empty) => continue,
            Err(TryRecvError::Disconnected) => return,
        };
        if state.turn(Instant::now(), first, command_rx.try_iter()).is_break() {
            return;
        }
    }
}
