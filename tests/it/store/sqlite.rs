//! The store in an SQLite file: what is in it stays in it.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;

use chinwag::store::{
    Appended, Durability, Erasure, Position, Record, Scan, Sqlite, Store, StoreError, StoreErrorKind, Tail,
    Ticket,
};
use rusqlite::Connection;

use super::support::*;
use crate::support::eventually;

#[test]
fn what_was_appended_is_there_when_the_file_is_opened_again() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    let said = chinwag::store::Draft {
        subject: Some("staff".into()),
        action: true,
        ..draft("lobby", "waves\0 \u{1F44B}")
    };
    let Ok(Appended::New(record)) = heard.outcome(said.clone()) else { panic!() };
    let epoch = heard.store.epoch().to_owned();
    assert_eq!(epoch.len(), 8);
    drop(heard);

    let again = Sqlite::builder(&path).open().unwrap();
    assert_eq!(again.epoch(), epoch);
    let found = again.before("lobby", None, 10).unwrap();
    assert_eq!(found, std::slice::from_ref(&record));
    assert_eq!(Record { position: Position(0), ..(*record).clone() }, said.at(Position(0)).0);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "it is its owner's alone");
}

#[test]
fn drafts_come_back_in_their_order_and_rooms_have_logs_of_their_own() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    for number in 0..1000 {
        heard.append(number, draft(["lobby", "games"][number as usize % 2], &number.to_string()));
        if number % 17 == 0 {
            heard.store.commit();
        }
    }
    heard.store.commit();
    let mut last = Position::START;
    for number in 0..1000 {
        let delivery = heard.next();
        assert_eq!(delivery.ticket, Some(Ticket(number)));
        let Ok(Appended::New(record)) = delivery.outcome else { panic!() };
        assert_eq!(record.text, number.to_string());
        assert!(record.position > last);
        last = record.position;
    }
    let store = &heard.store;
    let games = store.before("games", None, 3).unwrap();
    assert_eq!(games.iter().map(|record| &*record.text).collect::<Vec<_>>(), ["995", "997", "999"]);
    let (first, end) = (games[0].position, games[2].position);
    let between = store.after("games", first, end, 10).unwrap();
    assert_eq!(between, games[1..]);
    assert_eq!(store.after("games", first, end, 1).unwrap(), games[1..2]);
    assert_eq!(store.count("games", first, games[1].position).unwrap(), 1);
    assert_eq!(store.count("games", Position::START, Position(u128::MAX)).unwrap(), 500);
    let bounds = store.bounds("games").unwrap();
    assert_eq!((bounds.gone, bounds.head, bounds.latest), (Position::START, end, last));
    let empty = store.bounds("empty").unwrap();
    assert_eq!((empty.gone, empty.head, empty.latest), (Position::START, Position::START, last));
    assert_eq!(store.before("empty", None, 3).unwrap(), []);
}

#[test]
fn a_key_is_known_again_in_the_same_batch_and_after_a_restart() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    heard.append(1, keyed("lobby", "once", 1, "c1"));
    heard.append(2, keyed("lobby", "twice", 1, "c1"));
    heard.append(3, keyed("lobby", "another's", 2, "c1"));
    heard.store.commit();
    let Ok(Appended::New(first)) = heard.next().outcome else { panic!() };
    let known = Appended::Known { room: "lobby".into(), position: first.position };
    assert_eq!(heard.next().outcome, Ok(known.clone()));
    assert!(matches!(heard.next().outcome, Ok(Appended::New(_))));
    drop(heard);

    let heard = Heard::open(&path);
    assert_eq!(heard.outcome(keyed("games", "again", 1, "c1")), Ok(known));
    assert_eq!(heard.texts("lobby"), ["once", "another's"]);
    assert_eq!(heard.texts("games"), [] as [&str; 0]);
}

