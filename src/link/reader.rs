//! Reads whole messages through tungstenite and says in our own terms why no
//! more will come. This file and the two handshakes are all that name it.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tungstenite::error::{CapacityError, Error as WsError, ProtocolError};
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
use tungstenite::{Message as WsMessage, Utf8Bytes};

use super::scanner::Broken;
use super::stream::LinkStream;
use super::{Link, Side};
use crate::{CloseCode, CloseReason, Message};

/// Small, for it is allocated for each connection and filled at each read.
const READ_BUFFER: usize = 2 * 1024;

/// A message as it lies in the read buffer; copy what outlives the next read.
pub(crate) enum Data {
    Text(Utf8Bytes),
    Binary(Bytes),
}

impl Data {
    /// A copy that does not keep the read buffer alive.
    pub(crate) fn to_message(&self) -> Message {
        match self {
            Self::Text(text) => Message::from(text.as_str()),
            Self::Binary(bytes) => Message::from(&bytes[..]),
        }
    }
}

/// No more messages will come.
pub(crate) struct End {
    pub reason: CloseReason,
    /// What the peer did that the protocol or a limit forbids. The reader's owner
    /// then closes, with the reason above, after what it has still to say.
    pub violation: Option<String>,
}

/// The reading half of a connection; owned by the one thread that reads.
pub(crate) struct Reader {
    link: Arc<Link>,
    socket: WebSocket<LinkStream>,
}

impl Reader {
    pub(crate) fn server(link: &Arc<Link>, early: Bytes) -> Self {
        Self::new(link, early, Role::Server)
    }

    pub(crate) fn client(link: &Arc<Link>, early: Bytes) -> Self {
        Self::new(link, early, Role::Client)
    }

    fn new(link: &Arc<Link>, early: Bytes, role: Role) -> Self {
        let limit = Some(link.life.max_message_size);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(limit)
            .max_frame_size(limit);
        let stream = LinkStream::new(link.clone(), early);
        Self { link: link.clone(), socket: WebSocket::from_raw_socket(stream, role, Some(config)) }
    }

    /// Waits for the next message, at the longest until `deadline`; `Ok(None)`
    /// where that passed first.
    pub(crate) fn read(&mut self, deadline: Option<Instant>) -> Result<Option<Data>, End> {
        self.socket.get_mut().deadline = deadline;
        loop {
            match self.socket.read() {
                Ok(WsMessage::Text(text)) => {
                    self.link.received.add_message();
                    return Ok(Some(Data::Text(text)));
                }
                Ok(WsMessage::Binary(bytes)) => {
                    self.link.received.add_message();
                    return Ok(Some(Data::Binary(bytes)));
                }
                Ok(WsMessage::Close(frame)) => {
                    // Has tungstenite write the reply that it owes.
                    let _ = self.socket.flush();
                    let (code, words) = frame.map_or((CloseCode::NO_STATUS, String::new()), |frame| {
                        (CloseCode::from(u16::from(frame.code)), frame.reason.as_str().to_owned())
                    });
                    return Err(self.closed_by_frame(code, words));
                }
                Ok(WsMessage::Pong(payload)) => self.link.note_pong(&payload),
                // A flood of pings must not keep the reader past its time.
                Ok(_) if deadline.is_some_and(|deadline| Instant::now() >= deadline) => return Ok(None),
                Ok(_) => {}
                Err(WsError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(self.failed(&error)),
            }
        }
    }

    /// The answer to the peer's close frame that a server still has to send.
    pub(crate) fn take_close_reply(&mut self) -> Option<Bytes> {
        self.socket.get_mut().close_reply.take()
    }

    /// The peer's close frame has come: an answer to ours, or the first.
    fn closed_by_frame(&self, code: CloseCode, words: String) -> End {
        // A server answers with the code that it got. With another, the two close
        // frames crossed, and its reason is the one that counts here.
        let is_answer = |own: &CloseReason| {
            self.link.side == Side::Server || code == own.code || code == CloseCode::NO_STATUS
        };
        let reason = match self.link.own_reason() {
            Some(own) if is_answer(&own) => CloseReason { clean: true, ..own },
            Some(_) => CloseReason::peer(code, words),
            None => CloseReason::peer(code, words),
        };
        End { reason, violation: None }
    }

    fn failed(&self, error: &WsError) -> End {
        if let Some(reason) = self.link.own_reason() {
            return End { reason, violation: None };
        }
        let Some((code, words)) = violation(error) else {
            let words = match error {
                WsError::Io(error) => format!("the connection was lost: {error}"),
                _ => "the peer vanished without closing".to_owned(),
            };
            return End { reason: CloseReason::vanished(words), violation: None };
        };
        End { reason: CloseReason::local(code, &*words), violation: Some(words) }
    }
}

/// The code and words to close with, where the peer broke a rule.
fn violation(error: &WsError) -> Option<(CloseCode, String)> {
    match error {
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        WsError::ConnectionClosed | WsError::AlreadyClosed => None,
        WsError::Io(error) => {
            let broken = error.get_ref().and_then(|inner| inner.downcast_ref::<Broken>())?;
            Some((broken.code(), broken.to_string()))
        }
        WsError::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
            Some((CloseCode::TOO_BIG, format!("message over {max_size} bytes")))
        }
        WsError::Capacity(_) => Some((CloseCode::TOO_BIG, error.to_string())),
        WsError::Utf8(_) => Some((CloseCode::INVALID_DATA, "text that is not UTF-8".to_owned())),
        _ => Some((CloseCode::PROTOCOL, error.to_string())),
    }
}
