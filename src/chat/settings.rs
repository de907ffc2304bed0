//! What a chat can change while people are in it.

use std::time::Duration;

use crate::store::Retention;

/// What is announced, and what is kept; each field is the option of
/// [`ChatBuilder`](super::ChatBuilder) of that name.
///
/// ```
/// use chinwag::chat::Chat;
///
/// let chat = Chat::new();
/// chat.change_settings(|settings| settings.history = 50);
/// assert_eq!(chat.settings().history, 50);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChatSettings {
    /// Members up to which comings and goings are announced.
    pub announce_up_to: usize,
    /// Messages that a newcomer gets of what was said before.
    pub history: usize,
    /// Messages of each room that are kept.
    pub retention_messages: usize,
    /// Bytes of text of each room that are kept.
    pub retention_bytes: usize,
    /// The age up to which messages are kept; none for any.
    pub retention_age: Option<Duration>,
    /// What becomes of what is said while the store fails.
    pub on_store_failure: OnStoreFailure,
}

/// What becomes of what is said while a chat's [store](crate::store) fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum OnStoreFailure {
    /// It is not said, and whoever wanted to say it is told why.
    #[default]
    Refuse,
    /// It is said to those who are here, without a position and without an
    /// acknowledgement: whoever is away misses it. All are told when that begins and ends.
    Degrade,
}

impl ChatSettings {
    pub(super) fn retention(&self) -> Retention {
        let Self { retention_messages, retention_bytes, retention_age, .. } = *self;
        Retention { messages: retention_messages, bytes: retention_bytes, age: retention_age }
    }
}
