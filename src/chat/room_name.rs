//! What a room may be called.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use super::name::Name;

/// A room's name: 1 to 32 visible characters without spaces, in small letters. Cheap
/// to clone.
///
/// ```
/// use chinwag::chat::RoomName;
///
/// assert_eq!(RoomName::parse(" #Games ").unwrap().as_str(), "games");
/// assert!(RoomName::parse("two words").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomName(Arc<str>);

/// Why a room cannot have that name. Its text is for who chose it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomNameError(String);

impl RoomName {
    /// The room's name in `text`: trimmed, composed, in small letters, without a `#`
    /// before it.
    ///
    /// # Errors
    ///
    /// Under the rules of [`Name`], and where it has a space.
    pub fn parse(text: &str) -> Result<Self, RoomNameError> {
        let text = text.trim();
        let lower = text.trim_start_matches('#').to_lowercase();
        let lower = Name::visible(&lower)
            .map_err(|error| RoomNameError(error.to_string().replace("the name", "the room's name")))?;
        match lower.chars().find(|c| c.is_whitespace() || "#[]()<>:,;/\"'`".contains(*c)) {
            Some(' ') => Err(RoomNameError("the room's name has a space".to_owned())),
            Some(character) => Err(RoomNameError(format!("the room's name has a {character}"))),
            None => Ok(Self(lower.into())),
        }
    }

    /// The name as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that a store kept.
    pub(super) fn kept(name: Arc<str>) -> Self {
        Self(name)
    }

    /// The name as a store keeps it.
    pub(super) fn shared(&self) -> Arc<str> {
        self.0.clone()
    }
}

impl Borrow<str> for RoomName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for RoomName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for RoomNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RoomNameError {}
