//! `chat-client` on a terminal: what a person sees and types.
#![cfg(feature = "programs")]

mod editing;
mod hostile;
mod moderation;
mod pty;
mod rooms;
mod script;
mod searching;
mod trouble;

use chinwag::protocol::{Ask, Event};

use crate::support::Program;
use pty::{Setup, Terminal, folder, typed};
use script::{NOON, Script, message};

#[test]
fn two_people_talk_through_the_real_server() {
    let (_server, addr) = Program::chat_server(&["-qqq"]);
    let url = format!("ws://{addr}/");
    let mut john = Terminal::start(&url);
    john.shows("here: John");
    let mut adam = Program::chat_client("Adam", addr);
    john.shows("Adam joined");
    john.enter("hi Adam");
    while adam.line() != "Received: John says: hi Adam" {}
    john.shows("> John: hi Adam");
    adam.type_line("hello John");
    john.shows("! Adam: hello John");
    john.enter("/msg adam psst");
    john.shows("~ you to Adam: psst");
    adam.type_line("/me nods");
    john.shows("* Adam nods");
    john.enter("/quit");
    assert_eq!(john.exit_code(), 0);
}

#[test]
fn a_token_lets_in_on_a_terminal_too() {
    let folder = folder("token");
    let path = folder.join("tokens");
    let token = chinwag::auth::TokenFile::new(&path).add("John", chinwag::chat::Role::Member).unwrap();
    let auth = format!("tokens:{}", path.display());
    let (_server, addr) = Program::chat_server(&["-qqq", "--auth", &auth]);
    let url = format!("ws://{addr}/");
    let environment = [("CHINWAG_TOKEN", &*token)];
    let mut john = Setup { environment: &environment, ..Setup::default() }.start(&url);
    john.shows("here: John");
    john.enter("/trace");
    john.enter("hi");
    john.shows("John: hi");
    john.enter("/quit");
    assert_eq!(john.exit_code(), 0);
    assert!(!String::from_utf8_lossy(&john.raw()).contains(&token));
    assert_eq!(Terminal::start(&url).exit_code(), 1);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_message_has_time_name_and_text_wrapped_under_itself() {
    let script = Script::new();
    let terminal = Setup { columns: 50, ..Setup::default() }.start(&script.url());
    let peer = script.welcome();
    peer.says("lobby", "Adam", "one two three four five six seven eight nine ten");
    peer.says("lobby", "Zoë 李", "宽宽宽宽宽宽宽宽宽宽宽宽宽宽宽宽宽宽宽宽 e\u{301}nd");
    peer.says("lobby", "Eve", "first\nAdam: forged");
    let rows = terminal.shows("forged");
    let at = rows.iter().position(|row| row.contains("one two")).unwrap();
    assert_eq!(
        rows[at..at + 6],
        [
            "12:00   Adam: one two three four five six seven",
            "              eight nine ten",
            "12:00   Zoë 李: 宽宽宽宽宽宽宽宽宽宽宽宽宽宽宽宽宽",
            "                宽宽宽 e\u{301}nd",
            "12:00   Eve: first",
            "             Adam: forged",
        ]
    );
}

#[test]
fn one_s_own_lines_deeds_and_whispers_are_told_apart() {
    let script = Script::new();
    let mut terminal = Terminal::start(&script.url());
    let peer = script.welcome();
    terminal.shows("here: Adam, John");
    terminal.enter("mine");
    terminal.enter("/me waves");
    terminal.enter("/msg Adam psst");
    terminal.enter("//slash");
    let whisper = |from: &str, to: &str| {
        let [from, to, text] = [from, to, "secret"].map(str::to_owned);
        Event::Whisper { from, to, text, time: NOON, action: false, id: None }
    };
    terminal.shows("/slash");
    peer.tell(&whisper("Adam", "John"));
    terminal.shows("secret");
    terminal.enter("/reply back");
    let rows = terminal.shows("you to Adam: back");
    for line in [
        "12:00 > John: mine",
        "12:00 * John waves",
        "12:00 ~ you to Adam: psst",
        "12:00 > John: /slash",
        "12:00 ~ Adam whispers: secret",
        "12:00 ~ you to Adam: back",
    ] {
        assert!(rows.contains(&line.to_owned()), "{line:?} is missing:\n{}", rows.join("\n"));
    }
}

#[test]
fn a_mention_rings_once_and_not_where_that_is_turned_off() {
    for (args, rings) in [(&[][..], 1), (&["--no-bell"][..], 0)] {
        let script = Script::new();
        let terminal = Setup { args, ..Setup::default() }.start(&script.url());
        let peer = script.welcome();
        peer.says("lobby", "Adam", "no mention of Johnny\u{7}");
        peer.says("lobby", "Adam", "but john: come");
        terminal.shows("! Adam: but john: come");
        peer.says("lobby", "Adam", "the end");
        terminal.shows("the end");
        assert_eq!(terminal.raw().iter().filter(|byte| **byte == 7).count(), rings);
        terminal.shows(r"Johnny\u{7}");
    }
}

#[test]
fn there_is_a_line_between_days_and_history_is_marked() {
    let script = Script::new();
    let terminal = Terminal::start(&script.url());
    let peer = script.welcome();
    let day = 86_400_000;
    let said = |days: u64, text| chinwag::protocol::ChatMessage {
        time: NOON + days * day,
        ..message("lobby", "Adam", text)
    };
    let messages = vec![said(0, "on Tuesday"), said(0, "still"), said(1, "on Wednesday")];
    peer.tell(&Event::History { room: "lobby".to_owned(), messages, more: false, pos: String::new() });
    let rows = terminal.shows("── now");
    let shown: Vec<&str> = rows.iter().map(|row| row.trim_end_matches(['─', ' '])).collect();
    let at = shown.iter().position(|row| *row == "── earlier in lobby").unwrap();
    assert_eq!(
        shown[at..at + 7],
        [
            "── earlier in lobby",
            "── Tuesday, 6 October 2026",
            "12:00   Adam: on Tuesday",
            "12:00   Adam: still",
            "── Wednesday, 7 October 2026",
            "12:00   Adam: on Wednesday",
            "── now",
        ]
    );
}

#[test]
fn names_have_colours_unless_the_user_wants_none() {
    let has_style = |setup: Setup| {
        let script = Script::new();
        let terminal = setup.start(&script.url());
        let peer = script.welcome();
        peer.says("lobby", "Adam", "hi John");
        terminal.shows("hi John");
        let raw = String::from_utf8(terminal.raw()).unwrap();
        // What ends in m is a style.
        raw.split("\x1b[")
            .skip(1)
            .any(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m'))
    };
    assert!(has_style(Setup::default()));
    assert!(!has_style(Setup { args: &["--color", "never"], ..Setup::default() }));
    assert!(!has_style(Setup { environment: &[("NO_COLOR", "1")], ..Setup::default() }));
    let args = &["--color", "always"];
    assert!(has_style(Setup { args, environment: &[("NO_COLOR", "1")], ..Setup::default() }));
}

#[test]
fn the_clients_own_commands_are_answered_in_place() {
    let script = Script::new();
    let mut terminal = Terminal::start(&script.url());
    let peer = script.welcome();
    terminal.shows("here:");
    terminal.enter("/lga");
    terminal.shows("There is no command /lga. Did you mean /lag?");
    terminal.enter("/lag");
    terminal.shows("to the server and back: ");
    terminal.enter("/help");
    terminal.shows("/trace");
    terminal.enter("/clear");
    terminal.until("nothing but the prompt", |rows| rows.iter().filter(|row| !row.is_empty()).count() == 2);
    terminal.enter("/trace");
    terminal.shows("the wire is shown");
    peer.says("lobby", "Adam", "traced");
    terminal.shows("MESSAGE: {\"type\":\"message\"");
    terminal.enter("/trace");
    terminal.shows("the wire is not shown");
    terminal.enter("said");
    // Nothing was sent but this.
    peer.hears("lobby", "said");
}
