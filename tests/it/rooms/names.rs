//! Names that would pass for something else, and two who want one at once.

use std::sync::Barrier;

use chinwag::protocol::Event;

use super::Person;
use crate::support::{addr, answer_to, chat, request};

#[test]
fn no_name_passes_for_a_line_or_for_the_server() {
    let server = chat();
    for name in [
        "John%20says:%20hi",
        "John%20says",
        "Adam%20left.%20John",
        "server",
        "S%D0%B5rver",
        "SYSTEM",
        "/quit",
        "%5Bgames%5D%20Adam",
        "*%20Adam",
        "Adam,%20Eve",
        "a%0Ab",
        "a%E2%80%AEb",
        "a%E2%80%8Bb",
        "John%20says%EA%9E%89hi",
        "John%E2%88%B6%20hi",
        "%E2%88%97%20John%20waves",
        "%EF%BC%BBgames%EF%BC%BD%20Adam",
        "Server%20notice",
    ] {
        let answer = answer_to(addr(&server), &request(&format!("/?name={name}"), ""));
        assert!(
            answer.starts_with("HTTP/1.1 400 ") && answer.contains("name not allowed: "),
            "{name}: {answer}"
        );
    }
    for name in [
        "Ali",
        "Lefty",
        "O'Brien",
        "J.%20R.%20R.%20Tolkien",
        "Says%20Who",
        "%E0%A4%A6%E0%A5%81%E0%A4%83%E0%A4%96",
        "%F0%9F%98%80",
    ] {
        Person::connect(&server, &format!("name={name}"));
    }
}

#[test]
fn of_all_who_want_a_new_name_at_once_exactly_one_gets_it() {
    let server = chat();
    let people = (0..8).map(|number| Person::join(&server, &format!("p{number}"))).collect::<Vec<_>>();
    let barrier = Barrier::new(people.len());
    let got = std::thread::scope(|scope| {
        let wants = people.into_iter().map(|mut person| {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                person.ask(r#"{"type":"nick","name":"King","id":"n"}"#);
                person.ask(r#"{"type":"ping"}"#);
                let mut was_refused = false;
                loop {
                    match person.hear() {
                        Event::Error { code, .. } => was_refused = code == "name_taken",
                        Event::Pong { .. } => break,
                        _ => {}
                    }
                }
                // Who holds the name stays alive.
                person.listen();
                was_refused
            })
        });
        wants.collect::<Vec<_>>().into_iter().map(|want| want.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(got.iter().filter(|was_refused| **was_refused).count(), 7, "{got:?}");
    // The old name of whoever got it is free.
    let winner = got.iter().position(|was_refused| !was_refused).unwrap();
    Person::connect(&server, &format!("name=p{winner}"));
}

#[test]
fn a_page_learns_why_a_name_would_be_refused() {
    let server = crate::support::Program::chat_server(&[]);
    let addr = server.1;
    let get = |target: &str| answer_to(addr, &format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    assert!(get("/ws?name=John").starts_with("HTTP/1.1 204 "));
    let refused = get("/ws?name=server");
    assert!(refused.starts_with("HTTP/1.1 400 ") && refused.contains("the server's own"), "{refused}");
    let _john = super::listen(chinwag::Connection::connect(&format!("ws://{addr}/?name=John")).unwrap());
    assert!(get("/ws?name=john").starts_with("HTTP/1.1 409 "));
    assert!(get("/ws").starts_with("HTTP/1.1 426 "));
}
