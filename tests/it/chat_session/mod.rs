//! The chat client that comes back, against a server that follows a script.

mod chatting;
mod ending;
mod keeping;
mod resending;
mod returning;

use std::collections::VecDeque;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use chinwag::chat_client::{Backoff, ChatClient, ChatClientBuilder, ChatState, Ending, Update};
use chinwag::protocol::{Ask, ChatMessage, Event, Request};
use chinwag::{Acceptance, Client, CloseReason, Handler, Refusal, Server};
use crossbeam_channel::Receiver as Updates;

use crate::support::{PATIENCE, addr};

/// A server whose every connection is in the test's hands.
struct Script {
    server: Server,
    peer_rx: mpsc::Receiver<Peer>,
    /// For the next handshakes; without one they succeed.
    refusals: Arc<Mutex<VecDeque<Refusal>>>,
}

/// One connection, as the server sees it.
struct Peer {
    client: Client,
    request_rx: mpsc::Receiver<Request>,
    end_rx: mpsc::Receiver<CloseReason>,
}

struct Scripted {
    peer_tx: mpsc::Sender<Peer>,
    request_tx: mpsc::Sender<Request>,
    end_tx: mpsc::Sender<CloseReason>,
    rest: Option<(mpsc::Receiver<Request>, mpsc::Receiver<CloseReason>)>,
}

impl Handler for Scripted {
    fn on_open(&mut self, me: &Client) {
        let (request_rx, end_rx) = self.rest.take().unwrap();
        drop(self.peer_tx.send(Peer { client: me.clone(), request_rx, end_rx }));
    }
    fn on_text(&mut self, _: &Client, text: &str) {
        drop(self.request_tx.send(Request::parse(text).unwrap()));
    }
    fn on_close(&mut self, _: &Client, reason: &CloseReason) {
        drop(self.end_tx.send(reason.clone()));
    }
}

impl Script {
    fn new() -> Self {
        let (peer_tx, peer_rx) = mpsc::channel();
        let refusals: Arc<Mutex<VecDeque<Refusal>>> = Arc::default();
        let queue = refusals.clone();
        let gate = move |request: &chinwag::Request| {
            if let Some(refusal) = queue.lock().unwrap().pop_front() {
                return Err(refusal);
            }
            let (request_tx, request_rx) = mpsc::channel();
            let (end_tx, end_rx) = mpsc::channel();
            let rest = Some((request_rx, end_rx));
            let scripted = Scripted { peer_tx: peer_tx.clone(), request_tx, end_tx, rest };
            let acceptance = Acceptance::new(scripted);
            let wants_it = request.path() != "/none";
            Ok(if wants_it { acceptance.subprotocol("chinwag.v1") } else { acceptance })
        };
        let server = Server::builder().handler(gate).bind("127.0.0.1:0").unwrap();
        Self { server, peer_rx, refusals }
    }

    fn url(&self) -> String {
        format!("ws://{}/", addr(&self.server))
    }

    /// A chat that is quick to come back.
    fn builder(&self) -> ChatClientBuilder {
        let quick = Backoff::new(Duration::from_millis(1), Duration::from_millis(5));
        ChatClient::builder(self.url(), "John").reconnect(Some(quick))
    }

    fn refuse(&self, refusals: impl IntoIterator<Item = Refusal>) {
        self.refusals.lock().unwrap().extend(refusals);
    }

    fn peer(&self) -> Peer {
        self.peer_rx.recv_timeout(PATIENCE).expect("a connection")
    }

    /// Joins, and is welcomed to the lobby at position `s-0`.
    fn join(&self, builder: ChatClientBuilder) -> (ChatClient, Updates<Update>, Peer) {
        let joining = thread::spawn(move || builder.connect());
        let peer = self.peer();
        peer.welcome("S", "lobby", "s-0");
        let (chat, updates) = joining.join().unwrap().unwrap();
        assert!(matches!(next_event(&updates), Event::Welcome { .. }));
        (chat, updates, peer)
    }

    fn start(&self) -> (ChatClient, Updates<Update>, Peer) {
        self.join(self.builder())
    }
}

impl Peer {
    fn tell(&self, event: &Event) {
        self.client.send(event.to_json());
    }

