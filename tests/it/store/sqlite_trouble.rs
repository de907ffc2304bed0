//! The store in an SQLite file, when something is wrong with the file.

use std::fs;
use std::time::{Duration, Instant};

use chinwag::store::{Appended, Position, Sqlite, Store, StoreErrorKind, Ticket};
use rusqlite::Connection;

use super::support::*;
use crate::support::eventually;

/// What comes of a draft, asking again until it is this.
fn fails_with(heard: &Heard, kind: StoreErrorKind) -> String {
    let mut told = String::new();
    let deadline = Instant::now() + crate::support::PATIENCE;
    while Instant::now() < deadline {
        match heard.outcome(draft("lobby", "is anybody there")) {
            Ok(_) => {}
            Err(error) if error.kind() == kind => return error.to_string(),
            Err(error) => told = error.to_string(),
        }
    }
    panic!("no {kind:?}, but {told:?}");
}

#[test]
fn who_holds_the_file_locked_holds_up_nobody_for_long() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    heard.say("lobby", "before");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    let error = heard.outcome(draft("lobby", "lost")).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Locked);
    assert!(error.to_string().ends_with("chat.db: another process holds it locked"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(heard.trouble(), Some(StoreErrorKind::Locked));
    assert_eq!(heard.texts("lobby"), ["before"], "it can be read meanwhile");
    // More of them do not wait one after the other.
    let begun = Instant::now();
    for _ in 0..5 {
        heard.outcome(draft("lobby", "lost")).unwrap_err();
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());

    other.execute_batch("ROLLBACK").unwrap();
    eventually("it is well again, without anybody saying anything", || heard.trouble().is_none());
    heard.say("lobby", "after");
    assert_eq!(heard.texts("lobby"), ["before", "after"]);
}

#[test]
fn a_queue_that_is_full_says_so_at_once() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut taken = 0;
    let refused = loop {
        match heard.store.append(Ticket(taken), draft("lobby", "hi")) {
            None => taken += 1,
            Some(outcome) => break outcome.unwrap_err(),
        }
    };
    assert_eq!(refused.kind(), StoreErrorKind::Behind);
    assert!(heard.store.statistics().queued >= 8192);
    other.execute_batch("ROLLBACK").unwrap();
    heard.store.commit();
    let outcomes = (0..taken).map(|_| heard.next().outcome.is_ok()).collect::<Vec<_>>();
    let kept = outcomes.iter().filter(|is_ok| **is_ok).count();
    assert_eq!(heard.texts("lobby").len(), kept);
    eventually("it is well again", || heard.store.append(Ticket(1), draft("lobby", "hi")).is_none());

    let big = draft("lobby", &"x".repeat(1024 * 1024));
    let refused = (0..100).find_map(|number| heard.store.append(Ticket(number), big.clone()));
    assert_eq!(refused.unwrap().unwrap_err().kind(), StoreErrorKind::Behind);
}

#[test]
fn a_message_that_cannot_be_written_fails_alone() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    let trigger = "CREATE TRIGGER picky BEFORE INSERT ON messages WHEN new.text = 'poison'
                   BEGIN SELECT raise(ABORT, 'not that'); END";
    Connection::open(&path).unwrap().execute_batch(trigger).unwrap();
    heard.append(1, draft("lobby", "good"));
    heard.append(2, keyed("lobby", "poison", 1, "c1"));
    heard.append(3, keyed("lobby", "antidote", 1, "c1"));
    heard.store.commit();
    assert!(heard.next().outcome.is_ok());
    let error = heard.next().outcome.unwrap_err();
    assert!(error.to_string().contains("not that"), "{error}");
    assert!(matches!(heard.next().outcome, Ok(Appended::New(_))), "its key was not used up");
    assert_eq!(heard.texts("lobby"), ["good", "antidote"]);
    assert_eq!(heard.trouble(), None);
}

#[test]
fn a_file_that_is_moved_away_is_missed_and_nothing_takes_its_place() {
    let (folder, path) = new_path();
    let heard = Heard::open(&path);
    heard.say("lobby", "before");
    let aside = folder.path().join("aside.db");
    fs::rename(&path, &aside).unwrap();
    let told = fails_with(&heard, StoreErrorKind::Gone);
    assert!(told.ends_with("chat.db is gone; put it back or restart"), "{told}");
    assert_eq!(heard.trouble(), Some(StoreErrorKind::Gone));
    assert_eq!(heard.store.bounds("lobby").unwrap_err().kind(), StoreErrorKind::Gone);
    assert!(!path.exists());

    fs::rename(&aside, &path).unwrap();
    eventually("it is well again", || heard.trouble().is_none());
    heard.say("lobby", "after");
    let texts = heard.texts("lobby");
    assert_eq!((&*texts[0], &*texts[texts.len() - 1]), ("before", "after"));
}

