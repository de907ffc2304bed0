//! The line that is being typed: rustyline, and what it is told.
//!
//! What comes in is printed above the line by rustyline's external printer, which
//! takes the line away, prints, and puts it back in one write. rustyline cannot
//! change a prompt while it reads a line, but asks its highlighter for the prompt's
//! colours at each paint. So the prompt is two lines: the upper one, empty in
//! rustyline's eyes and never longer than the screen is wide, says what is new at
//! each paint; the lower one is always `> `.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rustyline::config::BellStyle;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Cmd, ColorMode, CompletionType, ConditionalEventHandler, Config, Context, Event, EventContext,
    EventHandler, ExternalPrinter, KeyCode, KeyEvent, Modifiers, Movement, RepeatCount,
};

use super::App;
use super::block::{self, Block};
use super::complete::Completer;
use super::history;
use super::status;
use super::tty;

const PROMPT: &str = "\n> ";

/// What the user did with the line.
pub enum Typed {
    Line(String),
    /// Ctrl-C or Ctrl-D on an empty line.
    Leave,
    /// The program wants the line to end.
    Interrupted,
    /// The terminal cannot be used any more.
    Failed(String),
}

pub struct Editor {
    inner: rustyline::Editor<Painter, FileHistory>,
    keys: Arc<Keys>,
    app: Arc<App>,
    file: Option<PathBuf>,
}

/// What the keys and the paint tell each other.
#[derive(Default)]
struct Keys {
    completer: Completer,
    /// The line is done, and to vanish: it comes back as a message.
    is_accepted: AtomicBool,
    wants_to_leave: AtomicBool,
    /// The line as it was last changed, on both sides of the cursor.
    draft: Mutex<(String, String)>,
    /// What the user is told once keys are read again: who answers to it must not be
    /// overheard.
    notice: Mutex<Option<&'static str>>,
}

impl Editor {
    pub fn new(app: &Arc<App>) -> Result<Self, String> {
        let config = Config::builder()
            // Colours are the theme's affair, and the highlighter paints the prompt.
            .color_mode(ColorMode::Forced)
            .completion_type(CompletionType::List)
            .bell_style(if app.screen.has_bell() { BellStyle::Audible } else { BellStyle::None })
            .max_history_size(history::MAX_LINES)
            .and_then(|config| config.history_ignore_dups(true))
            .map_err(|error| error.to_string())?
            .build();
        let history = FileHistory::with_config(&config);
        let inner = rustyline::Editor::with_history(config, history).map_err(|error| error.to_string())?;
        let keys = Arc::<Keys>::default();
        let mut editor = Self { inner, keys: keys.clone(), app: app.clone(), file: history::path() };
        editor.inner.set_helper(Some(Painter { app: app.clone(), keys: keys.clone() }));
        editor.bind_keys(&keys);
        editor.load_history();
        Ok(editor)
    }

    pub fn printer(&mut self) -> Result<impl ExternalPrinter + Send + use<>, String> {
        self.inner.create_external_printer().map_err(|error| error.to_string())
    }

    /// Lets the user edit a line that starts as `text`.
    pub fn read(&mut self, text: &str) -> Typed {
        *self.keys.draft.lock() = (text.to_owned(), String::new());
        let mut result = self.read_draft();
        while matches!(&result, Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData) {
            self.drop_invalid();
            result = self.read_draft();
        }
        match result {
            Ok(_) if self.keys.wants_to_leave.swap(false, Ordering::Relaxed) => Typed::Leave,
            Ok(line) => Typed::Line(line),
            Err(ReadlineError::Interrupted) => Typed::Interrupted,
            Err(ReadlineError::Eof) => Typed::Failed("the terminal is gone".to_owned()),
            Err(error) => Typed::Failed(format!("failed to read from the terminal: {error}")),
        }
    }

    fn read_draft(&mut self) -> rustyline::Result<String> {
        let (left, right) = self.keys.draft.lock().clone();
        self.keys.is_accepted.store(false, Ordering::Relaxed);
        self.app.screen.begin_editing();
        let result = self.inner.readline_with_initial(PROMPT, (&left, &right));
        self.app.screen.end_editing();
        result
    }

    /// What came in is not UTF-8: rustyline gave the line up, and with it all that
    /// it had read ahead. What is left of a paste would be lines to be sent.
    fn drop_invalid(&self) {
        tty::drop_paste();
        // The line that was given up is still on it.
        self.app.screen.paint_all();
        let words = "what came in is not UTF-8, and was dropped, with what was pasted behind it";
        *self.keys.notice.lock() = Some(words);
    }

    /// Keeps a line for this run and the next ones.
    pub fn remember(&mut self, line: &str) {
        let is_new = self.inner.add_history_entry(line).unwrap_or(false);
        if let Some(path) = self.file.take_if(|_| is_new) {
            match self.inner.append_history(&path) {
                Ok(()) => self.file = Some(path),
                Err(error) => log::warn!("failed to keep what was typed in {}: {error}", path.display()),
            }
        }
    }

