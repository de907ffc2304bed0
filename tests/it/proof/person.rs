//! A client that records all that it does and is told, and comes back by itself: one thread on
//! a plain connection, in the protocol's JSON.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use chinwag::{CloseCode, ConnectOptions, Connection};
use serde_json::{Value, json};

use super::chance::Chance;
use super::network::Network;
use super::progress::Progress;
use super::record::{Message, Record, Step};
use crate::support::PATIENCE;

/// What the last one of all says in each room.
pub const THE_END: &str = "the end";
pub const ROOMS: [&str; 2] = ["lobby", "games"];
/// The time before another attempt to connect: short, for what it costs is this machine's.
const AGAIN: Duration = Duration::from_millis(5);

pub struct Person {
    record: Record,
    network: Arc<Network>,
    progress: Arc<Progress>,
    chance: Chance,
    /// So many messages at a time wait for their answer.
    window: usize,
    /// What it says in place of chatter: once in each room, and then no more.
    speech: Option<&'static str>,
    said: usize,
    open: VecDeque<(String, Message)>,
    session: Option<String>,
    /// Where it is in each room.
    positions: HashMap<String, String>,
    over: HashSet<String>,
    is_quiet: bool,
}

/// How a connection ended.
enum End {
    Lost,
    /// All is said and heard.
    Over,
}

impl Person {
    pub fn new(name: &str, network: &Arc<Network>, progress: &Arc<Progress>, chance: Chance) -> Self {
        Self {
            record: Record::new(name),
            network: network.clone(),
            progress: progress.clone(),
            chance,
            window: 4,
            speech: None,
            said: 0,
            open: VecDeque::new(),
            session: None,
            positions: HashMap::new(),
            over: HashSet::new(),
            is_quiet: false,
        }
    }

    /// One who only says this, once in each room.
    pub fn speech(self, speech: &'static str) -> Self {
        Self { speech: Some(speech), ..self }
    }

    /// Talks until there is silence, and listens until the end.
    pub fn run(mut self) -> Record {
        loop {
            let connection = self.connect();
            match self.live(connection) {
                End::Lost => self.note(Step::Lost),
                End::Over => return self.finished(),
            }
        }
    }

    /// All was said and heard.
    pub fn finished(mut self) -> Record {
        self.record.is_finished = true;
        self.record
    }

    pub fn note(&mut self, step: Step) {
        match step {
            Step::Connected { .. } => self.progress.note(|counts| counts.connected += 1),
            Step::Acked { .. } => self.progress.note(|counts| counts.acked += 1),
            Step::Refused { .. } => self.progress.note(|counts| counts.refused += 1),
            Step::Heard { pos: None, .. } => self.progress.note(|counts| counts.unplaced += 1),
            _ => {}
        }
        self.record.steps.push(step);
    }

