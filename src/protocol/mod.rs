#![doc = include_str!("../../docs/protocol.md")]
//!
//! # These types
//!
//! [`Request`] and [`Event`] are both sides of it, and [`Command`] is what a person
//! types instead. No threads, no sockets: server and client share them.
//!
//! ```
//! use chinwag::protocol::{Event, Request};
//!
//! let request = Request::say("lobby", "hi").with_id("c1");
//! assert_eq!(request.to_json(), r#"{"type":"say","room":"lobby","text":"hi","id":"c1"}"#);
//!
//! let event = Event::parse(r#"{"type":"ack","id":"c1","room":"lobby","pos":"a-1"}"#)?;
//! assert!(matches!(event, Event::Ack { id, .. } if id == "c1"));
//! # Ok::<(), chinwag::protocol::BadJson>(())
//! ```

mod command;
mod event;
mod moderation;
mod orders;
mod request;

pub use command::{Command, CommandError, CommandHelp};
pub use event::{ChatMessage, Event, RoomInfo};
pub use moderation::{Action, Ban, Erased, Inside, Moderated};
pub use request::{Ask, Request, RequestError};

use std::fmt;

/// The name of the subprotocol.
pub const SUBPROTOCOL: &str = "chinwag.v1";

/// The most characters that an `id` or a position may have.
pub const MAX_ID_CHARS: usize = 64;

/// Text that is not what the protocol says. Its words can be shown to a person: what they
/// repeat of that text is escaped and cut.
#[derive(Debug)]
pub struct BadJson(pub(crate) serde_json::Error);

impl fmt::Display for BadJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::Escaped::new(&self.0.to_string()).cut(300).fmt(f)
    }
}

impl std::error::Error for BadJson {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Whether a field that says no more than its absence can be left out.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_false(value: &bool) -> bool {
    !*value
}
