//! Follows frames in the bytes that come in, below tungstenite, which swallows
//! fragments and control frames without end: counts them, tells whether a message is
//! incomplete, and shows each frame to the observer.

use std::fmt;
use std::sync::Arc;

use super::controls::Controls;
use crate::CloseCode;
use crate::frame::{CLOSE, CONTINUATION, Header, MAX_HEADER, PONG};
use crate::wire::{SeenFrame, Tap, WireFrame};

/// A rule that tungstenite does not enforce was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// More fragments in one message than allowed.
    TooManyFragments,
    /// More pings and pongs in a short time than allowed.
    TooManyControls,
    /// A length in more bytes than it needs, or over 2^63.
    Length,
}

impl Broken {
    /// What the connection is closed with.
    pub(super) fn code(self) -> CloseCode {
        match self {
            Self::TooManyFragments | Self::TooManyControls => CloseCode::POLICY,
            Self::Length => CloseCode::PROTOCOL,
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooManyFragments => "too many fragments in one message",
            Self::TooManyControls => "too many control frames in a short time",
            Self::Length => "a frame's length is not written as it must be",
        })
    }
}

impl std::error::Error for Broken {}

pub(super) struct Scanner {
    max_fragments: u32,
    fragments: u32,
    pub(super) controls: Controls,
    /// A message's last fragment is still to come.
    in_message: bool,
    /// A message's last frame has ended since this was last asked.
    has_ended: bool,
    /// The start of a header that came in pieces.
    head: [u8; MAX_HEADER],
    head_len: usize,
    /// The frame under way, and how much of its payload is still to come.
    frame: Option<(Header, u64)>,
    /// Where an observer is set.
    seen: Option<Seen>,
}

struct Seen {
    tap: Arc<Tap>,
    /// Start of the payload of the frame under way, still masked.
    payload: Vec<u8>,
    frames: Vec<SeenFrame>,
}

impl Scanner {
    pub(super) fn new(max_fragments: u32, controls: Controls, tap: Option<Arc<Tap>>) -> Self {
        let seen = tap.map(|tap| Seen { tap, payload: Vec::new(), frames: Vec::new() });
        Self {
            max_fragments,
            fragments: 0,
            controls,
            in_message: false,
            has_ended: false,
            head: [0; MAX_HEADER],
            head_len: 0,
            frame: None,
            seen,
        }
    }

    /// Whether a message or a frame has begun and not ended.
    pub(super) fn is_mid_message(&self) -> bool {
        self.in_message || self.head_len > 0 || self.frame.is_some()
    }

    /// Whether a message has ended since this was last asked.
    pub(super) fn take_ended(&mut self) -> bool {
        std::mem::take(&mut self.has_ended)
    }

    /// Takes the next bytes that came in; on an error with how many of them are frames before
    /// the broken one, which still count.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Result<(), (usize, Broken)> {
        let mut at = 0;
        let result = loop {
            match self.step(&bytes[at..]) {
                Ok(0) => break Ok(()),
                Ok(taken) => at += taken,
                Err(broken) => break Err((at, broken)),
            }
        };
        if let Some(seen) = &mut self.seen
            && !seen.frames.is_empty()
        {
            seen.tap.received(&std::mem::take(&mut seen.frames));
        }
        result
    }

    /// How many of `bytes` the header or payload under way took.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, Broken> {
        if let Some((header, left)) = self.frame {
            let taken = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.payload(header, left, &bytes[..taken]);
            return Ok(taken);
        }
        if bytes.is_empty() {
            return Ok(0);
        }
        let before = self.head_len;
        let copied = bytes.len().min(MAX_HEADER - before);
        self.head[before..before + copied].copy_from_slice(&bytes[..copied]);
        let Some(header) = Header::parse(&self.head[..before + copied]) else {
            self.head_len = before + copied;
            return Ok(copied);
        };
        self.head_len = 0;
        self.begin(header)?;
        Ok(header.size - before)
    }

    fn begin(&mut self, header: Header) -> Result<(), Broken> {
        if !header.has_fit_length() {
            return Err(Broken::Length);
        }
        if header.is_control() {
            let is_allowed = match header.opcode() {
                // The end comes with it.
                CLOSE => true,
                PONG => self.controls.pong(),
                _ => self.controls.ping(),
            };
            if !is_allowed {
                return Err(Broken::TooManyControls);
            }
        } else {
            self.fragments = if header.opcode() == CONTINUATION { self.fragments + 1 } else { 1 };
            if self.fragments > self.max_fragments {
                return Err(Broken::TooManyFragments);
            }
            self.in_message = !header.is_final();
        }
        self.frame = Some((header, header.length));
        self.payload(header, header.length, &[]);
        Ok(())
    }

    fn payload(&mut self, header: Header, left: u64, bytes: &[u8]) {
        let left = left - bytes.len() as u64;
        if let Some(seen) = &mut self.seen {
            let room = WireFrame::DATA_LIMIT - seen.payload.len();
            seen.payload.extend(&bytes[..bytes.len().min(room)]);
            if left == 0 {
                seen.frames.push(SeenFrame::new(header, &seen.payload));
                seen.payload.clear();
            }
        }
        self.has_ended |= left == 0 && !header.is_control() && header.is_final();
        self.frame = (left > 0).then_some((header, left));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A masked text frame of `payload`, final or not.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
    }

    fn scanner(max_fragments: u32) -> Scanner {
        Scanner::new(max_fragments, Controls::new(1), None)
    }

    #[test]
    fn frames_in_pieces_of_every_size_are_followed() {
        let bytes = [frame(0x01, b"Hel"), frame(0x89, b""), frame(0x80, b"lo"), frame(0x81, b"x")].concat();
        for size in 1..=bytes.len() {
            let mut scanner = scanner(2);
            for piece in bytes.chunks(size) {
                scanner.scan(piece).expect("two fragments are allowed");
            }
            assert!(!scanner.is_mid_message(), "in pieces of {size}");
        }
    }

    #[test]
    fn fragments_over_the_limit_are_refused_and_control_frames_not_counted_with_them() {
        let mut scanner = scanner(2);
        let start = [frame(0x01, b"a"), frame(0x89, b""), frame(0x00, b"")].concat();
        assert!(scanner.scan(&start).is_ok() && scanner.is_mid_message());
        assert!(scanner.scan(&frame(0x00, b"")).is_err());
    }

    #[test]
    fn a_length_in_more_bytes_than_it_needs_is_refused() {
        let scan = |bytes: &[u8]| scanner(1).scan(bytes);
        assert_eq!(scan(&[0x81, 0xfe, 0, 126, 0, 0, 0, 0]), Ok(()));
        assert_eq!(scan(&[0x81, 0xfe, 0, 125, 0, 0, 0, 0]), Err((0, Broken::Length)));
        let long = |length: u64| scan(&[&[0x81, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat());
        assert_eq!((long(0xffff), long(0x10000)), (Err((0, Broken::Length)), Ok(())));
        assert_eq!((long(u64::MAX >> 1), long(1 << 63)), (Ok(()), Err((0, Broken::Length))));
        let behind_another = [&frame(0x81, b"a")[..], &[0x81, 0xfe, 0, 1, 0, 0, 0, 0]].concat();
        assert_eq!(scan(&behind_another), Err((7, Broken::Length)));
    }
}