#[test]
fn what_was_taken_is_written_and_told_before_the_store_is_gone() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    for number in 0..5000 {
        heard.append(number, draft("lobby", &number.to_string()));
    }
    drop(heard);
    assert!(!beside(&path, "-wal").exists());
    assert!(!beside(&path, "-shm").exists());
    let again = Sqlite::builder(&path).open().unwrap();
    assert_eq!(again.count("lobby", Position::START, Position(u128::MAX)), Ok(5000));
}

#[test]
fn the_last_outcomes_are_told_while_the_store_is_dropped() {
    let (_folder, path) = new_path();
    let store = Sqlite::builder(&path).durability(Durability::Disk).open().unwrap();
    let (tx, rx) = crossbeam_channel::unbounded();
    store.open(Tail::new(move |all| tx.send(all.len()).unwrap()));
    for number in 0..100 {
        assert_eq!(store.append(Ticket(number), draft("lobby", "hi")), None);
    }
    drop(store);
    assert_eq!(rx.iter().sum::<usize>(), 100);
}

#[test]
fn what_is_no_store_is_refused_and_left_as_it_is() {
    let (folder, path) = new_path();
    drop(Sqlite::builder(&path).open().unwrap());
    let newer = folder.path().join("newer.db");
    fs::copy(&path, &newer).unwrap();
    Connection::open(&newer).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let foreign = folder.path().join("foreign.db");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE meta (key, value)").unwrap();
    let text = folder.path().join("notes.txt");
    fs::write(&text, "what I have to buy: tea, ".repeat(40)).unwrap();
    let short = folder.path().join("short.txt");
    fs::write(&short, "tea").unwrap();

    use StoreErrorKind::{Damaged, Unsupported};
    for (path, kind, words) in [
        (&newer, Unsupported, "was made by a newer version (schema 99"),
        (&foreign, Damaged, "is a database of another application"),
        (&text, Damaged, "is no SQLite file"),
        (&short, Damaged, "is no SQLite file"),
    ] {
        let before = (fs::read(path).unwrap(), fs::metadata(path).unwrap().modified().unwrap());
        let builder = Sqlite::builder(path);
        for builder in [builder.clone(), builder.clone().read_only(), builder.exclusive()] {
            let error = builder.open().unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            let told = error.to_string();
            assert!(told.contains(words) && told.contains(path.to_str().unwrap()), "{told}");
        }
        let after = (fs::read(path).unwrap(), fs::metadata(path).unwrap().modified().unwrap());
        assert_eq!(before, after);
        for suffix in ["-wal", "-shm", "-journal"] {
            assert!(!beside(path, suffix).exists(), "{path:?} has a {suffix}");
        }
    }
}

#[test]
fn a_newer_version_is_found_in_the_log_beside_the_file_too() {
    let (_folder, path) = new_path();
    drop(Sqlite::builder(&path).open().unwrap());
    let newer = Connection::open(&path).unwrap();
    newer.execute_batch("PRAGMA user_version = 99").unwrap();
    let before = (fs::read(&path).unwrap(), fs::read(beside(&path, "-wal")).unwrap());
    assert_eq!(Sqlite::builder(&path).open().unwrap_err().kind(), StoreErrorKind::Unsupported);
    assert_eq!(before, (fs::read(&path).unwrap(), fs::read(beside(&path, "-wal")).unwrap()));
}

#[test]
fn an_empty_file_becomes_a_store() {
    let (_folder, path) = new_path();
    fs::write(&path, "").unwrap();
    let heard = Heard::open(&path);
    heard.say("lobby", "hi");
    assert_eq!(heard.texts("lobby"), ["hi"]);
}