    fn welcome(&self, session: &str, room: &str, pos: &str) {
        let name = self.query("name").unwrap();
        let [session, room, pos] = [session, room, pos].map(str::to_owned);
        self.tell(&Event::Welcome { name, session, room, pos, role: None });
    }

    /// All that restores what the client was has been asked for.
    #[track_caller]
    fn restored(&self) {
        let request = self.ask();
        assert_eq!(request.ask, Ask::Ping);
        self.pong(&request.id.unwrap());
    }

    fn query(&self, key: &str) -> Option<String> {
        self.client.request().query(key)
    }

    fn ask(&self) -> Request {
        self.request_rx.recv_timeout(PATIENCE).expect("a request")
    }

    /// The next request, which must say this; its id.
    #[track_caller]
    fn hears(&self, room: &str, text: &str) -> String {
        let request = self.ask();
        assert_eq!(request.ask, Request::say(room, text).ask);
        request.id.expect("what is said has an id")
    }

    /// The next request, which must be this, and the ping behind it; their ids.
    #[track_caller]
    fn is_asked(&self, ask: Ask) -> (String, String) {
        let request = self.ask();
        assert_eq!(request.ask, ask);
        let ping = self.ask();
        assert_eq!(ping.ask, Ask::Ping);
        (request.id.unwrap(), ping.id.unwrap())
    }

    /// Nothing was sent besides: what is said now comes next.
    fn hears_nothing_but(&self, chat: &ChatClient, text: &str) {
        chat.say("lobby", text).unwrap();
        self.hears("lobby", text);
    }

    fn ack(&self, id: &str, pos: &str) {
        let (room, pos) = (Some("lobby".to_owned()), Some(pos.to_owned()));
        self.tell(&Event::Ack { id: id.to_owned(), room, pos });
    }

    fn pong(&self, id: &str) {
        self.tell(&Event::Pong { id: Some(id.to_owned()) });
    }

    fn refuse(&self, id: &str, code: &str) {
        let (code, reason) = (code.to_owned(), "because".to_owned());
        self.tell(&Event::Error { code, reason, id: Some(id.to_owned()) });
    }

    fn cut(&self) {
        self.client.abort();
    }
}

fn message(room: &str, from: &str, text: &str, pos: &str) -> ChatMessage {
    let [room, from, text, pos] = [room, from, text, pos].map(str::to_owned);
    ChatMessage { room, from, text, pos, time: 0, action: false, id: None }
}

fn said(room: &str, text: &str, pos: &str) -> Event {
    Event::Message(message(room, "Adam", text, pos))
}

fn joined(room: &str, name: &str) -> Event {
    Event::Joined { room: room.to_owned(), name: name.to_owned(), time: 0 }
}

fn resumed(room: &str, complete: bool, missed: usize) -> Event {
    Event::Resumed { room: room.to_owned(), complete, missed }
}

#[track_caller]
fn next(updates: &Updates<Update>) -> Update {
    updates.recv_timeout(PATIENCE).expect("an update")
}

#[track_caller]
fn next_event(updates: &Updates<Update>) -> Event {
    match next(updates) {
        Update::Event(event) => event,
        other => panic!("expected an event, not {other:?}"),
    }
}

/// Skips what comes before the loss; when the next attempt is, and its number.
#[track_caller]
fn lost(updates: &Updates<Update>) -> (Duration, u32) {
    loop {
        match next(updates) {
            Update::Lost { again_in, attempt, .. } => return (again_in, attempt),
            Update::Ended(ending) => panic!("ended: {ending}"),
            _ => {}
        }
    }
}

/// Skips what comes before the return and its welcome; whether the session is the same.
#[track_caller]
fn back(updates: &Updates<Update>) -> bool {
    loop {
        match next(updates) {
            Update::Back { same_session } => {
                assert!(matches!(next_event(updates), Event::Welcome { .. }));
                return same_session;
            }
            Update::Ended(ending) => panic!("ended: {ending}"),
            _ => {}
        }
    }
}

/// Skips what comes before the end.
#[track_caller]
fn ended(updates: &Updates<Update>) -> Ending {
    loop {
        if let Update::Ended(ending) = next(updates) {
            assert!(updates.recv_timeout(PATIENCE).is_err(), "nothing comes after the end");
            return ending;
        }
    }
}