#[test]
fn nobody_has_to_talk_for_a_loss_to_be_noticed() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    fs::remove_file(&path).unwrap();
    eventually("it is missed", || heard.trouble() == Some(StoreErrorKind::Gone));
}

#[test]
fn a_copy_that_takes_the_files_place_is_gone_on_with() {
    let (folder, path) = new_path();
    let heard = Heard::open(&path);
    let last = (0..50).map(|number| heard.say("lobby", &number.to_string())).last().unwrap();
    let aside = folder.path().join("aside.db");
    fs::rename(&path, &aside).unwrap();
    fails_with(&heard, StoreErrorKind::Gone);
    let written = heard.store.health().is_err();
    assert!(written);
    fs::copy(&aside, &path).unwrap();
    eventually("it goes on with the copy", || heard.trouble().is_none());
    let after = heard.say("lobby", "after");
    assert!(after.position > last.position);
    assert!(heard.texts("lobby").starts_with(&(0..50).map(|number| number.to_string()).collect::<Vec<_>>()));
    drop(heard);
    let check = |path: &std::path::Path| {
        let sql = "PRAGMA integrity_check";
        Connection::open(path).unwrap().query_row(sql, [], |row| row.get::<_, String>(0)).unwrap()
    };
    assert_eq!((check(&path), check(&aside)), ("ok".to_owned(), "ok".to_owned()));
    assert_eq!(texts(&Sqlite::builder(&path).open().unwrap(), "lobby").last().unwrap(), "after");
}

#[test]
fn an_older_backup_can_be_put_in_place_while_the_store_is_open() {
    let (folder, path) = new_path();
    let heard = Heard::open(&path);
    heard.say("lobby", "kept");
    let backup = folder.path().join("backup.db");
    let sql = format!("VACUUM INTO '{}'", backup.display());
    Connection::open(&path).unwrap().execute_batch(&sql).unwrap();
    let lost = heard.say("lobby", "lost");
    fs::rename(&backup, &path).unwrap();
    eventually("it goes on with the backup", || {
        heard.texts_of("lobby").is_some_and(|texts| texts == ["kept"])
    });
    eventually("it is well", || heard.trouble().is_none());
    let after = heard.say("lobby", "after");
    assert!(after.position > lost.position, "what was lost is not given again");
    assert_eq!(heard.texts("lobby"), ["kept", "after"]);
}

#[test]
fn another_store_in_the_files_place_is_not_written() {
    let (folder, path) = new_path();
    let heard = Heard::open(&path);
    heard.say("lobby", "mine");
    let (aside, other) = (folder.path().join("aside.db"), folder.path().join("other.db"));
    Heard::open(&other).say("lobby", "theirs");
    let before = fs::read(&other).unwrap();
    fs::rename(&path, &aside).unwrap();
    fs::rename(&other, &path).unwrap();
    eventually("it is noticed", || {
        heard.store.health().is_err_and(|error| error.to_string().contains("is another store now"))
    });
    assert_eq!(heard.outcome(draft("lobby", "hi")).unwrap_err().kind(), StoreErrorKind::Gone);
    assert_eq!(fs::read(&path).unwrap(), before);
    fs::rename(&aside, &path).unwrap();
    eventually("its own is back", || heard.trouble().is_none());
    heard.say("lobby", "still mine");
    assert_eq!(heard.texts("lobby"), ["mine", "still mine"]);
}

#[test]
fn a_damaged_file_is_told_as_one() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    for number in 0..500 {
        heard.append(number, draft("lobby", &"text ".repeat(40)));
    }
    heard.store.commit();
    (0..500).for_each(|_| drop(heard.next()));
    drop(heard);
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[3 * 4096..end].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let error = match Sqlite::builder(&path).open() {
        Err(error) => error,
        Ok(store) => store.after("lobby", Position::START, Position(u128::MAX), 1000).unwrap_err(),
    };
    assert_eq!(error.kind(), StoreErrorKind::Damaged, "{error}");
    assert!(error.to_string().contains("it is damaged; put a backup back"), "{error}");
}

#[test]
fn a_folder_that_is_not_there_is_told_with_its_path() {
    let error = Sqlite::builder("/no/such/folder/chat.db").open().unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Gone);
    assert!(error.to_string().starts_with("failed to make /no/such/folder/chat.db: "), "{error}");
}
