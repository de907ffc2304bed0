//! Messages are what was said, and the store is well.

use super::driver::{Driver, draft, draft_by, drafts, ensure_same, eventually, places, short};
use super::{Checked, Open, Rule, ensure};
use crate::store::Draft;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "nothing is changed",
        promise: "`Draft::at`: a message is what its draft was, in every field, whatever its text is.",
        check: unchanged,
    },
    Rule {
        name: "a healthy store says so",
        promise: "`health`, `statistics`: a store that stored everything is well, nothing waits in it, and it knows how many messages it keeps.",
        check: well,
    },
];

const ROOMS: [&str; 3] = ["lobby", "games", "лес"];

fn unchanged(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let drafts = texts().into_iter().map(|text| draft("lobby", text)).chain(kinds()).collect::<Vec<_>>();
    let records = driver.say_new(drafts.clone())?;
    for (record, draft) in records.iter().zip(drafts) {
        let (expected, _) = draft.at(record.position);
        ensure!(**record == expected, "said was {}, told {}", short(&expected), short(record));
    }
    for room in ["lobby", "games"] {
        let expected = records.iter().filter(|record| &*record.room == room).cloned().collect::<Vec<_>>();
        ensure_same("what `after` has", &driver.all(room)?, &expected)?;
        ensure_same("what `before` has", &driver.before(room, None, expected.len())?, &expected)?;
    }
    Ok(())
}

/// What people say, and what nobody in their right mind would.
fn texts() -> Vec<String> {
    let long = "sixty-four KiB of it; ".repeat(64 * 1024 / 22 + 1)[..64 * 1024].to_owned();
    let mut texts = [
        "",
        " ",
        "hi",
        "hi\nthere\r\n",
        "a\0b",
        "\0",
        "👍🏽 👩‍👩‍👧‍👦",
        "e\u{301}",
        "\u{e9}",
        "\u{feff}",
        "\u{202e}txt",
        "'); DROP TABLE messages; --",
        "\"'`\\%_*?{}[]$1 :a @b ?1",
        "null",
        "0",
        "1e5",
        "{\"type\":\"say\"}",
        "\u{1b}[2J\u{7}",
        "\u{10ffff}\u{fffe}\u{e000}",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.extend([long, "🦀".repeat(64 * 1024 / 4)]);
    texts
}

/// Messages that differ in everything but their text.
fn kinds() -> Vec<Draft> {
    let plain = |number: usize| draft_by(["Ann", "Bob Ö. 🐻"][number % 2], "games", "hi");
    let deed = Draft { action: true, ..plain(0) };
    let vouched = Draft { subject: Some("ann@example.org".into()), ..plain(1) };
    let empty = Draft { subject: Some("".into()), from: String::new(), author: "".into(), ..plain(2) };
    let odd = Draft { subject: Some("a\0'\"b".into()), from: "'\"\0".to_owned(), ..plain(3) };
    let first = Draft { time: 0, ..plain(4) };
    let last = Draft { time: 4_102_444_800_999, ..plain(5) };
    vec![deed, vouched, empty, odd, first, last]
}

fn well(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    driver.store.health().map_err(|error| format!("a new store is not well: {error}"))?;
    driver.say_new(ROOMS.iter().flat_map(|room| drafts(room, 20)))?;
    driver.store.health().map_err(|error| format!("a store that stored everything is not well: {error}"))?;
    eventually(|| {
        let seen = driver.store.statistics();
        let kept = ROOMS.iter().map(|room| driver.all(room).map(|all| all.len() as u64));
        let kept = kept.sum::<Checked<u64>>()?;
        let problem =
            format!("{} queued and {} kept, where nothing waits and {kept} are", seen.queued, seen.messages);
        Ok((seen.queued > 0 || seen.messages != kept).then_some(problem))
    })?;
    let bytes = driver.store.statistics().bytes;
    ensure!(bytes > 0, "60 messages in 0 bytes: {}", places(&driver.all(ROOMS[0])?));
    Ok(())
}
