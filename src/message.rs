//! A message as applications see it: text or binary, cheap to clone.

use std::fmt;

use bytes::Bytes;

/// A whole WebSocket message. A clone shares the bytes.
///
/// ```
/// use chinwag::Message;
///
/// let text = Message::from("hi");
/// assert_eq!(text.as_text(), Some("hi"));
/// let binary = Message::from(vec![1, 2, 3]);
/// assert_eq!(binary.as_bytes(), [1, 2, 3]);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    bytes: Bytes,
    is_text: bool,
}

impl Message {
    /// A binary message that shares `bytes`.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), is_text: false }
    }

    /// Whether this is a text message.
    pub fn is_text(&self) -> bool {
        self.is_text
    }

    /// The text, or `None` for a binary message.
    pub fn as_text(&self) -> Option<&str> {
        self.is_text.then(|| std::str::from_utf8(&self.bytes).expect("text is made from str only"))
    }

    /// The payload of either kind.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The payload of either kind, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// Length of the payload in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the payload is empty.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self { bytes: text.into(), is_text: true }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::binary(bytes)
    }
}

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Self {
        Self::binary(bytes.to_vec())
    }
}

impl fmt::Display for Message {
    /// Text with its control characters escaped, or the length of binary data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_text() {
            Some(text) => crate::Escaped::new(text).fmt(f),
            None => write!(f, "{} bytes of binary data", self.len()),
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_text() {
            Some(text) => f.debug_tuple("Text").field(&text).finish(),
            None => f.debug_tuple("Binary").field(&self.bytes).finish(),
        }
    }
}
