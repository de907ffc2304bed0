//! What is shown above the line that is being typed.
//!
//! Whoever has something to show puts it into a bounded queue and goes on; only the
//! thread of [`Screen::print_all`] hands it to the editor, which can make it wait:
//! a terminal that hangs, a search in earlier lines. What comes while the queue is
//! full pushes out the oldest, and the number of those is shown in their place.

use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use parking_lot::{Condvar, Mutex, MutexGuard};
use rustyline::ExternalPrinter;

use super::block::{self, Block};
use super::style::Theme;
use super::tty;

/// Blocks that wait to be shown. When it is full, the oldest is dropped and counted.
const CAPACITY: usize = 2_000;
/// Blocks that are shown again where the terminal's width changes.
const TAIL: usize = 200;
/// The shortest time between two prints: what comes in between is printed as one, so
/// that the prompt below it does not flicker.
const FRAME: Duration = Duration::from_millis(16);
/// The shortest time between two rings, so that a flood is not a siren.
const BETWEEN_RINGS: Duration = Duration::from_secs(1);
/// How long an accepted line waits for a print under way to get to the editor. The
/// printer is only longer where the editor had not taken the print before.
const HANDOVER: Duration = Duration::from_millis(50);

/// Prints nothing and has the editor paint its prompt again: an external print must
/// end in a line feed, and this one ends where it began.
const REPAINT: &str = "\x1b[A\n";
const CLEAR: &str = "\x1b[H\x1b[J";

pub struct Screen {
    state: Mutex<State>,
    changed: Condvar,
    theme: Theme,
    zone: TimeZone,
    has_bell: bool,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Block>,
    skipped: usize,
    /// The screen is to be empty before the queue is shown.
    clear: bool,
    repaint: bool,
    ring: bool,
    last_ring: Option<Instant>,
    /// The day of the last entry, and when its rule has been shown.
    day: Option<String>,
    /// The editor reads a line, and so takes what is printed.
    is_editing: bool,
    is_printing: bool,
    /// Handed to the editor, which has not painted since.
    handed: Vec<Block>,
    /// What the terminal shows, as far as is known.
    tail: VecDeque<Block>,
    /// The width that the terminal was painted for.
    columns: Option<usize>,
    /// The terminal shows what it should not.
    is_stale: bool,
}

impl Screen {
    pub fn new(theme: Theme, has_bell: bool) -> Self {
        let zone = TimeZone::system();
        let day = Some(block::day(now(), &zone));
        let state = State { day, ..State::default() };
        Self { state: Mutex::new(state), changed: Condvar::new(), theme, zone, has_bell }
    }

    pub fn theme(&self) -> Theme {
        self.theme
    }

    /// Whether the user wants to hear anything.
    pub fn has_bell(&self) -> bool {
        self.has_bell
    }

    /// Shows blocks, a rule before those of another day. Never waits.
    pub fn show(&self, blocks: impl IntoIterator<Item = Block>) {
        let mut state = self.state.lock();
        for block in blocks {
            if let Block::Entry(entry) = &block {
                let day = block::day(entry.time, &self.zone);
                if state.day.as_ref() != Some(&day) {
                    state.push(Block::Rule(day.clone()));
                    state.day = Some(day);
                }
            }
            state.push(block);
        }
        self.changed.notify_all();
    }

    /// Rings the terminal's bell, where the user wants that.
    pub fn ring(&self) {
        let mut state = self.state.lock();
        let is_early = state.last_ring.is_some_and(|last| last.elapsed() < BETWEEN_RINGS);
        if self.has_bell && !is_early {
            state.ring = true;
            state.last_ring = Some(Instant::now());
            self.changed.notify_all();
        }
    }

    /// Has the prompt painted again.
    pub fn repaint(&self) {
        self.state.lock().repaint = true;
        self.changed.notify_all();
    }

    /// Empties the screen.
    pub fn clear(&self) {
        let mut state = self.state.lock();
        state.queue.clear();
        state.tail.clear();
        state.clear = true;
        self.changed.notify_all();
    }

    /// Hands what is shown to the editor, for as long as the program runs; `status`
    /// tells whether the prompt has a clock in it.
    pub fn print_all(&self, mut printer: impl ExternalPrinter, has_clock: impl Fn() -> bool) {
        loop {
            let text = self.next_print(&has_clock);
            // The terminal is gone, and the editor is about to find out.
            if printer.print(text).is_err() {
                return;
            }
            self.state.lock().is_printing = false;
            self.changed.notify_all();
            thread::sleep(FRAME);
        }
    }

