//! `chat-client` on a pseudo-terminal, with a terminal emulator to see what it shows.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::support::PATIENCE;

pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    shared: Arc<Shared>,
    /// A folder of its own, to be removed.
    home: Option<PathBuf>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    emulator: vt100::Parser,
    /// All that the program wrote.
    raw: Vec<u8>,
    is_stopped: bool,
    has_ended: bool,
}

/// How to start a terminal.
pub struct Setup<'a> {
    pub args: &'a [&'a str],
    pub environment: &'a [(&'a str, &'a str)],
    pub columns: u16,
    pub rows: u16,
    /// Where lines are kept; a new folder unless given.
    pub home: Option<&'a Path>,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self { args: &[], environment: &[], columns: 80, rows: 24, home: None }
    }
}

impl Setup<'_> {
    /// Runs `chat-client` as John, at `url`.
    pub fn start(self, url: &str) -> Terminal {
        let size = PtySize { rows: self.rows, cols: self.columns, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_chat-client"));
        command.args(["--name", "John"]);
        command.args(self.args);
        command.arg(url);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        command.env("TZ", "UTC");
        let home = self.home.is_none().then(|| folder("home"));
        command.env("XDG_STATE_HOME", self.home.or(home.as_deref()).unwrap());
        self.environment.iter().for_each(|(name, value)| command.env(name, value));
        let child = pty.slave.spawn_command(command).unwrap();
        let reader = pty.master.try_clone_reader().unwrap();
        let keyboard = pty.master.take_writer().unwrap();
        let emulator = vt100::Parser::new(cells(self.rows), cells(self.columns), 1000);
        let state = State { emulator, raw: Vec::new(), is_stopped: false, has_ended: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let shown = shared.clone();
        thread::spawn(move || shown.show(reader));
        Terminal { master: pty.master, keyboard, child, shared, home }
    }
}

/// A new folder for this test process.
pub fn folder(name: &str) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("chinwag-test-{name}-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    path
}

impl Shared {
    fn show(&self, mut reader: Box<dyn Read + Send>) {
        let mut bytes = [0; 4096];
        loop {
            self.changed.wait_while(&mut self.state.lock(), |state| state.is_stopped);
            // The end is an error on Linux.
            let count = reader.read(&mut bytes).unwrap_or(0);
            let mut state = self.state.lock();
            state.raw.extend(&bytes[..count]);
            state.emulator.process(&bytes[..count]);
            state.has_ended = count == 0;
            self.changed.notify_all();
            if count == 0 {
                return;
            }
        }
    }
}

impl Terminal {
    pub fn start(url: &str) -> Self {
        Setup::default().start(url)
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.sends(keys.as_bytes());
    }

    /// Sends what no key does.
    pub fn sends(&mut self, bytes: &[u8]) {
        self.keyboard.write_all(bytes).unwrap();
        self.keyboard.flush().unwrap();
    }

    pub fn enter(&mut self, line: &str) {
        self.press(&format!("{line}\r"));
    }

    /// What is on the screen, row by row, without the spaces at their ends.
    pub fn rows(&self) -> Vec<String> {
        rows(self.shared.state.lock().emulator.screen())
    }

    /// Waits until the screen is so.
    #[track_caller]
    pub fn until(&self, what: &str, is_so: impl Fn(&[String]) -> bool) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.shared.state.lock();
        loop {
            let rows = rows(state.emulator.screen());
            if is_so(&rows) {
                return rows;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the screen does not show {what:?}:\n{}", rows.join("\n"));
            self.shared.changed.wait_for(&mut state, left);
        }
    }

    /// Waits until a row has `text` in it.
    #[track_caller]
    pub fn shows(&self, text: &str) -> Vec<String> {
        self.until(text, |rows| rows.iter().any(|row| row.contains(text)))
    }

    /// Waits until the line that is being typed is `text`, at the lower end.
    #[track_caller]
    pub fn has_typed(&self, text: &str) -> Vec<String> {
        self.until(&format!("> {text}"), |rows| typed(rows).as_deref() == Some(text))
    }

    /// All bytes that the program wrote.
    pub fn raw(&self) -> Vec<u8> {
        self.shared.state.lock().raw.clone()
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        self.shared.state.lock().emulator.screen_mut().set_size(cells(rows), cells(columns));
        self.master.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
    }

    /// Stops showing anything, as a terminal does that hangs, or goes on.
    pub fn stop(&self, is_stopped: bool) {
        self.shared.state.lock().is_stopped = is_stopped;
        self.shared.changed.notify_all();
    }

    pub fn signal(&self, signal: &str) {
        let id = self.child.process_id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Waits for the end of the program and of what it wrote; its exit code.
    pub fn exit_code(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.shared.state.lock();
        while !state.has_ended {
            let left = deadline.saturating_duration_since(Instant::now());
            let shown = rows(state.emulator.screen()).join("\n");
            assert!(!left.is_zero(), "the program does not end:\n{shown}");
            self.shared.changed.wait_for(&mut state, left);
        }
        drop(state);
        self.child.wait().unwrap().exit_code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.stop(false);
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(home) = &self.home {
            let _ = std::fs::remove_dir_all(home);
        }
    }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

fn rows(screen: &vt100::Screen) -> Vec<String> {
    let width = screen.size().1;
    screen.rows(0, width.get()).map(|row| row.trim_end().to_owned()).collect()
}

/// The line that is being typed, all its rows as one; none where there is no prompt, or
/// more than one.
pub fn typed(rows: &[String]) -> Option<String> {
    let prompts: Vec<usize> = (0..rows.len()).filter(|row| rows[*row].starts_with('>')).collect();
    let [prompt] = prompts[..] else { return None };
    let has_rule = prompt > 0 && rows[prompt - 1].starts_with("──");
    let text = rows[prompt..].concat();
    has_rule.then(|| text.strip_prefix("> ").unwrap_or_default().to_owned())
}
