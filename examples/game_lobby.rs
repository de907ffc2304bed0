//! A game's lobby of the chat's rooms, people and names, in words of its own: players
//! sit down at tables, talk there, and a game starts when two are ready.
//!
//! ```text
//! cargo run --example game_lobby -- 127.0.0.1:9001
//! ```
//!
//! Any client can play: `ws://127.0.0.1:9001/?name=Ann&room=oak`, then `say hi`, `ready`.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, Mutex};

use chinwag::chat::{Chat, Dialect, Listener, Member, Reading, RoomName, Speaker};
use chinwag::protocol::{Ask, Event, Request};
use chinwag::{Client, CloseReason, Handler, Message, Server};

/// `say TEXT`, `sit TABLE` and `who` from a player; `+ Ann`, `- Ann`, `Ann: hi` to all.
struct Words;

impl Dialect for Words {
    fn read(&self, _speaker: &Speaker<'_>, text: &str) -> Reading {
        let ask = match text.split_once(' ').unwrap_or((text, "")) {
            ("say", said) => Ask::Say { room: String::new(), text: said.to_owned(), action: false },
            ("sit", table) => Ask::Join { room: table.to_owned(), since: None },
            ("who", _) => Ask::Who { room: String::new() },
            _ => return Reading::Answer(vec!["! say TEXT, sit TABLE, who or ready".into()]),
        };
        Reading::Request(Request::new(ask))
    }

    fn write(&self, event: &Event, _to: Listener) -> Option<Message> {
        Some(match event {
            Event::Joined { name, room, .. } => format!("+ {name} at {room}").into(),
            Event::Left { name, .. } => format!("- {name}").into(),
            Event::Message(message) => format!("{}: {}", message.from, message.text).into(),
            Event::Present { room, names, .. } => format!("= {room}: {}", names.join(" ")).into(),
            Event::Error { reason, .. } => format!("! {reason}").into(),
            _ => return None,
        })
    }

    fn has_current_room(&self) -> bool {
        true
    }
}

/// Who is ready, by table.
type Ready = Arc<Mutex<BTreeMap<RoomName, Vec<String>>>>;

struct Player {
    member: Member,
    ready: Ready,
}

impl Player {
    fn be_ready(&self, me: &Client) {
        let Some(table) = self.member.rooms().pop() else { return };
        let mut ready = self.ready.lock().expect("nobody panics with it");
        let players = ready.entry(table.clone()).or_default();
        players.push(self.member.name().to_string());
        players.sort();
        players.dedup();
        if players.len() == 2 {
            me.room(&table).broadcast(format!("* {} and {} play at {table}", players[0], players[1]));
            players.clear();
        }
    }
}

impl Handler for Player {
    fn on_open(&mut self, me: &Client) {
        self.member.on_open(me);
    }

    fn on_text(&mut self, me: &Client, text: &str) {
        match text {
            "ready" => self.be_ready(me),
            _ => self.member.on_text(me, text),
        }
    }

    fn on_close(&mut self, me: &Client, reason: &CloseReason) {
        let mut ready = self.ready.lock().expect("nobody panics with it");
        ready.values_mut().for_each(|players| players.retain(|player| player != self.member.name().as_str()));
        drop(ready);
        self.member.on_close(me, reason);
    }
}

fn main() -> chinwag::Result<()> {
    let addr = std::env::args().nth(1).unwrap_or("127.0.0.1:9001".to_owned());
    let chat = Chat::builder().default_dialect(Words).build();
    let ready = Ready::default();
    let server = Server::builder()
        .handler(move |request| chat.admit(request, |member| Player { member, ready: ready.clone() }))
        .bind(&*addr)?;
    println!("listening on {}", server.local_addrs()[0]);
    // Until the end of input.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    server.shutdown()
}
