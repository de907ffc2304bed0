//! What goes wrong inside SQLite, where no file from outside can make it.

use std::time::Duration;

use crossbeam_channel::Receiver;

use super::*;
use crate::store::{Appended, Delivery, Key};

const PATIENCE: Duration = Duration::from_secs(20);

struct Opened {
    store: Sqlite,
    deliveries: Receiver<Delivery>,
    _folder: tempfile::TempDir,
}

impl Opened {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::builder(folder.path().join("chat.db")).open().unwrap();
        let (tx, deliveries) = crossbeam_channel::unbounded();
        store.open(Tail::new(move |all| all.into_iter().for_each(|one| drop(tx.send(one)))));
        Self { store, deliveries, _folder: folder }
    }

    /// Tells SQLite something on the connection that writes.
    fn tell(&self, sql: &str) {
        self.store.shared.database.lock().connection.execute_batch(sql).unwrap();
    }

    /// Says these in one turn; what came of them.
    fn say(&self, texts: &[&str]) -> Vec<Outcome> {
        // Held, so that they come into one transaction.
        let database = self.store.shared.database.lock();
        for text in texts {
            let draft = Draft {
                room: "lobby".into(),
                from: "John".to_owned(),
                author: "john".into(),
                subject: None,
                text: (*text).to_owned(),
                action: false,
                time: 0,
                key: text.strip_prefix("keyed ").map(|id| Key { session: [1; 16], id: id.to_owned() }),
            };
            assert_eq!(self.store.append(Ticket(1), draft), None);
        }
        self.store.commit();
        drop(database);
        texts.iter().map(|_| self.deliveries.recv_timeout(PATIENCE).unwrap().outcome).collect()
    }

    fn texts(&self) -> Vec<String> {
        let all = self.store.before("lobby", None, 1000).unwrap();
        all.iter().map(|record| record.text.clone()).collect()
    }

    fn gets_well(&self) {
        let deadline = std::time::Instant::now() + PATIENCE;
        while let Err(error) = self.store.health() {
            assert!(std::time::Instant::now() < deadline, "still {error}");
            thread::yield_now();
        }
    }
}

#[test]
fn a_full_disk_takes_nothing_of_a_batch_and_all_goes_on_when_there_is_room() {
    let opened = Opened::new();
    assert!(opened.say(&["before"])[0].is_ok());
    opened.tell("PRAGMA max_page_count = 1");
    let big = "x".repeat(100_000);
    for outcome in opened.say(&["keyed small", &big, "after it"]) {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Full);
        assert!(error.to_string().ends_with("chat.db: the disk is full"), "{error}");
    }
    assert_eq!(opened.texts(), ["before"]);
    opened.tell("PRAGMA max_page_count = 1000000");
    opened.gets_well();
    let outcome = opened.say(&["keyed other", "keyed small"]).remove(1);
    assert!(matches!(outcome, Ok(Appended::New(_))), "its key was not used up: {outcome:?}");
    assert_eq!(opened.texts(), ["before", "keyed other", "keyed small"]);
    assert_eq!(opened.store.statistics().messages, 3);
}

#[test]
fn what_a_failed_commit_took_back_is_said_to_have_failed() {
    let opened = Opened::new();
    opened.tell(
        "PRAGMA foreign_keys = ON;
         CREATE TABLE children (room INTEGER REFERENCES rooms (id) DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER late AFTER INSERT ON messages WHEN new.text = 'late'
         BEGIN INSERT INTO children VALUES (99); END;",
    );
    assert!(opened.say(&["before"])[0].is_ok());
    assert!(opened.say(&["innocent", "late"]).iter().all(Result::is_err));
    assert_eq!(opened.texts(), ["before"]);
    opened.gets_well();
    let Ok(Appended::New(record)) = &opened.say(&["after"])[0] else { panic!() };
    assert_eq!(opened.store.bounds("lobby").unwrap().head, record.position);
    assert_eq!(opened.texts(), ["before", "after"]);
}

#[test]
fn a_message_is_looked_for_where_a_commit_may_have_worked() {
    let opened = Opened::new();
    let Ok(Appended::New(record)) = opened.say(&["there"]).remove(0) else { panic!() };
    let database = opened.store.shared.database.lock();
    assert!(database.holds(&record).unwrap());
    let other = Record { text: "not there".to_owned(), ..(*record).clone() };
    assert!(!database.holds(&other).unwrap());
}

#[test]
fn numbering_goes_on_behind_the_clock_and_behind_a_clock_that_was_set_back() {
    let opened = Opened::new();
    let mut database = opened.store.shared.database.lock();
    assert_eq!(database.totals.latest, 0, "nothing was given yet");
    database.renumber().unwrap();
    let behind_clock = database.totals.latest;
    assert!(behind_clock > 1_700_000_000_000_000);
    let ahead = behind_clock * 2;
    database.totals.latest = ahead;
    database.renumber().unwrap();
    assert_eq!(database.totals.latest, ahead + 1_000_000);
}

#[test]
fn readers_beyond_the_bound_wait_and_a_reader_that_panics_counts_no_more() {
    let opened = Opened::new();
    let pool = &opened.store.shared.pool;
    for _ in 0..10 {
        let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.with::<()>(|_| std::panic::resume_unwind(Box::new("a bug")))
        }));
        assert!(read.is_err());
    }
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| pool.with(|connection| connection.query_row("SELECT 1", [], |_| Ok(()))).unwrap());
        }
    });
}
