//! All of it at once: the network breaks, the disk fails, and the server is killed in the
//! middle of that.

use super::chance::Chance;
use super::checker::{Summary, Terms};
use super::disk::{Disk, Trouble};
use super::history::in_file;
use super::host::Host;
use super::storm::{Storm, assert_right, rounds};

const TROUBLES: [Trouble; 6] =
    [Trouble::Full, Trouble::Broken, Trouble::Unsynced, Trouble::Dying, Trouble::ReadOnly, Trouble::Slow];

/// A round of trouble: none of it may be seen in what anybody was told.
fn rage(storm: &mut Storm, host: &mut Host, disk: &Disk) {
    let breaking = storm.chance.one_in(2).then(|| storm.chance.fork(7));
    host.network.breaks(breaking);
    storm.rages_a_while();
    let trouble = TROUBLES[storm.chance.below(TROUBLES.len() as u64) as usize];
    disk.goes(trouble);
    let some = 1 + storm.chance.below(60) as usize;
    storm.rages(&format!("they are answered somehow: {trouble:?}"), |before, now| {
        now.answered() >= before.answered() + some
    });
    if storm.chance.one_in(2) {
        host.kill();
        disk.goes(Trouble::None);
        host.start_again();
    }
    disk.goes(Trouble::None);
    storm.rages_a_while();
}

fn survive(args: &[&str]) -> Summary {
    let disk = Disk::new();
    let mut host = Host::on(&disk, false, args);
    let mut storm = Storm::begin(&host.network, Chance::of_this_run());
    for _ in 0..rounds() {
        rage(&mut storm, &mut host, &disk);
    }
    host.network.breaks(None);
    let records = storm.ends();
    host.stop();
    let terms = Terms { store_failed: true, ..Terms::default() };
    let summary = assert_right(&records, &in_file(&disk.file()), &terms);
    assert_eq!(summary.told_of_gaps, 0);
    summary
}

#[test]
fn whoever_was_refused_is_not_in_the_log_and_whoever_was_acknowledged_is() {
    let summary = survive(&["--durability=disk"]);
    assert_eq!(summary.unplaced, 0, "{summary:?}");
}

#[test]
fn what_was_shown_without_a_place_is_not_in_the_log() {
    let summary = survive(&["--on-store-failure=degrade", "--durability=process"]);
    assert!(summary.kept > 0, "{summary:?}");
}