#[test]
fn a_file_of_an_older_version_is_brought_forward() {
    let (_folder, path) = new_path();
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA application_id = 0x63687767;
             PRAGMA user_version = 1;
             CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
             INSERT INTO meta VALUES ('epoch', '0badcafe'), ('latest', 9), ('forgotten', 0), ('receipts', 1);
             CREATE TABLE rooms (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
                 gone INTEGER NOT NULL, head INTEGER NOT NULL) STRICT;
             INSERT INTO rooms VALUES (1, 'lobby', 3, 9);
             CREATE TABLE messages (number INTEGER PRIMARY KEY, room INTEGER NOT NULL, time INTEGER NOT NULL,
                 sender TEXT NOT NULL, author TEXT NOT NULL, subject TEXT, text TEXT NOT NULL,
                 action INTEGER NOT NULL) STRICT;
             CREATE INDEX messages_of_room ON messages (room);
             INSERT INTO messages VALUES (8, 1, 80, 'John', 'john', NULL, 'tea', 0),
                 (9, 1, 90, 'Zoë', 'zoe', NULL, 'café', 0);
             CREATE TABLE receipts (number INTEGER PRIMARY KEY, session BLOB NOT NULL, id TEXT NOT NULL,
                 room INTEGER NOT NULL, time INTEGER NOT NULL) STRICT;
             INSERT INTO receipts VALUES (8, zeroblob(16), 'c1', 1, 1000 * unixepoch());",
        )
        .unwrap();
    assert_eq!(Sqlite::builder(&path).read_only().open().unwrap_err().kind(), StoreErrorKind::Unsupported);

    let heard = Heard::open(&path);
    assert_eq!(heard.store.epoch(), "0badcafe");
    assert_eq!(heard.store.bounds("lobby").unwrap().gone, Position(3));
    assert_eq!(heard.store.bounds("lobby").unwrap().head, Position(9));
    assert_eq!(heard.store.statistics().messages, 2);
    heard.say("lobby", "milk");
    assert_eq!(heard.texts("lobby"), ["tea", "café", "milk"]);
    let known = heard.outcome(keyed("lobby", "tea", 0, "c1"));
    assert_eq!(known, Ok(Appended::Known { room: "lobby".into(), position: Position(8) }));
    drop(heard);
    let counts = Connection::open(&path).unwrap().query_row("SELECT messages, bytes FROM rooms", [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    });
    assert_eq!(counts, Ok((3, 12)), "the text's bytes are counted, not its characters");
}

#[test]
fn numbers_of_a_tail_that_was_lost_are_not_given_again() {
    let (folder, path) = new_path();
    let backup = folder.path().join("backup.db");
    let heard = Heard::open(&path);
    heard.say("lobby", "kept");
    drop(heard);
    fs::copy(&path, &backup).unwrap();
    let mut lost = Position::START;
    // Put back twice, in place: neither time a number comes up again.
    for text in ["one", "two", "three"] {
        let heard = Heard::open(&path);
        assert!(heard.store.bounds("lobby").unwrap().latest > lost);
        let record = heard.say("lobby", text);
        assert!(record.position > lost);
        lost = heard.say("lobby", text).position;
        drop(heard);
        fs::copy(&backup, &path).unwrap();
    }
    let store = Sqlite::builder(&path).open().unwrap();
    let bounds = store.bounds("lobby").unwrap();
    assert!(bounds.latest > lost && bounds.head < lost, "{bounds:?}");
    assert_eq!(texts(&store, "lobby"), ["kept"]);
}

