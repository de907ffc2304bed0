//! A game's loop: each frame takes the events that have come, moves the world on,
//! and shows it to everybody.
//!
//! ```text
//! cargo run --example frame_loop -- 127.0.0.1:9001
//! ```
//!
//! Connect with any WebSocket client and send `left`, `right`, `up` or `down`.

use std::collections::BTreeMap;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use chinwag::{ClientId, Event, Overflow, Server};

const FRAME: Duration = Duration::from_millis(50);
/// Events taken in one frame, and held between two. Clients that talk faster than
/// this wait their turn in TCP; they don't delay the frame.
const EVENTS_PER_FRAME: usize = 1024;

fn main() -> chinwag::Result<()> {
    let addr = std::env::args().nth(1).unwrap_or("127.0.0.1:9001".to_owned());
    let (builder, events) = Server::builder().events(EVENTS_PER_FRAME);
    let server = builder
        // Of a world that changes twenty times a second, who is behind wants the
        // latest state only, and no word of what it missed.
        .overflow(Overflow::KeepLatest)
        .gap_notice(|_| None)
        .bind(addr)?;
    for addr in server.local_addrs() {
        println!("listening on {addr}");
    }

    let mut world = World::default();
    let mut next_frame = Instant::now();
    loop {
        // Never waits: what has come by now is this frame's.
        for event in events.try_iter().take(EVENTS_PER_FRAME) {
            world.take(event);
        }
        if std::mem::take(&mut world.changed) {
            server.broadcast(world.to_string());
        }
        next_frame += FRAME;
        thread::sleep(next_frame.saturating_duration_since(Instant::now()));
    }
}

/// Where everybody stands. The loop owns it, so it needs no lock.
#[derive(Default)]
struct World {
    players: BTreeMap<ClientId, (i32, i32)>,
    changed: bool,
}

impl World {
    fn take(&mut self, event: Event) {
        match event {
            Event::Open(client) => {
                self.players.insert(client.id(), (0, 0));
            }
            Event::Text(client, text) => {
                let Some((x, y)) = self.players.get_mut(&client.id()) else { return };
                match text.trim() {
                    "left" => *x -= 1,
                    "right" => *x += 1,
                    "up" => *y += 1,
                    "down" => *y -= 1,
                    _ => return client.send("left, right, up or down?"),
                }
            }
            Event::Close(client, _) => {
                self.players.remove(&client.id());
            }
            _ => return,
        }
        self.changed = true;
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, (x, y)) in &self.players {
            writeln!(f, "player {id} at {x},{y}")?;
        }
        Ok(())
    }
}
