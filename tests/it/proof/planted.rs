//! Mistakes planted by hand: each is found by its name, and nothing else is taken for one.

use std::collections::HashSet;

use super::checker::{Terms, check};
use super::record::{Kept, Life, Message, Record, Step};
use super::violation::Rule;

fn life(number: u32) -> Life {
    Life { server: "a".to_owned(), number }
}

fn connected(number: u32) -> Step {
    Step::Connected { life: life(number), session: "secret".to_owned() }
}

fn entered() -> Step {
    Step::Entered { room: "lobby".to_owned(), pos: "e-1".to_owned() }
}

fn live() -> Step {
    Step::Live { room: "lobby".to_owned() }
}

fn resumed(complete: bool, missed: usize) -> Step {
    Step::Resumed { room: "lobby".to_owned(), complete, missed }
}

fn said(id: &str, text: &str) -> Step {
    let [id, room, text] = [id, "lobby", text].map(str::to_owned);
    Step::Said { id, room, text }
}

fn acked(id: &str, pos: &str) -> Step {
    let [id, room, pos] = [id, "lobby", pos].map(str::to_owned);
    Step::Acked { id, room, pos }
}

fn refused(id: &str, code: &str) -> Step {
    Step::Refused { id: id.to_owned(), code: code.to_owned() }
}

fn heard(from: &str, text: &str, pos: &str, id: &str) -> Step {
    let id = (!id.is_empty()).then(|| id.to_owned());
    let pos = (!pos.is_empty()).then(|| pos.to_owned());
    Step::Heard { message: Message::new("lobby", from, text), pos, id }
}

fn kept(from: &str, text: &str, pos: &str) -> Kept {
    Kept { pos: pos.to_owned(), message: Message::new("lobby", from, text) }
}

/// Ann says two things, and Bob, who is cut off once, hears them.
struct Small {
    ann: Vec<Step>,
    bob: Vec<Step>,
    kept: Vec<Kept>,
    terms: Terms,
}

impl Small {
    fn good() -> Self {
        let ann = vec![
            said("a0", "zero"),
            acked("a0", "e-1"),
            connected(1),
            entered(),
            live(),
            said("a1", "one"),
            heard("ann", "one", "e-2", "a1"),
            acked("a1", "e-2"),
            said("a2", "two"),
            heard("ann", "two", "e-3", "a2"),
            acked("a2", "e-3"),
            said("a3", "three"),
            heard("ann", "three", "e-4", "a3"),
            acked("a3", "e-4"),
        ];
        let bob = vec![
            connected(1),
            entered(),
            live(),
            heard("ann", "one", "e-2", ""),
            Step::Lost,
            connected(2),
            resumed(true, 1),
            heard("ann", "two", "e-3", ""),
            live(),
            heard("ann", "three", "e-4", ""),
        ];
        let log = [("zero", "e-1"), ("one", "e-2"), ("two", "e-3"), ("three", "e-4")];
        let kept = log.map(|(text, pos)| kept("ann", text, pos)).to_vec();
        Self { ann, bob, kept, terms: Terms::default() }
    }

    fn check(self) -> Option<Rule> {
        let record = |name, steps| Record { steps, is_finished: true, ..Record::new(name) };
        let records = [record("ann", self.ann), record("bob", self.bob)];
        check(&records, &self.kept, &self.terms).err().map(|violation| violation.rule)
    }
}

