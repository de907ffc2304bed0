//! Requests and answers, and their lines.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ClientInfo;
use crate::Escaped;
use crate::chat::Problem;
use crate::protocol::{Ask, BadJson, Ban, Erased, Event, Moderated, Request, RoomInfo};

/// The version of this protocol. It changes where a tool would misunderstand; new fields,
/// requests and answers are no change.
pub const VERSION: u64 = 1;

/// What a tool asks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdminRequest {
    /// Which version of chinwag is this?
    Version,
    /// Who is here?
    Clients,
    /// Which rooms are there?
    Rooms,
    /// What an operator in the chat could ask, too: see [`Ask::is_order`].
    Order(Ask),
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum AdminAnswer {
    /// The server's version.
    Version {
        /// Such as `0.1.0`.
        version: String,
    },
    /// All who are here.
    Clients {
        /// In the order of their names.
        clients: Vec<ClientInfo>,
    },
    /// The rooms.
    Rooms {
        /// In order.
        rooms: Vec<RoomInfo>,
    },
    /// Something was done.
    Moderated(Moderated),
    /// What somebody said is deleted.
    Erased(Erased),
    /// Who is banned.
    Bans {
        /// The oldest first.
        bans: Vec<Ban>,
    },
    /// All have been told.
    Notice {
        /// What.
        text: String,
    },
    /// It was not done.
    Error {
        /// For programs.
        code: String,
        /// For people.
        reason: String,
    },
}

/// A request as it came in.
pub(super) struct Incoming {
    pub request: AdminRequest,
    pub by: Option<String>,
}

impl AdminRequest {
    /// The request as a line, without its end. `by` is who asks, for the log and for those
    /// whom it concerns.
    pub fn to_json(&self, by: Option<&str>) -> String {
        let mut fields = match self {
            Self::Version => typed("version"),
            Self::Clients => typed("clients"),
            Self::Rooms => typed("rooms"),
            Self::Order(ask) => match serde_json::to_value(ask) {
                Ok(Value::Object(fields)) => fields,
                _ => Map::new(),
            },
        };
        fields.insert("v".to_owned(), VERSION.into());
        fields.extend(by.map(|by| ("by".to_owned(), by.into())));
        Value::Object(fields).to_string()
    }
}

fn typed(kind: &str) -> Map<String, Value> {
    Map::from_iter([("type".to_owned(), kind.into())])
}

impl Incoming {
    /// What a line asks, or why that is not to be known.
    pub(super) fn parse(line: &[u8]) -> Result<Self, Problem> {
        let fields = serde_json::from_slice::<Map<String, Value>>(line)
            .map_err(|error| Problem::new("bad_json", format!("this is no JSON object: {error}")))?;
        match fields.get("v").and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(_) => return Err(Problem::new("version", format!("this server speaks version {VERSION}"))),
            None => return Err(Problem::new("version", "v is missing, the version that is spoken")),
        }
        let by = fields.get("by").and_then(Value::as_str).map(|by| Escaped::new(by).cut(64).to_string());
        let request = match fields.get("type").and_then(Value::as_str) {
            Some("version") => AdminRequest::Version,
            Some("clients") => AdminRequest::Clients,
            Some("rooms") => AdminRequest::Rooms,
            _ => AdminRequest::Order(order(fields)?),
        };
        Ok(Self { request, by: by.filter(|by| !by.trim().is_empty()) })
    }
}

fn order(fields: Map<String, Value>) -> Result<Ask, Problem> {
    let request = Request::parse(&Value::Object(fields).to_string())
        .map_err(|error| Problem::new(error.code(), error.to_string()))?;
    if !request.ask.is_order() {
        return Err(Problem::new("bad_request", "this is for clients of the chat"));
    }
    Ok(request.ask)
}

#[derive(Serialize, Deserialize)]
struct Line<T> {
    v: u64,
    #[serde(flatten)]
    answer: T,
}

impl AdminAnswer {
    /// The answer in a line.
    ///
    /// # Errors
    ///
    /// [`BadJson`] where it is none that is known here.
    pub fn parse(line: &str) -> Result<Self, BadJson> {
        serde_json::from_str::<Line<Self>>(line).map(|line| line.answer).map_err(BadJson)
    }

    /// The answer as a line, without its end.
    pub fn to_json(&self) -> String {
        let line = Line { v: VERSION, answer: self };
        serde_json::to_string(&line).expect("strings and numbers have a form in JSON")
    }

    pub(super) fn error(code: &str, reason: impl Into<String>) -> Self {
        Self::Error { code: code.to_owned(), reason: reason.into() }
    }
}

impl From<Result<Event, Problem>> for AdminAnswer {
    fn from(result: Result<Event, Problem>) -> Self {
        match result {
            Ok(Event::Moderated(done)) => Self::Moderated(done),
            Ok(Event::Erased(erased)) => Self::Erased(erased),
            Ok(Event::Bans { bans }) => Self::Bans { bans },
            Ok(Event::Notice { text }) => Self::Notice { text },
            Ok(_) => Self::error("bad_request", "this is no order of an operator's"),
            Err(problem) => problem.into(),
        }
    }
}

impl From<Problem> for AdminAnswer {
    fn from(problem: Problem) -> Self {
        Self::error(problem.code(), problem.reason())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_comes_out_as_it_went_in() {
        let order = Ask::Mute { name: "Eve".to_owned(), lasting: Some(1000), reason: String::new() };
        for request in
            [AdminRequest::Version, AdminRequest::Clients, AdminRequest::Rooms, AdminRequest::Order(order)]
        {
            let incoming = Incoming::parse(request.to_json(Some("ops\n")).as_bytes()).ok().unwrap();
            assert_eq!((incoming.request, incoming.by.as_deref()), (request, Some("ops\\n")));
        }
    }

    #[test]
    fn what_is_wrong_has_a_code() {
        for (line, expected) in [
            ("hi", "bad_json"),
            ("[]", "bad_json"),
            (r#"{"type":"clients"}"#, "version"),
            (r#"{"v":2,"type":"clients"}"#, "version"),
            (r#"{"v":1}"#, "bad_request"),
            (r#"{"v":1,"type":"dance"}"#, "unknown_type"),
            (r#"{"v":1,"type":"kick"}"#, "bad_request"),
            (r#"{"v":1,"type":"say","room":"lobby","text":"hi"}"#, "bad_request"),
        ] {
            let problem = Incoming::parse(line.as_bytes()).err().unwrap();
            assert_eq!(problem.code(), expected, "{line}");
        }
    }

    #[test]
    fn an_answer_has_its_version() {
        let answer = AdminAnswer::error("a", "b");
        assert_eq!(answer.to_json(), r#"{"v":1,"type":"error","code":"a","reason":"b"}"#);
        assert_eq!(AdminAnswer::parse(&answer.to_json()).unwrap(), answer);
    }
}
