//! What each client did and was told, and what the log holds in the end: all that the checker
//! looks at.

/// What somebody said, as everyone is shown it. No two messages of a run are the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Message {
    pub room: String,
    pub from: String,
    pub text: String,
}

/// A message of the log, at its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub pos: String,
    pub message: Message,
}

/// One process of one server: several servers of a chat have names, and each is started
/// again and again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Life {
    pub server: String,
    pub number: u32,
}

/// All that one client did and was told, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    pub name: String,
    pub steps: Vec<Step>,
    /// It stayed until everything was over: all that it said was answered, and all that was
    /// said was there to be heard.
    pub is_finished: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A connection, and the session that the server gave or knew again.
    Connected {
        life: Life,
        session: String,
    },
    /// The connection is over.
    Lost,
    /// Comes into a room as somebody new, who hears what comes behind `pos`.
    Entered {
        room: String,
        pos: String,
    },
    /// Is back in a room.
    Resumed {
        room: String,
        complete: bool,
        missed: usize,
    },
    /// All that was missed has come; what comes now is live.
    Live {
        room: String,
    },
    /// Sends a message, for the first time or again under the same id.
    Said {
        id: String,
        room: String,
        text: String,
    },
    Acked {
        id: String,
        room: String,
        pos: String,
    },
    Refused {
        id: String,
        code: String,
    },
    /// `pos` is missing where the server says that it is not kept.
    Heard {
        message: Message,
        pos: Option<String>,
        id: Option<String>,
    },
    /// Some were dropped here.
    Gap {
        rooms: Vec<String>,
    },
}

impl Message {
    pub fn new(room: &str, from: &str, text: &str) -> Self {
        Self { room: room.to_owned(), from: from.to_owned(), text: text.to_owned() }
    }
}

impl Record {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }
}
