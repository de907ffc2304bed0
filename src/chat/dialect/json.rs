//! `chinwag.v1`: see [`protocol`](crate::protocol).

use super::{Dialect, Listener, Reading, Speaker};
use crate::Message;
use crate::protocol::{Ask, Event, Request};

/// The subprotocol [`chinwag.v1`](crate::protocol).
#[derive(Debug, Clone, Copy, Default)]
pub struct Json;

impl Dialect for Json {
    fn read(&self, _speaker: &Speaker<'_>, text: &str) -> Reading {
        let answer = |event: &Event| Reading::Answer(vec![event.to_json().into()]);
        match Request::parse(text) {
            Err(error) => answer(&error.to_event()),
            Ok(Request { ask: Ask::Ping, id }) => answer(&Event::Pong { id }),
            Ok(Request { ask: Ask::Say { text, .. } | Ask::Whisper { text, .. }, id })
                if text.trim().is_empty() =>
            {
                let (code, reason) = ("empty".to_owned(), "there is no text".to_owned());
                answer(&Event::Error { code, reason, id })
            }
            Ok(request) => Reading::Request(request),
        }
    }

    fn write(&self, event: &Event, _to: Listener) -> Option<Message> {
        Some(event.to_json().into())
    }

    fn welcomes_first(&self) -> bool {
        true
    }

    fn tells_history(&self) -> bool {
        true
    }
}
