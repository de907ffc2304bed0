//! HTTP over a transport that has no WebSocket yet, under one total deadline.

use std::io;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use rustix::event::{PollFd, PollFlags, Timespec};

#[cfg(feature = "tls")]
use crate::transport::Handshake;
use crate::transport::{Transport, Writable};
use crate::wire::Tap;
use crate::{Error, RefusedResponse, Result};

/// The longest response head.
const MAX_HEAD: usize = 16 * 1024;
const MAX_FIELDS: usize = 128;
/// How much of a refusal's body is kept.
const MAX_BODY: usize = 16 * 1024;
/// How long a refusal's body is waited for: its status matters more.
const BODY_TIMEOUT: Duration = Duration::from_secs(2);
const PIECE: usize = 2048;

/// The end of the time that connecting may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub at: Instant,
    total: Duration,
}

impl Limit {
    /// `None` of the clock's range is as good as no limit.
    pub(super) fn of(total: Duration) -> Self {
        let now = Instant::now();
        let year = Duration::from_secs(365 * 24 * 3600);
        Self { at: now + total.min(year), total }
    }

    pub(super) fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// The error for `attempt`, which the limit ended.
    pub(super) fn error(&self, attempt: &str) -> Error {
        Error::TimedOut(format!("could not {attempt} within {:?}", self.total))
    }
}

/// A response's status line and header fields.
#[derive(Debug)]
pub(super) struct Head {
    pub status: u16,
    /// In the order received; names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// The values of all fields of this name.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.trim())
    }

    /// Whether one of the comma-separated values of this name is `token`.
    pub(super) fn has_token(&self, name: &str, token: &str) -> bool {
        self.values(name)
            .flat_map(|value| value.split(','))
            .any(|part| part.trim().eq_ignore_ascii_case(token))
    }
}

