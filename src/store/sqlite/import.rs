//! Taking in what another store had.

use rusqlite::params;

use super::Shared;
use super::error::Result;
use super::opening::Access;
use super::rows::signed;
use crate::store::{Record, StoreError, StoreErrorKind};

impl Shared {
    /// Appends all of these in one transaction, under new numbers.
    pub(super) fn import(
        &self,
        records: &mut dyn Iterator<Item = Result<Record, StoreError>>,
    ) -> Result<u64, StoreError> {
        match self.access {
            Access::Exclusive => {}
            Access::ReadOnly => return Err(self.read_only()),
            Access::Shared => {
                let why = format!("{} is not open exclusively, which an import needs", self.path.display());
                return Err(StoreError::new(StoreErrorKind::BadRequest, why));
            }
        }
        let mut database = self.database.lock();
        let imported = database.verify().and_then(|()| database.transaction(|db| db.add_records(records)));
        imported.map_err(|trouble| database.told("import into", trouble))
    }
}

impl super::database::Database {
    fn add_records(&mut self, records: &mut dyn Iterator<Item = Result<Record, StoreError>>) -> Result<u64> {
        let Self { connection, rooms, totals, .. } = self;
        let sql = "INSERT INTO messages (number, room, time, sender, author, subject, text, action)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let mut statement = connection.prepare_cached(sql)?;
        let mut count = 0;
        for record in records {
            let Record { room, from, author, subject, text, action, time, .. } = record?;
            let id = rooms.id(connection, &room, totals.forgotten)?;
            let (number, time) = (totals.latest + 1, signed(time));
            statement.execute(params![number, id, time, from, &*author, subject.as_deref(), text, action])?;
            totals.latest = number;
            rooms.add(id, number, text.len() as i64, time);
            count += 1;
        }
        Ok(count)
    }
}
