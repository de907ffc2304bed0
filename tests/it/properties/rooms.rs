//! Rooms against the simplest that they could be: a set of members each.

use std::collections::BTreeSet;

use chinwag::{Client, Connection, Room, Server};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{eventually, hear};

const CLIENTS: usize = 4;
const ROOMS: [&str; 3] = ["tea", "games", "news"];

#[derive(Debug, Clone)]
enum Step {
    Join(usize, usize),
    Leave(usize, usize),
    Clear(usize),
    Say(usize),
    /// To whoever is in one of these.
    SayToAny(Vec<usize>),
    SayToAll,
    Send(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (client, room) = (|| 0..CLIENTS, || 0..ROOMS.len());
    prop_oneof![
        4 => (client(), room()).prop_map(|(client, room)| Step::Join(client, room)),
        2 => (client(), room()).prop_map(|(client, room)| Step::Leave(client, room)),
        1 => room().prop_map(Step::Clear),
        6 => room().prop_map(Step::Say),
        1 => vec(room(), 0..4).prop_map(Step::SayToAny),
        1 => Just(Step::SayToAll),
        1 => client().prop_map(Step::Send),
    ]
}

/// What should be.
#[derive(Default)]
struct Model {
    members: [BTreeSet<usize>; ROOMS.len()],
    heard: [Vec<usize>; CLIENTS],
}

impl Model {
    fn hear(&mut self, who: impl IntoIterator<Item = usize>, text: usize) {
        who.into_iter().for_each(|client| self.heard[client].push(text));
    }

    fn take(&mut self, step: &Step, text: usize) {
        match step {
            Step::Join(client, room) => drop(self.members[*room].insert(*client)),
            Step::Leave(client, room) => drop(self.members[*room].remove(client)),
            Step::Clear(room) => self.members[*room].clear(),
            Step::Say(room) => self.hear(self.members[*room].clone(), text),
            Step::SayToAny(rooms) => {
                let members = rooms.iter().flat_map(|room| &self.members[*room]).copied();
                self.hear(members.collect::<BTreeSet<_>>(), text);
            }
            Step::SayToAll => self.hear(0..CLIENTS, text),
            Step::Send(client) => self.hear([*client], text),
        }
    }
}

fn take(server: &Server, clients: &[Client], step: &Step, text: &str) {
    let room = |room: &usize| server.room(ROOMS[*room]);
    match step {
        Step::Join(client, number) => room(number).add(&clients[*client]),
        Step::Leave(client, number) => room(number).remove(&clients[*client]),
        Step::Clear(number) => room(number).clear(),
        Step::Say(number) => room(number).broadcast(text),
        Step::SayToAny(numbers) => {
            let rooms: Vec<Room> = numbers.iter().map(room).collect();
            server.hub().broadcast_to(&rooms.iter().collect::<Vec<_>>(), text);
        }
        Step::SayToAll => server.broadcast(text),
        Step::Send(client) => clients[*client].send(text),
    }
}

/// Rooms have an order each, and what was said in two of them close together has none.
fn may_change_places(first: &Step, second: &Step) -> bool {
    match (first, second) {
        (Step::Say(one), Step::Say(other)) => one != other,
        (Step::Say(_), Step::SayToAll) | (Step::SayToAll, Step::Say(_)) => true,
        _ => false,
    }
}

fn members(server: &Server, clients: &[Client], room: &str) -> BTreeSet<usize> {
    let inside = server.room(room).clients();
    (0..CLIENTS).filter(|client| inside.contains(&clients[*client])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn everyone_hears_what_was_said_where_they_were_and_nothing_else(steps in vec(step(), 0..80)) {
        let server = Server::builder().start().unwrap();
        let mut connections: Vec<Connection> = Vec::new();
        let mut clients: Vec<Client> = Vec::new();
        for _ in 0..CLIENTS {
            connections.push(server.connect_memory("/").unwrap());
            eventually("one more is in", || server.hub().len() == connections.len());
            let newcomer = server.hub().clients().into_iter().find(|client| !clients.contains(client));
            clients.push(newcomer.unwrap());
        }
        let mut model = Model::default();
        for (number, step) in steps.iter().enumerate() {
            model.take(step, number);
            take(&server, &clients, step, &number.to_string());
        }
        for (number, room) in ROOMS.iter().enumerate() {
            prop_assert_eq!(&members(&server, &clients, room), &model.members[number], "{}", room);
        }
        server.broadcast("end");
        for (connection, expected) in connections.iter_mut().zip(&model.heard) {
            let heard: Vec<usize> = std::iter::repeat_with(|| hear(connection))
                .take_while(|text| text != "end")
                .map(|text| text.parse().unwrap())
                .collect();
            for (place, one) in heard.iter().enumerate() {
                let overtaken = heard[place..].iter().filter(|other| *other < one);
                let is_free = |other: &usize| may_change_places(&steps[*other], &steps[*one]);
                prop_assert!(overtaken.copied().all(|other| is_free(&other)), "{} before its time in {:?}", one, heard);
            }
            let mut sorted = heard;
            sorted.sort_unstable();
            prop_assert_eq!(&sorted, expected);
        }
    }
}
