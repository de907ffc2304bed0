//! The terminal itself: its size and its modes.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{self, LocalModes, OptionalActions, QueueSelector, Termios};

/// Nobody types further ahead than this; what is more is pasted.
const TYPED_AHEAD: u64 = 64;
/// Keys that come closer together than this are pasted, not typed.
const BETWEEN_KEYS: Duration = Duration::from_millis(20);
/// The most that is dropped of what is pasted: as much as comes in this time.
const LONGEST_PASTE: Duration = Duration::from_secs(2);

/// Whether lines can be edited here: stdin and stdout are a terminal, and one that
/// can move its cursor.
pub fn is_capable() -> bool {
    let is_dumb =
        std::env::var("TERM").is_ok_and(|term| ["dumb", "cons25", "emacs"].contains(&term.as_str()));
    io::stdin().is_terminal() && io::stdout().is_terminal() && !is_dumb
}

/// Columns and rows; 80 and 24 where the terminal does not tell.
pub fn size() -> (usize, usize) {
    match termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
        _ => (80, 24),
    }
}

pub fn columns() -> usize {
    size().0
}

/// Drops the rest of a paste that is being read; what was typed ahead stays.
pub fn drop_paste() {
    let is_paste = rustix::io::ioctl_fionread(io::stdin()).is_ok_and(|count| count > TYPED_AHEAD);
    let deadline = Instant::now() + LONGEST_PASTE;
    while is_paste && has_input(BETWEEN_KEYS) && Instant::now() < deadline {
        // Where it fails the terminal is gone, as the editor finds out.
        let _ = termios::tcflush(io::stdin(), QueueSelector::IFlush);
    }
}

fn has_input(wait: Duration) -> bool {
    let stdin = io::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
    let wait = Timespec::try_from(wait).ok();
    poll(&mut fds, wait.as_ref()).is_ok_and(|ready| ready > 0)
}

/// Keeps the terminal from echoing what is typed while no line is being read; dropped,
/// leaves the terminal as it was.
pub struct Quiet {
    before: Termios,
}

impl Quiet {
    pub fn new() -> io::Result<Self> {
        let before = termios::tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON);
        termios::tcsetattr(io::stdin(), OptionalActions::Now, &quiet)?;
        Ok(Self { before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Where it fails there is no terminal any more.
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
        let _ = io::stdout().write_all(b"\x1b[?2004l");
        let _ = io::stdout().flush();
    }
}
