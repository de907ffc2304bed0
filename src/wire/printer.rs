//! Prints records the way the article's trace looks.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{Direction, WireContent, WireFrame, WireObserver, WireRecord};
use crate::Escaped;

/// How much of a text is shown, in characters.
const TEXT_LIMIT: usize = 200;
const RULE: &str = "------------------------------";
/// Records that wait to be written. When it is full, a record is dropped and
/// counted: a trace must not hold up a conversation.
const CAPACITY: usize = 4096;

/// Writes each record to an output as text, times in UTC:
///
/// ```text
/// 7: 19:28:31.3677  Server->Client 2 (29 bytes)
///    TYPE: TEXT.
///    MESSAGE: John joined.
///    FLAGS: 10000001 DATA: 12 bytes.
///    TYPE: TEXT.
///    MESSAGE: Welcome John.
///    FLAGS: 10000001 DATA: 13 bytes.
/// ------------------------------
/// ```
///
/// The text is escaped and cut at 200 characters, so that nothing a peer sends
/// reaches the terminal raw. The writing is done by a thread of the printer's own,
/// which ends with its last clone; where the output is too slow, records are left
/// out, and their number is printed. A failure to write is ignored.
#[derive(Clone)]
pub struct WirePrinter {
    line_tx: Sender<Line>,
    left_out: Arc<AtomicU64>,
}

enum Line {
    Record(String),
    /// Tell when all before it is written.
    Flush(Sender<()>),
}

impl WirePrinter {
    /// Prints to `out`, one write for each record.
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io) where no thread can be started.
    pub fn new(out: impl Write + Send + 'static) -> crate::Result<Self> {
        let (line_tx, line_rx) = bounded(CAPACITY);
        let left_out = Arc::<AtomicU64>::default();
        let counted = left_out.clone();
        let thread = thread::Builder::new().name("chinwag-wire".to_owned());
        thread
            .spawn(move || write_lines(out, &line_rx, &counted))
            .map_err(crate::Error::io("start a thread that prints the wire"))?;
        Ok(Self { line_tx, left_out })
    }

    /// Waits until what was observed before is written, at most for `timeout`;
    /// whether it is. For the end of a program.
    pub fn flush(&self, timeout: Duration) -> bool {
        let (done_tx, done_rx) = bounded(1);
        let asked = self.line_tx.send_timeout(Line::Flush(done_tx), timeout);
        asked.is_ok() && done_rx.recv_timeout(timeout).is_ok()
    }
}

impl WireObserver for WirePrinter {
    fn observe(&self, record: &WireRecord<'_>) {
        if self.line_tx.try_send(Line::Record(show(record))).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl std::fmt::Debug for WirePrinter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WirePrinter")
    }
}

fn write_lines(mut out: impl Write, line_rx: &Receiver<Line>, left_out: &AtomicU64) {
    let mut write = |text: &str| -> io::Result<()> {
        out.write_all(text.as_bytes())?;
        out.flush()
    };
    for line in line_rx {
        // What cannot be written is lost; the conversation is what counts.
        let _ = match line {
            Line::Record(text) => write(&text),
            Line::Flush(done_tx) => {
                let _ = done_tx.send(());
                Ok(())
            }
        };
        match left_out.swap(0, Ordering::Relaxed) {
            0 => {}
            count => drop(write(&format!("({count} records left out: the output is too slow)\n{RULE}\n"))),
        }
    }
}

fn show(record: &WireRecord<'_>) -> String {
    let way = match record.direction {
        Direction::ClientToServer => "Client->Server",
        Direction::ServerToClient => "Server->Client",
    };
    let client = if record.connection == 0 { String::new() } else { format!(" {}", record.connection) };
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}: {}  {way}{client} ({} bytes)",
        record.number,
        time_of_day(record.time),
        record.size
    );
    match record.content {
        WireContent::Http(head) => {
            for line in head.lines().filter(|line| !line.is_empty()) {
                let _ = writeln!(out, "   {}", Escaped::new(line).cut(TEXT_LIMIT));
            }
        }
        WireContent::Frames(frames) => frames.iter().for_each(|frame| show_frame(frame, &mut out)),
    }
    let _ = writeln!(out, "{RULE}");
    out
}

fn show_frame(frame: &WireFrame<'_>, out: &mut String) {
    let _ = writeln!(out, "   TYPE: {}.\n   MESSAGE: {}", frame.kind(), payload(frame));
    let _ = write!(out, "   FLAGS: {:08b} DATA: {} bytes", frame.flags, frame.length);
    if let Some([a, b, c, d]) = frame.mask {
        let _ = write!(out, ", masked using KEY: {a:02X}-{b:02X}-{c:02X}-{d:02X}");
    }
    out.push_str(".\n");
}

fn payload(frame: &WireFrame<'_>) -> String {
    match frame.flags & 0x0f {
        0x2 => {
            let shown = frame.data.iter().take(32).map(|byte| format!("{byte:02X}")).collect::<Vec<_>>();
            let more = if frame.length > 32 { "…" } else { "" };
            shown.join("-") + more
        }
        0x8 if frame.data.len() >= 2 => {
            let code = u16::from_be_bytes([frame.data[0], frame.data[1]]);
            format!("{code} {}", Escaped::new(&String::from_utf8_lossy(&frame.data[2..])).cut(TEXT_LIMIT))
        }
        _ => Escaped::new(&String::from_utf8_lossy(frame.data)).cut(TEXT_LIMIT).to_string(),
    }
}

/// `19:28:31.3477`, UTC.
fn time_of_day(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs() % 86_400;
    let (hours, minutes, fraction) = (seconds / 3600, seconds / 60 % 60, since.subsec_micros() / 100);
    format!("{hours:02}:{minutes:02}:{:02}.{fraction:04}", seconds % 60)
}
