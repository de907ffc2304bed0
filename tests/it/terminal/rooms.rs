//! Several rooms.

use super::*;

#[test]
fn the_prompt_tells_the_room_and_which_others_have_news() {
    let script = Script::new();
    let mut terminal = Terminal::start(&script.url());
    let peer = script.welcome();
    terminal.shows("── lobby · 2 here ─");
    terminal.enter("/join Games");
    let join = Ask::Join { room: "games".to_owned(), since: None };
    assert_eq!(peer.ask(), join);
    peer.joins("games");
    terminal.shows("── games · 2 here ─");
    terminal.enter("in games");
    peer.hears("games", "in games");
    terminal.press("half a line");
    peer.says("lobby", "Adam", "first");
    peer.says("lobby", "Adam", "second");
    terminal.shows("── games · +2 lobby · 2 here ─");
    terminal.has_typed("half a line");
    peer.says("lobby", "Adam", "John, where are you?");
    terminal.shows("! [lobby] Adam: John, where are you?");
    terminal.shows("── games · +3 lobby! · 2 here ─");
    terminal.press("\x03");
    terminal.enter("/join lobby");
    terminal.shows("── lobby · 3 new ─");
    terminal.shows("12:00   Adam: first");
    terminal.shows("── lobby · 2 here ─");
    terminal.enter("back");
    peer.hears("lobby", "back");
    terminal.enter("/leave");
    assert_eq!(peer.ask(), Ask::Leave { room: "lobby".to_owned() });
    peer.tell(&Event::Left { room: "lobby".to_owned(), name: "John".to_owned(), time: NOON });
    terminal.shows("you left lobby");
    terminal.shows("── games · 2 here ─");
    terminal.enter("again");
    peer.hears("games", "again");
}

#[test]
fn a_room_that_cannot_be_joined_says_why() {
    let (_server, addr) = Program::chat_server(&["-qqq"]);
    let mut terminal = Terminal::start(&format!("ws://{addr}/"));
    terminal.shows("here: John");
    terminal.enter(&format!("/join {}", "x".repeat(40)));
    terminal.shows("!! ");
    terminal.enter("/join games");
    terminal.shows("── games · 1 here ─");
    terminal.enter("/rooms");
    terminal.shows("lobby                 1 person");
    terminal.enter("/leave");
    terminal.shows("── lobby · 1 here ─");
}

#[test]
fn twenty_columns_are_enough() {
    let script = Script::new();
    let mut terminal = Setup { columns: 20, rows: 20, ..Setup::default() }.start(&script.url());
    let peer = script.welcome();
    terminal.shows("here: Adam, John");
    peer.says("lobby", "Adam", "hi there everybody");
    let rows = terminal.shows("everybody");
    let at = rows.iter().position(|row| row.starts_with("12:00")).unwrap();
    assert_eq!(rows[at..at + 2], ["12:00 Adam: hi there", "  everybody"]);
    terminal.press("a line that is longer than that");
    terminal.until("the whole line", |rows| {
        rows.ends_with(&["> a line that is lon".into(), "ger than that".into()])
            || typed(rows).as_deref() == Some("a line that is longer than that")
    });
    peer.says("lobby", &"W".repeat(32), "name as long as it can be");
    terminal.shows("it can be");
    terminal.press("\r");
    peer.hears("lobby", "a line that is longer than that");
    terminal.enter("/help");
    terminal.shows("again");
}
