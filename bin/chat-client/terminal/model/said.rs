//! What the user said, until it is confirmed.

use std::time::{Duration, Instant};

use chinwag::chat_client::{Kept, NotKept, Receipt};

/// A confirmation that takes no longer is not waited for in the user's eyes.
const SOON: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub struct Said {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    receipt: Receipt,
    text: String,
    time: Instant,
}

impl Said {
    pub fn add(&mut self, receipt: Receipt, text: String) {
        // Of what was refused the user is still to be told.
        let is_wanted =
            |entry: &Entry| !matches!(entry.receipt.outcome(), Some(Ok(_) | Err(NotKept::Unstored)));
        self.entries.retain(is_wanted);
        self.entries.push(Entry { receipt, text, time: Instant::now() });
    }

    /// What was said under this id and is settled, and how. It is forgotten here.
    pub fn take(&mut self, id: &str) -> Option<(String, Result<Kept, NotKept>)> {
        let place = self.entries.iter().position(|entry| entry.receipt.id() == id)?;
        let fate = self.entries[place].receipt.outcome()?;
        Some((self.entries.remove(place).text, fate))
    }

    /// How many messages have waited for long.
    pub fn overdue(&self) -> usize {
        let waiting = self.entries.iter().filter(|entry| entry.receipt.outcome().is_none());
        waiting.filter(|entry| entry.time.elapsed() > SOON).count()
    }

    pub fn is_waiting(&self) -> bool {
        self.entries.iter().any(|entry| entry.receipt.outcome().is_none())
    }

    /// What was not confirmed, and will not be.
    pub fn lost(&self) -> impl Iterator<Item = &str> {
        let lost = self
            .entries
            .iter()
            .filter(|entry| matches!(entry.receipt.outcome(), Some(Err(NotKept::Ended | NotKept::Lost))));
        lost.map(|entry| entry.text.as_str())
    }
}
