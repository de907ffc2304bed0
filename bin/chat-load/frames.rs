//! Frames, as far as a client of a chat needs them. tungstenite's header, without its
//! socket: that keeps a read buffer for each connection, and reads through it.

use std::io::Cursor;

use chinwag::Escaped;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Data, OpCode};

/// No chat says more at once.
const MAX_PAYLOAD: u64 = 16 * 1024 * 1024;

/// A whole frame that came.
pub struct Frame<'a> {
    pub opcode: OpCode,
    pub payload: &'a [u8],
    /// With its header.
    pub length: usize,
}

/// The first frame of `bytes`, once it is whole.
pub fn read(bytes: &[u8]) -> Result<Option<Frame<'_>>, String> {
    let mut cursor = Cursor::new(bytes);
    let header = FrameHeader::parse(&mut cursor).map_err(|error| format!("the server sent {error}"))?;
    let Some((header, length)) = header else { return Ok(None) };
    if header.mask.is_some() || header.rsv1 || header.rsv2 || header.rsv3 {
        return Err("the server sent a frame with a mask or reserved bits".to_owned());
    }
    if !header.is_final || header.opcode == OpCode::Data(Data::Continue) {
        return Err(
            "the server sent a message in fragments, which chat-load does not put together".to_owned()
        );
    }
    if length > MAX_PAYLOAD {
        return Err(format!("the server sent a frame of {length} bytes"));
    }
    let begin = cursor.position() as usize;
    let end = begin + length as usize;
    Ok(bytes.get(begin..end).map(|payload| Frame { opcode: header.opcode, payload, length: end }))
}

/// Appends a masked frame.
pub fn write(opcode: OpCode, payload: &[u8], out: &mut Vec<u8>) {
    let mask: [u8; 4] = rand::random();
    let header = FrameHeader { opcode, mask: Some(mask), ..FrameHeader::default() };
    header.format(payload.len() as u64, out).expect("a vector takes all");
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

/// A close frame's payload, as people read it.
pub fn close_words(payload: &[u8]) -> String {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return "closed by the server without a reason".to_owned();
    };
    let reason = String::from_utf8_lossy(reason);
    format!("closed by the server with {} ({})", u16::from_be_bytes(*code), Escaped::new(&reason).cut(123))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_once_it_is_whole() {
        let bytes = [&[0x81, 126, 1, 0][..], &[b'x'; 256], &[0x89, 0]].concat();
        for end in 0..260 {
            assert!(read(&bytes[..end]).unwrap().is_none(), "{end}");
        }
        let frame = read(&bytes).unwrap().unwrap();
        assert_eq!((frame.payload, frame.length), (&[b'x'; 256][..], 260));
        assert_eq!(read(&bytes[260..]).unwrap().unwrap().length, 2);
    }

    #[test]
    fn what_no_server_may_send_is_an_error() {
        for (bytes, word) in [
            (&[0x81, 0x81, 0, 0, 0, 0, 0][..], "mask"),
            (&[0xc1, 0], "reserved"),
            (&[0x01, 0], "fragments"),
            (&[0x83, 0], "pcode"),
            (&[0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "18446744073709551615"),
        ] {
            let error = read(bytes).err().unwrap();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn what_is_written_is_masked_and_means_the_same() {
        let mut out = Vec::new();
        write(OpCode::Data(Data::Text), b"hello", &mut out);
        assert_eq!((out.len(), out[0], out[1]), (11, 0x81, 0x85));
        let mask = [out[2], out[3], out[4], out[5]];
        let text: Vec<u8> =
            out[6..].iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        assert_eq!(text, b"hello");
    }

    #[test]
    fn a_close_reason_is_shown_escaped() {
        assert_eq!(close_words(b"\x03\xf0too\nfast"), r"closed by the server with 1008 (too\nfast)");
        assert_eq!(close_words(b""), "closed by the server without a reason");
    }
}
