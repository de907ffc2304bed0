//! Under which keys drafts are known again: kept for a day, and not without bound.

use super::database::Database;
use super::error::Result;
use super::rows::now;
use super::upkeep::PORTION;

/// So long each is kept at least, in milliseconds, unless there are too many.
const AGE: i64 = 24 * 60 * 60 * 1000;
/// So many are kept; some 100 MB of the file.
const MAX_RECEIPTS: i64 = 1_000_000;

/// Takes a portion of what is too old or too much; whether there is more of it.
pub(super) fn step(db: &mut Database) -> Result<bool> {
    if !db.upkeep.receipts && db.totals.receipts <= MAX_RECEIPTS {
        return Ok(false);
    }
    let removed = db.transaction(|db| db.remove_receipts(now() - AGE))?;
    db.upkeep.receipts = removed == PORTION;
    Ok(db.upkeep.receipts)
}

impl Database {
    pub(super) fn look_at_receipts(&mut self, now: i64) -> Result<()> {
        let sql = "SELECT coalesce(min(time), ?1) FROM (SELECT time FROM receipts ORDER BY number LIMIT 1)";
        let first: i64 = self.connection.prepare_cached(sql)?.query_row([now], |row| row.get(0))?;
        self.upkeep.receipts = first < now - AGE;
        Ok(())
    }

    fn remove_receipts(&mut self, limit: i64) -> Result<usize> {
        let too_many = usize::try_from(self.totals.receipts - MAX_RECEIPTS).unwrap_or(0);
        let sql = "SELECT number, time FROM receipts ORDER BY number LIMIT ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([PORTION as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let first = rows.collect::<rusqlite::Result<Vec<(i64, i64)>>>()?;
        let old = first.iter().take_while(|(_, time)| *time < limit).count();
        let count = old.max(too_many).min(first.len());
        let Some((last, _)) = count.checked_sub(1).map(|last| first[last]) else { return Ok(0) };
        self.connection.prepare_cached("DELETE FROM receipts WHERE number <= ?1")?.execute([last])?;
        self.totals.receipts -= count as i64;
        Ok(count)
    }
}
