//! Any one mistake, made by chance in a run that was right.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::checker::check;
use super::imagined::{Run, happenings};
use super::record::{Kept, Message, Record, Step};

/// One mistake in what was right.
#[derive(Debug, Clone, Copy)]
enum Mistake {
    LogLoses,
    LogDoubles,
    LogSwaps,
    LogGarbles,
    LogInvents,
    HeardIsDropped,
    HeardIsDoubled,
    HeardIsSwapped,
    HeardIsGarbled,
    HeardIsElsewhere,
    AckIsElsewhere,
    AckIsForAnother,
    AckIsDropped,
    AckIsARefusal,
    CopyHasNoId,
    CopyOfAnotherHasAnId,
    SessionIsAnother,
    MoreWasAnnounced,
    FalselyComplete,
}

const MISTAKES: [Mistake; 19] = [
    Mistake::LogLoses,
    Mistake::LogDoubles,
    Mistake::LogSwaps,
    Mistake::LogGarbles,
    Mistake::LogInvents,
    Mistake::HeardIsDropped,
    Mistake::HeardIsDoubled,
    Mistake::HeardIsSwapped,
    Mistake::HeardIsGarbled,
    Mistake::HeardIsElsewhere,
    Mistake::AckIsElsewhere,
    Mistake::AckIsForAnother,
    Mistake::AckIsDropped,
    Mistake::AckIsARefusal,
    Mistake::CopyHasNoId,
    Mistake::CopyOfAnotherHasAnId,
    Mistake::SessionIsAnother,
    Mistake::MoreWasAnnounced,
    Mistake::FalselyComplete,
];

impl Mistake {
    /// Makes it at one of the places that it can be made at; whether there is one.
    fn make(self, run: &mut Run, place: Index) -> bool {
        match self {
            Self::LogLoses | Self::LogDoubles | Self::LogSwaps | Self::LogGarbles | Self::LogInvents => {
                self.in_log(run, place)
            }
            _ => self.in_record(run, place),
        }
    }

    fn in_log(self, run: &mut Run, place: Index) -> bool {
        let heard = |kept: &Kept| {
            let steps = run.records.iter().flat_map(|record| &record.steps);
            steps
                .into_iter()
                .any(|step| matches!(step, Step::Heard { pos: Some(pos), .. } if *pos == kept.pos))
        };
        let both_heard = |pair: &[Kept]| {
            pair[0].message.room == pair[1].message.room
                && run.records.iter().any(|record| {
                    let hears = |kept: &Kept| {
                        record.steps.iter().any(
                            |step| matches!(step, Step::Heard { pos: Some(pos), .. } if *pos == kept.pos),
                        )
                    };
                    pair.iter().all(hears)
                })
        };
        let fits = |at: &usize| match self {
            Self::LogSwaps => *at > 0 && both_heard(&run.kept[at - 1..=*at]),
            _ => heard(&run.kept[*at]),
        };
        let Some(at) = from(run.kept.len(), place).find(fits) else { return false };
        let new = "e-new".to_owned();
        match self {
            Self::LogLoses => drop(run.kept.remove(at)),
            Self::LogDoubles => run.kept.push(Kept { pos: new, message: run.kept[at].message.clone() }),
            Self::LogSwaps => run.kept.swap(at - 1, at),
            Self::LogGarbles => run.kept[at].message.text.push('!'),
            _ => run.kept.insert(at, Kept { pos: new, message: Message::new("lobby", "p0", "never said") }),
        }
        true
    }

    fn in_record(self, run: &mut Run, place: Index) -> bool {
        let places = (0..run.records.len())
            .flat_map(|who| (0..run.records[who].steps.len()).map(move |at| (who, at)))
            .collect::<Vec<_>>();
        let fits = |(who, at): &(usize, usize)| self.fits(run, &run.records[*who], *at);
        let Some((who, at)) = from(places.len(), place).map(|at| places[at]).find(fits) else { return false };
        let steps = &mut run.records[who].steps;
        if matches!(self, Self::HeardIsDropped | Self::AckIsDropped) {
            steps.remove(at);
            return true;
        }
        if let Self::HeardIsDoubled = self {
            steps.insert(at, steps[at].clone());
            return true;
        }
        if let Self::HeardIsSwapped = self {
            steps.swap(at, at + 1);
            return true;
        }
        match (&mut steps[at], self) {
            (Step::Heard { message, .. }, Self::HeardIsGarbled) => message.text.push('!'),
            (Step::Heard { pos, .. }, Self::HeardIsElsewhere) => *pos = Some("e-elsewhere".to_owned()),
            (Step::Heard { id, .. }, Self::CopyHasNoId) => *id = None,
            (Step::Heard { id, .. }, _) => *id = Some("c1".to_owned()),
            (Step::Acked { pos, .. }, Self::AckIsElsewhere) => pos.push('9'),
            (Step::Acked { id, .. }, Self::AckIsForAnother) => id.push('x'),
            (Step::Connected { session, .. }, _) => session.push('x'),
            (Step::Resumed { missed, .. }, Self::MoreWasAnnounced) => *missed += 1,
            (Step::Resumed { complete, .. }, _) => *complete = true,
            (step @ Step::Acked { .. }, _) => {
                let Step::Acked { id, .. } = step.clone() else { unreachable!() };
                *step = Step::Refused { id, code: "not_kept".to_owned() };
            }
            (step, _) => unreachable!("{step:?}"),
        }
        true
    }

