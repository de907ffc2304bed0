//! What is wrong with a store is said before anything is done.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;

use super::{Shelf, join, run, say, stop};

/// Asserts that the server does not start, and says why in one line with all of `parts`.
#[track_caller]
fn assert_refused(args: &[&str], parts: &[&str]) {
    let output = run(&[&["--listen", "127.0.0.1:0"], args].concat());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("chat-server: "), "{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "no {part}: {stderr}");
    }
}

/// A store with one message.
fn stocked() -> Shelf {
    let shelf = Shelf::new();
    let (server, addr) = shelf.serve(&[]);
    say(&mut join(addr, "John"), "precious", "a");
    stop(server);
    shelf
}

fn change(path: &Path, pragma: &str) {
    Connection::open(path).unwrap().execute_batch(pragma).unwrap();
}

#[test]
fn a_file_that_is_no_store_of_this_version_is_left_alone() {
    let shelf = stocked();
    let path = shelf.file();
    let path_shown = path.to_str().unwrap();
    let newer = || change(&path, "PRAGMA user_version = 1000000");
    let foreign = || change(&path, "PRAGMA user_version = 1; PRAGMA application_id = 42");
    let words = || fs::write(&path, "dear diary\n".repeat(1000)).unwrap();
    for make in [&newer as &dyn Fn(), &foreign, &words] {
        make();
        let before = fs::read(&path).unwrap();
        assert_refused(&["--store", &shelf.store()], &[path_shown]);
        assert_eq!(fs::read(&path).unwrap(), before);
        for task in ["export", "import"] {
            let output = shelf.run(task, &[]);
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.code() == Some(1) && stderr.contains(path_shown), "{task}: {stderr}");
        }
        assert_eq!(fs::read(&path).unwrap(), before);
        let beside = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(beside, 1, "something was left beside the file");
    }
}

#[test]
fn a_file_that_somebody_holds_or_that_cannot_be_is_named() {
    let shelf = stocked();
    let holder = Connection::open(shelf.file()).unwrap();
    holder.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    assert_refused(&["--store", &shelf.store()], &[shelf.file().to_str().unwrap(), "lock"]);
    drop(holder);
    let missing = shelf.path("missing").join("chat.db");
    assert_refused(&["--store", &format!("sqlite:{}", missing.display())], &[missing.to_str().unwrap()]);
    let folder = shelf.path("");
    assert_refused(&["--store", &format!("sqlite:{}", folder.display())], &[folder.to_str().unwrap()]);
    assert_eq!(shelf.texts(), ["precious"]);
}

#[test]
fn what_is_for_a_file_alone_is_no_option_of_memory() {
    assert_refused(&["--durability", "disk"], &["--durability is for --store sqlite:PATH"]);
    assert_refused(&["--store-max-bytes", "1"], &["--store-max-bytes is for --store sqlite:PATH"]);
    for store in ["sqlite:", "sqlite", "redis://localhost/0", "Memory"] {
        let output = run(&["--store", store]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains("the stores are memory and sqlite:PATH"), "{stderr}");
    }
}

#[test]
fn check_config_says_what_is_wrong_with_the_store_and_opens_nothing() {
    let shelf = Shelf::new();
    let config = shelf.path("chat-server.toml");
    let check = |text: &str| {
        fs::write(&config, text).unwrap();
        let output = run(&["check-config", "--config", config.to_str().unwrap()]);
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let config_shown = config.display().to_string();
    for (text, line, part) in [
        ("store = \"postgres:chat\"\n", 1, "the stores are memory and sqlite:PATH"),
        ("durability = \"disk\"\n", 1, "--durability is for --store sqlite:PATH"),
        ("durability = \"both\"\n", 1, "must be one of process, disk"),
        ("on-store-failure = \"ignore\"\n", 1, "must be one of refuse, degrade"),
        ("history = 1\nstore = \"sqlite:/no/such/folder/chat.db\"\n", 2, "/no/such/folder"),
        ("history = 1\nstore = \"sqlite:/\"\n", 2, "/ is no file"),
        ("retention-age = \"long\"\n", 1, "must be a time"),
        ("store-max-bytes = 0\nstore = \"sqlite:chat.db\"\n", 1, "store-max-bytes"),
    ] {
        let (code, stderr) = check(text);
        let place = format!("{config_shown}:{line}: ");
        assert_eq!((code, stderr.lines().count()), (1, 1), "{text}: {stderr}");
        assert!(stderr.starts_with(&place) && stderr.contains(part), "{text}: {stderr}");
    }
    let good = format!("store = {:?}\ndurability = \"disk\"\nretention-age = \"30d\"\n", shelf.store());
    assert_eq!(check(&good), (0, String::new()));
    assert!(!shelf.file().exists());
    let folder = shelf.path("closed");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).unwrap();
    // Root may write everywhere.
    if !rustix::process::geteuid().is_root() {
        let (code, stderr) = check(&format!("store = \"sqlite:{}/chat.db\"\n", folder.display()));
        assert_eq!(code, 1, "{stderr}");
        assert!(stderr.contains(&format!("the folder {} cannot be written", folder.display())), "{stderr}");
    }
}
