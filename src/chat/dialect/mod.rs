//! How a client of the chat puts things: what its messages mean, and how it is told
//! what happens. The chat itself knows requests and events only.

mod json;
mod text;

pub use json::Json;
pub use text::Text;

use std::sync::Arc;

use super::Role;
use crate::protocol::{Event, Request};
use crate::{CloseCode, Message};

/// A way to put requests and events into messages. One value serves all its clients.
///
/// The chat brings two, [`Text`] and [`Json`]; another makes another chat, or a game's
/// lobby, of the same rooms, people and names:
///
/// ```
/// use chinwag::chat::{Chat, Dialect, Listener, Reading, Speaker};
/// use chinwag::protocol::{Event, Request};
/// use chinwag::{Message, Server};
///
/// /// `say:hi` from a player, `John:hi` and `+John` to all.
/// struct Terse;
///
/// impl Dialect for Terse {
///     fn read(&self, speaker: &Speaker<'_>, text: &str) -> Reading {
///         match text.strip_prefix("say:") {
///             Some(said) => Reading::Request(Request::say("lobby", said)),
///             None => Reading::Answer(vec![format!("What, {}?", speaker.name).into()]),
///         }
///     }
///
///     fn write(&self, event: &Event, _to: Listener) -> Option<Message> {
///         match event {
///             Event::Joined { name, .. } => Some(format!("+{name}").into()),
///             Event::Message(message) => Some(format!("{}:{}", message.from, message.text).into()),
///             _ => None,
///         }
///     }
/// }
///
/// let chat = Chat::builder().dialect("terse", Terse).build();
/// let server = Server::builder().handler(chat.gate()).start()?;
/// # let _ = server;
/// # Ok::<(), chinwag::Error>(())
/// ```
pub trait Dialect: Send + Sync + 'static {
    /// What a client's message means. Runs on that client's thread.
    fn read(&self, speaker: &Speaker<'_>, text: &str) -> Reading;

    /// How an event is put; `None` keeps it from the client. Runs in the hub's turn, once
    /// for all who get the same, and for a gap under a client's outbox: quick, never
    /// blocking, and asking nothing of the server.
    fn write(&self, event: &Event, to: Listener) -> Option<Message>;

    /// How an [`Event::History`] is put that was asked for. Defaults to one message.
    fn write_history(&self, history: &Event) -> Vec<Message> {
        self.write(history, Listener::default()).into_iter().collect()
    }

    /// How an [`Event::Found`] is put, the answer to a search. Defaults to one message.
    fn write_found(&self, found: &Event) -> Vec<Message> {
        self.write(found, Listener { is_own: true, is_aside: false }).into_iter().collect()
    }

    /// Whether a client speaks in one room at a time, the one that it joined last, which
    /// its requests then name with an empty name. Defaults to no.
    fn has_current_room(&self) -> bool {
        false
    }

    /// Whether a newcomer is welcomed before all hear of it. Defaults to no.
    fn welcomes_first(&self) -> bool {
        false
    }

    /// Whether a newcomer hears earlier messages without asking. Defaults to no.
    fn tells_history(&self) -> bool {
        false
    }
}

/// Who is told of an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listener {
    /// It happened in a room that is not the one that the client speaks in, where the
    /// dialect [has such a room](Dialect::has_current_room).
    pub is_aside: bool,
    /// It is the client's own doing, or the answer to it.
    pub is_own: bool,
}

/// What a message of a client's means.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Reading {
    /// It asks for something.
    Request(Request),
    /// It is answered with these messages, and that is all.
    Answer(Vec<Message>),
    /// The client leaves.
    Quit,
    /// It cannot be taken, and the connection ends.
    Close(CloseCode, &'static str),
}

/// Who is speaking, for [`Dialect::read`].
pub struct Speaker<'a> {
    /// The name.
    pub name: &'a str,
    /// What this one may do.
    pub role: Role,
    pub(super) names: &'a dyn Fn() -> Vec<String>,
    pub(super) whisperer: &'a dyn Fn() -> Option<String>,
}

impl Speaker<'_> {
    /// The names of all who are here, in no order.
    pub fn names(&self) -> Vec<String> {
        (self.names)()
    }

    /// Who whispered to this client last.
    pub fn whisperer(&self) -> Option<String> {
        (self.whisperer)()
    }
}

impl std::fmt::Debug for Speaker<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Speaker").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The dialects of a chat, by the subprotocol that asks for each.
#[derive(Clone)]
pub(super) struct Dialects(Vec<(Option<String>, Arc<dyn Dialect>)>);

impl Dialects {
    /// The text of 2012, and `chinwag.v1`.
    pub(super) fn usual() -> Self {
        let text: Arc<dyn Dialect> = Arc::new(Text);
        Self(vec![(None, text), (Some(crate::protocol::SUBPROTOCOL.to_owned()), Arc::new(Json))])
    }

    /// Adds one, or puts it in the place of the one with the same subprotocol.
    pub(super) fn set(&mut self, subprotocol: Option<String>, dialect: Arc<dyn Dialect>) {
        match self.0.iter_mut().find(|(known, _)| *known == subprotocol) {
            Some((_, known)) => *known = dialect,
            None => self.0.push((subprotocol, dialect)),
        }
    }

    /// The number and subprotocol of the first dialect that is offered, or else of the one
    /// for who offers none.
    pub(super) fn choose<'a>(&self, offered: impl Iterator<Item = &'a str>) -> (u8, Option<&str>) {
        let known = |offer: &str| self.0.iter().position(|(known, _)| known.as_deref() == Some(offer));
        let number = offered.into_iter().find_map(known).unwrap_or(0);
        (number as u8, self.0[number].0.as_deref())
    }

    pub(super) fn len(&self) -> u8 {
        self.0.len() as u8
    }

    pub(super) fn get(&self, number: u8) -> &Arc<dyn Dialect> {
        &self.0[usize::from(number)].1
    }
}
