//! `chinwag.v1` on stdin and stdout, one JSON object a line both ways.
//!
//! This thread prints events, one reads requests from stdin, one takes signals.

use std::fmt::Write as _;
use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chinwag::chat_client::{AskError, ChatClient, Ending, Update};
use chinwag::protocol::{Event, Request};
use chinwag::{Error, Escaped, WirePrinter};
use crossbeam_channel::{Receiver, bounded};

use crate::args::Options;
use crate::connect::{self, Failure};
use crate::signals::spawn;

/// How long the end of input waits for the next answer to what was asked.
const CONFIRMING: Duration = Duration::from_secs(10);
/// How long a request waits for room before it looks again.
const CROWDED: Duration = Duration::from_millis(100);

pub fn run(options: &Options) -> Result<(), Failure> {
    connect::observed(options, talk)
}

fn talk(options: &Options, printer: Option<&WirePrinter>) -> Result<(), Failure> {
    let (signal_rx, connect) = connect::interruptible(options, printer)?;
    let (chat, updates) = match connect::chat(options, connect, options.backoff(false)) {
        Ok(joined) => joined,
        Err(Error::Cancelled) => return Ok(()),
        Err(error) => return Err(connect::refused(&error, options)),
    };
    log::info!("connected to {}", chat.peer_addr());
    let chat = Arc::new(chat);
    let (end_tx, end_rx) = bounded(1);
    let is_leaving = Arc::new(AtomicBool::new(false));
    let (leaving, left_tx) = (chat.clone(), end_tx.clone());
    spawn("leave", move || {
        for () in signal_rx {
            // Full where somebody has told already.
            let _ = left_tx.try_send(leaving.close(Duration::ZERO));
        }
    })
    .map_err(Failure::new)?;
    let (asking, at_end) = (chat.clone(), is_leaving.clone());
    spawn("stdin", move || {
        send_lines(&asking);
        at_end.store(true, Ordering::Relaxed);
        let _ = end_tx.send(confirm(&asking));
    })
    .map_err(Failure::new)?;
    match print_events(&chat, &updates)? {
        Ending::Left(_) => match end_rx.recv() {
            Ok(0) | Err(_) => Ok(()),
            // Where stdin goes on, it was a signal that ended it, and it was wanted so.
            Ok(count) if !is_leaving.load(Ordering::Relaxed) => {
                log::warn!("left before {count} requests were answered");
                Ok(())
            }
            Ok(count) => Err(Failure::new(format!("left before {count} requests were answered"))),
        },
        Ending::Closed(reason) => Err(Failure::new(connect::lost(&Error::Closed(reason)))),
        Ending::Failed(error) => Err(Failure::new(connect::lost(&error))),
        _ => Err(Failure::new("the conversation ended")),
    }
}

/// Leaves once all that was asked is answered, as long as answers come: a server that takes
/// so many messages a second has a while to go. How many were not.
fn confirm(chat: &ChatClient) -> usize {
    loop {
        let queued = chat.queued();
        if chat.flush(CONFIRMING) || chat.queued() >= queued {
            return chat.close(Duration::ZERO);
        }
    }
}

/// Prints each event as one line; returns how the chat ended.
fn print_events(chat: &ChatClient, updates: &Receiver<Update>) -> Result<Ending, Failure> {
    for update in updates {
        let line = match update {
            Update::Event(event) => for_caller(chat, event).map(|event| event.to_json()),
            Update::Unknown(json) => Some(json),
            Update::Lost { why, again_in, .. } => {
                log::warn!("{}; trying again in {:.1} s", connect::lost(&why), again_in.as_secs_f64());
                None
            }
            Update::Back { .. } => {
                log::info!("connected again to {}", chat.peer_addr());
                None
            }
            Update::Ended(ending) => return Ok(ending),
            _ => None,
        };
        let Some(line) = line else { continue };
        let mut stdout = io::stdout().lock();
        if let Err(error) = writeln!(stdout, "{}", printable(&line)).and_then(|()| stdout.flush()) {
            return Err(Failure::new(format!("failed to write to stdout: {error}")));
        }
    }
    Err(Failure::new("the conversation ended"))
}

/// The event as it is to whom the ids of the chat client mean nothing; none where it
/// answers nothing else.
fn for_caller(chat: &ChatClient, mut event: Event) -> Option<Event> {
    let is_own = |id: &Option<String>| id.as_ref().is_some_and(|id| chat.is_own_id(id));
    match &mut event {
        Event::Ack { id, .. } if chat.is_own_id(id) => return None,
        Event::Message(message) if is_own(&message.id) => message.id = None,
        Event::Whisper { id, .. }
        | Event::Found { id, .. }
        | Event::Error { id, .. }
        | Event::Pong { id }
            if is_own(id) =>
        {
            *id = None;
        }
        _ => {}
    }
    Some(event)
}

/// JSON with what could drive a terminal written as the escapes that JSON has for it.
fn printable(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if Escaped::new(c.encode_utf8(&mut [0; 4])).to_string().chars().eq([c]) {
            out.push(c);
        } else if c.is_ascii_whitespace() {
            // Between the fields: inside a string it would be no JSON.
            out.push(' ');
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

/// Asks what each line of stdin asks, until its end.
fn send_lines(chat: &ChatClient) {
    for (number, line) in (1..).zip(io::stdin().lock().split(b'\n')) {
        let line = match line {
            Ok(line) => String::from_utf8_lossy(&line).into_owned(),
            Err(error) => return log::error!("failed to read stdin: {error}"),
        };
        match line.trim() {
            "" => {}
            "Bye" | "/quit" => return,
            line => match ask(chat, line) {
                Ok(()) => {}
                Err(Refused::Line(why)) => log::error!("line {number} of stdin was not sent: {why}"),
                Err(Refused::Ended) => return,
            },
        }
    }
}

enum Refused {
    /// This line was not taken.
    Line(String),
    /// No line will be.
    Ended,
}

fn ask(chat: &ChatClient, line: &str) -> Result<(), Refused> {
    let request = Request::parse(line).map_err(|error| Refused::Line(error.to_string()))?;
    loop {
        let result = match &request.id {
            Some(id) => chat.ask_with_id(request.ask.clone(), id.clone()),
            None => chat.ask(request.ask.clone()),
        };
        match result {
            Ok(_) => return Ok(()),
            Err(AskError::Ended) => return Err(Refused::Ended),
            // Others are in the way: stdin waits until there is room.
            Err(AskError::Full) if chat.queued() > 0 => drop(chat.flush(CROWDED)),
            Err(error) => return Err(Refused::Line(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_drive_a_terminal_is_escaped_and_stays_the_same_json() {
        let json = "{\"text\":\"\u{9b}31m \u{202e} \u{e0041} ü\"}\n";
        let shown = printable(json);
        assert_eq!(shown, r#"{"text":"\u009b31m \u202e \udb40\udc41 ü"} "#);
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(value(&shown), value(json));
    }
}
