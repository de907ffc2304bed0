//! What a client asks.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Event, MAX_ID_CHARS};

/// A request, with the client's own id for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    /// What is asked.
    #[serde(flatten)]
    pub ask: Ask,
    /// Comes back in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// What a client can ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Ask {
    /// Says something in a room.
    Say {
        /// A room that this client is in.
        room: String,
        /// What.
        text: String,
        /// It is a deed: *John waves*.
        #[serde(default, skip_serializing_if = "super::is_false")]
        action: bool,
    },
    /// Says something to one person alone.
    Whisper {
        /// To whom.
        to: String,
        /// What.
        text: String,
        /// It is a deed.
        #[serde(default, skip_serializing_if = "super::is_false")]
        action: bool,
    },
    /// Comes into a room.
    Join {
        /// Which.
        room: String,
        /// What was said there after this position comes first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<String>,
    },
    /// Leaves a room.
    Leave {
        /// Which.
        room: String,
    },
    /// Who is in a room?
    Who {
        /// Which.
        room: String,
    },
    /// Which rooms is somebody in?
    Rooms,
    /// What was said in a room before?
    History {
        /// A room that this client is in.
        room: String,
        /// Before what; without it the latest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
        /// So many messages at most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    },
    /// Which messages have these words?
    Search {
        /// Messages with all of them; one that ends with `*` stands for all that begin so.
        words: String,
        /// A room that this client is in; without it, all of those.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        /// Before what; without it the latest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
        /// So many messages at most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    },
    /// Takes another name.
    Nick {
        /// The new one.
        name: String,
    },
    /// Says what a room is about, or asks.
    Topic {
        /// A room that this client is in.
        room: String,
        /// Without it, asks; an empty one removes the topic.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// Is away from the keyboard.
    Away {
        /// Why.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        text: String,
    },
    /// Is back at the keyboard.
    Back,
    /// Wants to hear no more of somebody.
    Ignore {
        /// Whom; without it, lists.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// Wants to hear somebody again.
    Unignore {
        /// Whom.
        name: String,
    },
    /// What is known of somebody?
    Whois {
        /// Whom.
        name: String,
    },
    /// Wants a pong.
    Ping,
    /// Ends somebody's connection. For operators, as all that follow.
    Kick {
        /// Whose.
        name: String,
        /// Why.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// Shuts somebody out.
    Ban {
        /// A name, an address or network, `address:NAME` for the address that somebody
        /// has, or `subject:SUBJECT` for whoever a credential was given to.
        who: String,
        /// For so many milliseconds; without it, for good.
        #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
        lasting: Option<u64>,
        /// Why.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// Lets somebody in again.
    Unban {
        /// As in a ban.
        who: String,
    },
    /// Who is banned?
    Bans,
    /// Lets somebody listen, and no more.
    Mute {
        /// Whom.
        name: String,
        /// For so many milliseconds; without it, until unmuted.
        #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
        lasting: Option<u64>,
        /// Why.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// Lets somebody talk again.
    Unmute {
        /// Whom.
        name: String,
    },
    /// Keeps newcomers out of a room.
    Lock {
        /// Which.
        room: String,
    },
    /// Lets newcomers into a room again.
    Unlock {
        /// Which.
        room: String,
    },
    /// Tells everyone something in the server's name.
    Notice {
        /// What.
        text: String,
    },
    /// Deletes what somebody said, for good.
    Erase {
        /// Under which name, whoever had it; nobody of that name need be here.
        name: String,
        /// In this room; without it, in all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
    },
}

/// Why a text is no request. [`to_event`](Self::to_event) is what to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestError {
    code: &'static str,
    reason: String,
    id: Option<String>,
}

impl Request {
    /// Asks without an id.
    pub fn new(ask: Ask) -> Self {
        Self { ask, id: None }
    }

    /// Says `text` in `room`.
    pub fn say(room: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(Ask::Say { room: room.into(), text: text.into(), action: false })
    }

    /// The same request under an id of the client's.
    #[must_use]
    pub fn with_id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// The request in a frame of a client's.
    ///
    /// # Errors
    ///
    /// What is wrong with it, to be answered.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        let mut fields: Map<String, Value> = serde_json::from_str(text)
            .map_err(|error| RequestError::new("bad_json", format!("this is no JSON object: {error}")))?;
        let id = match fields.remove("id") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) if id.chars().count() <= MAX_ID_CHARS => Some(id),
            Some(Value::String(_)) => {
                return Err(RequestError::new("bad_id", format!("id is over {MAX_ID_CHARS} characters")));
            }
            Some(_) => return Err(RequestError::new("bad_id", "id is no string")),
        };
        match Ask::from_fields(fields) {
            Ok(ask) => Ok(Self { ask, id }),
            Err(error) => Err(RequestError { id, ..error }),
        }
    }

    /// The request as a frame.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers have a form in JSON")
    }
}

impl Ask {
    /// Whether this is for operators alone.
    pub fn is_order(&self) -> bool {
        matches!(
            self,
            Self::Kick { .. }
                | Self::Ban { .. }
                | Self::Unban { .. }
                | Self::Bans
                | Self::Mute { .. }
                | Self::Unmute { .. }
                | Self::Lock { .. }
                | Self::Unlock { .. }
                | Self::Notice { .. }
                | Self::Erase { .. }
        )
    }

    fn from_fields(fields: Map<String, Value>) -> Result<Self, RequestError> {
        let Some(Value::String(kind)) = fields.get("type") else {
            return Err(RequestError::new("bad_request", "type is missing, or no string"));
        };
        if !TYPES.contains(&kind.as_str()) {
            let kind = crate::Escaped::new(kind).cut(32);
            return Err(RequestError::new("unknown_type", format!("there is no request of type {kind}")));
        }
        serde_json::from_value(Value::Object(fields))
            .map_err(|error| RequestError::new("bad_request", error.to_string()))
    }
}

const TYPES: [&str; 26] = [
    "say", "whisper", "join", "leave", "who", "rooms", "history", "search", "nick", "topic", "away", "back",
    "ignore", "unignore", "whois", "ping", "kick", "ban", "unban", "bans", "mute", "unmute", "lock",
    "unlock", "notice", "erase",
];

impl RequestError {
    /// What the reason repeats of a request is escaped and cut.
    fn new(code: &'static str, reason: impl AsRef<str>) -> Self {
        let reason = crate::Escaped::new(reason.as_ref()).cut(300).to_string();
        Self { code, reason, id: None }
    }

    /// What programs tell it by.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The answer to such a request.
    pub fn to_event(&self) -> Event {
        Event::Error { code: self.code.to_owned(), reason: self.reason.clone(), id: self.id.clone() }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for RequestError {}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_and_written_as_documented() {
        let json = r#"{"type":"say","room":"lobby","text":"hi","id":"c1"}"#;
        let request = Request::parse(json).unwrap();
        assert_eq!(request, Request::say("lobby", "hi").with_id("c1"));
        assert_eq!(request.to_json(), json);
    }

    #[test]
    fn each_documented_type_is_known() {
        for kind in TYPES {
            let fields = r#""room":"a","text":"b","to":"c","name":"d","since":"e","who":"f","for":1,"words":"g","later":[1]"#;
            let request = Request::parse(&format!(r#"{{"type":"{kind}",{fields}}}"#)).unwrap();
            assert!(request.to_json().starts_with(&format!(r#"{{"type":"{kind}""#)), "{request:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_the_request_s_id() {
        for (json, code) in [
            ("hi", "bad_json"),
            ("[]", "bad_json"),
            ("{}", "bad_request"),
            (r#"{"type":"say","id":"c1","room":"a"}"#, "bad_request"),
            (r#"{"type":"dance","id":"c1"}"#, "unknown_type"),
            (r#"{"type":"ping","id":1}"#, "bad_id"),
        ] {
            let Event::Error { code: said, id, .. } = Request::parse(json).unwrap_err().to_event() else {
                unreachable!()
            };
            assert_eq!(said, code, "{json}");
            assert_eq!(id.is_some(), json.contains("c1"), "{json}");
        }
    }
}
