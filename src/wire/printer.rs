//! Prints records the way the article's trace looks.

use std::fmt::Write as _;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use super::{Direction, WireContent, WireFrame, WireObserver, WireRecord};
use crate::Escaped;

/// How much of a text is shown, in characters.
const TEXT_LIMIT: usize = 200;
const RULE: &str = "------------------------------";

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
/// reaches the terminal raw. A failure to write is ignored: a trace must not
/// end a conversation.
pub struct WirePrinter<W>(Mutex<W>);

impl<W: Write + Send> WirePrinter<W> {
    /// Prints to `out`, one write for each record.
    pub fn new(out: W) -> Self {
        Self(Mutex::new(out))
    }
}

impl<W: Write + Send> WireObserver for WirePrinter<W> {
    fn observe(&self, record: &WireRecord<'_>) {
        let text = show(record);
        let mut out = self.0.lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
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
