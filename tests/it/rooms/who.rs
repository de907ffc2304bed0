//! Who is here, while people come.

use std::collections::BTreeSet;
use std::thread;

use chinwag::protocol::Event;

use super::Person;
use crate::support::chat;

const CROWD: usize = 8;

/// Keeps the list as a client does, until all are on it: one that is older than a coming that
/// was heard before would lack somebody for good.
fn follow(mut person: Person) -> Person {
    person.ask(r#"{"type":"who","room":"lobby"}"#);
    let mut here: Option<BTreeSet<String>> = None;
    while here.as_ref().is_none_or(|here| here.len() < CROWD) {
        match (person.hear(), &mut here) {
            (Event::Present { names, .. }, here) => *here = Some(names.into_iter().collect()),
            (Event::Joined { name, .. }, Some(here)) => drop(here.insert(name)),
            _ => {}
        }
    }
    person
}

#[test]
fn the_list_of_who_is_here_is_in_order_with_who_comes() {
    for _ in 0..15 {
        let server = chat();
        thread::scope(|scope| {
            let server = &server;
            let come = |number| move || follow(Person::connect(server, &format!("name=n{number}")));
            let comers: Vec<_> = (0..CROWD).map(|number| scope.spawn(come(number))).collect();
            // Nobody leaves before all have seen all.
            let all: Vec<_> = comers.into_iter().map(|comer| comer.join().unwrap()).collect();
            drop(all);
        });
    }
}
