//! Where a connection's traffic is seen: turns bytes that pass into records.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use super::{Direction, WireContent, WireFrame, WireObserver, WireRecord};
use crate::PeerAddr;
use crate::frame::{self, Header};

/// Header fields and query keys whose values no observer gets to see.
const SECRETS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "set-cookie"];

/// One connection's observer.
pub(crate) struct Tap {
    observer: Arc<dyn WireObserver>,
    /// Shared by the connections of one server.
    counter: Arc<AtomicU64>,
    connection: u64,
    peer: PeerAddr,
    /// Whose connection it is, where the peer is a proxy.
    client: OnceLock<PeerAddr>,
    is_server: bool,
}

/// A frame that came in, as far as an observer gets to see it.
pub(crate) struct SeenFrame {
    pub header: Header,
    /// Unmasked already.
    pub data: Vec<u8>,
}

impl Tap {
    pub(crate) fn new(
        observer: Arc<dyn WireObserver>,
        counter: Arc<AtomicU64>,
        connection: u64,
        peer: PeerAddr,
        is_server: bool,
    ) -> Self {
        Self { observer, counter, connection, peer, client: OnceLock::new(), is_server }
    }

    /// From here on records name this one, for whom the peer speaks.
    pub(crate) fn introduce(&self, client: PeerAddr) {
        let _ = self.client.set(client);
    }

    /// Whole frames that are on their way out.
    pub(crate) fn sent(&self, bytes: &[u8]) {
        let frames: Vec<SeenFrame> = split(bytes).collect();
        self.frames(self.is_server, &frames);
    }

    /// Whole frames that came in together.
    pub(crate) fn received(&self, frames: &[SeenFrame]) {
        self.frames(!self.is_server, frames);
    }

    pub(crate) fn http_sent(&self, head: &[u8]) {
        self.http(self.is_server, head);
    }

    pub(crate) fn http_received(&self, head: &[u8]) {
        self.http(!self.is_server, head);
    }

    fn frames(&self, from_server: bool, frames: &[SeenFrame]) {
        let seen: Vec<WireFrame<'_>> = frames.iter().map(SeenFrame::show).collect();
        let size = frames.iter().map(|frame| frame.header.frame_len()).sum();
        if size > 0 {
            self.observe(from_server, size, WireContent::Frames(&seen));
        }
    }

    fn http(&self, from_server: bool, head: &[u8]) {
        let text = without_secrets(&String::from_utf8_lossy(head));
        self.observe(from_server, head.len(), WireContent::Http(&text));
    }

    fn observe(&self, from_server: bool, size: usize, content: WireContent<'_>) {
        let direction = if from_server { Direction::ServerToClient } else { Direction::ClientToServer };
        let record = WireRecord {
            number: self.counter.fetch_add(1, Ordering::Relaxed) + 1,
            time: SystemTime::now(),
            connection: self.connection,
            peer: *self.client.get().unwrap_or(&self.peer),
            direction,
            size,
            content,
        };
        // It may run on the hub's or the drain's thread, which must go on.
        if catch_unwind(AssertUnwindSafe(|| self.observer.observe(&record))).is_err() {
            log::error!("the observer of the wire panicked at record {}", record.number);
        }
    }
}

impl SeenFrame {
    /// The frame of `header` whose payload starts with the masked bytes `raw`.
    pub(crate) fn new(header: Header, raw: &[u8]) -> Self {
        let mut data = raw[..raw.len().min(WireFrame::DATA_LIMIT)].to_vec();
        if let Some(mask) = header.mask {
            frame::apply(mask, &mut data);
        }
        Self { header, data }
    }

    fn show(&self) -> WireFrame<'_> {
        WireFrame {
            flags: self.header.flags,
            mask: self.header.mask,
            size: self.header.frame_len() as u64,
            length: self.header.length,
            data: &self.data,
        }
    }
}

fn split(mut bytes: &[u8]) -> impl Iterator<Item = SeenFrame> {
    std::iter::from_fn(move || {
        let header = Header::parse(bytes)?;
        let end = header.frame_len().min(bytes.len());
        let frame = SeenFrame::new(header, &bytes[header.size..end]);
        bytes = &bytes[end..];
        Some(frame)
    })
}

/// An HTTP head whose passwords, cookies and tokens are blanked out.
fn without_secrets(head: &str) -> String {
    let mut out = String::with_capacity(head.len());
    for (number, line) in head.split_inclusive('\n').enumerate() {
        if number == 0 {
            out.push_str(&without_token(line));
            continue;
        }
        match line.split_once(':') {
            Some((name, _)) if SECRETS.iter().any(|secret| name.eq_ignore_ascii_case(secret)) => {
                out.push_str(name);
                out.push_str(": (hidden)\r\n");
            }
            _ => out.push_str(line),
        }
    }
    out
}

/// A request line whose query has no readable `token` and `session`.
fn without_token(line: &str) -> String {
    let hide = |pair: &str| match pair.split_once('=') {
        Some((key @ ("token" | "session"), value)) => {
            let rest = value.find(' ').map_or("", |at| &value[at..]);
            format!("{key}=(hidden){rest}")
        }
        _ => pair.to_owned(),
    };
    let Some((path, query)) = line.split_once('?') else { return line.to_owned() };
    format!("{path}?{}", query.split('&').map(hide).collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn an_observer_sees_no_password_cookie_or_token() {
        let head = "GET /?name=John&token=abc HTTP/1.1\r\nAuthorization: Basic xyz\r\nCookie: a=b\r\n\r\n";
        let shown = without_secrets(head);
        assert!(shown.starts_with("GET /?name=John&token=(hidden) HTTP/1.1\r\n"), "{shown}");
        assert!(!shown.contains("xyz") && !shown.contains("a=b"), "{shown}");
        assert!(shown.ends_with("\r\n\r\n"));
    }
}
