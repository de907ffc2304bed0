//! The same by commands, in text mode.

use chinwag::Connection;

use super::{server, shut_out, text};
use crate::support::{addr, hear, hear_end, hears};

#[track_caller]
fn asks(connection: &mut Connection, command: &str, answer: &str) {
    connection.send(command).unwrap();
    hears(connection, &[answer]);
}

#[test]
fn every_order_can_be_typed() {
    let server = server();
    let mut adam = text(&server, "name=Adam&role=op");
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    let mut eve = text(&server, "name=Eve%20Ann");
    hears(&mut eve, &["Eve Ann joined.", "Welcome Eve Ann."]);
    hears(&mut adam, &["Eve Ann joined."]);

    asks(&mut adam, "/mute eve ann shouting", "Eve Ann was muted by Adam: shouting.");
    hears(&mut eve, &["Eve Ann was muted by Adam: shouting."]);
    asks(&mut eve, "hi", "You are muted: shouting.");
    asks(&mut eve, "/me waves", "You are muted: shouting.");
    asks(&mut adam, "/unmute Eve Ann", "Eve Ann was given the word again by Adam.");
    hears(&mut eve, &["Eve Ann was given the word again by Adam."]);

    asks(&mut adam, "/lock", "lobby was locked to newcomers by Adam.");
    hears(&mut eve, &["lobby was locked to newcomers by Adam."]);
    asks(&mut eve, "/rooms", "Rooms: lobby 2 locked");
    assert_eq!(shut_out(addr(&server), "name=John").0, 403);
    asks(&mut adam, "/unlock lobby", "lobby was opened to newcomers by Adam.");
    hears(&mut eve, &["lobby was opened to newcomers by Adam."]);

    asks(&mut adam, "/notice tea is ready", "Server: tea is ready");
    hears(&mut eve, &["Server: tea is ready"]);

    asks(&mut adam, "/kick Eve Ann: out!", "Eve Ann was kicked by Adam: out!");
    hears(&mut adam, &["Eve Ann left."]);
    hears(&mut eve, &["Eve Ann was kicked by Adam: out!"]);
    assert_eq!(hear_end(&mut eve).reason, "kicked by Adam: out!");

    adam.send("/ban Mallory 2h spam").unwrap();
    let line = hear(&mut adam);
    let rest =
        line.strip_prefix("name:Mallory was banned by Adam until 20").unwrap_or_else(|| panic!("{line}"));
    assert!(rest.ends_with("Z: spam."), "{line}");
    asks(&mut adam, "/ban 192.0.2.0/24", "address:192.0.2.0/24 was banned by Adam.");
    adam.send("/bans").unwrap();
    let line = hear(&mut adam);
    assert!(
        line.starts_with("Banned: address:192.0.2.0/24 by Adam; name:Mallory by Adam until 20"),
        "{line}"
    );
    asks(&mut adam, "/unban mallory", "name:Mallory was let in again by Adam.");
    asks(&mut adam, "/unban 192.0.2.0/24", "address:192.0.2.0/24 was let in again by Adam.");
    asks(&mut adam, "/bans", "Nobody is banned.");
    asks(&mut adam, "/ban Mallory 5 minutes", "5 is no time, such as 30m, 2h or 7d.");
    asks(&mut adam, "/bans", "Nobody is banned.");
    asks(&mut adam, "/kick", "Use it like this: /kick NAME [REASON]");
}

#[test]
fn help_lists_orders_to_operators_and_others_are_refused() {
    let server = server();
    let mut adam = text(&server, "name=Adam&role=op");
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    adam.send("/help").unwrap();
    let help = hear(&mut adam);
    assert!(
        help.contains(" For operators: /kick /ban /unban /bans /mute /unmute /lock /unlock /notice /erase. "),
        "{help}"
    );
    asks(&mut adam, "/help kick", "/kick NAME [REASON] ends somebody's connection.");
    let mut eve = text(&server, "name=Eve");
    hears(&mut eve, &["Eve joined.", "Welcome Eve."]);
    eve.send("/help").unwrap();
    let help = hear(&mut eve);
    assert!(!help.contains("kick") && !help.contains("operators"), "{help}");
    for command in ["/kick Adam", "/ban Adam", "/bans", "/mute Adam 1h", "/lock", "/notice hi", "/unban Adam"]
    {
        asks(&mut eve, command, "This is for operators only.");
    }
    hears(&mut adam, &["Eve joined."]);
    adam.send("/whois Adam").unwrap();
    let line = hear(&mut adam);
    assert!(line.ends_with("; operator; from 127.0.0.1."), "{line}");
}

#[test]
fn no_name_passes_for_what_an_operator_did() {
    let server = server();
    for name in ["Eve%20was%20kicked", "lobby%20was", "x%20locked"] {
        let (status, words) = shut_out(addr(&server), &format!("name={name}"));
        assert!(status == 400 && words.contains("would look like a line of the chat's"), "{words}");
    }
}
