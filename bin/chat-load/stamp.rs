//! What a message says: which step of which run it belongs to, who sent it, which of the
//! sender's it is, and when it was due.

use std::time::Duration;

use chinwag::protocol::{Ask, Request};
use serde::Deserialize;

use crate::args::Protocol;

/// Enough for every stamp.
pub const MIN_SIZE: u32 = 48;

/// A message's mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub step: u32,
    /// Which of the senders, from 0.
    pub sender: u32,
    /// Which of its messages, from 0.
    pub number: u32,
    /// When it was due, since the step began.
    pub due: Duration,
}

/// Writes and reads messages of one run, so that several can share a server.
pub struct Codec {
    protocol: Protocol,
    room: String,
    size: usize,
    /// What the names of this run begin with.
    prefix: String,
}

/// What is needed of an event; what has something else is not of ours.
#[derive(Deserialize)]
struct Said<'a> {
    r#type: &'a str,
    from: &'a str,
    text: &'a str,
}

impl Codec {
    pub fn new(protocol: Protocol, room: &str, size: u32) -> Self {
        // Digits alone differ between names, so that no two look alike.
        let prefix = format!("load-{:06}-", rand::random_range(0..1_000_000));
        Self { protocol, room: room.to_owned(), size: size as usize, prefix }
    }

    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The name of the client with this number.
    pub fn name(&self, client: u32) -> String {
        format!("{}{client}", self.prefix)
    }

    /// What goes into a frame.
    pub fn write(&self, stamp: &Stamp) -> String {
        let Stamp { step, sender, number, due } = stamp;
        let stamp = format!("{step} {sender} {number} {} ", due.as_micros());
        let text = format!("{stamp:.<size$}", size = self.size);
        match self.protocol {
            Protocol::Text => text,
            Protocol::Json => {
                let ask = Ask::Say { room: self.room.clone(), text, action: false };
                serde_json::to_string(&Request::new(ask)).expect("it is plain data")
            }
        }
    }

    /// The number of the client that a delivery is from, and its mark, where it is one of
    /// this run's messages.
    pub fn read(&self, payload: &[u8]) -> Option<(u32, Stamp)> {
        let payload = str::from_utf8(payload).ok()?;
        let (from, text) = match self.protocol {
            Protocol::Text => payload.split_once(" says: ")?,
            Protocol::Json => {
                let said: Said<'_> = serde_json::from_str(payload).ok()?;
                (said.r#type == "message").then_some((said.from, said.text))?
            }
        };
        let client = from.strip_prefix(self.prefix.as_str())?.parse().ok()?;
        if text.len() != self.size {
            return None;
        }
        let mut fields = text.splitn(5, ' ');
        let stamp = Stamp {
            step: fields.next()?.parse().ok()?,
            sender: fields.next()?.parse().ok()?,
            number: fields.next()?.parse().ok()?,
            due: Duration::from_micros(fields.next()?.parse().ok()?),
        };
        // What follows is filling, whole or it is another message.
        fields.next()?.bytes().all(|byte| byte == b'.').then_some((client, stamp))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp { step: 3, sender: 12, number: 345, due: Duration::from_micros(6_789_012) };

    #[test]
    fn what_is_written_is_read_back_as_the_server_passes_it_on() {
        let codec = Codec::new(Protocol::Text, "load", 64);
        let text = codec.write(&STAMP);
        assert_eq!(text.len(), 64);
        let heard = format!("{} says: {text}", codec.name(7));
        assert_eq!(codec.read(heard.as_bytes()), Some((7, STAMP)));

        let codec = Codec::new(Protocol::Json, "load", 100);
        let said: serde_json::Value = serde_json::from_str(&codec.write(&STAMP)).unwrap();
        let heard = format!(
            r#"{{"type":"message","room":"load","from":"{}","text":{},"pos":"p","time":1}}"#,
            codec.name(8),
            said["text"]
        );
        assert_eq!(codec.read(heard.as_bytes()), Some((8, STAMP)));
    }

    #[test]
    fn what_is_not_ours_or_not_whole_is_no_message_of_ours() {
        let codec = Codec::new(Protocol::Text, "load", 64);
        let text = codec.write(&STAMP);
        let name = codec.name(7);
        for other in [
            format!("Adam says: {text}"),
            format!("{name} joined."),
            format!("{name} says: hi"),
            format!("{name} says: {}", &text[..63]),
            format!("{name} says: {text}."),
            format!("{name} says: {}", text.replacen("..", ".x", 1)),
        ] {
            assert_eq!(codec.read(other.as_bytes()), None, "{other}");
        }
        assert_eq!(codec.read(b"\xff"), None);
    }

    #[test]
    fn the_largest_stamp_fits_the_smallest_message() {
        let codec = Codec::new(Protocol::Text, "load", MIN_SIZE);
        let due = Duration::from_secs(86_400);
        let stamp = Stamp { step: 9999, sender: 9_999_999, number: u32::MAX, due };
        assert_eq!(codec.write(&stamp).len(), MIN_SIZE as usize);
    }
}
