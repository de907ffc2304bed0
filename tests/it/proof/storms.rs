//! What people said is in the log once, whatever happens to their connections and to the
//! server.

use std::path::Path;

use super::chance::Chance;
use super::checker::{Summary, Terms};
use super::history::{history, in_file};
use super::host::Host;
use super::record::Record;
use super::regular;
use super::storm::{PEOPLE, Storm, assert_right, rounds};

fn store(folder: &Path) -> (std::path::PathBuf, String) {
    let path = folder.join("chat.db");
    let option = format!("--store=sqlite:{}", path.display());
    (path, option)
}

/// Kills the server in the middle, again and again; every other life has a network that breaks.
fn rage(storm: &mut Storm, host: &mut Host) {
    for round in 0..rounds() {
        let breaking = (round % 2 == 1).then(|| storm.chance.fork(1000 + round as u64));
        host.network.breaks(breaking);
        storm.rages_a_while();
        host.kill();
        host.start_again();
    }
    storm.rages_a_while();
    host.network.breaks(None);
}

/// The file says what the server says, and both what everyone was told.
fn assert_kept(records: &[Record], mut host: Host, file: &Path) -> Summary {
    let told = history(&host.network);
    host.stop();
    let kept = in_file(file);
    assert!(told == kept, "the server's history and the file differ");
    let summary = assert_right(records, &kept, &Terms::default());
    assert_eq!((summary.told_of_gaps, summary.refused, summary.unplaced), (0, 0, 0));
    assert!(summary.resumed >= rounds() * PEOPLE, "{summary:?}");
    summary
}

#[test]
fn nothing_is_lost_where_connections_break_at_any_byte() {
    let folder = tempfile::tempdir().unwrap();
    let chance = Chance::of_this_run();
    let host = Host::start(folder.path(), &[], &[]);
    host.network.breaks(Some(chance.fork(1000)));
    let storm = Storm::begin(&host.network, chance);
    storm.rages("they come back again and again", |before, now| {
        now.acked >= before.acked + 2000 && now.connected >= before.connected + 10 * PEOPLE
    });
    let records = storm.ends();
    host.network.breaks(None);
    let summary = assert_right(&records, &history(&host.network), &Terms::default());
    assert_eq!((summary.told_of_gaps, summary.refused), (0, 0));
    assert!(summary.resumed >= 5 * PEOPLE, "{summary:?}");
}

#[test]
fn nothing_is_lost_where_the_server_is_killed_in_the_middle() {
    let folder = tempfile::tempdir().unwrap();
    let (file, option) = store(folder.path());
    let mut host = Host::start(folder.path(), &[&option], &[]);
    let mut storm = Storm::begin(&host.network, Chance::of_this_run());
    rage(&mut storm, &mut host);
    let records = storm.ends();
    assert_kept(&records, host, &file);
}

#[test]
fn nothing_is_lost_by_the_client_that_comes_back_where_the_server_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (file, option) = store(folder.path());
    let mut host = Host::start(folder.path(), &[&option], &[]);
    let mut storm = Storm::of(&host.network, Chance::of_this_run(), |person| move || regular::run(person));
    rage(&mut storm, &mut host);
    let records = storm.ends();
    assert_kept(&records, host, &file);
}
