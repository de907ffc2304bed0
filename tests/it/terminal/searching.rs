//! Finding and deleting, as one at a terminal sees it.

use chinwag::protocol::Erased;

use super::*;

fn found(messages: Vec<chinwag::protocol::ChatMessage>, more: bool) -> Event {
    let (words, room, before, id) = ("tea \u{1b}[2J".to_owned(), None, None, None);
    Event::Found { words, room, messages, more, before, id }
}

fn erased(time: u64, name: &str, room: Option<&str>, messages: Option<u64>) -> Event {
    let room = room.map(str::to_owned);
    let (name, by) = (name.to_owned(), "Zoë".to_owned());
    Event::Erased(Erased { name, alike: vec!["Jоhn".to_owned()], room, messages, by, time })
}

#[test]
fn what_was_found_has_day_time_room_and_name() {
    let script = Script::new();
    let terminal = Terminal::start(&script.url());
    let peer = script.welcome();
    terminal.shows("here:");
    let mut later = message("lobby", "John", "my tea");
    later.time = NOON + 86_400_000;
    let mut deed = message("games", "Eve", "drinks tea");
    deed.action = true;
    peer.tell(&found(vec![message("games", "Adam", "tea \u{1b}[31mred"), deed, later], true));
    let rows = terminal.shows("more was found before these; more words find less");
    let shown: Vec<&str> = rows.iter().map(|row| row.trim_end_matches(['─', ' '])).collect();
    let at = shown.iter().position(|row| *row == r"── found for tea \u{1b}[2J").unwrap();
    assert_eq!(
        shown[at + 1..at + 7],
        [
            "── Tuesday, 6 October 2026",
            r"12:00   [games] Adam: tea \u{1b}[31mred",
            "12:00 * [games] Eve drinks tea",
            "── Wednesday, 7 October 2026",
            "12:00 > [lobby] John: my tea",
            "── now",
        ]
    );
    peer.tell(&found(Vec::new(), false));
    terminal.shows(r"nothing was found for tea \u{1b}[2J in your rooms");
}

#[test]
fn a_search_is_typed_and_answered_by_the_real_server() {
    let (_server, addr) = Program::chat_server(&["-qqq"]);
    let mut terminal = Terminal::start(&format!("ws://{addr}/"));
    terminal.shows("here: John");
    terminal.enter("tea for two");
    terminal.shows("> John: tea for two");
    terminal.press("/sea\t");
    terminal.has_typed("/search");
    terminal.enter("TWO tea");
    terminal.shows("> [lobby] John: tea for two");
    terminal.enter("/search coffee");
    terminal.shows("nothing was found for coffee in your rooms");
    terminal.enter("/search -");
    terminal.shows("there is no word to look for");
    terminal.enter("/help search");
    terminal.shows("/search WORDS");
}

#[test]
fn what_is_deleted_is_said_and_not_shown_where_it_waited() {
    let script = Script::new();
    let mut terminal = Terminal::start(&script.url());
    let peer = script.welcome();
    terminal.shows("here:");
    terminal.enter("/join games");
    peer.joins("games");
    terminal.shows("── games");
    // They wait for the user to come to the lobby.
    for (name, text) in [("Adam", "stays"), ("Jоhn", "goes"), ("EVE", "stays too")] {
        peer.says("lobby", name, text);
    }
    peer.tell(&erased(NOON, "Eve", Some("games"), None));
    terminal.shows("what Eve said in games was deleted by Zoë");
    peer.tell(&erased(NOON + 1, "John", None, Some(12)));
    terminal.shows("what John said was deleted by Zoë, 12 messages");
    // As to one who comes back.
    peer.tell(&erased(NOON + 1, "John", None, None));
    terminal.enter("/join lobby");
    let rows = terminal.shows("stays too");
    assert!(rows.iter().any(|row| row.contains("Adam: stays")), "{rows:#?}");
    assert!(!rows.iter().any(|row| row.contains("goes")), "{rows:#?}");
    assert_eq!(rows.iter().filter(|row| row.contains("what John said")).count(), 1, "{rows:#?}");
}
