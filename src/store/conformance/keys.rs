//! What is said again.

use super::driver::{Driver, at, draft, draft_by, everything, keyed, told};
use super::{Checked, Open, Rule, ensure};
use crate::store::{Appended, Draft, Erasure, Key, Position, Record, Retention};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "a draft without a key is new",
        promise: "`Draft::key`: under which it is known again; without one it is not.",
        check: no_key,
    },
    Rule {
        name: "what is said again is the same message",
        promise: "a draft with a `Key` that the store has taken in before is not appended again: the outcome is the message that was.",
        check: known_again,
    },
    Rule {
        name: "a key is session and id",
        promise: "`Key::id`: the sender's own id, unique in the session; so two sessions may have the same.",
        check: session_and_id,
    },
    Rule {
        name: "as many keys are known as promised",
        promise: "`Key`: a store knows `Key::REMEMBERED` of a session at least, and those of sessions that were in use in the last ten minutes.",
        check: remembered,
    },
];

fn known_again(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let said = keyed(draft("lobby", "once"), 1, "c1");
    let elsewhere = keyed(draft_by("Johnny", "games", "something else"), 1, "c1");
    // Twice in one turn, where a store may not have written the first yet.
    let both = driver.say([said.clone(), said.clone(), elsewhere.clone()])?;
    let Appended::New(first) = &both[0] else {
        return Err(format!("at first {}", told(&Ok(both[0].clone()))));
    };
    for again in &both[1..] {
        ensure_known("again in the same turn", again, first)?;
    }
    for _ in 0..2 {
        let again = driver.say([said.clone(), draft("lobby", "between"), elsewhere.clone()])?;
        ensure_known("in a later turn", &again[0], first)?;
        ensure_known("in another room", &again[2], first)?;
    }
    let (lobby, games) = (driver.all("lobby")?, driver.all("games")?);
    ensure!(games.is_empty(), "what was known is in the log of the other room as well");
    let once = lobby.iter().filter(|record| record.text == "once").count();
    ensure!(once == 1 && lobby.len() == 3, "the log has it {once} times, and {} messages of 3", lobby.len());
    Ok(())
}

fn session_and_id(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let long = "i".repeat(64);
    let ids = [
        "c1",
        "C1",
        "c1 ",
        "c",
        "",
        "1",
        "01",
        "é",
        "e\u{301}",
        "a\0b",
        "a\0c",
        "'\"",
        "👍",
        &long,
        &long[1..],
    ];
    let all = || {
        let sessions = [0, 1, u64::MAX, 1 << 8];
        let keys = sessions.into_iter().flat_map(move |session| ids.map(|id| (session, id)));
        keys.map(|(session, id)| keyed(draft("lobby", format!("{id} of {session}")), session, id))
    };
    let first = driver.say(all())?;
    for (draft, appended) in all().zip(&first) {
        let is_new = matches!(appended, Appended::New(_));
        ensure!(is_new, "{:?} was not said before, and is {}", draft.key, told(&Ok(appended.clone())));
    }
    for ((draft, again), first) in all().zip(driver.say(all())?).zip(&first) {
        let Appended::New(first) = first else { continue };
        ensure_known(&format!("{:?}", draft.key), &again, first)?;
    }
    Ok(())
}

/// Those for messages that went.
pub(super) const AFTERWARDS: &[Rule] = &[Rule {
    name: "keys outlive their messages",
    promise: "`Appended::Known`: an earlier draft had the same key; what that became may not be kept any more.",
    check: outlive,
}];

fn no_key(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let plain = draft("lobby", "hi");
    let same = [plain.clone(), plain.clone(), keyed(plain.clone(), 1, "c1"), plain.clone()];
    driver.say_new(same)?;
    driver.say_new([plain])?;
    let count = driver.count("lobby", Position::START, super::driver::END)?;
    ensure!(count == 5, "{count} messages, where 5 were said");
    Ok(())
}

fn remembered(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let one = |number: usize| keyed(draft("lobby", "mine"), 7, format!("c{number}"));
    let mine = driver.say_new((0..Key::REMEMBERED).map(one))?;
    // Others come and go meanwhile.
    let other = |session: u64| keyed(draft("games", "others'"), 1000 + session, "c0");
    let others = driver.say_new((0..300).map(other))?;
    let check = |driver: &mut Driver| {
        for (number, again) in driver.say((0..Key::REMEMBERED).map(one))?.iter().enumerate() {
            ensure_known(&format!("id {number} of {} of a session", Key::REMEMBERED), again, &mine[number])?;
        }
        for (number, again) in driver.say((0..300).map(other))?.iter().enumerate() {
            ensure_known(&format!("the id of session {number} of 300"), again, &others[number])?;
        }
        Ok(())
    };
    // What is known again is no new use that would drive out others.
    check(&mut driver)?;
    check(&mut driver)
}

fn outlive(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let erased = keyed(draft_by("Eve", "lobby", "to be deleted"), 1, "c1");
    let retired = keyed(draft("games", "to be forgotten"), 1, "c2");
    let said = driver.say_new([erased.clone(), retired.clone()])?;
    let erasure = Erasure { author: erased.author.clone(), room: None };
    driver.store.erase(&erasure).map_err(|error| format!("erase failed: {error}"))?;
    driver.store.set_retention(Retention { messages: 2, ..everything() });
    driver.say_new((0..8).map(|_| draft("games", "more")))?;
    super::driver::eventually(|| {
        let all = driver.all("games")?;
        Ok((all.len() > 2).then(|| format!("{} messages, where 2 are to be kept", all.len())))
    })?;
    let again = driver.say([erased, retired])?;
    ensure_known("what was deleted", &again[0], &said[0])?;
    ensure_known("what is not kept any more", &again[1], &said[1])?;
    let lobby = driver.all("lobby")?;
    ensure!(lobby.is_empty(), "what was deleted is back in the log");
    Ok(())
}

fn ensure_known(what: &str, appended: &Appended, first: &Record) -> Checked {
    let expected = Appended::Known { room: first.room.clone(), position: first.position };
    let seen = told(&Ok(appended.clone()));
    let place = at(first.position);
    ensure!(*appended == expected, "{what}: {seen}; said before was in {:?} at {place}", first.room);
    Ok(())
}

/// Something with a key, for other rules.
pub(super) fn with_id(room: &str, session: u64, number: usize) -> Draft {
    keyed(draft(room, format!("{number} of session {session}")), session, format!("c{number}"))
}
