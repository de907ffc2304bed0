//! Where what is said is kept.

use std::fmt;
#[cfg(feature = "sqlite")]
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::writer::Writer;
use crate::chat::Chat;
#[cfg(feature = "sqlite")]
use crate::store::{Sqlite, SqliteStatistics};

/// What all stores have.
#[derive(Debug)]
pub(super) struct StoreCollector(pub Chat);

impl Collector for StoreCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let store = self.0.store();
        let (is_up, now) = (store.health().is_ok(), store.statistics());
        let mut writer = Writer(encoder);
        let help = "Whether the store takes messages, as far as is known.";
        writer.gauge("chinwag_store_up", help, u32::from(is_up))?;
        writer.gauge("chinwag_store_messages", "Messages that are kept.", now.messages)?;
        let help = "What they take: bytes of memory, or of the file.";
        writer.gauge("chinwag_store_bytes", help, now.bytes)?;
        writer.gauge("chinwag_store_queue", "Messages that wait to be stored.", now.queued as u64)
    }
}

/// What a store in a file has beside that.
#[cfg(feature = "sqlite")]
#[derive(Debug)]
pub(super) struct SqliteCollector(pub Arc<Sqlite>);

#[cfg(feature = "sqlite")]
impl Collector for SqliteCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let SqliteStatistics {
            appended,
            adopted,
            transaction_seconds,
            transaction_messages,
            failures,
            expired,
            checkpoint_seconds,
            wal_bytes,
            unindexed,
        } = self.0.file_statistics();
        let mut writer = Writer(encoder);
        writer.counter("chinwag_store_appended_messages", "Messages put into the file.", appended)?;
        let help = "Messages that another server had put into the file.";
        writer.counter("chinwag_store_adopted_messages", help, adopted)?;
        let help = "Time of a transaction that put messages into the file.";
        writer.histogram("chinwag_store_transaction_seconds", help, &transaction_seconds)?;
        let help = "Messages of one such transaction.";
        writer.histogram("chinwag_store_transaction_messages", help, &transaction_messages)?;
        let help = "Attempts to write or read that failed, by their kind.";
        writer.counters("chinwag_store_failures", help, "kind", &failures)?;
        let help = "Messages deleted for their age, or for the room that there is.";
        writer.counter("chinwag_store_expired_messages", help, expired)?;
        let help = "Time of a checkpoint, which moves what was written from the WAL into the file.";
        writer.histogram("chinwag_store_checkpoint_seconds", help, &checkpoint_seconds)?;
        writer.gauge("chinwag_store_wal_bytes", "Bytes of the WAL beside the file.", wal_bytes)?;
        let help = "Messages that a search does not find by the index yet.";
        writer.gauge("chinwag_store_unindexed_messages", help, unindexed)
    }
}
