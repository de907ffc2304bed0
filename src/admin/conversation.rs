//! One connection to the admin socket: a request a line, an answer a line.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::MAX_LINE;
use super::message::{AdminAnswer, AdminRequest, Incoming};
use crate::Hub;
use crate::chat::Chat;
use crate::protocol::RoomInfo;

/// How long a connection may say nothing, and how long it may leave an answer unread.
const SILENCE: Duration = Duration::from_secs(10 * 60);
const UNREAD: Duration = Duration::from_secs(10);
/// Who asks, where nothing is said of that.
const NOBODY: &str = "the server";

/// Whom the orders are for.
#[derive(Clone)]
pub(super) struct Served {
    pub chat: Chat,
    pub hub: Hub,
}

/// Tells a connection too many that it is one.
pub(super) fn turn_away(mut stream: &UnixStream) {
    let answer = AdminAnswer::error("busy", "too many are connected to this socket; try again");
    let _ = stream.set_nonblocking(true);
    let _ = stream.write_all(line(&answer).as_bytes());
}

/// Answers until the other side ends, or the connection is shut down.
pub(super) fn run(stream: &UnixStream, served: &Served) {
    if let Err(error) = converse(stream, served) {
        log::debug!("a connection to the admin socket ended: {error}");
    }
}

fn converse(mut stream: &UnixStream, served: &Served) -> io::Result<()> {
    // The listener's own mode may have been handed on.
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(UNREAD))?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut request = Vec::new();
        if Read::take(&mut reader, MAX_LINE as u64 + 1).read_until(b'\n', &mut request)? == 0 {
            return Ok(());
        }
        if request.len() > MAX_LINE {
            let answer = AdminAnswer::error("too_long", format!("a request has at most {MAX_LINE} bytes"));
            return stream.write_all(line(&answer).as_bytes());
        }
        if !request.trim_ascii().is_empty() {
            stream.write_all(line(&answer_to(&request, served)).as_bytes())?;
        }
    }
}

fn line(answer: &AdminAnswer) -> String {
    answer.to_json() + "\n"
}

fn answer_to(request: &[u8], Served { chat, hub }: &Served) -> AdminAnswer {
    let Incoming { request, by } = match Incoming::parse(request) {
        Ok(incoming) => incoming,
        Err(problem) => return problem.into(),
    };
    match request {
        AdminRequest::Version => AdminAnswer::Version { version: env!("CARGO_PKG_VERSION").to_owned() },
        AdminRequest::Clients => AdminAnswer::Clients { clients: chat.clients() },
        AdminRequest::Rooms => AdminAnswer::Rooms { rooms: rooms(chat) },
        AdminRequest::Order(order) => chat.moderate(hub, by.as_deref().unwrap_or(NOBODY), order).into(),
    }
}

/// The rooms, those among them that are locked and empty at the end.
fn rooms(chat: &Chat) -> Vec<RoomInfo> {
    let empty = |room| RoomInfo { room, people: 0, topic: String::new(), locked: true };
    let mut rooms = chat.rooms();
    rooms.extend(chat.locked_empty_rooms().into_iter().map(empty));
    rooms
}
