//! Looking for words.

use std::sync::Arc;

use super::driver::{Driver, END, at, draft, draft_by, ensure_same, eventually, everything};
use super::erasing::erase;
use super::{Checked, Open, Rule, ensure};
use crate::store::{Found, Position, Record, Retention, Search, StoreError, StoreErrorKind};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "search finds words",
        promise: "`Search::words`: messages with all of these words, without regard to case and accents; one that ends with `*` stands for all that begin so.",
        check: words,
    },
    Rule {
        name: "words are only words",
        promise: "`Search::words`: whatever is typed, it is only words; where there is none, the request makes no sense (`BadRequest`).",
        check: only_words,
    },
    Rule {
        name: "search keeps to its rooms",
        promise: "`Search::rooms`: in these rooms, and in no other.",
        check: rooms,
    },
    Rule {
        name: "search goes by pages",
        promise: "`Found`: the latest `limit` before `before`, the oldest of them first; `more` where there are more before them.",
        check: pages,
    },
    Rule {
        name: "search finds what is kept",
        promise: "`search`: looks in what is kept: what was told is found from then on, what went or was deleted is not.",
        check: kept,
    },
];

/// What is found; nothing where the store does not search.
pub(super) fn search(
    driver: &Driver,
    rooms: &[&str],
    words: &str,
    before: Option<Position>,
    limit: usize,
) -> Checked<Option<Found>> {
    let short = words.chars().take(60).collect::<String>();
    match ask(driver, rooms, words, before, limit) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == StoreErrorKind::Unsupported => Ok(None),
        Err(error) => Err(format!("search for {short:?} failed: {error}")),
    }
}

fn ask(
    driver: &Driver,
    rooms: &[&str],
    words: &str,
    before: Option<Position>,
    limit: usize,
) -> Result<Found, StoreError> {
    let rooms = rooms.iter().map(|room| Arc::from(*room)).collect();
    driver.store.search(&Search { rooms, words: words.to_owned(), before, limit })
}

/// These words find those of `said` that are named by their index, and no others.
fn ensure_found(driver: &Driver, said: &[Arc<Record>], words: &str, expected: &[usize]) -> Checked {
    let expected = expected.iter().map(|nth| said[*nth].clone()).collect::<Vec<_>>();
    let Some(found) = search(driver, &["lobby"], words, None, 100)? else { return Ok(()) };
    let short = words.chars().take(60).collect::<String>();
    ensure_same(&format!("search for {short:?}"), &found.records, &expected)?;
    ensure!(!found.more, "search for {short:?} says that there are more, where there are none");
    Ok(())
}

const TEXTS: [&str; 14] = [
    "Good morning, everyone!",
    "the café opens at 8, a good place",
    "CAFE or tea?",
    "goodness gracious",
    "Ёлка и лес; ПРИВЕТ",
    "naïve façade, señor",
    "foo-bar baz_qux (foo)",
    "",
    "👍 🎉",
    "near the AND gate, not OR",
    "text: he said \"quote\"",
    "日本語",
    "x2 v1.0 C++",
    "a",
];

fn words(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let said = driver.say_new(TEXTS.map(|text| draft("lobby", text)))?;
    let cases: [(&str, &[usize]); 30] = [
        ("good", &[0, 1]),
        ("GOOD", &[0, 1]),
        ("good*", &[0, 1, 3]),
        ("good place", &[1]),
        ("place good", &[1]),
        ("good gracious", &[]),
        ("good* gracious", &[3]),
        ("goo", &[]),
        ("oodness", &[]),
        ("cafe", &[1, 2]),
        ("Café", &[1, 2]),
        ("cafe\u{301}", &[1, 2]),
        ("caf*", &[1, 2]),
        ("привет", &[4]),
        ("ЛЕС", &[4]),
        ("прив*", &[4]),
        ("naive FACADE senor", &[5]),
        ("foo", &[6]),
        ("bar foo", &[6]),
        ("foo-bar", &[6]),
        ("8", &[1]),
        ("x2", &[12]),
        ("x*", &[12]),
        ("v1.0", &[12]),
        ("a", &[1, 13]),
        ("日本語", &[11]),
        ("日*", &[11]),
        ("everyone", &[0]),
        ("morning\teveryone\n", &[0]),
        ("nowhere", &[]),
    ];
    for (words, expected) in cases {
        ensure_found(&driver, &said, words, expected)?;
    }
    Ok(())
}

fn only_words(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let said = driver.say_new(TEXTS.map(|text| draft("lobby", text)))?;
    let cases: [(&str, &[usize]); 22] = [
        ("AND", &[9]),
        ("near OR not", &[9]),
        ("gate NOT near", &[9]),
        ("cafe OR nowhere", &[]),
        ("cafe OR tea", &[2]),
        ("cafe AND tea", &[]),
        ("NEAR(cafe tea)", &[]),
        ("near(\"and\" gate)", &[9]),
        ("text:said", &[10]),
        ("text : said", &[10]),
        ("from:cafe", &[]),
        ("{text author}: said", &[]),
        ("- said", &[10]),
        ("^text", &[10]),
        ("\"quote", &[10]),
        ("he said \"quote\"", &[10]),
        ("'; DROP TABLE messages; --", &[]),
        ("foo + bar", &[6]),
        ("*foo", &[6]),
        ("fo% f_o", &[]),
        ("c++", &[12]),
        ("8\0", &[1]),
    ];
    for (words, expected) in cases {
        ensure_found(&driver, &said, words, expected)?;
    }
    for words in ["", " ", "\0", "*", "**", "\"", "\"\"", "-", "()", "👍", "\u{301}", ". , ;", "\" * \""] {
        let Err(error) = ask(&driver, &["lobby"], words, None, 10) else {
            return Err(format!("search for {words:?} finds something"));
        };
        let is_right = matches!(error.kind(), StoreErrorKind::BadRequest | StoreErrorKind::Unsupported);
        ensure!(is_right, "search for {words:?} failed as {:?}: {error}", error.kind());
    }
    excess(&driver)
}

