//! How much is kept.

use std::sync::Arc;
use std::time::Duration;

use super::driver::{Driver, END, at, draft, drafts, ensure_same, eventually, everything, now, places};
use super::{Checked, Open, Rule, ensure};
use crate::store::{Draft, Position, Record, Retention};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "retention by messages",
        promise: "`Retention::messages`: of each room so many are kept, the latest; what is beyond goes by and by, and nothing else.",
        check: by_messages,
    },
    Rule {
        name: "retention by bytes",
        promise: "`Retention::bytes`: of each room so many bytes of text are kept, the latest; what is beyond goes by and by, and nothing else.",
        check: by_bytes,
    },
    Rule {
        name: "retention by age",
        promise: "`Retention::age`: what is older goes by and by, also where nobody says anything, and nothing else.",
        check: by_age,
    },
    Rule {
        name: "retention is for each room and from now on",
        promise: "`set_retention`: how much of each room is kept from now on; what went before does not come back.",
        check: from_now_on,
    },
];

const HOUR: Duration = Duration::from_secs(3600);

fn by_messages(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let mut said = driver.say_new(drafts("lobby", 10))?;
    driver.store.set_retention(Retention { messages: 25, ..everything() });
    ensure_kept(&driver, "lobby", &said, 10)?;
    for count in [14, 1, 1, 40] {
        said.extend(driver.say_new(drafts("lobby", count))?);
        ensure_kept(&driver, "lobby", &said, said.len().min(25))?;
    }
    driver.store.set_retention(Retention { messages: 3, ..everything() });
    ensure_kept(&driver, "lobby", &said, 3)
}

fn by_bytes(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let of = |size: usize| draft("lobby", "é".repeat(size / 2));
    let mut said = driver.say_new((0..20).map(|_| of(100)))?;
    driver.store.set_retention(Retention { bytes: 1000, ..everything() });
    ensure_kept(&driver, "lobby", &said, 10)?;
    // Text of no bytes costs none.
    said.extend(driver.say_new([of(0), of(0), of(400), of(0)])?);
    ensure_kept(&driver, "lobby", &said, 10)?;
    said.extend(driver.say_new([of(600)])?);
    ensure_kept(&driver, "lobby", &said, 5)
}

fn by_age(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let ago = |age: Duration| Draft { time: now() - age.as_millis() as u64, ..draft("lobby", "then") };
    let ages = [HOUR * 9, HOUR * 9, HOUR * 5, HOUR * 5, HOUR, HOUR, Duration::ZERO];
    let mut said = driver.say_new(ages.map(ago))?;
    for (hours, kept) in [(24, 7), (7, 5), (3, 3)] {
        driver.store.set_retention(Retention { age: Some(HOUR * hours), ..everything() });
        ensure_kept(&driver, "lobby", &said, kept)?;
    }
    // Another room, where nothing happens while it becomes too old.
    driver.store.set_retention(Retention { age: Some(HOUR * 2), ..everything() });
    let soon = ago(HOUR * 2 - Duration::from_millis(700));
    let silent = driver.say_new([Draft { room: "games".into(), ..soon }, draft("games", "now")])?;
    ensure_kept(&driver, "games", &silent, 1)?;
    said.extend(driver.say_new([ago(Duration::ZERO)])?);
    ensure_kept(&driver, "lobby", &said, 4)
}

fn from_now_on(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let mut said = driver.say_new(drafts("lobby", 20))?;
    let games = driver.say_new(drafts("games", 4))?;
    driver.store.set_retention(Retention { messages: 5, ..everything() });
    ensure_kept(&driver, "lobby", &said, 5)?;
    ensure_kept(&driver, "games", &games, 4)?;
    driver.store.set_retention(everything());
    said.extend(driver.say_new(drafts("lobby", 20))?);
    ensure_kept(&driver, "lobby", &said, 25)?;
    driver.store.set_retention(Retention { messages: 0, ..everything() });
    ensure_kept(&driver, "lobby", &said, 0)?;
    driver.store.set_retention(everything());
    said.extend(driver.say_new(drafts("lobby", 2))?);
    ensure_kept(&driver, "lobby", &said, 2)
}

/// At last, the latest `keep` of what was said are kept; on the way there the oldest go
/// first, none that stays, and `gone` says what went.
pub(super) fn ensure_kept(driver: &Driver, room: &str, said: &[Arc<Record>], keep: usize) -> Checked {
    let mut highest = Position::START;
    eventually(|| {
        let kept = driver.all(room)?;
        let gone = driver.bounds(room)?.gone;
        let expected = &said[said.len().saturating_sub(kept.len())..];
        ensure_same(&format!("what is kept of {room:?}"), &kept, expected)?;
        let (seen, count) = (places(&kept), said.len());
        ensure!(
            kept.len() >= keep,
            "{} of {count} are kept of {room:?}: {seen}; {keep} are to be",
            kept.len()
        );
        let last = last_gone(said, kept.len());
        ensure!(gone >= last, "{last} of {room:?} went, but `gone` is {}", at(gone));
        ensure!(gone >= highest, "`gone` of {room:?} was {}, and is {} now", at(highest), at(gone));
        highest = gone;
        let problem = || format!("{} of {count} are kept of {room:?}: {seen}; {keep} are to be", kept.len());
        Ok((kept.len() > keep).then(problem))
    })?;
    let (gone, last) = (driver.bounds(room)?.gone, last_gone(said, keep));
    if let Some(first) = said.get(said.len() - keep) {
        let first = first.position;
        ensure!(gone < first, "{first} of {room:?} is kept, but `gone` is {}", at(gone));
    }
    let is_whole = last > Position::START || gone == Position::START;
    ensure!(is_whole, "nothing of {room:?} went, but `gone` is {}", at(gone));
    ensure_head(driver, room, said, keep, gone)?;
    let count = driver.count(room, Position::START, END)?;
    ensure!(count == keep as u64, "{count} messages are counted in {room:?}, where {keep} are kept");
    Ok(())
}

/// Where the latest message that went had its place.
fn last_gone(said: &[Arc<Record>], keep: usize) -> Position {
    let gone = said.len().saturating_sub(keep);
    gone.checked_sub(1).map_or(Position::START, |last| said[last].position)
}

fn ensure_head(driver: &Driver, room: &str, said: &[Arc<Record>], keep: usize, gone: Position) -> Checked {
    let head = driver.bounds(room)?.head;
    let last = said.last().map_or(Position::START, |last| last.position);
    let is_right = if keep > 0 { head == last } else { head == gone || head == Position::START };
    ensure!(is_right, "`head` of {room:?} is {}, with {keep} kept and the last at {last}", at(head));
    Ok(())
}