pub(super) struct Exchange<'a> {
    transport: &'a dyn Transport,
    limit: Limit,
    tap: Option<&'a Tap>,
    /// What is being attempted, for errors: `connect to …`.
    attempt: String,
    /// Came in and was not taken yet.
    input: BytesMut,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(
        transport: &'a dyn Transport,
        limit: Limit,
        tap: Option<&'a Tap>,
        attempt: String,
    ) -> Self {
        Self { transport, limit, tap, attempt, input: BytesMut::new() }
    }

    /// Sends all of `head`, waiting where the system does not take it at once.
    pub(super) fn send(&self, head: &[u8]) -> Result<()> {
        if let Some(tap) = self.tap {
            tap.http_sent(head);
        }
        let mut rest = head;
        while !rest.is_empty() {
            match self.transport.try_send(rest) {
                Ok(sent) => rest = &rest[sent..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait_writable()?,
                Err(error) => return Err(self.failed(error)),
            }
        }
        self.send_pending()
    }

    /// Does the transport's handshake, where it has one.
    #[cfg(feature = "tls")]
    pub(super) fn shake_hands(&self) -> Result<()> {
        loop {
            self.send_pending()?;
            match self.transport.handshake(Some(self.limit.at)) {
                Ok(Handshake::UnderWay) => {}
                Ok(Handshake::Done(_) | Handshake::NotTls) => return self.send_pending(),
                Err(error) => {
                    // An alert that says why may be pending, and is worth one attempt.
                    let _ = self.transport.try_send(&[]);
                    return Err(self.failed(error));
                }
            }
        }
    }

    /// Waits until the system has all that the transport took.
    fn send_pending(&self) -> Result<()> {
        while self.transport.has_pending() {
            match self.transport.try_send(&[]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait_writable()?,
                Err(error) => return Err(self.failed(error)),
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// Reads a response head; what comes behind it stays for later.
    pub(super) fn read_head(&mut self) -> Result<Head> {
        loop {
            if let Some((head, size)) = parse_head(&self.input)? {
                let raw = self.input.split_to(size);
                if let Some(tap) = self.tap {
                    tap.http_received(&raw);
                }
                return Ok(head);
            }
            if self.input.len() >= MAX_HEAD {
                return Err(Error::Handshake("the response head is over 16 KiB".to_owned()));
            }
            if self.read_more(self.limit.at).map_err(|error| self.failed(error))? == 0 {
                return Err(Error::Handshake("the connection ended before a whole response came".to_owned()));
            }
        }
    }

    /// Reads what there is of the body of `head`.
    pub(super) fn into_refused(mut self, head: Head) -> RefusedResponse {
        let deadline = Instant::now() + BODY_TIMEOUT.min(self.limit.left() / 2);
        let is_chunked = head.has_token("transfer-encoding", "chunked");
        let length = head.values("content-length").next().and_then(|value| value.parse().ok());
        let mut body = Vec::new();
        loop {
            let is_whole = if is_chunked {
                body.clear();
                dechunk(&self.input, &mut body)
            } else {
                body = self.input.to_vec();
                length.is_some_and(|length| body.len() >= length)
            };
            if !is_chunked && let Some(length) = length {
                body.truncate(length);
            }
            let is_enough = is_whole || self.input.len() >= 2 * MAX_BODY || matches!(head.status, 204 | 304);
            if is_enough || !matches!(self.read_more(deadline), Ok(1..)) {
                break;
            }
        }
        body.truncate(MAX_BODY);
        let body = String::from_utf8_lossy(&body).into_owned();
        RefusedResponse { status: head.status, headers: head.headers, body }
    }

    /// What came in behind the last head.
    pub(super) fn into_rest(self) -> Bytes {
        self.input.freeze()
    }

    fn read_more(&mut self, deadline: Instant) -> io::Result<usize> {
        let mut piece = [0; PIECE];
        let read = loop {
            match self.transport.read(&mut piece, Some(deadline)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    self.send_pending().map_err(io::Error::other)?;
                }
                read => break read?,
            }
        };
        self.input.extend_from_slice(&piece[..read]);
        Ok(read)
    }

    fn wait_writable(&self) -> Result<()> {
        match self.transport.writable() {
            Writable::Fd(fd) => {
                let left = self.limit.left();
                let timeout = Timespec { tv_sec: left.as_secs() as _, tv_nsec: left.subsec_nanos() as _ };
                match rustix::event::poll(&mut [PollFd::new(&fd, PollFlags::OUT)], Some(&timeout)) {
                    Ok(0) => Err(self.limit.error(&self.attempt)),
                    Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
                    Err(error) => Err(self.failed(error.into())),
                }
            }
            Writable::Memory(end) => {
                let (room_tx, room_rx) = crossbeam_channel::bounded(1);
                end.when_writable(move || {
                    let _ = room_tx.try_send(());
                });
                room_rx.recv_deadline(self.limit.at).map_err(|_| self.limit.error(&self.attempt))
            }
        }
    }

    fn failed(&self, error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::WouldBlock => self.limit.error(&self.attempt),
            io::ErrorKind::InvalidData => Error::Tls(format!("could not {}: {error}", self.attempt)),
            _ => Error::io(self.attempt.as_str())(error),
        }
    }
}

/// The head at the start of `input` and its size, once all of it is there.
fn parse_head(input: &[u8]) -> Result<Option<(Head, usize)>> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let size = match response.parse(input) {
        Ok(httparse::Status::Complete(size)) => size,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) if matches!(input, [21 | 22, 3, ..]) => {
            return Err(Error::Tls("the server speaks TLS: is it wss:// instead of ws://?".to_owned()));
        }
        Err(error) => return Err(Error::Handshake(format!("the response is not HTTP: {error}"))),
    };
    let headers = response.headers.iter().map(|field| {
        let value = String::from_utf8_lossy(field.value).into_owned();
        (field.name.to_ascii_lowercase(), value)
    });
    let head = Head { status: response.code.unwrap_or_default(), headers: headers.collect() };
    Ok(Some((head, size)))
}

/// Appends the content of the chunks in `input` (RFC 9112, section 7.1); whether
/// the last one was there.
fn dechunk(mut input: &[u8], body: &mut Vec<u8>) -> bool {
    loop {
        let Ok(httparse::Status::Complete((at, size))) = httparse::parse_chunk_size(input) else {
            return false;
        };
        if size == 0 {
            return true;
        }
        input = &input[at..];
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        body.extend(&input[..size.min(input.len())]);
        let Some(rest) = size.checked_add(2).and_then(|end| input.get(end..)) else { return false };
        input = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_as_far_as_they_came() {
        let input = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
        for end in 0..=input.len() {
            let mut body = Vec::new();
            let is_whole = dechunk(&input[..end], &mut body);
            assert_eq!(is_whole, end >= 22, "{end}");
            assert!(b"abcde".starts_with(&body));
        }
    }
}
