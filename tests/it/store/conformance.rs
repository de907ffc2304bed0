//! The conformance suite: right stores pass it, and each wrong one is caught by the rule
//! that it breaks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use chinwag::store::{Durability, Memory, Sqlite, Store, conformance};

use super::wrong::{Again, AgainFault, Fault, Later, LaterFault, Wrong};

#[test]
fn memory_keeps_its_word() {
    conformance::run(&mut || Arc::new(Memory::new()));
}

#[test]
fn store_that_answers_later_passes() {
    conformance::run(&mut || Arc::new(Later::new(None).handle()));
}

#[test]
fn store_that_is_opened_again_passes() {
    let memory = Arc::new(Memory::new());
    conformance::run_reopened(&mut || Arc::new(Again::new(memory.clone(), None)));
}

#[test]
fn store_with_several_handles_passes() {
    let log = Later::new(None);
    conformance::run_shared(&mut || Arc::new(log.handle()));
}

/// Stores in files of their own, in one folder.
fn in_files(durability: Durability) {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    conformance::run(&mut || {
        number += 1;
        let path = folder.path().join(format!("{number}.db"));
        Arc::new(Sqlite::builder(path).durability(durability).open().unwrap())
    });
}

/// The same store in one file, however often it is opened.
fn in_a_file(durability: Durability, suite: fn(&mut dyn FnMut() -> Arc<dyn Store>)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    suite(&mut || Arc::new(Sqlite::builder(&path).durability(durability).open().unwrap()));
}

#[test]
fn sqlite_keeps_its_word() {
    in_files(Durability::Process);
}

#[test]
fn sqlite_that_waits_for_the_disk_keeps_its_word() {
    in_files(Durability::Disk);
}

#[test]
fn sqlite_keeps_its_word_when_it_is_opened_again() {
    in_a_file(Durability::Process, conformance::run_reopened);
    in_a_file(Durability::Disk, conformance::run_reopened);
}

#[test]
fn sqlite_keeps_its_word_when_several_append() {
    in_a_file(Durability::Process, conformance::run_shared);
    in_a_file(Durability::Disk, conformance::run_shared);
}

/// The rule that a store is said to break, and what was seen of it.
fn broken(suite: impl FnOnce()) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(suite)) else { return "no rule".to_owned() };
    let said = panic.downcast_ref::<String>().expect("a panic with words").clone();
    assert!(said.contains("promised: ") && said.contains("seen: "), "{said}");
    said
}

fn assert_caught(fault: &str, rule: &str, said: &str) {
    assert!(said.contains(&format!("the rule \"{rule}\"")), "{fault} is to break {rule:?}; it is: {said}");
}

#[track_caller]
fn assert_all_caught(cases: &[(Fault, &str)]) {
    for (fault, rule) in cases {
        let said = broken(|| {
            conformance::run(&mut || {
                let store: Arc<dyn Store> = Arc::new(Wrong::new(*fault));
                store
            });
        });
        assert_caught(&format!("{fault:?}"), rule, &said);
    }
}

#[test]
fn wrong_outcomes_are_caught() {
    assert_all_caught(&[
        (Fault::TellsTwice, "every draft has one outcome"),
        (Fault::TellsWithoutTicket, "every draft has one outcome"),
        (Fault::RefusesSome, "every draft has one outcome"),
        (Fault::ReadsLate, "what is told is there"),
        (Fault::Drops, "what is told is there"),
        (Fault::Doubles, "the log is what was said"),
        (Fault::Misplaces, "what is told is there"),
        (Fault::SameEpoch, "the epoch names the store"),
        (Fault::LongEpoch, "the epoch names the store"),
        (Fault::OddEpoch, "the epoch names the store"),
        (Fault::ChangingEpoch, "the epoch names the store"),
    ]);
}

#[test]
fn wrong_keys_are_caught() {
    assert_all_caught(&[
        (Fault::TakesRepetitionForTheSame, "a draft without a key is new"),
        (Fault::ForgetsKeys, "what is said again is the same message"),
        (Fault::KeysOfOneRoom, "what is said again is the same message"),
        (Fault::KeysWithoutSession, "a key is session and id"),
        (Fault::KeysWithoutCase, "a key is session and id"),
        (Fault::KeysCutAtNul, "a key is session and id"),
        (Fault::FewKeys, "as many keys are known as promised"),
        (Fault::FewSessions, "as many keys are known as promised"),
        (Fault::ErasesKeys, "keys outlive their messages"),
    ]);
}

#[test]
fn wrong_reading_is_caught() {
    assert_all_caught(&[
        (Fault::UnknownRoomFails, "a room without messages is a room"),
        (Fault::HeadOfAll, "a room without messages is a room"),
        (Fault::LatestOfRoom, "bounds"),
        (Fault::LatestIsTheEnd, "bounds"),
        (Fault::AfterTakesItself, "after"),
        (Fault::AfterStopsShort, "after"),
        (Fault::AfterTakesTheLast, "after"),
        (Fault::AfterIgnoresLimit, "after"),
        (Fault::AfterFailsAtTheEnd, "after"),
        (Fault::BeforeTakesItself, "before"),
        (Fault::BeforeTakesTheFirst, "before"),
        (Fault::BeforeGoesBackwards, "before"),
        (Fault::CountTakesItself, "count"),
        (Fault::CountIgnoresUntil, "count"),
    ]);
}

#[test]
fn wrong_messages_are_caught() {
    assert_all_caught(&[
        (Fault::Trims, "nothing is changed"),
        (Fault::CutsAtNul, "nothing is changed"),
        (Fault::CutsLong, "nothing is changed"),
        (Fault::LosesSubject, "nothing is changed"),
        (Fault::LosesAction, "nothing is changed"),
        (Fault::TakesItsOwnTime, "nothing is changed"),
        (Fault::IsNeverWell, "a healthy store says so"),
        (Fault::CountsNothing, "a healthy store says so"),
        (Fault::NeverEmptiesQueue, "a healthy store says so"),
    ]);
}

