//! Moving what the log beside the file has into the file, while the writer writes on. Else
//! the log would grow without end, and reading with it.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::Receiver;
use rusqlite::{Connection, Result};

use super::Shared;
use super::opening::Access;

/// After so many bytes it is time.
pub(super) const EVERY: u64 = 4 * 1024 * 1024;
/// With so many pages in the log the writer has to wait a moment, so that all of it gets
/// into the file and the log can begin anew.
const MAX_PAGES: i64 = 4096;

/// Makes a checkpoint for each time that the writer asks for one, until it is gone.
pub(super) fn run(shared: &Arc<Shared>, due_rx: &Receiver<()>) {
    while due_rx.recv().is_ok() {
        let began = Instant::now();
        let pages = match shared.access {
            // There is no second connection.
            Access::Exclusive => Ok(i64::MAX),
            _ => shared.pool.with(checkpoint),
        };
        let done = match pages {
            Ok(pages) if pages > MAX_PAGES => {
                // What is left to do is little, for most of it was just done.
                let database = shared.database.lock();
                checkpoint(&database.connection)
                    .map_err(|error| database.told("write", error.into()))
                    .map(drop)
            }
            pages => pages.map(drop),
        };
        match done {
            Ok(()) => shared.counted.checkpoint(began.elapsed()),
            Err(error) => log::debug!("no checkpoint: {error}"),
        }
    }
}

/// Moves what nobody reads just now; how many pages the log has.
fn checkpoint(connection: &Connection) -> Result<i64> {
    connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_row([], |row| row.get(1))
}
