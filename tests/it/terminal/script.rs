//! A server that says what the test wants. It answers pings, says again and confirms
//! what is said, and passes every request on to the test.

use std::sync::{Arc, Mutex, mpsc};

use chinwag::protocol::{Ask, ChatMessage, Event, Request};
use chinwag::{Acceptance, Client, Handler, Server};

use crate::support::{PATIENCE, addr};

pub struct Script {
    server: Server,
    peer_rx: mpsc::Receiver<Peer>,
}

/// One connection.
pub struct Peer {
    pub client: Client,
    request_rx: mpsc::Receiver<Request>,
    failure: Arc<Mutex<Option<String>>>,
}

struct Scripted {
    /// The code of the error that the next message is answered with.
    failure: Arc<Mutex<Option<String>>>,
    peer_tx: mpsc::Sender<Peer>,
    request_tx: mpsc::Sender<Request>,
    request_rx: Option<mpsc::Receiver<Request>>,
}

impl Handler for Scripted {
    fn on_open(&mut self, me: &Client) {
        let (request_rx, failure) = (self.request_rx.take().unwrap(), self.failure.clone());
        let peer = Peer { client: me.clone(), request_rx, failure };
        drop(self.peer_tx.send(peer));
    }

    fn on_text(&mut self, me: &Client, text: &str) {
        let request = Request::parse(text).unwrap();
        let id = request.id.clone();
        match &request.ask {
            Ask::Ping => me.send(Event::Pong { id }.to_json()),
            Ask::Who { room } => {
                let (room, names) = (room.clone(), ["Adam", "John"].map(str::to_owned).to_vec());
                me.send(Event::Present { room, total: names.len(), names, away: Vec::new() }.to_json());
            }
            Ask::Say { room, text, action } => {
                if let Some(code) = self.failure.lock().unwrap().take() {
                    let reason = format!("it fails: {code}");
                    me.send(Event::Error { code, reason, id }.to_json());
                    return drop(self.request_tx.send(request));
                }
                let message = ChatMessage { action: *action, id, ..message(room, "John", text) };
                me.send(Event::Message(message).to_json());
            }
            Ask::Whisper { to, text, action } => {
                let (from, to, text) = ("John".to_owned(), to.clone(), text.clone());
                me.send(Event::Whisper { from, to, text, time: NOON, action: *action, id }.to_json());
            }
            _ => {}
        }
        drop(self.request_tx.send(request));
    }
}

/// 12:00 on the sixth of October 2026.
pub const NOON: u64 = 1_791_288_000_000;

impl Script {
    pub fn new() -> Self {
        let (peer_tx, peer_rx) = mpsc::channel();
        let gate = move |_: &chinwag::Request| {
            let (request_tx, request_rx) = mpsc::channel();
            let scripted = Scripted {
                peer_tx: peer_tx.clone(),
                request_tx,
                request_rx: Some(request_rx),
                failure: Arc::default(),
            };
            Ok(Acceptance::new(scripted).subprotocol("chinwag.v1"))
        };
        let server = Server::builder().outbox_messages(100_000).handler(gate).bind("127.0.0.1:0").unwrap();
        Self { server, peer_rx }
    }

    pub fn url(&self) -> String {
        format!("ws://{}/", addr(&self.server))
    }

    /// The next connection, before it is welcomed.
    pub fn peer(&self) -> Peer {
        self.peer_rx.recv_timeout(PATIENCE).expect("a connection")
    }

    /// The next connection, in the lobby with Adam.
    pub fn welcome(&self) -> Peer {
        let peer = self.peer();
        let [name, session, room, pos] = ["John", "S", "lobby", "0"].map(str::to_owned);
        peer.tell(&Event::Welcome { name, session, room, pos, role: None });
        peer.joins("lobby");
        peer
    }
}

impl Peer {
    pub fn tell(&self, event: &Event) {
        self.client.send(event.to_json());
    }

    /// Answers the next message with an error of this code.
    pub fn fails_next(&self, code: &str) {
        *self.failure.lock().unwrap() = Some(code.to_owned());
    }

    /// Lets John into a room.
    pub fn joins(&self, room: &str) {
        let (name, room) = ("John".to_owned(), room.to_owned());
        self.tell(&Event::Joined { room, name, time: NOON });
    }

    pub fn says(&self, room: &str, from: &str, text: &str) {
        self.tell(&Event::Message(message(room, from, text)));
    }

    /// The next thing that is asked, pings and questions who is there apart.
    pub fn ask(&self) -> Ask {
        loop {
            match self.request_rx.recv_timeout(PATIENCE).expect("a request").ask {
                Ask::Ping | Ask::Who { .. } => {}
                ask => return ask,
            }
        }
    }

    #[track_caller]
    pub fn hears(&self, room: &str, text: &str) {
        assert_eq!(self.ask(), Request::say(room, text).ask);
    }
}

pub fn message(room: &str, from: &str, text: &str) -> ChatMessage {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNTER: AtomicU64 = AtomicU64::new(1);
    let pos = COUNTER.fetch_add(1, Ordering::Relaxed).to_string();
    let [room, from, text] = [room, from, text].map(str::to_owned);
    ChatMessage { room, from, text, pos, time: NOON, action: false, id: None }
}