    /// Whether the mistake can be made here, so that it is one.
    fn fits(self, run: &Run, record: &Record, at: usize) -> bool {
        let step = &record.steps[at];
        match (step, self) {
            (Step::Heard { pos: Some(_), .. }, Self::HeardIsDropped) => is_amid(run, record, at),
            (Step::Heard { pos: Some(_), .. }, Self::HeardIsDoubled | Self::HeardIsElsewhere) => true,
            (Step::Heard { .. }, Self::HeardIsGarbled) => true,
            (Step::Heard { message, pos: Some(_), .. }, Self::HeardIsSwapped) => {
                let next = record.steps.get(at + 1);
                matches!(next, Some(Step::Heard { message: other, pos: Some(_), .. }) if other.room == message.room)
            }
            (Step::Heard { id: Some(id), pos: Some(_), .. }, Self::CopyHasNoId) => {
                let connection =
                    record.steps[..at].iter().rposition(|step| matches!(step, Step::Connected { .. }));
                let first = record
                    .steps
                    .iter()
                    .position(|step| matches!(step, Step::Said { id: said, .. } if said == id));
                first > connection && is_live(record, at)
            }
            (Step::Heard { message, .. }, Self::CopyOfAnotherHasAnId) => message.from != record.name,
            (Step::Acked { .. }, Self::AckIsElsewhere | Self::AckIsForAnother | Self::AckIsDropped) => true,
            (Step::Acked { id, .. }, Self::AckIsARefusal) => {
                let is_same = |step: &&Step| matches!(step, Step::Said { id: said, .. } if said == id);
                record.steps.iter().filter(is_same).count() == 1
            }
            (Step::Connected { .. }, Self::SessionIsAnother) => {
                record.steps[..at].iter().any(|step| matches!(step, Step::Connected { .. }))
            }
            (Step::Resumed { room, .. }, Self::MoreWasAnnounced) => {
                let end = |step: &&Step| match step {
                    Step::Lost | Step::Gap { .. } => true,
                    Step::Live { room: live } => live == room,
                    _ => false,
                };
                matches!(record.steps[at..].iter().find(end), Some(Step::Live { .. }))
            }
            (Step::Resumed { room, complete: false, .. }, Self::FalselyComplete) => {
                let told = |step: &&Step| match step {
                    Step::Gap { .. } | Step::Resumed { complete: false, .. } | Step::Lost => true,
                    Step::Heard { message, pos: Some(_), .. } => message.room == *room,
                    _ => false,
                };
                let is_told_of = |step: &&Step| !matches!(step, Step::Lost) && told(step);
                let before = record.steps[..at].iter().rfind(is_told_of);
                let next = record.steps[at + 1..].iter().find(told);
                [before, next].iter().all(|step| matches!(step, None | Some(Step::Heard { .. })))
            }
            _ => false,
        }
    }
}

/// Whether what is heard here has what comes before and after it in the log, as heard by
/// the same client, on both sides: nobody was told that something is missing.
fn is_amid(run: &Run, record: &Record, at: usize) -> bool {
    let Step::Heard { message, pos: Some(pos), .. } = &record.steps[at] else { return false };
    let room = run.kept.iter().filter(|kept| kept.message.room == message.room).collect::<Vec<_>>();
    let Some(nth) = room.iter().position(|kept| kept.pos == *pos) else { return false };
    let is_heard = |kept: &&Kept| {
        record.steps.iter().any(|step| matches!(step, Step::Heard { pos: Some(pos), .. } if *pos == kept.pos))
    };
    // The first of each room was there before everyone.
    (nth == 1 || is_heard(&room[nth - 1]))
        && room.get(nth + 1).is_none_or(is_heard)
        && !record
            .steps
            .iter()
            .any(|step| matches!(step, Step::Gap { .. } | Step::Resumed { complete: false, .. }))
}

fn is_live(record: &Record, at: usize) -> bool {
    let Step::Heard { message, .. } = &record.steps[at] else { return false };
    let told = |step: &&Step| match step {
        Step::Live { room } => *room == message.room,
        Step::Connected { .. } => true,
        _ => false,
    };
    matches!(record.steps[..at].iter().rfind(told), Some(Step::Live { .. }))
}

/// All numbers below `count`, from some place on and around.
fn from(count: usize, place: Index) -> impl Iterator<Item = usize> {
    let first = if count == 0 { 0 } else { place.index(count) };
    (first..count).chain(0..first)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_run_without_mistakes_is_found_good(happenings in happenings(true)) {
        let run = Run::of(&happenings);
        let result = check(&run.records, &run.kept, &run.terms());
        prop_assert!(result.is_ok(), "{}\n{:#?}", result.unwrap_err(), run);
    }

    #[test]
    fn any_one_mistake_in_it_is_found(happenings in happenings(false), place in any::<Index>()) {
        let right = Run::of(&happenings);
        for mistake in MISTAKES {
            let mut run = right.clone();
            if mistake.make(&mut run, place) {
                let result = check(&run.records, &run.kept, &run.terms());
                prop_assert!(result.is_err(), "{:?}\n{:#?}", mistake, run);
            }
        }
    }
}

#[test]
fn each_of_these_mistakes_can_be_made() {
    let mut runner = TestRunner::deterministic();
    let mut draw = |strategy: &BoxedStrategy<_>| strategy.new_tree(&mut runner).unwrap().current();
    let strategy = (happenings(false), any::<Index>()).boxed();
    let mut made = [0; MISTAKES.len()];
    for _ in 0..64 {
        let (happenings, place) = draw(&strategy);
        let right = Run::of(&happenings);
        for (nth, mistake) in MISTAKES.iter().enumerate() {
            made[nth] += usize::from(mistake.make(&mut right.clone(), place));
        }
    }
    assert!(made.iter().all(|times| *times > 0), "{:?}", MISTAKES.iter().zip(made).collect::<Vec<_>>());
}
