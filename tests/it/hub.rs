//! The hub's turn, as an embedder uses it.

use chinwag::{Client, Connection, Edition, Event, Instead, Message, Server};
use crossbeam_channel::Receiver;

use crate::support::{PATIENCE, addr, hears};

/// A server, and clients of it at both ends.
fn with_clients(count: usize) -> (Server, Vec<Client>, Vec<Connection>) {
    let (builder, events) = Server::builder().events(64);
    let server = builder.bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", addr(&server));
    let connect = |_| opened(&events, Connection::connect(&url).unwrap());
    let (clients, connections) = (0..count).map(connect).unzip();
    (server, clients, connections)
}

fn opened(events: &Receiver<Event>, connection: Connection) -> (Client, Connection) {
    match events.recv_timeout(PATIENCE).unwrap() {
        Event::Open(client) => (client, connection),
        other => panic!("unexpected: {other:?}"),
    }
}

#[test]
fn each_member_gets_its_edition_and_some_something_else_instead() {
    let (server, clients, mut connections) = with_clients(4);
    let room = server.room("r");
    let (first, second, third) = (clients[0].clone(), clients[1].clone(), clients[2].clone());
    let fourth = clients[3].clone();
    server.hub().atomically(move |turn| {
        turn.join(&room, &first);
        for client in [&second, &third, &fourth] {
            turn.join_as(&room, client, Edition(1));
        }
        let render = |text: &str| {
            let text = text.to_owned();
            move |Edition(edition)| {
                (edition == 0 || text != "only 0").then(|| Message::from(format!("{text} {edition}")))
            }
        };
        turn.broadcast_each(&room, render("a"), &[]);
        let instead =
            [Instead::of(third.id(), vec!["own b".into(), "and more".into()]), Instead::nothing(fourth.id())];
        turn.broadcast_each(&room, render("b"), &instead);
        turn.broadcast_each(&room, render("only 0"), &[Instead::of(third.id(), vec!["own c".into()])]);
        turn.broadcast(&room, "to all");
        turn.broadcast_each(&room, render("d"), &[Instead::nothing(third.id())]);
    });
    hears(&mut connections[0], &["a 0", "b 0", "only 0 0", "to all", "d 0"]);
    hears(&mut connections[1], &["a 1", "b 1", "to all", "d 1"]);
    hears(&mut connections[2], &["a 1", "own b", "and more", "own c", "to all"]);
    hears(&mut connections[3], &["a 1", "to all", "d 1"]);
}

#[test]
fn who_comes_hears_what_is_said_from_then_on_and_who_goes_what_was_said_until_then() {
    let (server, clients, mut connections) = with_clients(4);
    let room = server.room("r");
    server.hub().atomically(move |turn| {
        let [first, second, third, fourth] = &clients[..] else { panic!("there are four") };
        turn.join(&room, first);
        turn.broadcast(&room, "1");
        turn.join(&room, second);
        turn.broadcast(&room, "2");
        turn.join_as(&room, third, Edition(1));
        turn.join(&room, fourth);
        let own = [Instead::of(second.id(), vec!["own 3".into()]), Instead::nothing(fourth.id())];
        turn.broadcast_each(&room, |Edition(edition)| Some(format!("3.{edition}").into()), &own);
        turn.broadcast(&room, "4");
        turn.leave(&room, first);
        turn.join(&room, first);
        turn.send(second, "for the second alone");
        turn.broadcast(&room, "5");
        turn.send(fourth, "for the fourth alone");
    });
    hears(&mut connections[0], &["1", "2", "3.0", "4", "5"]);
    hears(&mut connections[1], &["2", "own 3", "4", "for the second alone", "5"]);
    hears(&mut connections[2], &["3.1", "4", "5"]);
    hears(&mut connections[3], &["4", "5", "for the fourth alone"]);
}

#[test]
fn what_is_done_at_the_end_of_a_turn_is_done_though_the_closure_panics() {
    let (server, _clients, _connections) = with_clients(1);
    let (done_tx, done_rx) = crossbeam_channel::unbounded();
    server.hub().atomically(move |turn| {
        let last_tx = done_tx.clone();
        turn.at_end(|| panic!("a bug in what comes at the end"));
        turn.at_end(move || last_tx.send("at the end").unwrap());
        done_tx.send("first").unwrap();
        panic!("a bug");
    });
    assert_eq!(done_rx.recv_timeout(PATIENCE), Ok("first"));
    assert_eq!(done_rx.recv_timeout(PATIENCE), Ok("at the end"));
    assert_eq!(server.hub().len(), 1, "the hub goes on");
}

#[test]
fn what_is_sent_directly_comes_in_one_piece_behind_what_was_waited_for() {
    let (server, clients, mut connections) = with_clients(1);
    let client = &clients[0];
    client.send("told the hub");
    assert!(client.wait_caught_up(PATIENCE));
    client.send_directly(["a", "b"].map(Message::from));
    client.send_directly([]);
    assert!(client.wait_half_read(PATIENCE));
    client.send("told the hub again");
    hears(&mut connections[0], &["told the hub", "a", "b", "told the hub again"]);
    assert_eq!(server.statistics().messages_sent, 4);
}

#[test]
fn one_who_joins_again_gets_another_edition_from_then_on() {
    let (server, clients, mut connections) = with_clients(1);
    let (room, client) = (server.room("r"), clients[0].clone());
    room.atomically(move |turn| {
        for edition in [0, 1, 0] {
            turn.join_as(&client.room("r"), &client, Edition(edition));
            turn.broadcast_each(&client.room("r"), |Edition(edition)| Some(edition.to_string().into()), &[]);
        }
        turn.broadcast_each_to(&[client.room("r"), client.hub().everyone()], |_| Some("once".into()));
        turn.broadcast(&client.room("r"), format!("{} here", turn.len(&client.room("r"))));
    });
    hears(&mut connections[0], &["0", "1", "0", "once", "1 here"]);
}

#[test]
fn nothing_comes_between_what_is_done_atomically() {
    let (server, clients, mut connections) = with_clients(1);
    let (room, client) = (server.room("r"), clients[0].clone());
    client.join("r");
    std::thread::scope(|scope| {
        scope.spawn(|| (0..500).for_each(|_| server.room("r").broadcast("between?")));
        for _ in 0..100 {
            let room = room.clone();
            server
                .hub()
                .atomically(move |turn| ["1", "2", "3"].iter().for_each(|text| turn.broadcast(&room, *text)));
        }
    });
    let heard = (0..800).map(|_| crate::support::hear(&mut connections[0])).collect::<Vec<_>>();
    let starts =
        heard.iter().enumerate().filter(|(_, text)| *text == "1").map(|(at, _)| at).collect::<Vec<_>>();
    assert_eq!(starts.len(), 100);
    assert!(starts.iter().all(|at| heard[at + 1] == "2" && heard[at + 2] == "3"), "{heard:?}");
}

#[test]
fn a_closure_that_panics_ends_nothing() {
    let (server, _clients, mut connections) = with_clients(1);
    server.hub().atomically(|_| panic!("as an embedder's closure may"));
    server.broadcast("still here");
    hears(&mut connections[0], &["still here"]);
}
