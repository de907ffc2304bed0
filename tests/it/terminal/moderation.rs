//! Keeping order from a terminal, and being kept in order there.

use chinwag::Server;
use chinwag::chat::{Chat, Identity, Role};

use super::*;
use crate::support::{addr, hear_end, hears, join};

/// A chat whose only operator is the one who sits at the terminal.
fn johns_chat() -> Server {
    let role =
        |name: Option<String>| if name.as_deref() == Some("John") { Role::Operator } else { Role::Member };
    let chat = Chat::builder()
        .authenticate(move |request| Ok(Identity::default().role(role(request.query("name")))));
    Server::builder().paths(Chat::PATHS).handler(chat.build().gate()).bind("127.0.0.1:0").unwrap()
}

#[test]
fn an_operator_types_orders_and_completes_them() {
    let server = johns_chat();
    let mut terminal = Terminal::start(&format!("ws://{}/", addr(&server)));
    terminal.shows("here: John");
    let mut eve = join(&server, "Eve%20Ann");
    terminal.shows("Eve Ann joined");
    hears(&mut eve, &["Eve Ann joined.", "Welcome Eve Ann."]);
    terminal.press("/mu\t");
    terminal.has_typed("/mute");
    terminal.press("e\t");
    terminal.has_typed("/mute Eve Ann");
    terminal.enter("2h shouting");
    terminal.shows("Eve Ann was muted by John for 2 h 0 min: shouting");
    eve.recv().unwrap();
    eve.send("hi").unwrap();
    assert!(crate::support::hear(&mut eve).starts_with("You are muted until 20"));
    terminal.enter("/whois Eve Ann");
    terminal.shows("muted");
    terminal.enter("/ban Mallory 5 minutes");
    terminal.shows("5 is no time");
    terminal.press("\x03");
    terminal.enter("/bans");
    terminal.shows("nobody is banned");
    terminal.enter("/lock");
    terminal.shows("lobby was locked to newcomers by John");
    terminal.enter("/help");
    terminal.shows("for operators");
    terminal.enter("/ban Eve Ann: spam");
    terminal.shows("name:Eve Ann was banned by John: spam");
    terminal.shows("Eve Ann left");
    assert_eq!(hear_end(&mut eve).reason, "the name Eve Ann is banned: spam");
    terminal.enter("/bans");
    terminal.shows("name:Eve Ann");
}

#[test]
fn one_who_is_no_operator_is_offered_nothing_and_is_told_what_befalls() {
    let (_server, addr) = Program::chat_server(&["-qqq"]);
    let mut terminal = Terminal::start(&format!("ws://{addr}/"));
    terminal.shows("here: John");
    terminal.press("/ki\t");
    terminal.has_typed("/ki");
    terminal.press("\x03");
    terminal.enter("/kick Adam");
    terminal.shows("this is for operators only");
}

#[test]
fn one_who_is_kicked_is_told_why_and_does_not_come_back() {
    let script = Script::new();
    let mut terminal = Terminal::start(&script.url());
    let peer = script.welcome();
    terminal.shows("here:");
    let mut done = chinwag::protocol::Moderated {
        action: chinwag::protocol::Action::Mute,
        by: "Adam".to_owned(),
        name: Some("John".to_owned()),
        who: None,
        room: None,
        until: None,
        reason: "\u{1b}[2Jspam".to_owned(),
        time: NOON,
    };
    peer.tell(&Event::Moderated(done.clone()));
    terminal.shows(r"you were muted by Adam: \u{1b}[2Jspam");
    done.action = chinwag::protocol::Action::Kick;
    peer.tell(&Event::Moderated(done));
    terminal.shows("you were kicked by Adam");
    peer.client.close(1008, "kicked by Adam: spam");
    assert_eq!(terminal.exit_code(), 1);
}
