//! The chat on a terminal, with a line editor below it.
//!
//! Four threads beside those of the chat itself, none of which waits for a slower one:
//! this one edits lines and does what they say, one takes the updates and puts what is
//! to be shown into the screen's queue, one prints that queue, one takes signals.

mod block;
mod commands;
mod complete;
mod editor;
mod history;
mod model;
mod paste;
mod room;
mod screen;
mod status;
pub mod style;
mod trace;
mod tty;
mod wrap;

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use chinwag::chat_client::{ChatClient, Ending, Update};
use chinwag::protocol::Event;
use chinwag::{Canceller, Error, WirePrinter};
use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;
use rustix::process::{Signal, getpid, kill_process};

use crate::args::Options;
use crate::connect::{self, Failure};
use crate::signals::{self, spawn};
use block::Block;
use commands::Next;
use editor::{Editor, Typed};
use model::Model;
use screen::Screen;
use style::Theme;

pub use tty::is_capable;

/// How long the last words may take to the screen.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How often the editor is asked to end until it does: it may be between two lines.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// What the threads share.
pub struct App {
    chat: ChatClient,
    model: Mutex<Model>,
    screen: Arc<Screen>,
    /// Whether the wire is shown.
    trace: Arc<AtomicBool>,
    /// The user knows that leaving now loses what was not sent.
    is_warned: AtomicBool,
    /// Why the conversation ends, where the user did not ask for it here.
    end: Mutex<Option<End>>,
    /// Disconnected once the editor has ended.
    editing: Receiver<()>,
}

enum End {
    Signal,
    Chat(Ending),
    Failed(String),
}

/// Takes part in the chat until one side ends it.
pub fn run(options: &Options) -> Result<(), Failure> {
    let screen = Arc::new(Screen::new(Theme::new(options.color), !options.no_bell));
    options.start_log_on(trace::ToScreen::new(&screen)).map_err(Failure::new)?;
    let canceller = Canceller::new();
    let signal_rx = signals::take(canceller.clone()).map_err(Failure::new)?;
    let trace = Arc::new(AtomicBool::new(options.trace_wire));
    let printer = WirePrinter::new(trace::ToScreen::new(&screen));
    let printer = printer.map_err(|error| Failure::new(error.to_string()))?;
    let connect = connect::options(options, &canceller)?.wire_observer(trace::observer(printer, &trace));
    let (chat, updates) = match connect::chat(options, connect, options.backoff(true)) {
        Ok(joined) => joined,
        Err(Error::Cancelled) => return Ok(()),
        Err(error) => return Err(connect::refused(&error, options)),
    };
    let (editing_tx, editing) = bounded(0);
    let app = Arc::new(App {
        chat,
        model: Mutex::new(Model::new(&options.name)),
        screen,
        trace,
        is_warned: AtomicBool::new(false),
        end: Mutex::new(None),
        editing,
    });
    let stopping = app.clone();
    spawn("stop", move || signal_rx.iter().for_each(|()| stopping.stop(End::Signal)))
        .map_err(Failure::new)?;
    converse(&app, updates, editing_tx).map_err(Failure::new)
}

/// Runs the threads and the editor; then leaves.
fn converse(app: &Arc<App>, updates: Receiver<Update>, editing_tx: Sender<()>) -> Result<(), String> {
    let quiet = tty::Quiet::new().map_err(|error| format!("failed to set up the terminal: {error}"))?;
    // Above the first prompt, which is to have something above it.
    let words = format!(
        "connected to {} as {}; /help lists commands and keys",
        app.chat.peer_addr(),
        app.chat.name()
    );
    app.screen.show([Block::Info(words)]);
    app.print_rest();
    let mut editor = Editor::new(app)?;
    let printer = editor.printer()?;
    let printing = app.clone();
    spawn("print", move || {
        printing.screen.print_all(printer, || status::changes(&printing.model.lock()));
    })?;
    let listening = app.clone();
    spawn("updates", move || listening.listen(&updates))?;
    let end = edit(app, &mut editor);
    drop(editing_tx);
    match end {
        None => commands::announce_goodbye(app),
        Some(_) => commands::show_lost(app),
    }
    // What is still to be shown belongs before the last words on stderr.
    app.print_rest();
    drop(quiet);
    leave(app, end)
}

