//! Where a connection's traffic is seen: turns bytes that pass into records.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use super::{Direction, WireContent, WireFrame, WireObserver, WireRecord};
use crate::PeerAddr;
use crate::frame::{self, Header};
use crate::request::TOKEN_OFFER;

/// Header fields whose values no observer gets to see.
const SECRETS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "set-cookie"];
/// Parameters of a query whose values no observer gets to see.
const SECRET_PARAMETERS: [&str; 2] = ["token", "session"];
const HIDDEN: &str = "(hidden)";

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
        match line.split_once(':') {
            _ if number == 0 => out.push_str(&without_parameters(line)),
            Some((name, _)) if SECRETS.iter().any(|secret| name.trim().eq_ignore_ascii_case(secret)) => {
                out.push_str(&format!("{name}: {HIDDEN}\r\n"));
            }
            Some((name, value)) if name.trim().eq_ignore_ascii_case("sec-websocket-protocol") => {
                out.push_str(&format!("{name}:{}", without_offers(value)));
            }
            // An address in it, of this page or of where it goes on.
            Some((name, value)) if value.contains('?') => {
                out.push_str(&format!("{name}:{}", without_parameters(value)));
            }
            _ => out.push_str(line),
        }
    }
    out
}

/// A list of subprotocols in which tokens are not to be read.
fn without_offers(list: &str) -> String {
    let hide = |offer: &str| match offer.find(TOKEN_OFFER) {
        Some(at) => {
            let (before, secret) = offer.split_at(at + TOKEN_OFFER.len());
            let end = secret.find(char::is_whitespace).unwrap_or(secret.len());
            format!("{before}{HIDDEN}{}", &secret[end..])
        }
        None => offer.to_owned(),
    };
    list.split(',').map(hide).collect::<Vec<_>>().join(",")
}

/// A line with an address whose query has no readable `token` and `session`, however their
/// names are written.
fn without_parameters(line: &str) -> String {
    let hide = |pair: &str| {
        let Some((key, value)) = pair.split_once('=') else { return pair.to_owned() };
        let name = form_urlencoded::parse(key.as_bytes()).next();
        match name {
            Some((name, _)) if SECRET_PARAMETERS.contains(&&*name) => {
                let rest = value.find(char::is_whitespace).map_or("", |at| &value[at..]);
                format!("{key}={HIDDEN}{rest}")
            }
            _ => pair.to_owned(),
        }
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
    #[test]
    fn a_token_is_hidden_wherever_a_request_carries_it() {
        for head in [
            "GET /?%74oken=s3cret&name=John HTTP/1.1\r\n\r\n",
            "GET /?name=John&tok%65n=s3cret HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nSec-WebSocket-Protocol: chinwag.v1, chinwag.token.s3cret\r\n\r\n",
            "GET / HTTP/1.1\r\nsec-websocket-protocol:chinwag.token.s3cret,chinwag.v1\r\n\r\n",
            "GET / HTTP/1.1\r\nReferer: http://x/?a=b&token=s3cret\r\n\r\n",
            "HTTP/1.1 307 Elsewhere\r\nLocation: /ws?session=s3cret\r\n\r\n",
        ] {
            let shown = without_secrets(head);
            assert!(!shown.contains("s3cret") && shown.contains("(hidden)"), "{shown}");
            assert_eq!(shown.lines().count(), head.lines().count(), "{shown}");
            assert!(shown.ends_with("\r\n\r\n"), "{shown}");
        }
        let plain = "GET / HTTP/1.1\r\nSec-WebSocket-Protocol: chinwag.v1, other\r\n\r\n";
        assert_eq!(without_secrets(plain), plain);
    }
}
