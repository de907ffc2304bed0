//! `chat-server export`, `import` and `erase`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use chinwag::protocol::ChatMessage;

use super::{Shelf, hear_error, join, messages, run, say, stop};

/// The days of the messages in [`lines`].
const DAYS: [u64; 3] = [1_795_392_000_000, 1_795_478_400_000, 1_795_564_800_000];

/// Three messages on three days, and one in another room; the last with all that there can be.
fn lines() -> String {
    let mut lines = String::new();
    for (number, day) in DAYS.iter().enumerate() {
        lines += &format!(
            r#"{{"type":"message","room":"lobby","from":"John","text":"day {number}","time":{day},"pos":"elsewhere-{number}"}}"#
        );
        lines += "\n";
    }
    lines
        + &format!(
            r#"{{"type":"message","room":"games","from":"Zoë 李","text":"\u001b[31m\u009b <b>","time":{},"pos":"x","action":true,"subject":"zoe","id":"c1"}}"#,
            DAYS[2]
        )
        + "\n\n"
}

/// A store that these lines were imported into.
fn imported(lines: &str) -> Shelf {
    let shelf = Shelf::new();
    let file = shelf.path("lines");
    fs::write(&file, lines).unwrap();
    let output = shelf.run("import", &[file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let count = lines.lines().filter(|line| !line.is_empty()).count();
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("imported {count} messages\n"));
    shelf
}

fn texts(messages: &[ChatMessage]) -> Vec<&str> {
    messages.iter().map(|message| &*message.text).collect()
}

/// All of it but the places.
fn without_places(output: &[u8]) -> Vec<serde_json::Value> {
    let value = |line: &str| {
        let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(value.as_object_mut().unwrap().remove("pos").unwrap().as_str().unwrap().contains('-'));
        value
    };
    std::str::from_utf8(output).unwrap().lines().map(value).collect()
}

#[test]
fn what_is_exported_and_imported_is_the_same_but_for_its_places() {
    let first = imported(&lines());
    let exported = first.run("export", &[]).stdout;
    assert!(!exported.iter().any(|byte| *byte < b' ' && *byte != b'\n'));
    assert!(!String::from_utf8_lossy(&exported).contains('\u{9b}'));
    let second = imported(std::str::from_utf8(&exported).unwrap());
    assert_eq!(without_places(&second.run("export", &[]).stdout), without_places(&exported));
    let last = messages(std::str::from_utf8(&exported).unwrap()).pop().unwrap();
    assert_eq!(
        (&*last.from, &*last.text, last.action, last.time),
        ("Zoë 李", "\u{1b}[31m\u{9b} <b>", true, DAYS[2])
    );
    assert!(String::from_utf8_lossy(&exported).contains(r#""subject":"zoe""#));
}

#[test]
fn an_export_can_be_of_one_room_and_of_a_time() {
    let shelf = imported(&lines());
    let export = |args: &[&str]| shelf.export(args);
    assert_eq!(texts(&export(&["--room", "#Lobby"])), ["day 0", "day 1", "day 2"]);
    assert_eq!(export(&["--room", "games"]).len(), 1);
    assert_eq!(export(&["--room", "nowhere"]).len(), 0);
    assert_eq!(texts(&export(&["--until", "2026-11-24"])), ["day 0"]);
    assert_eq!(texts(&export(&["--since", "2026-11-24", "--until", "2026-11-25"])), ["day 1"]);
    assert_eq!(texts(&export(&["--room", "lobby", "--since", "2026-11-25T00:00:00Z"])), ["day 2"]);
    assert_eq!(texts(&export(&["--since", "2026-11-24T00:00:00.001Z", "--room", "lobby"])), ["day 2"]);
    assert_eq!(texts(&export(&["--until", "2026-11-24T01:00:00+02:00"])), ["day 0"]);
    for wrong in ["yesterday", "2026-13-01", "2026-11-24T00:00:00", "1795392000000"] {
        let output = shelf.run("export", &["--since", wrong]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && stderr.contains("2026-11-23T18:30:00Z"), "{stderr}");
    }
    let output = shelf.run("export", &["--since", "2026-11-24", "--until", "2026-11-24"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn an_export_runs_beside_a_server_and_its_file_is_there_when_it_is_whole() {
    let shelf = imported(&lines());
    let (server, addr) = shelf.serve(&[]);
    let mut john = join(addr, "John");
    say(&mut john, "live", "a");
    let file = shelf.path("export");
    let output = shelf.run("export", &["--output", file.to_str().unwrap()]);
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert_eq!(messages(&fs::read_to_string(&file).unwrap()).len(), 5);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(shelf.run("export", &["--output", "/dev/null"]).status.success());
    assert!(!fs::metadata("/dev/null").unwrap().is_file(), "a device is no file to replace");
    let output = shelf.run("export", &["--output", "/no/such/folder/file"]);
    assert_eq!(output.status.code(), Some(1));
    say(&mut john, "the server did not mind", "b");
    stop(server);
}

#[test]
fn who_has_read_enough_of_an_export_may_go() {
    let many = lines().lines().next().unwrap().to_owned() + "\n";
    let shelf = imported(&many.repeat(5000));
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    let command = command.args(["export", "--store", &shelf.store()]).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(messages(&line).len(), 1);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn a_bad_line_is_named_and_nothing_is_imported() {
    let shelf = imported(&lines());
    let import = |text: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
        let command = command.args(["import", "--store", &shelf.store()]).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    for (line, part) in [
        ("{\"type\":\"joined\",\"room\":\"lobby\",\"name\":\"John\",\"time\":1}", "line 6: "),
        ("oops\u{1b}[31m", "line 6: this is no JSON"),
    ] {
        let (code, stderr) = import(&format!("{}{line}\n", lines()));
        assert_eq!(code, 1);
        assert!(stderr.contains("stdin: ") && stderr.contains(part), "{stderr}");
        assert!(stderr.contains("nothing was imported") && !stderr.contains('\u{1b}'), "{stderr}");
    }
    assert_eq!(shelf.texts().len(), 4);
    assert_eq!(import(&lines()), (0, String::new()));
    assert_eq!(shelf.texts().len(), 8);
}

#[test]
fn nothing_is_imported_or_erased_beneath_a_server() {
    let shelf = imported(&lines());
    let (server, addr) = shelf.serve(&[]);
    for (task, args) in [("import", &["/dev/null"][..]), ("erase", &["John"])] {
        let output = shelf.run(task, args);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.code() == Some(1) && stderr.contains(shelf.file().to_str().unwrap()),
            "{stderr}"
        );
    }
    say(&mut join(addr, "John"), "unharmed", "a");
    stop(server);
    assert_eq!(shelf.texts().len(), 5);
    assert!(shelf.run("import", &["/dev/null"]).status.success());
}

#[test]
fn what_somebody_said_is_erased_whatever_the_spelling_of_the_name() {
    let shelf = imported(&lines());
    let output = shelf.run("erase", &["J\u{43e}hn", "--room", "games"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "deleted 0 messages of J\u{43e}hn\n");
    let output = shelf.run("erase", &["J\u{43e}hn"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "deleted 3 messages of J\u{43e}hn\n");
    assert_eq!(shelf.export(&[]).len(), 1);
    let bytes = fs::read(shelf.file()).unwrap();
    assert!(!bytes.windows(5).any(|part| part == b"day 1"), "the text is still in the file");
    let missing = run(&["erase", "--store", "sqlite:/no/such/file", "John"]);
    assert!(missing.status.code() == Some(1) && !missing.stderr.is_empty());
}

#[test]
fn what_was_imported_is_the_history_of_the_room() {
    let shelf = imported(&lines());
    let (server, addr) = shelf.serve(&[]);
    let mut adam = super::connect(addr, "name=Adam");
    let history = loop {
        if let chinwag::protocol::Event::History { messages, .. } = adam.hear() {
            break messages;
        }
    };
    assert_eq!(texts(&history), ["day 0", "day 1", "day 2"]);
    adam.ask(r#"{"type":"join","room":"nobody said anything here","id":"j"}"#);
    assert_eq!(hear_error(&mut adam).0, "bad_room");
    stop(server);
}