#[test]
fn each_kind_of_mistake_is_found_by_its_name() {
    type Plant = fn(&mut Small);
    let cases: &[(Rule, Plant)] = &[
        (Rule::SaidIsUnique, |run| run.ann.push(said("a4", "one"))),
        (Rule::KeptWasSaid, |run| run.kept.push(kept("ann", "never", "e-5"))),
        (Rule::KeptWasSaid, |run| run.kept[1].message.from = "bob".to_owned()),
        (Rule::KeptOnce, |run| run.kept.push(kept("ann", "one", "e-5"))),
        (Rule::OneMessageAPosition, |run| run.kept[2].pos = "e-2".to_owned()),
        (Rule::OneMessageAPosition, |run| run.bob[3] = heard("ann", "two", "e-2", "")),
        (Rule::SaidOrderIsKept, |run| {
            run.kept.swap(1, 2);
            run.ann.swap(6, 9);
        }),
        (Rule::AckedIsKept, |run| drop(run.kept.remove(2))),
        (Rule::AckedAtItsPosition, |run| run.ann[7] = acked("a1", "e-3")),
        (Rule::AckedAtItsPosition, |run| {
            let [id, room, pos] = ["a1", "games", "e-2"].map(str::to_owned);
            run.ann[7] = Step::Acked { id, room, pos };
        }),
        (Rule::OneAckAnId, |run| run.ann.push(acked("a1", "e-3"))),
        (Rule::AckedWasSaid, |run| run.ann.push(acked("a9", "e-3"))),
        (Rule::RefusedIsNotKept, |run| run.ann[10] = refused("a2", "not_kept")),
        (Rule::UnplacedIsNotKept, |run| run.ann[9] = heard("ann", "two", "", "a2")),
        (Rule::UnplacedIsNotKept, |run| run.bob.push(heard("ann", "two", "", ""))),
        (Rule::HeardIsKept, |run| {
            run.ann.insert(8, said("a4", "lost"));
            run.ann.insert(9, heard("ann", "lost", "e-9", "a4"));
            run.ann.insert(10, refused("a4", "not_kept"));
        }),
        (Rule::HeardWasSaid, |run| run.bob.push(heard("ann", "never", "e-9", ""))),
        (Rule::HeardWasSaid, |run| run.bob.push(heard("ann", "never", "", ""))),
        (Rule::HeardOnce, |run| run.bob.push(heard("ann", "one", "e-2", ""))),
        (Rule::HeardInOrder, |run| run.bob.swap(3, 7)),
        (Rule::NothingMissed, |run| drop(run.bob.remove(3))),
        (Rule::NothingMissed, |run| drop(run.bob.splice(6..8, [resumed(true, 0)]))),
        (Rule::NothingMissed, |run| drop(run.bob.pop())),
        (Rule::MissedAsAnnounced, |run| run.bob[6] = resumed(true, 2)),
        (Rule::OwnCopyHasItsId, |run| run.ann[6] = heard("ann", "one", "e-2", "")),
        (Rule::OwnCopyHasItsId, |run| run.ann[6] = heard("ann", "one", "e-2", "a2")),
        (Rule::OwnCopyHasItsId, |run| run.bob[3] = heard("ann", "one", "e-2", "a1")),
        (Rule::SaidIsAnswered, |run| drop(run.ann.remove(10))),
        (Rule::SaidIsAnswered, |run| run.ann[10] = refused("a2", "unsure")),
        (Rule::SessionIsKnown, |run| {
            run.bob[5] = Step::Connected { life: life(2), session: "another".to_owned() };
        }),
        // Bob heard something in the life that ended with the power, and then what is kept.
        (Rule::OnlyTheEndIsLost, |run| {
            run.terms.power_cuts.insert(life(1));
            run.bob.splice(4..7, []);
            run.ann.splice(0..0, [said("b", "between")]);
            run.ann.push(acked("b", "e-20"));
            run.bob.insert(4, heard("ann", "between", "e-20", ""));
        }),
    ];
    let mut seen = HashSet::new();
    for (rule, plant) in cases {
        let mut run = Small::good();
        plant(&mut run);
        assert_eq!(run.check(), Some(*rule), "{rule:?}");
        seen.insert(*rule);
    }
    assert_eq!(seen.len(), Rule::COUNT, "each rule has its case");
}

#[test]
fn what_is_no_mistake_is_not_taken_for_one() {
    type Change = fn(&mut Small);
    let cases: &[(&str, Change)] = &[
        ("as it is", |_| {}),
        ("told that some is missing", |run| drop(run.bob.splice(6..8, [resumed(false, 0)]))),
        ("told of a gap", |run| run.bob[3] = Step::Gap { rooms: vec!["lobby".to_owned()] }),
        ("sent again, acknowledged again", |run| run.ann.extend([said("a1", "one"), acked("a1", "e-2")])),
        ("refused, and not kept", |run| run.ann.extend([said("a4", "four"), refused("a4", "not_kept")])),
        ("refused, sent again, kept", |run| {
            run.ann.splice(8..8, [said("a4", "four"), refused("a4", "not_kept"), said("a4", "four")]);
            run.ann.extend([acked("a4", "e-5"), heard("ann", "four", "e-5", "a4")]);
            run.bob.push(heard("ann", "four", "e-5", ""));
            run.kept.push(kept("ann", "four", "e-5"));
        }),
        ("shown, and not kept", |run| {
            run.ann.extend([said("a4", "four"), heard("ann", "four", "", "a4")]);
            run.bob.push(heard("ann", "four", "", ""));
        }),
        ("the own copy comes after a return", |run| {
            run.ann.splice(8..8, [connected(2), resumed(true, 0)]);
        }),
        ("the end is lost with the power", |run| {
            run.terms.power_cuts.insert(life(2));
            run.kept.truncate(2);
        }),
    ];
    for (what, change) in cases {
        let mut run = Small::good();
        change(&mut run);
        assert_eq!(run.check(), None, "{what}");
    }
}

#[test]
fn a_power_cut_excuses_what_was_kept_before_it_and_nothing_later() {
    for (cut, found) in [(None, true), (Some(life(1)), true), (Some(life(2)), false), (Some(life(7)), false)]
    {
        let mut run = Small::good();
        run.ann.insert(11, connected(2));
        run.terms.power_cuts.extend(cut);
        run.kept.pop();
        assert_eq!(run.check().is_some(), found);
    }
}
