//! A frame as bytes: encoded once, without a mask, for every member of a room
//! (RFC 6455, section 5.2), and found again in such bytes.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{CloseCode, Message};

/// The longest header: two bytes, eight of length, four of mask.
pub(crate) const MAX_HEADER: usize = 14;
/// The longest payload of a control frame (RFC 6455, section 5.5).
pub(crate) const MAX_CONTROL: usize = 125;

pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;
pub(crate) const FIN: u8 = 0x80;

/// The key that a client masks a frame with; a server's frames have none
/// (RFC 6455, section 5.3).
pub(crate) type Mask = Option<[u8; 4]>;

/// Appends `message` as one unmasked frame.
pub(crate) fn encode(message: &Message, out: &mut BytesMut) {
    put(FIN | opcode(message), message.as_bytes(), None, out);
}

/// One frame with the given first byte.
pub(crate) fn single(flags: u8, payload: &[u8], mask: Mask) -> Bytes {
    let mut out = BytesMut::with_capacity(MAX_HEADER + payload.len());
    put(flags, payload, mask, &mut out);
    out.freeze()
}

/// A close frame. A reason over 123 bytes is cut between characters. A code
/// that must not be on the wire gives a frame without one.
pub(crate) fn close(code: CloseCode, reason: &str, mask: Mask) -> Bytes {
    if !code.is_sendable() {
        return single(FIN | CLOSE, &[], mask);
    }
    let mut end = reason.len().min(MAX_CONTROL - 2);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    single(FIN | CLOSE, &[&code.value().to_be_bytes(), &reason.as_bytes()[..end]].concat(), mask)
}

/// A ping, of at most 125 bytes.
pub(crate) fn ping(payload: &[u8], mask: Mask) -> Bytes {
    single(FIN | PING, payload, mask)
}

pub(crate) fn opcode(message: &Message) -> u8 {
    if message.is_text() { TEXT } else { BINARY }
}

fn put(flags: u8, payload: &[u8], mask: Mask, out: &mut BytesMut) {
    out.reserve(MAX_HEADER + payload.len());
    out.put_u8(flags);
    let masked = if mask.is_some() { 0x80 } else { 0 };
    match payload.len() {
        len @ 0..=125 => out.put_u8(masked | len as u8),
        len @ 126..=0xffff => {
            out.put_u8(masked | 126);
            out.put_u16(len as u16);
        }
        len => {
            out.put_u8(masked | 127);
            out.put_u64(len as u64);
        }
    }
    let Some(key) = mask else { return out.put_slice(payload) };
    out.put_slice(&key);
    let start = out.len();
    out.put_slice(payload);
    apply(key, &mut out[start..]);
}

/// Masks or unmasks `payload` from its first byte on.
pub(crate) fn apply(key: [u8; 4], payload: &mut [u8]) {
    for piece in payload.chunks_mut(4) {
        piece.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
    }
}

/// What the first bytes of a frame say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// FIN, the reserved bits and the opcode, as on the wire.
    pub flags: u8,
    pub mask: Mask,
    /// Length of this header.
    pub size: usize,
    /// Length of the payload.
    pub length: u64,
}

impl Header {
    /// The header at the start of `bytes`, once all of it is there.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let [flags, second, ..] = *bytes else { return None };
        let (at, length) = match second & 0x7f {
            126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
            127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
            length => (2, u64::from(length)),
        };
        if second & 0x80 == 0 {
            return Some(Self { flags, mask: None, size: at, length });
        }
        let mask = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(Self { flags, mask: Some(mask), size: at + 4, length })
    }

    /// Whether the length is written in as few bytes as it can be, and without the highest of
    /// 64 bits, as it must be (RFC 6455, section 5.2).
    pub(crate) fn has_fit_length(&self) -> bool {
        let mask = if self.mask.is_some() { 4 } else { 0 };
        match self.size - mask {
            2 => true,
            4 => self.length > 125,
            _ => self.length > 0xffff && self.length < 1 << 63,
        }
    }

    pub(crate) fn opcode(&self) -> u8 {
        self.flags & 0x0f
    }

    pub(crate) fn is_final(&self) -> bool {
        self.flags & FIN != 0
    }

    pub(crate) fn is_control(&self) -> bool {
        self.flags & 0x08 != 0
    }

    /// Length of the whole frame.
    pub(crate) fn frame_len(&self) -> usize {
        self.size.saturating_add(usize::try_from(self.length).unwrap_or(usize::MAX))
    }
}

/// Length of the frame that starts `bytes`, which hold whole frames of ours.
pub(crate) fn first_len(bytes: &[u8]) -> usize {
    Header::parse(bytes).map_or(bytes.len(), |header| header.frame_len().min(bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_encoded_in_the_shortest_form_and_parsed_back() {
        for (length, header_size) in [(0, 2), (125, 2), (126, 4), (0xffff, 4), (0x10000, 10)] {
            let mut out = BytesMut::new();
            encode(&Message::from("x".repeat(length)), &mut out);
            let header = Header::parse(&out).expect("whole header");
            assert_eq!((header.size, header.length as usize), (header_size, length));
            assert_eq!(first_len(&out), out.len());
            assert_eq!(Header::parse(&out[..header_size - 1]), None);
        }
    }

    #[test]
    fn a_close_reason_is_cut_between_characters() {
        let frame = close(CloseCode::NORMAL, &"ä".repeat(100), None);
        assert_eq!(frame.len(), 2 + 2 + 122);
        assert!(std::str::from_utf8(&frame[4..]).is_ok());
    }
}