/// Edits lines and does what they say, until that ends.
fn edit(app: &App, editor: &mut Editor) -> Option<End> {
    let mut text = String::new();
    loop {
        if let Some(end) = app.end.lock().take() {
            return Some(end);
        }
        let next = match editor.read(&std::mem::take(&mut text)) {
            Typed::Line(line) => paste::take_line(app, editor, &line),
            Typed::Leave => commands::run(app, "/quit"),
            Typed::Interrupted => continue,
            Typed::Failed(problem) => return Some(End::Failed(problem)),
        };
        match next {
            Next::Go => {}
            Next::Leave => return None,
            Next::GiveBack(line) => text = commands::give_back(app, editor, line),
            Next::Edit(line) => text = line,
        }
    }
}

fn leave(app: &App, end: Option<End>) -> Result<(), String> {
    match end {
        None => match commands::say_goodbye(app) {
            0 => Ok(()),
            count => Err(format!("left before {count} of what you said was confirmed")),
        },
        Some(End::Signal) => {
            app.chat.close(Duration::ZERO);
            Ok(())
        }
        Some(End::Failed(problem)) => {
            app.chat.close(Duration::ZERO);
            Err(problem)
        }
        Some(End::Chat(Ending::Left(_))) => Ok(()),
        Some(End::Chat(Ending::Closed(reason))) => Err(connect::lost(&Error::Closed(reason))),
        Some(End::Chat(Ending::Failed(error))) => Err(connect::lost(&error)),
        Some(End::Chat(_)) => Err("the conversation ended".to_owned()),
    }
}

impl App {
    /// Shows what the chat tells, until it is over.
    fn listen(&self, updates: &Receiver<Update>) {
        for update in updates {
            if let Update::Ended(ending) = update {
                return self.stop(End::Chat(ending));
            }
            if self.is_of_dead_connection(&update) {
                continue;
            }
            let mut model = self.model.lock();
            let effects = model.apply(update);
            for ask in effects.asks {
                // Nothing that the user waits for: where it cannot be asked now, it
                // is asked again after the next connection.
                if let Ok(receipt) = self.chat.ask(ask.clone()) {
                    model.asked(&ask, receipt.id(), false);
                }
            }
            drop(model);
            self.screen.show(effects.blocks);
            if effects.ring {
                self.screen.ring();
            }
            self.screen.repaint();
        }
    }

    /// Whether a room is said to be left by a connection that is dead: this client is
    /// still, or again, in it.
    fn is_of_dead_connection(&self, update: &Update) -> bool {
        match update {
            Update::Event(Event::Left { room, name, .. }) => {
                *name == self.chat.name() && self.chat.rooms().contains(room)
            }
            _ => false,
        }
    }

    /// Prints what waits, past the editor: before it begins, and after its end.
    fn print_rest(&self) {
        let mut stdout = io::stdout();
        // Where it fails the terminal is gone, as the editor finds out, too.
        let _ = stdout.write_all(self.screen.rest().as_bytes()).and_then(|()| stdout.flush());
    }

    /// Ends the editor, whatever it is doing; the first reason counts.
    fn stop(&self, end: End) {
        self.end.lock().get_or_insert(end);
        self.screen.flush(LAST_WORDS);
        // rustyline ends a line where this signal comes, and in no other way.
        while !self.is_edited() && kill_process(getpid(), Signal::INT).is_ok() {}
    }

    /// Whether the editor has ended; waits for it a moment.
    fn is_edited(&self) -> bool {
        use crossbeam_channel::RecvTimeoutError::Disconnected;
        self.editing.recv_timeout(ASK_AGAIN) == Err(Disconnected)
    }
}
