//! What is said outlives the server.

use chinwag::protocol::Event;

use super::{Shelf, connect, hear_ack, join, say, stop};
use crate::support::{Program, eventually};

#[test]
fn what_was_said_is_there_after_a_restart_and_whoever_comes_back_is_known() {
    let shelf = Shelf::new();
    let (server, addr) = shelf.serve(&[]);
    let mut john = connect(addr, "name=John");
    let Event::Welcome { session, .. } = john.hear() else { panic!("no welcome") };
    let first = say(&mut john, "one", "a");
    let second = say(&mut john, "two", "b");
    stop(server);
    let (server, addr) = shelf.serve(&[]);
    let mut john = connect(addr, &format!("name=John&session={session}&since={first}"));
    match john.hear() {
        Event::Welcome { session: again, .. } => assert_eq!(again, session),
        other => panic!("no welcome, but {other:?}"),
    }
    let Event::Resumed { complete, missed, .. } = john.hear() else { panic!("not resumed") };
    assert_eq!((complete, missed), (true, 1));
    assert_eq!(john.hears_message("John", "two").pos, second);
    // Not known to have arrived, and said once more.
    assert_eq!(say(&mut john, "two", "b"), second);
    assert_ne!(say(&mut john, "three", "c"), second);
    let mut adam = connect(addr, "name=Adam");
    let history = loop {
        if let Event::History { messages, .. } = adam.hear() {
            break messages;
        }
    };
    let texts = history.iter().map(|message| &*message.text).collect::<Vec<_>>();
    assert_eq!(texts, ["one", "two", "three"]);
    assert_eq!((&history[0].pos, &history[1].pos), (&first, &second));
    stop(server);
    assert_eq!(shelf.texts(), ["one", "two", "three"]);
}

#[test]
fn an_acknowledged_message_survives_a_server_that_is_killed() {
    for durability in ["process", "disk"] {
        let shelf = Shelf::new();
        let (mut server, addr) = shelf.serve(&["--durability", durability]);
        let mut john = join(addr, "John");
        say(&mut john, "kept", "a");
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        let (_server, addr) = shelf.serve(&["--durability", durability]);
        assert_eq!(shelf.texts(), ["kept"], "{durability}");
        say(&mut join(addr, "John"), "and", "b");
        assert_eq!(shelf.texts(), ["kept", "and"], "{durability}");
    }
}

#[test]
fn a_file_keeps_more_than_memory_does_unless_told_otherwise() {
    let shelf = Shelf::new();
    let (server, addr) = shelf.serve(&[]);
    let mut john = join(addr, "John");
    let last = 1200;
    for number in 0..=last {
        john.ask(&format!(r#"{{"type":"say","room":"lobby","text":"{number}","id":"{number}"}}"#));
    }
    hear_ack(&mut john, &last.to_string());
    stop(server);
    assert_eq!(shelf.texts().len(), last + 1);
    let (_server, _) = shelf.serve(&["--retention-messages", "3"]);
    eventually("the oldest have gone", || shelf.texts() == ["1198", "1199", "1200"]);
}

#[test]
fn how_much_is_kept_changes_while_the_server_runs_and_the_store_does_not() {
    let shelf = Shelf::new();
    let config = shelf.path("chat-server.toml");
    std::fs::write(&config, format!("store = {:?}\n", shelf.store())).unwrap();
    let log = shelf.path("log");
    let [config_path, log_path] = [&config, &log].map(|path| path.to_str().unwrap());
    let args = ["--config", config_path, "--log-file", log_path, "--message-rate", "off"];
    let (server, addr) = Program::chat_server(&args);
    let mut john = join(addr, "John");
    for number in 0..5 {
        say(&mut john, &number.to_string(), &format!("i{number}"));
    }
    std::fs::write(&config, "store = \"memory\"\nretention-messages = 2\non-store-failure = \"degrade\"\n")
        .unwrap();
    server.signal("-HUP");
    eventually("the oldest have gone", || shelf.texts() == ["3", "4"]);
    let line = || {
        let log = std::fs::read_to_string(&log).unwrap();
        log.lines().find(|line| line.contains("asked to reload:")).map(str::to_owned)
    };
    eventually("the log says so", || line().is_some());
    let line = line().unwrap();
    for part in [
        "retention-messages was not set and is 2",
        "on-store-failure was \"refuse\" and is \"degrade\"",
        "needs a restart: store",
    ] {
        assert!(line.contains(part), "{line}");
    }
    // In the place of a default, that of the store which is open counts.
    std::fs::write(&config, "store = \"memory\"\n").unwrap();
    server.signal("-HUP");
    for number in 0..1100 {
        john.ask(&format!(r#"{{"type":"say","room":"lobby","text":"{number}","id":"n{number}"}}"#));
        if number % 20 == 19 {
            hear_ack(&mut john, &format!("n{number}"));
        }
    }
    assert!(shelf.texts().len() > 1000, "{}", shelf.texts().len());
    stop(server);
}

#[test]
fn who_saw_what_a_backup_does_not_have_is_told_that_something_may_be_missing() {
    let shelf = Shelf::new();
    let (server, addr) = shelf.serve(&[]);
    let kept = say(&mut join(addr, "John"), "kept", "a");
    stop(server);
    let backup = std::fs::read(shelf.file()).unwrap();
    let (server, addr) = shelf.serve(&[]);
    let lost = say(&mut join(addr, "John"), "lost", "a");
    stop(server);
    std::fs::write(shelf.file(), backup).unwrap();
    let (server, addr) = shelf.serve(&[]);
    for (since, expected) in [(&kept, true), (&lost, false)] {
        let mut john = connect(addr, &format!("name=John&since={since}"));
        john.hear();
        let Event::Resumed { complete, missed, .. } = john.hear() else { panic!("not resumed") };
        assert_eq!((complete, missed), (expected, 0), "since {since}");
    }
    stop(server);
}
