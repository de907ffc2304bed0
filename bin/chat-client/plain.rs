//! The chat of 2012: each message that comes in is a line on stdout, `Received: …`,
//! each line of stdin a message.
//!
//! Threads, none of which waits for another: one reads stdin and sends, one receives
//! and prints, one takes signals, and this one waits for whichever ends the
//! conversation first, and connects again where that is wanted.

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::time::Duration;

use chinwag::{CloseCode, ClosedBy, ConnectOptions, Connection, Error, Pacer, Sender, WirePrinter};
use crossbeam_channel::{Receiver, Sender as EventSender, after, bounded, select};
use parking_lot::{Condvar, Mutex};

use crate::args::Options;
use crate::connect::{self, Failure};
use crate::signals::spawn;

/// How long leaving may take: longer than the server has to answer a close frame.
const LEAVING: Duration = Duration::from_secs(7);

/// What ends a conversation.
enum Event {
    /// The user wants to leave.
    Leave,
    /// stdin or stdout cannot be used.
    Failed(String),
    /// The connection ended.
    Ended(Error),
}

pub fn run(options: &Options) -> Result<(), Failure> {
    connect::observed(options, talk)
}

fn talk(options: &Options, printer: Option<&WirePrinter>) -> Result<(), Failure> {
    let (signal_rx, connect) = connect::interruptible(options, printer)?;
    let connection = match connect.connect(&connect::text_url(options)) {
        Ok(connection) => connection,
        Err(Error::Cancelled) => return Ok(()),
        Err(error) => return Err(connect::refused(&error, options)),
    };
    // Full at the most for a moment: each thread sends an event or two.
    let (event_tx, event_rx) = bounded(8);
    let outlet = Arc::<Outlet>::default();
    let talk =
        Talk { options, connect, outlet: outlet.clone(), event_tx: event_tx.clone(), event_rx, signal_rx };
    talk.begin(connection)?;
    spawn("stdin", move || drop(event_tx.send(send_lines(&outlet)))).map_err(Failure::new)?;
    talk.run()
}

struct Talk<'a> {
    options: &'a Options,
    connect: ConnectOptions,
    outlet: Arc<Outlet>,
    event_tx: EventSender<Event>,
    event_rx: Receiver<Event>,
    signal_rx: Receiver<()>,
}

