//! What people said is in the log once, whatever happens to their connections and to the
//! server.

use super::chance::Chance;
use super::checker::Terms;
use super::history::history;
use super::host::Host;
use super::storm::{PEOPLE, Storm, assert_right};

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
