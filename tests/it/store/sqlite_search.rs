//! Searching in a file: the index follows the log by and by, and nobody notices where it is.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chinwag::store::{Erasure, Retention, Search, Sqlite, Store};
use rusqlite::Connection;

use super::support::{Heard, draft, new_path};
use crate::support::PATIENCE;

/// What is found, the oldest first.
fn found(store: &Sqlite, words: &str) -> Vec<String> {
    let search = Search { rooms: vec!["lobby".into()], words: words.to_owned(), before: None, limit: 10_000 };
    store.search(&search).unwrap().records.iter().map(|record| record.text.clone()).collect()
}

fn say_all(heard: &Heard, texts: impl IntoIterator<Item = String>) {
    let mut count = 0;
    for text in texts {
        heard.append(count, draft("lobby", &text));
        count += 1;
    }
    heard.store.commit();
    for _ in 0..count {
        assert!(heard.next().outcome.is_ok());
    }
}

/// Somebody with a shell.
fn shell<T: rusqlite::types::FromSql>(path: &Path, sql: &str) -> T {
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Waits until all is in the index that was said.
#[track_caller]
fn wait_for_index(path: &Path) {
    let sql = "SELECT (SELECT value FROM meta WHERE key = 'indexed') >= max(number) FROM messages";
    let begin = Instant::now();
    while !shell::<bool>(path, sql) {
        assert!(begin.elapsed() < PATIENCE, "the index does not follow");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How many messages the index has for some words.
fn indexed(path: &Path, words: &str) -> i64 {
    shell(path, &format!("SELECT count(*) FROM words WHERE words MATCH '{words}'"))
}

#[test]
fn index_follows_when_it_is_quiet() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    say_all(&heard, (0..1000).map(|nth| format!("needle {nth}, Éclair")));
    let before = found(&heard.store, "needle eclair");
    wait_for_index(&path);
    assert_eq!(indexed(&path, "needle"), 1000);
    assert_eq!(before.len(), 1000);
    assert_eq!(found(&heard.store, "needle eclair"), before);
    assert_eq!(
        found(&heard.store, "needle 99*"),
        ["needle 99, Éclair"]
            .map(str::to_owned)
            .into_iter()
            .chain((990..1000).map(|nth| format!("needle {nth}, Éclair")))
            .collect::<Vec<_>>()
    );
    // Half in the index and half not.
    say_all(&heard, (1000..1100).map(|nth| format!("needle {nth}")));
    assert_eq!(found(&heard.store, "needle").len(), 1100);
    assert_eq!(found(&heard.store, "needle")[999..1001], ["needle 999, Éclair", "needle 1000"]);
}

#[test]
fn store_of_a_version_without_an_index_gets_one() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    say_all(&heard, (0..600).map(|nth| format!("needle {nth}")));
    drop(heard);
    let older =
        "DROP TABLE words; DELETE FROM meta WHERE key IN ('indexed', 'words'); PRAGMA user_version = 2;";
    Connection::open(&path).unwrap().execute_batch(older).unwrap();
    let heard = Heard::open(&path);
    assert_eq!(found(&heard.store, "needle").len(), 600, "before there is an index");
    wait_for_index(&path);
    assert_eq!(indexed(&path, "needle"), 600);
    assert_eq!(found(&heard.store, "needle").len(), 600);
}

#[test]
fn index_that_was_folded_otherwise_is_made_anew() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    say_all(&heard, ["needle".to_owned()]);
    wait_for_index(&path);
    drop(heard);
    let sql = "UPDATE meta SET value = 'other' WHERE key = 'words';
               INSERT INTO words (words) VALUES ('delete-all');
               INSERT INTO words (rowid, text) SELECT number, 'otherwise' FROM messages;";
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    // Who only reads does without.
    let store = Sqlite::builder(&path).read_only().open().unwrap();
    assert_eq!(found(&store, "needle"), ["needle"]);
    drop(store);
    let heard = Heard::open(&path);
    assert_eq!(found(&heard.store, "needle"), ["needle"]);
    wait_for_index(&path);
    assert_eq!((indexed(&path, "needle"), indexed(&path, "otherwise")), (1, 0));
}

#[test]
fn what_is_deleted_leaves_the_index_and_the_file() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    say_all(&heard, (0..300).map(|nth| format!("hay {nth}")));
    let secret = (0..300).map(|nth| format!("xylophonist{nth} zugzwang"));
    for (nth, text) in secret.enumerate() {
        let author = Arc::from("eve");
        heard.append(nth as u64, chinwag::store::Draft { author, ..draft("lobby", &text) });
    }
    heard.store.commit();
    (0..300).for_each(|_| drop(heard.next()));
    wait_for_index(&path);
    let log = super::support::beside(&path, "-wal");
    assert!(is_in_file(&path, "zugzwang") || is_in_file(&log, "zugzwang"));
    let erased = heard.store.erase(&Erasure { author: "eve".into(), room: None });
    assert_eq!(erased, Ok(300));
    assert_eq!(indexed(&path, "zugzwang"), 0);
    assert_eq!(found(&heard.store, "hay").len(), 300);
    drop(heard);
    assert!(!is_in_file(&path, "xylophonist") && !is_in_file(&path, "zugzwang"));
    let sql = "INSERT INTO words (words, rank) VALUES ('integrity-check', 0)";
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
}

/// Whether it is in the file, or in the log beside it.
fn is_in_file(path: &Path, text: &str) -> bool {
    let files = [path.to_owned(), super::support::beside(path, "-wal")];
    let bytes = files.map(|path| std::fs::read(path).unwrap_or_default());
    bytes.iter().any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
}

#[test]
fn what_is_not_kept_any_more_leaves_the_index() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    say_all(&heard, (0..600).map(|nth| format!("needle {nth}")));
    wait_for_index(&path);
    heard.store.set_retention(Retention { messages: 10, ..Retention::default() });
    let begin = Instant::now();
    while indexed(&path, "needle") > 10 {
        assert!(begin.elapsed() < PATIENCE, "the index keeps what went");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(found(&heard.store, "needle").len(), 10);
}
