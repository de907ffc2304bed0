//! The log, as the server and its file tell it.

use std::ops::ControlFlow;
use std::path::Path;

use chinwag::store::{Scan, Sqlite, Store};
use chinwag::{ConnectOptions, Connection};
use serde_json::{Value, json};

use super::network::Network;
use super::person::ROOMS;
use super::record::{Kept, Message};
use crate::support::hear;

/// The log of both rooms, as a newcomer can read it back page by page.
pub fn history(network: &Network) -> Vec<Kept> {
    let url = format!("ws://{}/?name=reader&room={}", network.addr, ROOMS[0]);
    let mut reader = ConnectOptions::new().subprotocol("chinwag.v1").connect(&url).unwrap();
    reader.send(json!({"type": "join", "room": ROOMS[1]}).to_string()).unwrap();
    let mut kept = ROOMS.iter().flat_map(|room| pages(&mut reader, room)).collect::<Vec<_>>();
    kept.sort_unstable_by_key(|kept| number(&kept.pos));
    kept
}

fn pages(reader: &mut Connection, room: &str) -> Vec<Kept> {
    let mut pages = Vec::new();
    let mut before: Option<String> = None;
    loop {
        let mut request = json!({"type": "history", "room": room, "limit": 100});
        before.iter().for_each(|before| request["before"] = json!(before));
        reader.send(request.to_string()).unwrap();
        // What a newcomer gets without asking is shorter.
        reader.send(json!({"type": "ping", "id": "page"}).to_string()).unwrap();
        let mut page = Value::Null;
        loop {
            let event: Value = serde_json::from_str(&hear(reader)).unwrap();
            match event["type"].as_str() {
                Some("pong") => break,
                Some("history") if event["room"] == room => page = event,
                _ => {}
            }
        }
        let messages = page["messages"].as_array().unwrap().iter().map(kept).collect::<Vec<_>>();
        before = messages.first().map(|first| first.pos.clone());
        pages.push(messages);
        if page["more"] == false {
            return pages.into_iter().rev().flatten().collect();
        }
    }
}

fn kept(message: &Value) -> Kept {
    let text = |key: &str| message[key].as_str().unwrap();
    Kept { pos: text("pos").to_owned(), message: Message::new(text("room"), text("from"), text("text")) }
}

/// The order of all rooms: a position is the store's epoch and a number.
fn number(pos: &str) -> u64 {
    pos.rsplit_once('-').unwrap().1.parse().unwrap()
}

/// The log of both rooms, as it is in a store's file.
pub fn in_file(path: &Path) -> Vec<Kept> {
    let store = Sqlite::builder(path).read_only().open().unwrap();
    let mut kept = Vec::new();
    let mut note = |record: &chinwag::store::Record| {
        let pos = format!("{}-{}", store.epoch(), record.position);
        kept.push(Kept { pos, message: Message::new(&record.room, &record.from, &record.text) });
        ControlFlow::Continue(())
    };
    store.scan(&Scan::default(), &mut note).unwrap();
    kept
}
