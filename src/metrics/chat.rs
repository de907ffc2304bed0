//! The chat's metrics.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::writer::Writer;
use crate::chat::Chat;

/// A chat that is busy for so long is left out.
const PATIENCE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct ChatCollector(pub Chat);

impl Collector for ChatCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(now) = self.0.statistics_within(PATIENCE) else { return Ok(()) };
        let mut writer = Writer(encoder);
        writer.gauge("chinwag_chat_people", "People in at least one room.", now.people)?;
        writer.gauge("chinwag_chat_rooms", "Rooms that somebody is in.", now.rooms)?;
        let help = "Sessions that are known, with a connection and without.";
        writer.gauge("chinwag_chat_sessions", help, now.sessions)?;
        let help = "Messages at hand in memory: the latest of each room.";
        writer.gauge("chinwag_chat_log_messages", help, now.log_messages)?;
        let help = "Memory that those take, at most.";
        writer.gauge("chinwag_chat_log_bytes", help, now.log_bytes)?;
        let help = "Messages that the store did not take, by what became of them.";
        let outcomes = [("refused", now.refused), ("degraded", now.degraded), ("unsure", now.unsure)];
        writer.counters("chinwag_unkept_messages", help, "outcome", &outcomes)
    }
}
