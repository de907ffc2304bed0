//! The stream that tungstenite runs on: it reads from the transport and writes
//! into the outbox, so that its pongs and close replies leave in order with all
//! else.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, Bytes};

use super::controls::Controls;
use super::scanner::{Broken, Scanner};
use super::{Link, Side};
use crate::frame::{CLOSE, PONG};
use crate::outbox::Kind;

pub(super) struct LinkStream {
    link: Arc<Link>,
    scanner: Scanner,
    /// What the scanner found behind the bytes that were read last.
    broken: Option<Broken>,
    /// What came in behind the handshake.
    early: Bytes,
    /// Until when a read may wait; `None` is for ever.
    pub(super) deadline: Option<Instant>,
    /// A server's answer to a close frame, for the hub to send: what the client
    /// said before it closed may still be on the way there, and is heard first.
    pub(super) close_reply: Option<Bytes>,
}

impl LinkStream {
    pub(super) fn new(link: Arc<Link>, early: Bytes) -> Self {
        let controls = Controls::new(link.life.max_control_frames);
        let scanner = Scanner::new(link.life.max_fragments, controls, link.tap.clone());
        Self { link, scanner, broken: None, early, deadline: None, close_reply: None }
    }
}

impl Read for LinkStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(broken) = self.broken {
            return Err(io::Error::other(broken));
        }
        let read = if self.early.is_empty() {
            self.link.read(buffer, self.deadline)?
        } else {
            let length = self.early.len().min(buffer.len());
            self.early.copy_to_slice(&mut buffer[..length]);
            length
        };
        if read == 0 {
            return Ok(0);
        }
        self.link.counters().bytes(read);
        let now = self.link.now();
        self.scanner.controls.note_read(now, &self.link.pings);
        let scanned = self.scanner.scan(&buffer[..read]);
        self.link.note_read(now, read, self.scanner.is_mid_message(), self.scanner.take_ended());
        match scanned {
            Ok(()) => Ok(read),
            Err((0, broken)) => Err(io::Error::other(broken)),
            Err((before, broken)) => {
                self.broken = Some(broken);
                Ok(before)
            }
        }
    }
}

impl Write for LinkStream {
    /// Takes one whole frame. One that comes after our close frame is dropped,
    /// as the protocol demands.
    fn write(&mut self, frame: &[u8]) -> io::Result<usize> {
        let bytes = Bytes::copy_from_slice(frame);
        match frame.first().map(|flags| flags & 0x0f) {
            Some(CLOSE) if self.link.side == Side::Server => self.close_reply = Some(bytes),
            Some(CLOSE) => {
                self.link.outbox.close(bytes, false);
            }
            Some(PONG) => {
                self.link.outbox.push_control(bytes, Kind::Pong);
            }
            _ => {
                self.link.outbox.push_control(bytes, Kind::Fixed);
            }
        }
        Ok(frame.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
