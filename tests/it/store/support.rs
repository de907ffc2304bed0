//! What the stores' tests share: a store with somebody who listens to its tail.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chinwag::store::{
    Appended, Delivery, Draft, Key, Outcome, Position, Record, Sqlite, SqliteBuilder, Store, StoreErrorKind,
    Tail, Ticket,
};
use crossbeam_channel::Receiver;

use crate::support::PATIENCE;

/// A file in a folder of its own.
pub fn new_path() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    (folder, path)
}

/// A store, and what comes out of its tail.
pub struct Heard {
    pub store: Sqlite,
    deliveries: Receiver<Delivery>,
}

impl Heard {
    pub fn open(path: &Path) -> Self {
        Self::with(Sqlite::builder(path))
    }

    pub fn with(builder: SqliteBuilder) -> Self {
        let store = builder.open().unwrap();
        let (tx, deliveries) = crossbeam_channel::unbounded();
        store.open(Tail::new(move |all| all.into_iter().for_each(|one| drop(tx.send(one)))));
        Self { store, deliveries }
    }

    /// Hands in a draft, as the hub does.
    pub fn append(&self, ticket: u64, draft: Draft) {
        let outcome = self.store.append(Ticket(ticket), draft);
        assert_eq!(outcome, None, "nothing is known of it at once");
    }

    /// Says something, and waits for what comes of it.
    pub fn outcome(&self, draft: Draft) -> Outcome {
        self.append(77, draft);
        self.store.commit();
        let delivery = self.next();
        assert_eq!(delivery.ticket, Some(Ticket(77)));
        delivery.outcome
    }

    /// Says something, which is in the log then.
    #[track_caller]
    pub fn say(&self, room: &str, text: &str) -> Arc<Record> {
        match self.outcome(draft(room, text)) {
            Ok(Appended::New(record)) => record,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub fn next(&self) -> Delivery {
        self.deliveries.recv_timeout(PATIENCE).expect("something comes of it")
    }

    pub fn is_silent(&self) -> bool {
        self.deliveries.is_empty()
    }

    pub fn texts(&self, room: &str) -> Vec<String> {
        texts(&self.store, room)
    }

    /// The same, where it can be read.
    pub fn texts_of(&self, room: &str) -> Option<Vec<String>> {
        let records = self.store.before(room, None, 1000).ok()?;
        Some(records.iter().map(|record| record.text.clone()).collect())
    }

    /// What is wrong with the store just now.
    pub fn trouble(&self) -> Option<StoreErrorKind> {
        self.store.health().err().map(|error| error.kind())
    }
}

/// All that is kept of a room.
pub fn texts(store: &Sqlite, room: &str) -> Vec<String> {
    let records = store.after(room, Position::START, Position(u128::MAX), usize::MAX).unwrap();
    records.iter().map(|record| record.text.clone()).collect()
}

pub fn draft(room: &str, text: &str) -> Draft {
    Draft {
        room: room.into(),
        from: "John".to_owned(),
        author: "john".into(),
        subject: None,
        text: text.to_owned(),
        action: false,
        time: now(),
        key: None,
    }
}

/// A draft that is known again.
pub fn keyed(room: &str, text: &str, session: u8, id: &str) -> Draft {
    Draft { key: Some(Key { session: [session; 16], id: id.to_owned() }), ..draft(room, text) }
}

pub fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_millis() as u64
}

/// What is beside the file.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    format!("{}{suffix}", path.display()).into()
}