    fn load_history(&mut self) {
        let Some(path) = self.file.take() else { return };
        let made = history::make_folder(&path).map_err(ReadlineError::from);
        match made.and_then(|()| self.inner.load_history(&path)) {
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return log::warn!("failed to read {}: {error}", path.display()),
            Ok(()) => {}
        }
        self.file = Some(path);
    }

    fn bind_keys(&mut self, keys: &Arc<Keys>) {
        let app = &self.app;
        let bind =
            |what| EventHandler::Conditional(Box::new(Key { what, app: app.clone(), keys: keys.clone() }));
        let bindings = [
            (KeyEvent::ctrl('C'), bind(What::ClearOrLeave)),
            (KeyEvent::ctrl('D'), bind(What::DeleteOrLeave)),
            (KeyEvent::ctrl('L'), bind(What::PaintAgain)),
            (KeyEvent(KeyCode::Enter, Modifiers::ALT), EventHandler::Simple(Cmd::Newline)),
        ];
        for (key, handler) in bindings {
            self.inner.bind_sequence(key, handler);
        }
    }
}

#[derive(Clone, Copy)]
enum What {
    ClearOrLeave,
    DeleteOrLeave,
    PaintAgain,
}

struct Key {
    what: What,
    app: Arc<App>,
    keys: Arc<Keys>,
}

impl ConditionalEventHandler for Key {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        match self.what {
            What::ClearOrLeave if !context.line().is_empty() => Some(Cmd::Kill(Movement::WholeBuffer)),
            // As it is by default: deletes a character.
            What::DeleteOrLeave if !context.line().is_empty() => None,
            What::ClearOrLeave | What::DeleteOrLeave => {
                self.keys.wants_to_leave.store(true, Ordering::Relaxed);
                Some(Cmd::AcceptLine)
            }
            What::PaintAgain => {
                self.app.screen.paint_all();
                Some(Cmd::Repaint)
            }
        }
    }
}

/// Paints what rustyline asks for.
struct Painter {
    app: Arc<App>,
    keys: Arc<Keys>,
}

impl Painter {
    fn is_accepted(&self) -> bool {
        self.keys.is_accepted.load(Ordering::Relaxed)
    }
}

impl Highlighter for Painter {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, is_default: bool) -> Cow<'b, str> {
        if let Some(words) = self.keys.notice.lock().take() {
            self.app.screen.show([Block::Alarm(words.to_owned())]);
        }
        if self.is_accepted() {
            return Cow::Borrowed("");
        }
        if !is_default {
            return Cow::Borrowed(prompt);
        }
        let screen = self.app.screen.paint().unwrap_or_default();
        let words = status::words(&self.app.model.lock(), self.app.chat.queued());
        let rule = block::rule(&words, tty::columns(), self.app.screen.theme());
        Cow::Owned(format!("{screen}{rule}{PROMPT}"))
    }

    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if self.is_accepted() {
            return Cow::Borrowed("");
        }
        // What can be typed or pasted, and takes no place in rustyline's eyes either.
        let is_shown = |c: char| c == '\n' || crate::text::is_safe(c.encode_utf8(&mut [0; 4]));
        if line.chars().all(is_shown) {
            Cow::Borrowed(line)
        } else {
            line.chars().filter(|c| is_shown(*c)).collect()
        }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Borrowed(if self.is_accepted() { "" } else { hint })
    }
}

impl Validator for Painter {
    /// The line is accepted: what follows is its last paint, which is to leave nothing,
    /// for the line comes back from the server as a message. rustyline first clears
    /// what it painted, and paints nothing in its place. It takes the message `\n` for a
    /// line more that it painted, and so goes up one line further than it came down,
    /// which its own line feed at the end makes up for.
    fn validate(&self, _: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        self.app.screen.end_editing();
        self.keys.is_accepted.store(true, Ordering::Relaxed);
        Ok(ValidationResult::Valid(Some("\n".to_owned())))
    }
}

impl rustyline::completion::Completer for Painter {
    type Candidate = String;

    /// One candidate at a time: among several rustyline would have the user choose, and
    /// print nothing meanwhile.
    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let found = self.keys.completer.press(&line[..pos], &self.app.model.lock());
        Ok(found.map_or((pos, Vec::new()), |(start, candidate)| (start, vec![candidate])))
    }
}

impl Hinter for Painter {
    type Hint = String;

    /// Has no hint, but is asked at each change of the line.
    fn hint(&self, line: &str, pos: usize, _: &Context<'_>) -> Option<String> {
        let (left, right) = line.split_at(pos);
        *self.keys.draft.lock() = (left.to_owned(), right.to_owned());
        None
    }
}

impl rustyline::Helper for Painter {}
