//! What a chat can change while people are in it.

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
    /// Messages of each room that are kept; fewer hold from a room's next message on.
    pub retention_messages: usize,
    /// Bytes of text of each room that are kept; fewer hold from a room's next message on.
    pub retention_bytes: usize,
}