impl Talk<'_> {
    fn begin(&self, connection: Connection) -> Result<(), Failure> {
        log::info!("connected to {}", connection.peer_addr());
        let pacer = connection.message_rate().map(Pacer::new);
        let (sender, receiver) = connection.split();
        self.outlet.set(Some(sender), pacer);
        let event_tx = self.event_tx.clone();
        spawn("receive", move || {
            let error = print_messages(receiver, &event_tx);
            drop(event_tx.send(Event::Ended(error)));
        })
        .map_err(Failure::new)
    }

    /// Goes on until one side ends the conversation for good.
    fn run(&self) -> Result<(), Failure> {
        loop {
            let event = select! {
                recv(self.event_rx) -> event => event.unwrap_or(Event::Leave),
                recv(self.signal_rx) -> _ => Event::Leave,
            };
            match event {
                Event::Leave => return self.leave(None),
                Event::Failed(problem) => return self.leave(Some(problem)),
                Event::Ended(error) => {
                    self.outlet.set(None, None);
                    if !self.come_back(error)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Connects again after `why`. False where the user does not want to any more.
    fn come_back(&self, mut why: Error) -> Result<bool, Failure> {
        let backoff = self.options.backoff(false);
        for attempt in 1.. {
            let wait = backoff.as_ref().and_then(|backoff| backoff.after(&why, attempt));
            let Some(wait) = wait else { return Err(Failure::new(connect::lost(&why))) };
            log::warn!("{}; trying again in {:.1} s", connect::lost(&why), wait.as_secs_f64());
            select! {
                recv(self.signal_rx) -> _ => return Ok(false),
                recv(self.event_rx) -> event => match event {
                    Ok(Event::Failed(problem)) => return Err(Failure::new(problem)),
                    _ => return Ok(false),
                },
                recv(after(wait)) -> _ => {}
            }
            match self.connect.connect(&connect::text_url(self.options)) {
                Ok(connection) => {
                    self.begin(connection)?;
                    break;
                }
                Err(Error::Cancelled) => return Ok(false),
                Err(error) => why = error,
            }
        }
        Ok(true)
    }

    /// Leaves with a proper close. A second signal makes short work of it.
    fn leave(&self, mut failure: Option<String>) -> Result<(), Failure> {
        let Some(sender) = self.outlet.get() else {
            return failure.map_or(Ok(()), |it| Err(Failure::new(it)));
        };
        // A close code that is always fine to send.
        let _ = sender.close_output(CloseCode::NORMAL, "");
        // The receiving thread reports the end, which the close time-out bounds, but
        // not where it waits for an output that nobody reads.
        let too_late = after(LEAVING);
        loop {
            let event = select! {
                recv(self.event_rx) -> event => event.ok(),
                recv(self.signal_rx) -> _ => None,
                recv(too_late) -> _ => None,
            };
            match event {
                Some(Event::Ended(error)) if is_as_asked(&error) => {
                    log::info!("left: {error}");
                    break;
                }
                Some(Event::Ended(error)) => {
                    return Err(Failure::new(failure.unwrap_or_else(|| connect::lost(&error))));
                }
                Some(Event::Failed(problem)) => failure = Some(problem),
                Some(Event::Leave) => {}
                None => {
                    sender.abort();
                    break;
                }
            }
        }
        failure.map_or(Ok(()), |problem| Err(Failure::new(problem)))
    }
}

/// Where lines go: the connection of the moment.
#[derive(Default)]
struct Outlet {
    state: Mutex<OutletState>,
    changed: Condvar,
}

#[derive(Default)]
struct OutletState {
    sender: Option<Sender>,
    /// Keeps to the rate that the server has told.
    pacer: Option<Pacer>,
    /// Counts the changes, so that a connection that failed is not taken for a new one.
    number: u64,
}

impl Outlet {
    fn set(&self, sender: Option<Sender>, pacer: Option<Pacer>) {
        let mut state = self.state.lock();
        (state.sender, state.pacer) = (sender, pacer);
        state.number += 1;
        self.changed.notify_all();
    }

    fn get(&self) -> Option<Sender> {
        self.state.lock().sender.clone()
    }

    /// Sends a line; waits for a connection where there is none, and until its server takes
    /// another. A line that a
    /// connection took with it when it was lost does not come back: the text mode
    /// confirms nothing.
    fn send(&self, line: &str) {
        let mut failed = None;
        loop {
            let (sender, number) = self.wait_for_other_than(failed);
            if sender.send(line).is_ok() {
                return;
            }
            // The receiving thread is about to find out.
            failed = Some(number);
        }
    }

    fn wait_for_other_than(&self, failed: Option<u64>) -> (Sender, u64) {
        let mut state = self.state.lock();
        loop {
            let Some(sender) = state.sender.as_ref().filter(|_| failed != Some(state.number)) else {
                self.changed.wait(&mut state);
                continue;
            };
            match state.pacer.as_ref().map_or(Ok(()), Pacer::take) {
                Ok(()) => return (sender.clone(), state.number),
                Err(wait) => drop(self.changed.wait_for(&mut state, wait)),
            }
        }
    }
}

/// Whether the end is the one that was asked for, and not one of the server's own.
fn is_as_asked(error: &Error) -> bool {
    let reason = error.close_reason();
    reason.is_some_and(|reason| reason.by == ClosedBy::Local || reason.code == CloseCode::NORMAL)
}

/// Sends each line of stdin until one of them says to leave.
fn send_lines(outlet: &Outlet) -> Event {
    for line in io::stdin().lock().split(b'\n') {
        let line = match line {
            Ok(line) => line,
            Err(error) => return Event::Failed(format!("failed to read stdin: {error}")),
        };
        let line = String::from_utf8_lossy(&line);
        match line.trim_end_matches('\r') {
            "Bye" | "/quit" => return Event::Leave,
            line => outlet.send(line),
        }
    }
    Event::Leave
}

/// Prints each message as one line, and returns why no more will come.
fn print_messages(mut receiver: chinwag::Receiver, event_tx: &EventSender<Event>) -> Error {
    loop {
        match receiver.recv() {
            Err(error) => return error,
            // Shown escaped, so that it stays one line and drives no terminal.
            Ok(message) => {
                let mut stdout = io::stdout().lock();
                if let Err(error) = writeln!(stdout, "Received: {message}").and_then(|()| stdout.flush()) {
                    drop(event_tx.send(Event::Failed(format!("failed to write to stdout: {error}"))));
                    return receiver.close(CloseCode::NORMAL, "").map_or_else(|error| error, Error::Closed);
                }
            }
        }
    }
}