    /// Tries again until it is welcome.
    fn connect(&mut self) -> Connection {
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "{} does not come in again", self.record.name);
            let life = self.network.life();
            let connected = ConnectOptions::new().subprotocol("chinwag.v1").connect(&self.url());
            let Ok(mut connection) = connected else {
                thread::sleep(AGAIN);
                continue;
            };
            let Some(welcome) = next(&mut connection) else { continue };
            assert_eq!(welcome["type"], "welcome", "{welcome}");
            // Nobody knows which life it was where the server died meanwhile.
            let Some(life) = life.filter(|life| self.network.life().as_ref() == Some(life)) else { continue };
            let session = text(&welcome, "session");
            self.session = Some(session.clone());
            self.note(Step::Connected { life, session });
            self.enter(&text(&welcome, "room"), &text(&welcome, "pos"));
            return connection;
        }
    }

    pub fn name(&self) -> &str {
        &self.record.name
    }

    pub fn url(&self) -> String {
        let mut url = format!("ws://{}/?name={}&room={}", self.network.addr, self.record.name, ROOMS[0]);
        for (key, value) in [("session", self.session.as_ref()), ("since", self.positions.get(ROOMS[0]))] {
            value.into_iter().for_each(|value| url += &format!("&{key}={value}"));
        }
        url
    }

    /// Is welcome, most likely to the server's present life.
    pub fn welcome(&mut self, session: String) {
        let life = self.network.life().unwrap();
        self.note(Step::Connected { life, session });
    }

    /// Comes into a room for the first time, at this position.
    pub fn enter(&mut self, room: &str, pos: &str) {
        if !self.positions.contains_key(room) {
            self.positions.insert(room.to_owned(), pos.to_owned());
            self.note(Step::Entered { room: room.to_owned(), pos: pos.to_owned() });
        }
    }

    fn live(&mut self, mut connection: Connection) -> End {
        if self.come_back(&connection).is_err() {
            return End::Lost;
        }
        loop {
            if self.talk(&connection).is_err() {
                return End::Lost;
            }
            self.note_quiet(self.open.len());
            if self.has_heard_the_end() && self.open.is_empty() {
                // Where the answer is lost, nothing else is.
                let _ = connection.close(CloseCode::NORMAL, "");
                return End::Over;
            }
            let Some(event) = next(&mut connection) else { return End::Lost };
            if self.hear(&event, &connection).is_err() {
                return End::Lost;
            }
        }
    }

    /// Into the other rooms, and says again what was not answered.
    fn come_back(&mut self, connection: &Connection) -> chinwag::Result<()> {
        for room in &ROOMS[1..] {
            let mut join = json!({"type": "join", "room": room});
            if let Some(since) = self.positions.get(*room) {
                join["since"] = json!(since);
            }
            connection.send(join.to_string())?;
        }
        for (id, message) in self.open.clone() {
            self.say(connection, &id, &message)?;
        }
        Ok(())
    }

    /// Says as much as may wait for an answer.
    fn talk(&mut self, connection: &Connection) -> chinwag::Result<()> {
        while let Some(message) = self.next_to_say(self.open.len()) {
            let id = self.said.to_string();
            self.open.push_back((id.clone(), message.clone()));
            self.say(connection, &id, &message)?;
        }
        Ok(())
    }

    /// What to say while so many messages wait for their answer.
    pub fn next_to_say(&mut self, waiting: usize) -> Option<Message> {
        if waiting >= self.window || !self.has_more_to_say() {
            return None;
        }
        let (room, text) = match self.speech {
            Some(speech) => (ROOMS[self.said], speech.to_owned()),
            None => (ROOMS[self.chance.below(ROOMS.len() as u64) as usize], self.chatter()),
        };
        self.said += 1;
        Some(Message::new(room, &self.record.name, &text))
    }

    fn has_more_to_say(&self) -> bool {
        match self.speech {
            Some(_) => self.said < ROOMS.len(),
            None => !self.progress.now().is_silent,
        }
    }

    /// Something that was never said before, seldom long.
    fn chatter(&mut self) -> String {
        let most = if self.chance.one_in(16) { 4096 } else { 32 };
        let padding = "x".repeat(self.chance.below(most) as usize);
        format!("{} {}{padding}", self.record.name, self.said)
    }

    fn say(&mut self, connection: &Connection, id: &str, message: &Message) -> chinwag::Result<()> {
        let Message { room, text, .. } = message.clone();
        let request = json!({"type": "say", "room": room, "text": text, "id": id}).to_string();
        // Before it is sent: it may arrive though sending fails.
        self.note(Step::Said { id: id.to_owned(), room, text });
        connection.send(request)
    }

    fn hear(&mut self, event: &Value, connection: &Connection) -> chinwag::Result<()> {
        match event["type"].as_str().unwrap() {
            "message" => {
                let message = Message::new(&text(event, "room"), &text(event, "from"), &text(event, "text"));
                let [pos, id] = ["pos", "id"].map(|key| event[key].as_str().map(str::to_owned));
                if pos.is_none() {
                    id.iter().for_each(|id| self.answered(id));
                }
                self.hear_message(message, pos, id);
            }
            "ack" => self.acked(text(event, "id"), text(event, "room"), text(event, "pos")),
            "error" => return self.refused(event, connection),
            "resumed" => {
                let (room, complete) = (text(event, "room"), event["complete"].as_bool().unwrap());
                let missed = event["missed"].as_u64().unwrap() as usize;
                self.note(Step::Resumed { room, complete, missed });
            }
            "joined" if event["name"] == self.record.name => {
                self.note(Step::Live { room: text(event, "room") });
            }
            // A newcomer's first room has its position from the welcome.
            "history" => {
                let room = text(event, "room");
                self.enter(&room, &text(event, "pos"));
                let said = event["messages"].as_array().unwrap().iter();
                self.hear_earlier(&room, said.map(|message| text(message, "text")));
            }
            "gap" => {
                let rooms = event["rooms"].as_array().unwrap().iter();
                let rooms = rooms.map(|room| room.as_str().unwrap().to_owned()).collect();
                self.note(Step::Gap { rooms });
            }
            _ => {}
        }
        Ok(())
    }

    pub fn hear_message(&mut self, message: Message, pos: Option<String>, id: Option<String>) {
        if let Some(pos) = &pos {
            self.positions.insert(message.room.clone(), pos.clone());
        }
        if message.text == THE_END {
            self.over.insert(message.room.clone());
        }
        self.note(Step::Heard { message, pos, id });
    }

    /// What was said before it came in: all may be over.
    pub fn hear_earlier(&mut self, room: &str, mut texts: impl Iterator<Item = String>) {
        if texts.any(|text| text == THE_END) {
            self.over.insert(room.to_owned());
        }
    }

    pub fn has_heard_the_end(&self) -> bool {
        self.over.len() == ROOMS.len()
    }

    pub fn acked(&mut self, id: String, room: String, pos: String) {
        self.answered(&id);
        self.note(Step::Acked { id, room, pos });
    }

    /// What was refused is said again, half of it, as people do.
    fn refused(&mut self, event: &Value, connection: &Connection) -> chinwag::Result<()> {
        let code = text(event, "code");
        let Some(id) = event["id"].as_str() else { panic!("{} is told {event}", self.record.name) };
        let Some(place) = self.open.iter().position(|(open, _)| open == id) else { return Ok(()) };
        assert!(["not_kept", "unsure"].contains(&code.as_str()), "{} is told {event}", self.record.name);
        self.note(Step::Refused { id: id.to_owned(), code: code.clone() });
        if code == "unsure" || self.speech.is_some() || self.chance.one_in(2) {
            let (id, message) = self.open[place].clone();
            return self.say(connection, &id, &message);
        }
        self.open.remove(place);
        Ok(())
    }

    fn answered(&mut self, id: &str) {
        self.open.retain(|(open, _)| open != id);
    }

    pub fn note_quiet(&mut self, waiting: usize) {
        if !self.is_quiet && waiting == 0 && !self.has_more_to_say() {
            self.is_quiet = true;
            self.progress.note(|counts| counts.quiet += 1);
        }
    }
}

/// The next event, or nothing once the connection is over.
fn next(connection: &mut Connection) -> Option<Value> {
    match connection.recv_timeout(PATIENCE) {
        Ok(Some(message)) => Some(serde_json::from_str(message.as_text().unwrap()).unwrap()),
        Ok(None) => panic!("nothing came within {PATIENCE:?}"),
        Err(_) => None,
    }
}

fn text(event: &Value, key: &str) -> String {
    event[key].as_str().unwrap_or_else(|| panic!("no {key} in {event}")).to_owned()
}