#[test]
fn two_that_share_a_file_hear_each_other() {
    let (_folder, path) = new_path();
    let (old, new) = (Heard::open(&path), Heard::open(&path));
    let first = old.say("lobby", "from the old");
    let heard = new.next();
    assert_eq!((heard.ticket, heard.outcome), (None, Ok(Appended::New(first.clone()))));

    // With one's own behind it, it need not wait for anybody to look.
    old.say("lobby", "again");
    new.append(5, draft("lobby", "from the new"));
    new.store.commit();
    let (theirs, mine) = (new.next(), new.next());
    assert_eq!((theirs.ticket, mine.ticket), (None, Some(Ticket(5))));
    let Ok(Appended::New(mine)) = mine.outcome else { panic!() };
    assert!(mine.position > first.position);
    let heard = old.next();
    assert_eq!((heard.ticket, heard.outcome), (None, Ok(Appended::New(mine))));
    assert_eq!(old.texts("lobby"), ["from the old", "again", "from the new"]);
    // What one took in under a key, the other knows.
    let Ok(Appended::New(keyed_new)) = old.outcome(keyed("lobby", "once", 1, "c1")) else { panic!() };
    assert_eq!(new.next().outcome, Ok(Appended::New(keyed_new.clone())));
    let known = Ok(Appended::Known { room: "lobby".into(), position: keyed_new.position });
    assert_eq!(new.outcome(keyed("lobby", "once", 1, "c1")), known);
    let position = old.say("lobby", "last").position;
    drop(old);
    let Ok(Appended::New(last)) = new.next().outcome else { panic!() };
    assert_eq!(last.position, position);
    assert!(new.is_silent());
}

#[test]
fn what_was_said_before_the_tail_is_there_is_no_news() {
    let (_folder, path) = new_path();
    let old = Heard::open(&path);
    old.say("lobby", "one");
    let store = Sqlite::builder(&path).open().unwrap();
    old.say("lobby", "two");
    let (tx, rx) = crossbeam_channel::unbounded();
    store.open(Tail::new(move |all| all.into_iter().for_each(|one| drop(tx.send(one)))));
    let third = old.say("lobby", "three");
    let delivery = rx.recv_timeout(crate::support::PATIENCE).unwrap();
    assert_eq!(delivery.outcome, Ok(Appended::New(third)));
}

#[test]
fn a_reader_beside_a_server_sees_what_is_there_and_writes_nothing() {
    let (_folder, path) = new_path();
    assert_eq!(Sqlite::builder(&path).read_only().open().unwrap_err().kind(), StoreErrorKind::Gone);
    assert!(!path.exists());
    let heard = Heard::open(&path);
    heard.say("lobby", "hi");
    let reader = Sqlite::builder(&path).read_only().open().unwrap();
    assert_eq!(texts(&reader, "lobby"), ["hi"]);
    heard.say("lobby", "there");
    assert_eq!(texts(&reader, "lobby"), ["hi", "there"]);
    reader.open(Tail::new(|_| {}));
    assert_eq!(reader.health().unwrap_err().kind(), StoreErrorKind::ReadOnly);
    assert!(matches!(reader.append(Ticket(1), draft("lobby", "no")), Some(Err(_))));
    let erasure = Erasure { author: "john".into(), room: None };
    assert_eq!(reader.erase(&erasure).unwrap_err().kind(), StoreErrorKind::ReadOnly);
    assert_eq!(reader.import(&mut std::iter::empty()).unwrap_err().kind(), StoreErrorKind::ReadOnly);
    drop(heard);
    drop(reader);
    assert!(!beside(&path, "-wal").exists(), "who closes the file last tidies up");
}

#[test]
fn who_has_the_file_alone_keeps_others_out_and_is_kept_out_by_them() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    heard.say("lobby", "hi");
    let error = Sqlite::builder(&path).exclusive().open().unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Locked);
    assert!(error.to_string().ends_with("is in use; stop the server that has it open"), "{error}");
    drop(heard);
    let alone = Sqlite::builder(&path).exclusive().open().unwrap();
    assert_eq!(texts(&alone, "lobby"), ["hi"]);
    for builder in [Sqlite::builder(&path).read_only(), Sqlite::builder(&path)] {
        assert_eq!(builder.open().unwrap_err().kind(), StoreErrorKind::Locked);
    }
    assert_eq!(alone.erase(&Erasure { author: "john".into(), room: None }), Ok(1));
    drop(alone);
    let heard = Heard::with(Sqlite::builder(&path).exclusive());
    heard.say("lobby", "alone");
    assert_eq!(heard.texts("lobby"), ["alone"]);
}

