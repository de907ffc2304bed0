//! The line that is being typed.

use std::sync::mpsc;
use std::time::Duration;

use super::*;

const SENTENCE: &str = "this is what somebody types while others talk";

#[test]
fn the_line_is_intact_under_five_hundred_messages_a_second() {
    let script = Script::new();
    let mut terminal = Terminal::start(&script.url());
    let peer = script.welcome();
    terminal.shows("here:");
    let (done_tx, done_rx) = mpsc::channel::<()>();
    let flood = std::thread::spawn(move || {
        let mut number = 0;
        // Five at a time, until the line is typed.
        while done_rx.recv_timeout(Duration::from_millis(10)) == Err(mpsc::RecvTimeoutError::Timeout) {
            for _ in 0..5 {
                number += 1;
                peer.says("lobby", "Adam", &format!("number {number} of a flood that goes on"));
            }
        }
        (peer, number)
    });
    terminal.shows("number 50 ");
    for end in 1..=SENTENCE.len() {
        terminal.press(&SENTENCE[end - 1..end]);
        terminal.has_typed(SENTENCE[..end].trim_end());
    }
    // Goes back four words, and puts another in the place of one.
    terminal.press("\x1bb\x1bb\x1bb\x1bb\x1bdwrites");
    let line = SENTENCE.replace("types", "writes");
    terminal.has_typed(&line);
    drop(done_tx);
    let (peer, number) = flood.join().unwrap();
    terminal.shows(&format!("number {number} "));
    terminal.has_typed(&line);
    terminal.press("\r");
    peer.hears("lobby", &line);
    terminal.has_typed("");
    terminal.shows(&format!("> John: {line}"));
}

#[test]
fn the_line_is_intact_after_a_resize() {
    let script = Script::new();
    let mut terminal = Terminal::start(&script.url());
    let peer = script.welcome();
    (0..30).for_each(|number| {
        peer.says("lobby", "Adam", &format!("before {number}, which is long enough to wrap"))
    });
    terminal.shows("before 29");
    terminal.press(SENTENCE);
    terminal.has_typed(SENTENCE);
    for (columns, rows) in [(40, 24), (20, 10), (100, 30), (33, 12), (80, 24)] {
        terminal.resize(columns, rows);
        terminal.press("!\x7f");
        terminal.until(&format!("the line on {columns} columns"), |shown| {
            let line = typed(shown).map(|line| line.replace(' ', ""));
            line.as_deref() == Some(&SENTENCE.replace(' ', ""))
        });
        peer.says("lobby", "Adam", &format!("at {columns}"));
        terminal.shows(&format!("Adam: at {columns}"));
    }
    terminal.press("\r");
    peer.hears("lobby", SENTENCE);
}

#[test]
fn what_is_typed_faster_than_it_is_shown_is_all_there() {
    let script = Script::new();
    let mut terminal = Terminal::start(&script.url());
    let peer = script.welcome();
    terminal.shows("here:");
    terminal.press("one\rtwo\rthree\rfour");
    ["one", "two", "three"].into_iter().for_each(|text| peer.hears("lobby", text));
    terminal.has_typed("four");
}

#[test]
fn an_accepted_line_leaves_nothing_behind() {
    let script = Script::new();
    let mut terminal = Setup { columns: 30, ..Setup::default() }.start(&script.url());
    let peer = script.welcome();
    terminal.shows("here:");
    // As wide as the screen, one less, one more, two rows, and with the cursor inside.
    for (width, moves) in [(27, ""), (28, ""), (29, ""), (58, ""), (60, "\x01"), (40, "\x1b[D\x1b[D")] {
        let line = "x".repeat(width);
        terminal.press(&line);
        terminal.has_typed(&line);
        terminal.press(moves);
        terminal.press("\r");
        peer.hears("lobby", &line);
        terminal.has_typed("");
    }
    let all = 27 + 28 + 29 + 58 + 60 + 40;
    let rows = terminal.until("all that was said", |rows| {
        rows.concat().matches('x').count() == all && typed(rows).as_deref() == Some("")
    });
    let first = rows.iter().position(|row| row.starts_with("12:00")).unwrap();
    let prompt = rows.iter().position(|row| row == ">").unwrap();
    assert!(rows[first..prompt].iter().all(|row| !row.is_empty()), "{}", rows.join("\n"));
}

#[test]
fn several_pasted_lines_are_asked_about() {
    let script = Script::new();
    let mut terminal = Terminal::start(&script.url());
    let peer = script.welcome();
    terminal.shows("here:");
    // As terminals paste: a line that comes while no line is edited gets each end of its own.
    let paste = "\x1b[200~one\rtwo\r/three\r\x1b[201~\r";
    terminal.press(paste);
    terminal.shows("3 lines. Send them as:");
    terminal.enter("d");
    terminal.has_typed("");
    terminal.press(paste);
    terminal.has_typed("");
    terminal.enter("e");
    terminal.until("the lines to edit", |rows| {
        rows.ends_with(&["> one".into(), "two".into(), "/three".into()])
            || rows.concat().contains("> onetwo/three")
    });
    terminal.press("\r");
    terminal.has_typed("");
    terminal.enter("o");
    peer.hears("lobby", "one\ntwo\n/three");
    terminal.press(paste);
    terminal.has_typed("");
    terminal.enter("m");
    ["one", "two", "/three"].into_iter().for_each(|text| peer.hears("lobby", text));
    // One line and its end is one line.
    terminal.press("\x1b[200~alone\r\n\x1b[201~\r");
    peer.hears("lobby", "alone");
}

