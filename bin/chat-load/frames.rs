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
