//! What a few people do at random over a store that stops and fails, against the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use chinwag::protocol::Event;
use chinwag::store::{Record, Store, StoreErrorKind};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::{FlakyStore, Person, say, server};

const PEOPLE: usize = 3;

#[derive(Debug, Clone, Copy)]
enum Step {
    Say(usize),
    /// The last once more, under its id.
    Repeat(usize),
    Join(usize),
    Leave(usize),
    Rename(usize),
    Hold,
    Release,
    Fail,
    Refuse,
    Recover,
}

fn step() -> impl Strategy<Value = Step> {
    let person = || 0..PEOPLE;
    prop_oneof![
        12 => person().prop_map(Step::Say),
        2 => person().prop_map(Step::Repeat),
        2 => person().prop_map(Step::Join),
        2 => person().prop_map(Step::Leave),
        1 => person().prop_map(Step::Rename),
        2 => Just(Step::Hold),
        2 => Just(Step::Release),
        1 => Just(Step::Fail),
        1 => Just(Step::Refuse),
        3 => Just(Step::Recover),
    ]
}

/// What came of a message: the places where it was acknowledged, how often it was refused,
/// and in which words.
#[derive(Debug, Default)]
struct Fate {
    acks: Vec<String>,
    refusals: Vec<String>,
    asked: usize,
}

struct Actor {
    person: Person,
    names: Vec<String>,
    fates: BTreeMap<String, Fate>,
    said: usize,
    /// What was heard in the room, a list for each stay.
    stays: Vec<Vec<(String, String)>>,
}

impl Actor {
    fn say(&mut self, nth: usize, is_new: bool) {
        self.said += usize::from(is_new || self.said == 0);
        let id = format!("{nth}-{}", self.said);
        say(&self.person, &id, &id);
        self.fates.entry(id).or_default().asked += 1;
    }

    /// Reads until all that was asked for is done.
    fn listen(&mut self) {
        self.person.ask(r#"{"type":"ping","id":"end"}"#);
        loop {
            match self.person.hear() {
                Event::Pong { .. } => return,
                Event::Message(message) => {
                    self.stays.last_mut().unwrap().push((message.pos, message.text));
                }
                Event::Ack { id, pos, .. } => self.fates.get_mut(&id).unwrap().acks.push(pos.unwrap()),
                Event::Error { code, id: Some(id), .. } => {
                    self.fates.get_mut(&id).unwrap().refusals.push(code);
                }
                Event::Joined { name, .. } if self.names.contains(&name) => self.stays.push(Vec::new()),
                _ => {}
            }
        }
    }

    /// Each stay is a part of the log, without a hole.
    fn check_stays(&self, log: &[Arc<Record>]) {
        let log = log.iter().map(|record| &*record.text).collect::<Vec<_>>();
        for stay in self.stays.iter().filter(|stay| !stay.is_empty()) {
            let heard = stay.iter().map(|(_, text)| &**text).collect::<Vec<_>>();
            let start = log.iter().position(|text| *text == heard[0]).expect("what is heard is in the log");
            assert_eq!(heard, log[start..start + heard.len()], "not a part of {log:?}");
        }
    }

    fn check_fates(&self, log: &[Arc<Record>]) {
        for (id, fate) in &self.fates {
            let kept = log.iter().filter(|record| record.text == *id).collect::<Vec<_>>();
            assert_eq!(fate.acks.len() + fate.refusals.len(), fate.asked, "{id}: {fate:?}");
            assert_eq!(kept.len(), usize::from(!fate.acks.is_empty()), "{id}: {fate:?}");
            for pos in &fate.acks {
                assert!(pos.ends_with(&format!("-{}", kept[0].position)), "{id}: {fate:?}");
            }
        }
    }
}

fn run(steps: &[Step]) {
    let store = FlakyStore::new();
    let server = server(&store);
    let mut actors = (0..PEOPLE).map(|nth| {
        let name = format!("P{nth}");
        let person = Person::join(&server, &name);
        Actor { person, names: vec![name], fates: BTreeMap::new(), said: 0, stays: vec![Vec::new()] }
    });
    let mut actors = actors.by_ref().collect::<Vec<_>>();
    for step in steps {
        match *step {
            Step::Say(nth) => actors[nth].say(nth, true),
            Step::Repeat(nth) => actors[nth].say(nth, false),
            Step::Join(nth) => actors[nth].person.ask(r#"{"type":"join","room":"lobby"}"#),
            Step::Leave(nth) => actors[nth].person.ask(r#"{"type":"leave","room":"lobby"}"#),
            Step::Rename(nth) => {
                let actor = &mut actors[nth];
                let name = format!("P{nth}{}", "b".repeat(actor.names.len()));
                actor.person.ask(&json!({"type": "nick", "name": name}).to_string());
                actor.names.push(name);
            }
            Step::Hold => store.hold(),
            Step::Release => store.release(),
            Step::Fail => store.fail(StoreErrorKind::Full),
            Step::Refuse => store.refuse(StoreErrorKind::Gone),
            Step::Recover => store.recover(),
        }
    }
    store.release();
    // What all asked for is done before anybody's last words are heard.
    actors.iter_mut().for_each(Actor::listen);
    actors.iter_mut().for_each(Actor::listen);
    let log = store.before("lobby", None, usize::MAX).unwrap();
    for actor in &actors {
        actor.check_stays(&log);
        actor.check_fates(&log);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_anybody_hears_is_a_part_of_the_log_and_what_is_acknowledged_is_in_it_once(
        steps in vec(step(), 1..60)
    ) {
        run(&steps);
    }
}