#[test]
fn wrong_retention_is_caught() {
    assert_all_caught(&[
        (Fault::KeepsTooFew, "retention by messages"),
        (Fault::HidesWhatWent, "retention by messages"),
        (Fault::GoneTooFar, "retention by messages"),
        (Fault::HalfTheBytes, "retention by bytes"),
        (Fault::RetentionOnlyShrinks, "retention is for each room and from now on"),
    ]);
}

/// Apart from the others, for it takes as long as the suite is patient.
#[test]
fn store_that_ignores_age_is_caught() {
    assert_all_caught(&[(Fault::IgnoresAge, "retention by age")]);
}

#[test]
fn wrong_erasure_is_caught() {
    assert_all_caught(&[
        (Fault::EraseMiscounts, "erase deletes what is meant"),
        (Fault::ErasesEverywhere, "erase deletes what is meant"),
        (Fault::ErasesNobody, "erase deletes what is meant"),
        (Fault::EraseMovesGone, "erase leaves no gap"),
    ]);
}

#[test]
fn wrong_search_is_caught() {
    assert_all_caught(&[
        (Fault::SearchMindsCase, "search finds words"),
        (Fault::SearchMindsAccents, "search finds words"),
        (Fault::SearchFindsParts, "search finds words"),
        (Fault::SearchFindsAny, "search finds words"),
        (Fault::SearchKnowsNoPrefix, "search finds words"),
        (Fault::SearchKnowsOperators, "words are only words"),
        (Fault::SearchFailsAtQuotes, "words are only words"),
        (Fault::SearchTakesNothing, "words are only words"),
        (Fault::SearchLeavesItsRooms, "search keeps to its rooms"),
        (Fault::SearchIgnoresBefore, "search goes by pages"),
        (Fault::SearchTakesTheFirst, "search goes by pages"),
        (Fault::SearchSaysNoMore, "search goes by pages"),
        (Fault::SearchFindsErased, "search finds what is kept"),
    ]);
}

#[test]
fn store_that_does_not_search_passes() {
    conformance::run(&mut || Arc::new(Wrong::new(Fault::DoesNotSearch)));
}

#[test]
fn append_that_waits_for_readers_is_caught() {
    assert_all_caught(&[(Fault::WaitsForReaders, "append and commit never block")]);
}

#[track_caller]
fn assert_later_caught(cases: &[(LaterFault, &str)]) {
    for (fault, rule) in cases {
        let said = broken(|| conformance::run(&mut || Arc::new(Later::new(Some(*fault)).handle())));
        assert_caught(&format!("{fault:?}"), rule, &said);
    }
}

#[test]
fn wrong_tails_are_caught() {
    assert_later_caught(&[
        (LaterFault::TellsTwice, "every draft has one outcome"),
        (LaterFault::TellsBackwards, "the tail has the order of the log"),
        (LaterFault::TellsTooEarly, "what is told is there"),
        (LaterFault::FillsHoles, "a log only grows at its end"),
        (LaterFault::LocksWhileItTells, "a busy tail holds nobody up"),
        (LaterFault::HasNoBound, "the queue is bounded"),
    ]);
}

/// Apart from the others, for it takes as long as the suite is patient.
#[test]
fn store_that_keeps_an_outcome_to_itself_is_caught() {
    assert_later_caught(&[(LaterFault::ForgetsToTell, "every draft has one outcome")]);
}

#[test]
fn stores_that_forget_are_caught_when_opened_again() {
    for (fault, rule) in [
        (AgainFault::SaysThatItDoesNot, "a store says that it outlives the process"),
        (AgainFault::NewEpoch, "the epoch stays"),
        (AgainFault::LosesTheLast, "what was appended is found"),
        (AgainFault::TellsWhatWasThere, "what was appended is found"),
        (AgainFault::LosesKeys, "keys are found"),
        (AgainFault::LatestBeginsAnew, "positions go on"),
        (AgainFault::BringsBackErased, "what is deleted stays deleted"),
        (AgainFault::ForgetsWhatWent, "what went stays gone"),
    ] {
        let memory = Arc::new(Memory::new());
        let said = broken(|| {
            conformance::run_reopened(&mut || Arc::new(Again::new(memory.clone(), Some(fault))));
        });
        assert_caught(&format!("{fault:?}"), rule, &said);
    }
}

#[test]
fn handles_that_disagree_are_caught() {
    for (fault, rule) in [
        (LaterFault::EpochOfHandle, "handles of one log have one epoch"),
        (LaterFault::TellsOwnAsOthers, "everyone hears what others append"),
        (LaterFault::TellsOthersTwice, "everyone hears what others append"),
        (LaterFault::TellsOthersLate, "everyone hears one order"),
        (LaterFault::TellsWhatWasThere, "only what is new is heard"),
        (LaterFault::KeysOfHandle, "a key is known to all"),
    ] {
        let log = Later::new(Some(fault));
        let said = broken(|| conformance::run_shared(&mut || Arc::new(log.handle())));
        assert_caught(&format!("{fault:?}"), rule, &said);
    }
}

/// Apart from the others, for it takes as long as the suite is patient.
#[test]
fn handle_that_hears_no_others_is_caught() {
    let log = Later::new(Some(LaterFault::KeepsOthersBack));
    let said = broken(|| conformance::run_shared(&mut || Arc::new(log.handle())));
    assert_caught("KeepsOthersBack", "everyone hears what others append", &said);
}
