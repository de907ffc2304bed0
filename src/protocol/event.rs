//! What the server says.

use serde::{Deserialize, Serialize};

use super::{BadJson, Ban, Erased, Inside, Moderated};

/// Something that happened, or an answer. Times are milliseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Event {
    /// This client is in: the first event.
    Welcome {
        /// Its name, as it is shown.
        name: String,
        /// The secret that lets it come back as itself.
        session: String,
        /// Its first room.
        room: String,
        /// Where that room's log was.
        pos: String,
        /// `operator` for one who keeps order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<String>,
    },
    /// Somebody came into a room; the newcomer hears it too.
    Joined {
        /// The room.
        room: String,
        /// Who.
        name: String,
        /// When.
        time: u64,
    },
    /// Somebody left a room, or the server.
    Left {
        /// The room.
        room: String,
        /// Who.
        name: String,
        /// When.
        time: u64,
    },
    /// Somebody said something.
    Message(ChatMessage),
    /// Somebody said something to one person alone; both get it.
    Whisper {
        /// Who said it.
        from: String,
        /// To whom.
        to: String,
        /// What.
        text: String,
        /// When.
        time: u64,
        /// It is a deed: *John waves*.
        #[serde(default, skip_serializing_if = "super::is_false")]
        action: bool,
        /// The sender's own id, in its own copy.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// What was said under this id is kept.
    Ack {
        /// The sender's own.
        id: String,
        /// The room that it was said in; none for a whisper.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        /// Its place in the room's log; none for a whisper.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pos: Option<String>,
    },
    /// Who is in a room.
    Present {
        /// The room.
        room: String,
        /// The first thousand, in order.
        names: Vec<String>,
        /// How many there are.
        #[serde(default)]
        total: usize,
        /// Those of `names` who are away.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        away: Vec<String>,
    },
    /// The rooms that somebody is in.
    Rooms {
        /// In order.
        rooms: Vec<RoomInfo>,
    },
    /// Earlier messages of a room, the oldest first.
    History {
        /// The room.
        room: String,
        /// The messages.
        messages: Vec<ChatMessage>,
        /// Whether there are some before them.
        more: bool,
        /// Where the room's log is.
        #[serde(default)]
        pos: String,
    },
    /// Messages that a search found, the oldest first.
    Found {
        /// What was looked for.
        words: String,
        /// In this room only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        /// The messages.
        messages: Vec<ChatMessage>,
        /// Whether there may be some before them.
        more: bool,
        /// Where to go on with the search for those.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
        /// The request's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// This client is back in a room; what it missed follows.
    Resumed {
        /// The room.
        room: String,
        /// False where some of it is gone, or may be.
        complete: bool,
        /// How many messages follow that it missed.
        missed: usize,
    },
    /// This client read too slowly, and messages were dropped in this place.
    Gap {
        /// The room, or the first of several.
        room: String,
        /// How many.
        dropped: u64,
        /// All rooms that they may have been in.
        #[serde(default)]
        rooms: Vec<String>,
    },
    /// Somebody has a new name.
    Renamed {
        /// The old one.
        from: String,
        /// The new one.
        name: String,
        /// When.
        time: u64,
    },
    /// What a room is about.
    Topic {
        /// The room.
        room: String,
        /// Empty where there is none.
        text: String,
        /// Who said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// When.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time: Option<u64>,
    },
    /// Somebody is away from the keyboard.
    Away {
        /// Who.
        name: String,
        /// Why; may be empty.
        text: String,
        /// When.
        time: u64,
    },
    /// Somebody is back at the keyboard.
    Back {
        /// Who.
        name: String,
        /// When.
        time: u64,
    },
    /// How many are in a room that is too large for announcements.
    Headcount {
        /// The room.
        room: String,
        /// How many.
        people: usize,
    },
    /// Whom this client ignores.
    Ignoring {
        /// In order.
        names: Vec<String>,
    },
    /// What is known of a person.
    Whois {
        /// The name, as it is shown.
        name: String,
        /// The rooms that the person is in.
        rooms: Vec<String>,
        /// When the person came.
        since: u64,
        /// Milliseconds since the person last did something.
        idle: u64,
        /// Round-trip time to the person in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rtt: Option<f64>,
        /// Why the person is away, where that is so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        away: Option<String>,
        /// `operator` for one who keeps order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<String>,
        /// What only operators are told.
        #[serde(flatten)]
        inside: Inside,
    },
    /// An operator did something; who did it gets it as the answer.
    Moderated(Moderated),
    /// What somebody said is deleted; who did it gets it as the answer.
    Erased(Erased),
    /// Who is banned, for an operator.
    Bans {
        /// The oldest first.
        bans: Vec<Ban>,
    },
    /// A word from the server or its operator.
    Notice {
        /// The word.
        text: String,
    },
    /// A request was not done.
    Error {
        /// For programs.
        code: String,
        /// For people.
        reason: String,
        /// The request's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// The answer to a ping.
    Pong {
        /// The ping's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// An event of a later version.
    #[serde(other)]
    Unknown,
}

/// What somebody said in a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// The room.
    pub room: String,
    /// Who said it.
    pub from: String,
    /// What.
    pub text: String,
    /// Its place in the room's log; empty, and missing in JSON, where it is in no log: it
    /// was said while the server's store failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pos: String,
    /// When.
    pub time: u64,
    /// It is a deed: *John waves*.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub action: bool,
    /// The sender's own id, in its own copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// A room that somebody is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomInfo {
    /// Its name.
    pub room: String,
    /// How many are in it.
    pub people: usize,
    /// What it is about; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub topic: String,
    /// Newcomers are kept out.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub locked: bool,
}

impl Event {
    /// The event in a frame of the server's.
    ///
    /// # Errors
    ///
    /// [`BadJson`] where it is none; an event of a later version is [`Event::Unknown`].
    pub fn parse(text: &str) -> Result<Self, BadJson> {
        serde_json::from_str(text).map_err(BadJson)
    }

    /// The event as a frame.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers have a form in JSON")
    }
}
