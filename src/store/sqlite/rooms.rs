//! What the writer knows of each room without asking the file: a copy of the table.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rusqlite::{Connection, Result, params};

/// What a message takes of the file beside its text, roughly.
pub(super) const OVERHEAD: i64 = 128;

#[derive(Debug, Default)]
pub(super) struct Rooms {
    rooms: HashMap<i64, Room>,
    ids: HashMap<Arc<str>, i64>,
    /// Of all, with the [`OVERHEAD`].
    pub bytes: i64,
    pub messages: i64,
    /// Those that the open transaction has changed.
    changed: BTreeSet<i64>,
}

#[derive(Debug)]
pub(super) struct Room {
    pub name: Arc<str>,
    /// The latest message that retention took.
    pub gone: i64,
    /// The latest message that there ever was.
    pub head: i64,
    pub messages: i64,
    /// Of their text.
    pub bytes: i64,
    /// When the first message that is kept was said, where somebody looked.
    pub oldest: Option<i64>,
    /// All of it goes: there are too many rooms.
    pub is_doomed: bool,
}

impl Rooms {
    pub(super) fn load(connection: &Connection) -> Result<Self> {
        let mut all = Self::default();
        let mut statement =
            connection.prepare_cached("SELECT id, name, gone, head, messages, bytes FROM rooms")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (id, name) = (row.get(0)?, row.get::<_, Arc<str>>(1)?);
            let room = Room {
                name: name.clone(),
                gone: row.get(2)?,
                head: row.get(3)?,
                messages: row.get(4)?,
                bytes: row.get(5)?,
                oldest: None,
                is_doomed: false,
            };
            all.messages += room.messages;
            all.bytes += room.bytes + room.messages * OVERHEAD;
            all.ids.insert(name, id);
            all.rooms.insert(id, room);
        }
        Ok(all)
    }

    /// The id of a room, which is made where there is none. The log of a room that is new
    /// begins behind those of all rooms that are forgotten.
    pub(super) fn id(&mut self, connection: &Connection, name: &Arc<str>, forgotten: i64) -> Result<i64> {
        if let Some(id) = self.ids.get(name) {
            return Ok(*id);
        }
        let mut statement =
            connection.prepare_cached("INSERT INTO rooms (name, gone, head) VALUES (?1, ?2, ?2)")?;
        let id = statement.insert(params![&**name, forgotten])?;
        let room = Room {
            name: name.clone(),
            gone: forgotten,
            head: forgotten,
            messages: 0,
            bytes: 0,
            oldest: None,
            is_doomed: false,
        };
        self.ids.insert(name.clone(), id);
        self.rooms.insert(id, room);
        Ok(id)
    }

    pub(super) fn get(&self, id: i64) -> Option<&Room> {
        self.rooms.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: i64) -> Option<&mut Room> {
        self.rooms.get_mut(&id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, &Room)> {
        self.rooms.iter().map(|(id, room)| (*id, room))
    }

    pub(super) fn len(&self) -> usize {
        self.rooms.len()
    }

    /// A message came in.
    pub(super) fn add(&mut self, id: i64, number: i64, bytes: i64, time: i64) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        if room.messages == 0 {
            room.oldest = Some(time);
        }
        room.head = number;
        room.messages += 1;
        room.bytes += bytes;
        room.is_doomed = false;
        self.messages += 1;
        self.bytes += bytes + OVERHEAD;
        self.changed.insert(id);
    }

    /// A message went; with `gone`, because it was not to be kept.
    pub(super) fn remove(&mut self, id: i64, bytes: i64, gone: Option<i64>) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        room.messages -= 1;
        room.bytes -= bytes;
        room.oldest = None;
        room.gone = room.gone.max(gone.unwrap_or(0));
        self.messages -= 1;
        self.bytes -= bytes + OVERHEAD;
        self.changed.insert(id);
    }

    /// Forgets that there was a room, which is empty.
    pub(super) fn forget(&mut self, connection: &Connection, id: i64) -> Result<()> {
        connection.prepare_cached("DELETE FROM rooms WHERE id = ?1")?.execute([id])?;
        if let Some(room) = self.rooms.remove(&id) {
            self.ids.remove(&room.name);
        }
        Ok(())
    }

    /// Those that changed since the last [`save`](Self::save).
    pub(super) fn changed(&self) -> impl Iterator<Item = i64> {
        self.changed.iter().copied()
    }

    /// Writes what changed into the open transaction.
    pub(super) fn save(&mut self, connection: &Connection) -> Result<()> {
        if self.changed.is_empty() {
            return Ok(());
        }
        let mut statement = connection.prepare_cached(
            "UPDATE rooms SET gone = ?2, head = ?3, messages = ?4, bytes = ?5 WHERE id = ?1",
        )?;
        for id in std::mem::take(&mut self.changed) {
            let Some(room) = self.rooms.get(&id) else { continue };
            statement.execute(params![id, room.gone, room.head, room.messages, room.bytes])?;
        }
        Ok(())
    }
}
