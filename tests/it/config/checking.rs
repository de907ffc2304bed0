//! `chat-server check-config`.

use std::process::Output;

use super::{File, check, command};
use crate::tls::authority::{Authority, HERE};

/// Asserts that exactly this is wrong, in this order: of each line its beginning and a part.
#[track_caller]
fn assert_wrong(output: &Output, wrong: &[(&str, &str)]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(i32::from(!wrong.is_empty())), "{stderr}");
    assert_eq!(stderr.lines().count(), wrong.len(), "{stderr}");
    for (line, (beginning, part)) in stderr.lines().zip(wrong) {
        assert!(line.starts_with(beginning) && line.contains(part), "{beginning} … {part} is not: {line}");
    }
}

#[track_caller]
fn assert_wrong_lines(text: &str, wrong: &[(usize, &str)]) {
    let file = File::new(text);
    let places: Vec<_> = wrong.iter().map(|(line, _)| format!("{}:{line}: ", file.path())).collect();
    let wrong: Vec<_> = places.iter().zip(wrong).map(|(place, (_, part))| (place.as_str(), *part)).collect();
    assert_wrong(&check(&file, &[]), &wrong);
}

#[test]
fn every_kind_of_mistake_is_told_with_its_line_all_at_once() {
    assert_wrong_lines(
        "# Chat\n\
         max-clients = 0\n\
         max_message_size = 1000\n\
         ping-interval = 20\n\
         listen = [\n\
             \"127.0.0.1:0\",\n\
             \"localhost\",\n\
         ]\n\
         trace-wire = \"yes\"\n\
         overflow = \"drop\"\n\
         max-fragments = \"many\"\n\
         message-rate = false\n\
         history = [1, 2]\n\
         tls-cert = 2024-01-01\n\
         allow-origin = \"example.org\"\n\
         wibble = 1\n\
         config = \"other.toml\"\n\
         [limits]\n\
         outbox-bytes = 3\n",
        &[
            (2, "max-clients = \"0\": must be at least 1"),
            (3, "did you mean max-message-size?"),
            (4, "500ms, 20s or 2m"),
            (7, "HOST:PORT"),
            (9, "trace-wire: must be true or false"),
            (10, "one of disconnect, drop-oldest, drop-newest, keep-latest"),
            (11, "expected N, such as 1024"),
            (12, "expected BURST:PER_SECOND, such as 20:10"),
            (13, "takes one value"),
            (14, "a date is not what goes here"),
            (15, "SCHEME://"),
            (16, "there is no key wibble"),
            (17, "a file cannot name another"),
            (18, "no sections"),
        ],
    );
}

#[test]
fn a_file_that_is_no_toml_is_told_of_by_line_and_its_other_lines_still_count() {
    assert_wrong_lines(
        "history = 1\nhistory = 2\nmax-clients = = 3\nmax-fragments = \"x\"\n",
        &[(2, "no TOML: duplicate key"), (3, "no TOML"), (4, "max-fragments")],
    );
}

#[test]
fn what_contradicts_is_told_and_all_else_too() {
    assert_wrong_lines(
        "tls-key = \"/no/such/key\"\nlog-file = \"/no/such/folder/log\"\nlisten = \"192.0.2.1:80\"\n",
        &[
            (1, "tls-key needs --tls-cert"),
            (2, "/no/such/folder"),
            (3, "192.0.2.1:80 is no address of this machine"),
        ],
    );
}

#[test]
fn what_shows_only_on_use_is_told() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (identity, other) = (authority.server(&HERE), stranger.server(&HERE));
    let text = |cert: &str, key: &str| format!("history = 1\ntls-cert = {cert:?}\ntls-key = {key:?}\n");
    let [cert, key, other_key] =
        [&identity.cert, &identity.key, &other.key].map(|path| path.to_str().unwrap());
    assert_wrong_lines(&text(cert, key), &[]);
    assert_wrong_lines(&text(cert, other_key), &[(2, "does not belong to the certificate")]);
    assert_wrong_lines(&text("/no/such/cert", key), &[(2, "/no/such/cert")]);
    assert_wrong_lines("listen = \"no.such.host.invalid:80\"\n", &[(1, "no.such.host.invalid:80")]);
    assert_wrong_lines("listen = \"unix:/no/such/folder/sock\"\n", &[(1, "/no/such/folder")]);
    assert_wrong_lines("takeover-socket = \"/no/such/folder/sock\"\n", &[(1, "/no/such/folder")]);
    let output = command(&["check-config"]).env("CHINWAG_LOG_FILE", "/").output().unwrap();
    assert_wrong(&output, &[("CHINWAG_LOG_FILE: log-file: ", "/ is a folder")]);
}

#[test]
fn an_address_that_is_in_use_is_nothing_wrong() {
    let running = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert_wrong_lines(&format!("listen = \"{}\"\n", running.local_addr().unwrap()), &[]);
}

#[test]
fn the_environment_and_a_missing_file_are_told_of_by_name() {
    let file = File::new("max-fragments = 0.5\n");
    let missing = file.beside("missing.toml");
    let output =
        command(&["check-config", "--config", &missing]).env("CHINWAG_CLOSE_TIMEOUT", "soon").output();
    assert_wrong(
        &output.unwrap(),
        &[("CHINWAG_CLOSE_TIMEOUT: \"soon\"", "20s"), (&missing, "cannot be read")],
    );
    // What the file says is wrong even where something else wins.
    let place = format!("{}:1: max-fragments", file.path());
    assert_wrong(&check(&file, &["--max-fragments", "3"]), &[(&place, "0.5")]);
}

#[test]
fn what_is_in_force_is_printed_with_where_it_comes_from_as_a_file_that_says_the_same() {
    let file = File::new(
        "max-clients = 7\n\nallow-origin = [\"https://a.example\", \"https://b.example\"]\nhistory = 9\n",
    );
    let mut command = command(&["check-config", "--print", "--max-fragments", "5", "--config", file.path()]);
    let output = command.env("CHINWAG_HISTORY", "6").output().unwrap();
    assert_wrong(&output, &[]);
    let print = String::from_utf8(output.stdout).unwrap();
    let origins = "[\"https://a.example\", \"https://b.example\"]";
    for line in [
        format!("max-clients = 7  # {}:1", file.path()),
        format!("allow-origin = {origins}  # {}:3", file.path()),
        "history = 6  # environment".to_owned(),
        "max-fragments = 5  # command line".to_owned(),
        "ping-interval = \"20s\"  # default".to_owned(),
        "trace-wire = false  # default".to_owned(),
        "# tls-key is not set".to_owned(),
    ] {
        assert!(print.lines().any(|printed| printed == line), "{line} is not in {print}");
    }
    let values = |print: &str| {
        let value = |line: &str| line.split("  # ").next().unwrap().to_owned();
        print.lines().map(value).collect::<Vec<_>>()
    };
    let same = File::new(&print);
    let again = check(&same, &["--print"]);
    assert_wrong(&again, &[]);
    assert_eq!(values(&String::from_utf8_lossy(&again.stdout)), values(&print));
}

#[test]
fn what_a_file_says_cannot_drive_the_terminal() {
    let file = File::new("max-clients = \"\\u001b[2J\\u009b\"\n\"\\u001b[2J\" = 1\n");
    let output = check(&file, &[]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains(['\u{1b}', '\u{9b}']) && stderr.lines().count() == 2, "{stderr:?}");
}