fn scanned(store: &Sqlite, scan: &Scan) -> Vec<(String, u64)> {
    let mut all = Vec::new();
    let each = &mut |record: &Record| {
        all.push((record.text.clone(), record.time));
        ControlFlow::Continue(())
    };
    store.scan(scan, each).unwrap();
    all
}

#[test]
fn an_import_keeps_times_and_order_and_is_whole_or_nothing() {
    let (_folder, path) = new_path();
    let record = |room: &str, text: &str, time| {
        let draft = chinwag::store::Draft { time, ..draft(room, text) };
        Ok::<_, StoreError>(draft.at(Position(1)).0)
    };
    let heard = Heard::open(&path);
    heard.say("lobby", "before");
    let error = heard.store.import(&mut std::iter::empty()).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::BadRequest);
    drop(heard);

    let store = Sqlite::builder(&path).exclusive().open().unwrap();
    let bad = StoreError::new(StoreErrorKind::BadRequest, "line 2 is no record");
    let refused = store.import(&mut [record("lobby", "a", 1), Err(bad.clone())].into_iter());
    assert_eq!(refused, Err(bad));
    let count = 2500;
    let records =
        (0..count).map(|time| record(["lobby", "games"][time as usize % 2], &time.to_string(), time));
    assert_eq!(store.import(&mut records.into_iter()), Ok(count));
    assert_eq!(store.statistics().messages, count + 1);
    let games = Some("games".into());
    let scan = Scan { room: games, since_time: Some(11), until_time: Some(17) };
    let expected = [11, 13, 15].map(|time: u64| (time.to_string(), time));
    assert_eq!(scanned(&store, &scan), expected);
    let all = scanned(&store, &Scan::default());
    assert_eq!(all[0].0, "before");
    assert!(all[1..].iter().enumerate().all(|(index, (text, _))| *text == index.to_string()));
    assert_eq!(all.len() as u64, count + 1);
    let mut seen = 0;
    let each = &mut |_: &Record| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    store.scan(&Scan::default(), each).unwrap();
    assert_eq!(seen, 3);
}

#[test]
fn nothing_of_what_is_erased_stays_in_the_file() {
    let (_folder, path) = new_path();
    let heard = Heard::open(&path);
    let eve = |room: &str, text: &str| chinwag::store::Draft {
        author: "eve".into(),
        from: "Eve".to_owned(),
        ..draft(room, text)
    };
    for number in 0..600 {
        heard.append(number, eve("lobby", &format!("a secret with the number {number}")));
        heard.append(number, draft("lobby", "harmless"));
    }
    heard.append(600, keyed("lobby", "by John", 1, "c1"));
    heard.append(601, eve("games", "another secret"));
    heard.store.commit();
    (0..1202).for_each(|_| drop(heard.next()));

    let store = &heard.store;
    let bounds = store.bounds("lobby").unwrap();
    let erase =
        |room: Option<&str>| store.erase(&Erasure { author: "eve".into(), room: room.map(Into::into) });
    assert_eq!(erase(Some("lobby")), Ok(600));
    assert_eq!(heard.texts("games"), ["another secret"]);
    assert_eq!(erase(None), Ok(1));
    assert_eq!(erase(None), Ok(0));
    assert_eq!(heard.texts("lobby").len(), 601);
    assert_eq!(store.statistics().messages, 601);
    let after = store.bounds("lobby").unwrap();
    assert_eq!((after.gone, after.latest), (bounds.gone, bounds.latest), "nobody has missed it");
    eventually("the secret is out of all files", || {
        let files = [path.clone(), beside(&path, "-wal")].map(|path| fs::read(path).unwrap_or_default());
        let has = |bytes: &[u8]| bytes.windows(8).any(|bytes| bytes == b"a secret" || bytes == b"r secret");
        !files.iter().any(|bytes| has(bytes))
    });
}