#[test]
fn tab_completes_names_rooms_and_commands() {
    let script = Script::new();
    let mut terminal = Terminal::start(&script.url());
    let peer = script.welcome();
    terminal.shows("here:");
    let join = |name: &str| Event::Joined { room: "lobby".to_owned(), name: name.to_owned(), time: NOON };
    ["Zoë 李", "Adele", "bad\x1b[2J"].into_iter().for_each(|name| peer.tell(&join(name)));
    terminal.shows(r"bad\u{1b}[2J joined");
    for (keys, line) in [
        ("ad\t", "Adam:"),
        ("ad\t\t", "Adele:"),
        ("ad\t\t\t", "Adam:"),
        ("hello zo\t", "hello Zoë 李"),
        ("zoë l\t", "zoë l"),
        ("zoë 李\t", "Zoë 李:"),
        ("bad\t", "bad"),
        ("/whoi\t", "/whois"),
        ("/wh\t\t", "/whois"),
        ("/msg ZO\t", "/msg Zoë 李"),
        ("/join LO\t", "/join lobby"),
        ("/la\t", "/lag"),
    ] {
        terminal.press(keys);
        terminal.has_typed(line);
        terminal.press("\x03");
        terminal.has_typed("");
    }
    // Others who speak come first.
    peer.says("lobby", "Adele", "hi");
    terminal.shows("Adele: hi");
    terminal.press("a\t");
    terminal.has_typed("Adele:");
}

#[test]
fn lines_are_kept_across_runs_for_the_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = folder("history");
    let script = Script::new();
    let mut terminal = Setup { home: Some(&home), ..Setup::default() }.start(&script.url());
    let peer = script.welcome();
    terminal.shows("here:");
    terminal.enter("the first line");
    terminal.enter("another one");
    peer.hears("lobby", "the first line");
    peer.hears("lobby", "another one");
    terminal.enter("/quit");
    assert_eq!(terminal.exit_code(), 0);
    let mode = std::fs::metadata(home.join("chinwag/history")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let mut terminal = Setup { home: Some(&home), ..Setup::default() }.start(&script.url());
    let peer = script.welcome();
    terminal.shows("here:");
    terminal.press("\x1b[A\x1b[A");
    terminal.has_typed("another one");
    terminal.press("\x03\x12first");
    terminal.shows("(reverse-i-search)`first': the first line");
    // What comes in waits for the end of the search.
    peer.says("lobby", "Adam", "meanwhile");
    terminal.press("\r");
    peer.hears("lobby", "the first line");
    terminal.shows("Adam: meanwhile");
    terminal.has_typed("");
    drop(terminal);
    std::fs::remove_dir_all(home).unwrap();
}

#[test]
fn control_c_empties_the_line_and_leaves_where_it_is_empty() {
    for (keys, keys_on_empty) in [("\x03", "\x03"), ("\x03", "\x04")] {
        let script = Script::new();
        let mut terminal = Terminal::start(&script.url());
        let _peer = script.welcome();
        terminal.shows("here:");
        terminal.press("something");
        terminal.has_typed("something");
        terminal.press(keys);
        terminal.has_typed("");
        terminal.press(keys_on_empty);
        assert_eq!(terminal.exit_code(), 0);
    }
}

#[test]
fn what_is_not_utf_8_is_dropped_and_the_line_stays() {
    let script = Script::new();
    let mut terminal = Terminal::start(&script.url());
    let peer = script.welcome();
    terminal.shows("here:");
    for (number, bytes) in [&b"\x9b"[..], b"\xff\xfe"].iter().enumerate() {
        let line = format!("half {number} typed");
        terminal.press(&format!("{line}\x1b[D\x1b[D\x7fp"));
        terminal.has_typed(&line);
        terminal.sends(bytes);
        terminal.shows("not UTF-8");
        terminal.has_typed(&line);
        terminal.press("!\r");
        terminal.shows(&format!("> John: half {number} typ!ed"));
        peer.hears("lobby", &format!("half {number} typ!ed"));
        terminal.has_typed("");
        terminal.enter("/clear");
        terminal
            .until("nothing but the prompt", |rows| rows.iter().filter(|row| !row.is_empty()).count() == 2);
    }
}

#[test]
fn what_is_too_long_is_told_and_can_be_brought_back() {
    let (_server, addr) = Program::chat_server(&["-qqq"]);
    let mut terminal = Terminal::start(&format!("ws://{addr}/"));
    terminal.shows("here: John");
    // A line break is two bytes of JSON.
    for (line, is_sent) in
        [("x".repeat(15_800), true), ("\n".repeat(8_000) + "y", false), ("x".repeat(100_000), false)]
    {
        terminal.press(&format!("\x1b[200~{line}\x1b[201~\r"));
        if line.contains('\n') {
            terminal.shows("o = one message");
            terminal.enter("o");
        }
        if is_sent {
            terminal.shows("xxx");
        } else {
            terminal.shows("bytes, at most 16000; not sent");
            terminal.shows("Up brings back");
        }
        terminal.has_typed("");
        terminal.enter("still here");
        terminal.shows("> John: still here");
        terminal.enter("/clear");
        terminal
            .until("nothing but the prompt", |rows| rows.iter().filter(|row| !row.is_empty()).count() == 2);
    }
    terminal.press("\x1b[A\x1b[A\x1b[A");
    terminal.until("the long line", |rows| rows.concat().matches('x').count() > 1_000);
}
