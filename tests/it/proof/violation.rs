//! What can be wrong with a run.

use std::fmt;

/// The first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub rule: Rule,
    pub words: String,
}

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Records that prove nothing: two messages that nobody could tell from each other.
    SaidIsUnique,
    /// Nothing is in the log that nobody said.
    KeptWasSaid,
    /// Nothing is in the log twice.
    KeptOnce,
    /// A position has one message, for ever.
    OneMessageAPosition,
    /// What one client says in a room is kept in that order.
    SaidOrderIsKept,
    /// What is acknowledged is in the log.
    AckedIsKept,
    /// It is there at the position of the ack, in its room.
    AckedAtItsPosition,
    /// The same id gets the same position.
    OneAckAnId,
    /// Nobody gets an ack for what they did not say.
    AckedWasSaid,
    /// What is refused is not in the log.
    RefusedIsNotKept,
    /// What is shown without a position is not in the log.
    UnplacedIsNotKept,
    /// What is heard at a position is in the log there.
    HeardIsKept,
    /// What is heard was said.
    HeardWasSaid,
    /// Nobody hears a message twice.
    HeardOnce,
    /// Everyone hears the log's order.
    HeardInOrder,
    /// Nobody misses a message without being told.
    NothingMissed,
    /// As many come as `resumed` announced.
    MissedAsAnnounced,
    /// One's own copy has the id, and nobody else's has.
    OwnCopyHasItsId,
    /// All that a client says is answered.
    SaidIsAnswered,
    /// Who comes back is known again.
    SessionIsKnown,
    /// Where the power took the end of the log, it took the end and nothing else.
    OnlyTheEndIsLost,
}

impl Rule {
    pub const COUNT: usize = Self::OnlyTheEndIsLost as usize + 1;
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.words)
    }
}
