//! The log on its way out: a bounded queue, and a thread that writes what is in it. Who
//! logs never waits for who reads the log; what the queue cannot hold is counted, and the
//! count is written in its place.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anstyle::{AnsiColor, Style};
use crossbeam_channel::{Receiver, Sender, bounded};

/// Lines that wait to be written at the most; further ones are lost.
const CAPACITY: usize = 1024;

/// Takes a logger's bytes, and puts each line into the queue.
pub struct Queue {
    out_tx: Sender<Item>,
    /// How many lines found the queue full, and nobody was told.
    lost: Arc<AtomicU64>,
    line: Vec<u8>,
    has_colors: bool,
}

/// The other side of a queue, for who wants to be sure that all was written.
#[derive(Clone)]
pub struct Flush(Sender<Item>);

enum Item {
    /// With how many were lost before it.
    Line(Vec<u8>, u64),
    /// To be answered once all before it is written.
    Flush(Sender<()>),
}

impl Queue {
    /// Starts the thread that writes to `out`; it ends with the program.
    pub fn start(out: impl Write + Send + 'static, has_colors: bool) -> io::Result<(Self, Flush)> {
        let (out_tx, out_rx) = bounded(CAPACITY);
        let lost = Arc::<AtomicU64>::default();
        let (flush, counted) = (Flush(out_tx.clone()), lost.clone());
        thread::Builder::new().name("log".to_owned()).spawn(move || run(out, &out_rx, &counted))?;
        Ok((Self { out_tx, lost, line: Vec::new(), has_colors }, flush))
    }

    fn push(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = if self.has_colors { colored(line) } else { line };
        let lost = self.lost.swap(0, Ordering::SeqCst);
        if self.out_tx.try_send(Item::Line(line, lost)).is_err() {
            self.lost.fetch_add(lost + 1, Ordering::SeqCst);
        }
    }
}

impl Write for Queue {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.push();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Flush {
    /// Waits until all that was logged is written, at the longest for `timeout`.
    pub fn wait(&self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        let (done_tx, done_rx) = bounded(1);
        if self.0.send_deadline(Item::Flush(done_tx), deadline).is_ok() {
            let _ = done_rx.recv_deadline(deadline);
        }
    }
}

/// Whether `out` can be written to is no matter: there is nobody to tell.
fn run(mut out: impl Write, out_rx: &Receiver<Item>, lost: &AtomicU64) {
    for item in out_rx {
        match item {
            Item::Line(line, lost_before) => {
                let _ = tell(&mut out, lost_before).and_then(|()| out.write_all(&line));
            }
            Item::Flush(done_tx) => drop(done_tx.send(())),
        }
        if out_rx.is_empty() {
            let _ = tell(&mut out, lost.swap(0, Ordering::SeqCst)).and_then(|()| out.flush());
        }
    }
}

fn tell(out: &mut impl Write, lost: u64) -> io::Result<()> {
    if lost == 0 {
        return Ok(());
    }
    let now = humantime::format_rfc3339_nanos(SystemTime::now());
    writeln!(out, "{now} [WARN] {lost} lines of the log are missing here: it was not read in time")
}

/// The line with its level in the level's color.
fn colored(line: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8_lossy(&line);
    let Some((time, rest)) = text.split_once(" [") else { return line };
    let Some((level, rest)) = rest.split_once(']') else { return line };
    let color = match level {
        "ERROR" => AnsiColor::Red,
        "WARN" => AnsiColor::Yellow,
        "INFO" => AnsiColor::Blue,
        "DEBUG" => AnsiColor::Cyan,
        _ => AnsiColor::White,
    };
    let style = Style::new().fg_color(Some(color.into()));
    format!("{time} [{style}{level}{style:#}]{rest}").into_bytes()
}