/// A search that is too large finds nothing, or is refused as such.
fn excess(driver: &Driver) -> Checked {
    let large =
        ["nowhere".repeat(20_000), "nowhere ".repeat(20_000), "n* ".repeat(20_000), "(".repeat(100_000)];
    for words in large {
        match ask(driver, &["lobby"], &words, None, 10) {
            Ok(found) => ensure!(found.records.is_empty(), "20,000 of {:?} are found", &words[..8]),
            Err(error) => {
                let is_right =
                    matches!(error.kind(), StoreErrorKind::BadRequest | StoreErrorKind::Unsupported);
                ensure!(is_right, "20,000 of {:?} fail as {:?}: {error}", &words[..8], error.kind());
            }
        }
    }
    Ok(())
}

fn rooms(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let names = ["lobby", "games", "secret", "lob", "lobby2"];
    let said = driver.say_new((0..25).map(|nth| draft(names[nth % 5], format!("needle {nth}"))))?;
    let cases: [&[&str]; 7] = [
        &[],
        &["lobby"],
        &["games", "lobby"],
        &["lobby", "lobby"],
        &["nobody-was-here"],
        &["nobody-was-here", "lob"],
        &["lobby2", "secret", "games", "lob", "lobby"],
    ];
    for rooms in cases {
        let Some(found) = search(&driver, rooms, "needle", None, 100)? else { return Ok(()) };
        let expected =
            said.iter().filter(|record| rooms.contains(&&*record.room)).cloned().collect::<Vec<_>>();
        ensure_same(&format!("search in {rooms:?}"), &found.records, &expected)?;
    }
    let many = (0..2000).map(|nth| format!("room{nth}")).chain(["games".to_owned()]).collect::<Vec<_>>();
    let many = many.iter().map(String::as_str).collect::<Vec<_>>();
    let Some(found) = search(&driver, &many, "needle", None, 100)? else { return Ok(()) };
    ensure!(found.records.len() == 5, "search in 2,001 rooms found {} of 5", found.records.len());
    Ok(())
}

fn pages(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let texts = ["a needle", "hay", "needles", "Needle!"];
    let draft = |nth: usize| draft(["lobby", "games"][nth % 3 % 2], texts[nth % 4]);
    let said = driver.say_new((0..120).map(draft))?;
    let hits = said.iter().filter(|record| {
        record.text.to_lowercase().split(|c: char| !c.is_alphabetic()).any(|word| word == "needle")
    });
    let hits = hits.cloned().collect::<Vec<_>>();
    let places =
        said.iter().map(|record| Some(record.position)).chain([None, Some(END), Some(Position::START)]);
    for before in places {
        let earlier = hits.iter().filter(|hit| before.is_none_or(|before| hit.position < before)).count();
        for limit in [1, 7, 60, usize::MAX] {
            let Some(found) = search(&driver, &["lobby", "games"], "needle", before, limit)? else {
                return Ok(());
            };
            let begin = earlier.saturating_sub(limit);
            let what = format!("search before {}, {limit} at most", before.map_or("none".to_owned(), at));
            ensure_same(&what, &found.records, &hits[begin..earlier])?;
            ensure!(found.more == (begin > 0), "{what}: `more` is {}, with {begin} before them", found.more);
        }
    }
    let Some(found) = search(&driver, &["lobby", "games"], "needle", None, 0)? else { return Ok(()) };
    ensure!(found.records.is_empty(), "a search for none at most finds {}", found.records.len());
    Ok(())
}

fn kept(open: &mut Open<'_>) -> Checked {
    let mut driver = Driver::new(open());
    let mut said = Vec::new();
    // Each is found as soon as it is told, also where an index follows by and by.
    for nth in 0..40 {
        let name = ["Ann", "Eve"][nth % 2];
        said.extend(driver.say_new([draft_by(name, "lobby", format!("needle {nth}"))])?);
        let Some(found) = search(&driver, &["lobby"], "needle", None, 100)? else { return Ok(()) };
        ensure_same("search for what was just told", &found.records, &said)?;
    }
    erase(&driver, "Eve", None)?;
    said.retain(|record| record.from == "Ann");
    let Some(found) = search(&driver, &["lobby"], "needle", None, 100)? else { return Ok(()) };
    ensure_same("search after an erasure", &found.records, &said)?;
    driver.store.set_retention(Retention { messages: 5, ..everything() });
    eventually(|| {
        let found = search(&driver, &["lobby"], "needle", None, 100)?.unwrap_or_default().records;
        Ok((found.len() > 5).then(|| format!("{} messages are found, where 5 are to be kept", found.len())))
    })?;
    let Some(found) = search(&driver, &["lobby"], "needle", None, 100)? else { return Ok(()) };
    ensure_same("search in what is kept", &found.records, &said[said.len() - 5..])
}
