//! The chat's own options.

use chinwag::chat::{Chat, ChatSettings};
use clap::Args;

/// What is announced, and what newcomers hear.
#[derive(Args)]
#[command(next_help_heading = "The chat")]
pub struct Chatting {
    /// Members up to which comings and goings are announced; in a larger room the
    /// number of people is told now and then instead.
    #[arg(long, value_name = "N", env = "CHINWAG_ANNOUNCE_UP_TO", default_value_t = Chat::ANNOUNCE_UP_TO)]
    pub announce_up_to: usize,

    /// Messages that a newcomer gets of what was said before, 100 at most (not in text
    /// mode, where the query's history=N asks for them).
    #[arg(long, value_name = "N", env = "CHINWAG_HISTORY", default_value = "20", value_parser = at_most_100)]
    pub history: usize,
}

impl Chatting {
    pub fn apply(&self, settings: &mut ChatSettings) {
        settings.announce_up_to = self.announce_up_to;
        settings.history = self.history;
    }
}

fn at_most_100(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|count| *count <= 100)
        .ok_or_else(|| "must be a whole number up to 100".to_owned())
}