    /// Waits until there is something to print and the editor takes it.
    fn next_print(&self, has_clock: &impl Fn() -> bool) -> String {
        let mut state = self.state.lock();
        while !(state.is_editing && state.has_work()) {
            let waited = self.changed.wait_for(&mut state, Duration::from_secs(1));
            if waited.timed_out() {
                // Not under the lock of the state: whoever shows something may hold theirs.
                state.repaint |= MutexGuard::unlocked(&mut state, has_clock);
            }
        }
        state.is_printing = true;
        let text = self.render(&mut state);
        if text.ends_with('\n') { text } else { text + REPAINT }
    }

    /// What waits, laid out.
    fn render(&self, state: &mut State) -> String {
        let mut text = String::new();
        if std::mem::take(&mut state.clear) {
            text.push_str(CLEAR);
        }
        if std::mem::take(&mut state.ring) {
            text.push('\x07');
        }
        state.repaint = false;
        let skipped = std::mem::take(&mut state.skipped);
        if skipped > 0 {
            let note = format!("{skipped} lines skipped: more came than could be shown");
            state.queue.push_front(Block::Info(note));
        }
        let blocks: Vec<Block> = state.queue.drain(..).collect();
        let columns = tty::columns();
        for line in blocks.iter().flat_map(|block| block.lay_out(columns, self.theme, &self.zone)) {
            text.push_str(&line);
            text.push('\n');
        }
        state.handed.extend(blocks);
        text
    }

    /// The editor begins to read a line.
    pub fn begin_editing(&self) {
        self.state.lock().is_editing = true;
        self.changed.notify_all();
    }

    /// The editor has its line, and takes nothing more: returns when nothing can come
    /// between what it still has to paint.
    pub fn end_editing(&self) {
        let mut state = self.state.lock();
        state.is_editing = false;
        let deadline = Instant::now() + HANDOVER;
        while state.is_printing && !self.changed.wait_until(&mut state, deadline).timed_out() {}
    }

    /// The next paint begins with all of the screen.
    pub fn paint_all(&self) {
        self.state.lock().is_stale = true;
    }

    /// The editor paints its prompt. Where the width is another than it was, this is
    /// what to paint before it: terminals do not agree about what becomes of the lines
    /// that they show already.
    pub fn paint(&self) -> Option<String> {
        let mut state = self.state.lock();
        let (columns, rows) = tty::size();
        let is_first = state.columns.is_none();
        let is_stale = std::mem::take(&mut state.is_stale);
        if state.columns.replace(columns) == Some(columns) && !is_stale || is_first {
            // It was printed by now, or else the prompt is painted over it again.
            let handed = std::mem::take(&mut state.handed);
            state.tail.extend(handed);
            let surplus = state.tail.len().saturating_sub(TAIL);
            state.tail.drain(..surplus);
            return None;
        }
        let mut lines = VecDeque::new();
        for block in state.tail.iter().rev() {
            for line in block.lay_out(columns, self.theme, &self.zone).into_iter().rev() {
                lines.push_front(line + "\n");
            }
            if lines.len() >= rows {
                break;
            }
        }
        // The prompt takes two.
        let surplus = (lines.len() + 2).saturating_sub(rows);
        Some(CLEAR.to_owned() + &lines.into_iter().skip(surplus).collect::<String>())
    }

    /// Waits until the editor has taken all that was shown, at the longest for `timeout`.
    pub fn flush(&self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        let mut state = self.state.lock();
        // The second time, the editor has taken the first.
        for _ in 0..2 {
            state.repaint = true;
            self.changed.notify_all();
            while state.is_editing && (state.is_printing || state.has_work()) {
                if self.changed.wait_until(&mut state, deadline).timed_out() {
                    return;
                }
            }
        }
    }

    /// What was never handed to the editor, laid out: for the end of the program.
    pub fn rest(&self) -> String {
        let mut state = self.state.lock();
        state.is_editing = false;
        self.render(&mut state)
    }
}

impl State {
    fn push(&mut self, block: Block) {
        self.queue.push_back(block);
        if self.queue.len() > CAPACITY {
            self.queue.pop_front();
            self.skipped += 1;
        }
    }

    fn has_work(&self) -> bool {
        !self.queue.is_empty() || self.repaint || self.ring || self.clear
    }
}

/// Milliseconds since 1970.
pub fn now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default()
}
