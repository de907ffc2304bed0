//! Deleting what somebody said, so that nothing of it stays in the file.

use rusqlite::{Connection, Result, params};

use super::Shared;
use super::error::Trouble;
use super::opening::Access;
use super::retention::Victim;
use super::upkeep::PORTION;
use crate::store::{Erasure, StoreError, StoreErrorKind};

/// So many messages are looked at in one go.
const STRIDE: usize = 20_000;

/// What was found in one go.
struct Stride {
    meant: Vec<Victim>,
    /// The last message that was looked at; none where there was nothing left.
    last: Option<i64>,
}

impl Shared {
    pub(super) fn erase(&self, erasure: &Erasure) -> Result<u64, StoreError> {
        if self.access == Access::ReadOnly {
            return Err(self.read_only());
        }
        let sql = "SELECT coalesce(max(number), 0) FROM messages";
        let until = self.read(|connection| connection.query_row(sql, [], |row| row.get::<_, i64>(0)))?;
        let (mut erased, mut last) = (0, Some(0));
        while let Some(after) = last {
            let stride = self.read(|connection| look(connection, erasure, after, until))?;
            for portion in stride.meant.chunks(PORTION) {
                erased += self.erase_portion(portion)?;
            }
            last = stride.last;
        }
        self.sweep();
        Ok(erased)
    }

    fn erase_portion(&self, victims: &[Victim]) -> Result<u64, StoreError> {
        let mut database = self.database.lock();
        let erased = database.verify().and_then(|()| {
            // What is deleted is overwritten; not wanted for what only got old.
            database.connection.pragma_update(None, "secure_delete", true)?;
            let erased = database.transaction(|db| {
                let mut erased = 0;
                db.overwrite_words(true)?;
                for victim in victims {
                    // Retention may have been faster.
                    erased += u64::from(db.remove(*victim, false)?);
                }
                db.overwrite_words(false)?;
                Ok(erased)
            });
            database.connection.pragma_update(None, "secure_delete", "FAST")?;
            erased
        });
        erased.map_err(|trouble| database.told("erase messages in", trouble))
    }

    /// Has the log beside the file begin anew: it has the pages as they were. Where
    /// somebody reads it just now, that is done later.
    fn sweep(&self) {
        let mut database = self.database.lock();
        let is_swept = database.truncate_log().unwrap_or(false);
        database.is_sweep_due = !is_swept;
    }

    pub(super) fn read_only(&self) -> StoreError {
        let why = format!("{} is open for reading only", self.path.display());
        StoreError::new(StoreErrorKind::ReadOnly, why)
    }
}

/// Looks at the messages behind `after`, for those that are meant.
fn look(connection: &Connection, erasure: &Erasure, after: i64, until: i64) -> Result<Stride> {
    let of_room = match erasure.room {
        Some(_) => "room = (SELECT id FROM rooms WHERE name = ?4)",
        None => "?4 IS NULL",
    };
    let sql = format!(
        "SELECT number, room, octet_length(text), time, author = ?3 FROM messages
         WHERE number > ?1 AND number <= ?2 AND {of_room} ORDER BY number LIMIT {STRIDE}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![after, until, &*erasure.author, erasure.room.as_deref()])?;
    let mut stride = Stride { meant: Vec::new(), last: None };
    while let Some(row) = rows.next()? {
        let number = row.get(0)?;
        stride.last = Some(number);
        if row.get(4)? {
            stride.meant.push(Victim { number, room: row.get(1)?, bytes: row.get(2)?, time: row.get(3)? });
        }
    }
    Ok(stride)
}

impl super::database::Database {
    /// Does what a [`sweep`](Shared::sweep) could not do.
    pub(super) fn sweep_again(&mut self) -> Result<(), Trouble> {
        if self.is_sweep_due {
            self.is_sweep_due = !self.truncate_log()?;
        }
        Ok(())
    }
}
