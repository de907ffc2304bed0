//! Disks that fail below the real server: what is refused is not kept, what is acknowledged
//! is, and all goes on when the disk is well again.

use super::chance::Chance;
use super::checker::{Summary, Terms, check};
use super::disk::{Disk, Trouble};
use super::history::in_file;
use super::host::Host;
use super::record::Record;
use super::storm::{PEOPLE, Storm, assert_right};

/// So many times the power fails in one storm.
const POWER_CUTS: usize = 3;

fn assert_kept(records: &[Record], mut host: Host, disk: &Disk) -> Summary {
    host.stop();
    assert_right(records, &in_file(&disk.file()), &Terms { store_failed: true, ..Terms::default() })
}

/// The disk fails in each of these ways, and gets well again.
fn fail(storm: &Storm, disk: &Disk, troubles: &[Trouble], failed: impl Fn(&Storm, Trouble)) {
    for trouble in troubles {
        disk.goes(*trouble);
        failed(storm, *trouble);
        disk.goes(Trouble::None);
        storm
            .rages(&format!("they talk on after {trouble:?}"), |before, now| now.acked >= before.acked + 100);
    }
}

#[test]
fn senders_are_told_while_the_disk_fails_and_it_recovers_by_itself() {
    let disk = Disk::new();
    let host = Host::on(&disk, false, &["--durability=disk"]);
    let storm = Storm::begin(&host.network, Chance::of_this_run());
    let troubles = [Trouble::Full, Trouble::Broken, Trouble::Unsynced, Trouble::ReadOnly];
    fail(&storm, &disk, &troubles, |storm, trouble| {
        storm.rages(&format!("they are refused: {trouble:?}"), |before, now| {
            now.refused >= before.refused + 50
        });
    });
    let records = storm.ends();
    let summary = assert_kept(&records, host, &disk);
    assert!(summary.refused >= 200 && summary.unplaced == 0 && summary.told_of_gaps == 0, "{summary:?}");
}

#[test]
fn people_talk_on_while_the_disk_fails_where_the_operator_wants_that() {
    let disk = Disk::new();
    let host = Host::on(&disk, false, &["--on-store-failure=degrade"]);
    let storm = Storm::begin(&host.network, Chance::of_this_run());
    fail(&storm, &disk, &[Trouble::Full, Trouble::Broken], |storm, trouble| {
        storm.rages(&format!("they hear each other: {trouble:?}"), |before, now| {
            now.unplaced >= before.unplaced + 1000
        });
    });
    let records = storm.ends();
    let summary = assert_kept(&records, host, &disk);
    assert!(summary.unplaced >= 2000 && summary.told_of_gaps == 0, "{summary:?}");
}

#[test]
fn a_slow_disk_delays_answers_and_nothing_else() {
    let disk = Disk::new();
    let host = Host::on(&disk, false, &["--durability=disk"]);
    let storm = Storm::begin(&host.network, Chance::of_this_run());
    fail(&storm, &disk, &[Trouble::Slow], |storm, _| {
        storm.rages("they are answered", |before, now| now.acked >= before.acked + 200);
    });
    let records = storm.ends();
    let summary = assert_kept(&records, host, &disk);
    assert_eq!((summary.refused, summary.unplaced, summary.told_of_gaps), (0, 0, 0));
}

#[test]
fn what_was_refused_does_not_come_back_where_the_disk_died_at_a_sync_and_the_server_after_it() {
    let disk = Disk::new();
    let mut host = Host::on(&disk, false, &["--durability=disk"]);
    let mut storm = Storm::begin(&host.network, Chance::of_this_run());
    storm.rages_a_while();
    disk.goes(Trouble::Dying);
    // The chat waits for the store as long as it can.
    storm.rages("they are told something", |before, now| now.refused > before.refused + PEOPLE);
    host.kill();
    disk.goes(Trouble::None);
    host.start_again();
    let records = storm.ends();
    let summary = assert_kept(&records, host, &disk);
    assert_eq!((summary.unplaced, summary.told_of_gaps), (0, 0));
}

/// The power fails, again and again; the terms of that.
fn fail_power(storm: &mut Storm, host: &mut Host, disk: &mut Disk) -> Terms {
    let mut terms = Terms::default();
    for _ in 0..POWER_CUTS {
        storm.rages_a_while();
        terms.power_cuts.insert(host.life());
        host.kill();
        disk.loses_power();
        host.start_again();
    }
    storm.rages_a_while();
    terms
}

#[test]
fn what_is_acknowledged_survives_the_power_with_disk_durability() {
    let mut disk = Disk::new();
    let mut host = Host::on(&disk, true, &["--durability=disk"]);
    let mut storm = Storm::begin(&host.network, Chance::of_this_run());
    fail_power(&mut storm, &mut host, &mut disk);
    let records = storm.ends();
    host.stop();
    let summary = assert_right(&records, &in_file(&disk.file()), &Terms::default());
    assert_eq!((summary.refused, summary.told_of_gaps), (0, 0));
}

#[test]
fn with_process_durability_the_power_takes_the_end_and_nobody_is_told_otherwise() {
    let mut disk = Disk::new();
    let mut host = Host::on(&disk, true, &["--durability=process"]);
    let mut storm = Storm::begin(&host.network, Chance::of_this_run());
    let terms = fail_power(&mut storm, &mut host, &mut disk);
    let records = storm.ends();
    host.stop();
    let kept = in_file(&disk.file());
    let summary = assert_right(&records, &kept, &terms);
    assert!(summary.lost > 0, "the power took something: {summary:?}");
    let without = check(&records, &kept, &Terms::default());
    assert!(without.is_err(), "what is lost is found where it is not excused");
}
