//! The rules for names, as tables.

use super::*;

fn key(text: &str) -> NameKey {
    Name::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}")).key()
}

#[test]
fn every_script_and_emoji_are_welcome() {
    for text in [
        "John",
        "Иван",
        "李雷",
        "Zoë",
        "يوسف",
        "שָׁלוֹם",
        "สมชาย",
        "हिन्दी",
        "မြွှေ",
        "김철수",
        "Nguyễn Văn",
        "O'Brien-Smith",
        "x",
        "42",
        "😀",
        "👩‍👩‍👧",
        "👩🏽‍⚕️",
        "🏳️‍🌈",
        "❤️",
        "🇩🇪",
        "1️⃣",
    ] {
        let name = Name::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(name.as_str(), text.nfc().collect::<String>());
        assert_eq!(Name::parse(name.as_str()), Ok(name.clone()), "{text:?} is not the same again");
    }
}

#[test]
fn a_name_is_trimmed_composed_and_has_single_spaces() {
    for (text, shown) in [
        ("  John\r\n", "John"),
        ("John   Smith", "John Smith"),
        ("John\u{a0}\u{3000}Smith", "John Smith"),
        ("Zoe\u{308}", "Zo\u{eb}"),
        ("\u{2003}x\u{2003}", "x"),
    ] {
        assert_eq!(Name::parse(text).map(|name| name.to_string()).as_deref(), Ok(shown));
    }
}

#[test]
fn names_that_a_reader_takes_for_each_other_collide() {
    for (one, other) in [
        ("John", "JOHN"),
        ("John", "J\u{43e}hn"),
        ("John", "ｊｏｈｎ"),
        ("John", "𝐉𝐨𝐡𝐧"),
        ("Zo\u{eb}", "Zoe\u{308}"),
        ("Straße", "STRASSE"),
        ("Bob", "\u{412}\u{41e}\u{412}"),
        ("Helen", "\u{397}elen"),
        ("Helen", "\u{41d}ELEN"),
        ("Иван", "ИВАН"),
        ("Νίκος", "ΝΊΚΟΣ"),
        ("Alice", "AIice"),
        ("Alice", "A1ice"),
        ("Ian", "ian"),
        ("Bob", "B0b"),
        ("modern", "rnodem"),
        ("❤️", "❤"),
        ("John  Smith", "John Smith"),
    ] {
        assert_eq!(key(one), key(other), "{one:?} and {other:?}");
    }
}

#[test]
fn names_that_differ_to_a_reader_do_not_collide() {
    for (one, other) in [
        ("John", "Joan"),
        ("Zoë", "Zoe"),
        ("Иван", "Иваи"),
        ("李雷", "李蕾"),
        ("👩‍👩‍👧", "👩‍👩‍👦"),
        ("John Smith", "JohnSmith"),
        ("a", "b"),
    ] {
        assert_ne!(key(one), key(other), "{one:?} and {other:?}");
    }
}

#[test]
fn a_key_does_not_change_when_it_is_made_again() {
    for c in ('\u{21}'..='\u{1ffff}').filter(|&c| !is_invisible(c)) {
        let NameKey(once) = Name(c.to_string()).key();
        assert_eq!(Name(once.clone()).key(), NameKey(once), "U+{:04X}", u32::from(c));
    }
}

#[test]
fn what_cannot_be_seen_is_refused() {
    for (text, character, position) in [
        ("a\u{200b}b", '\u{200b}', 2),
        ("a\u{202e}b", '\u{202e}', 2),
        ("\u{feff}John", '\u{feff}', 1),
        ("a\nb", '\n', 2),
        ("a\tb", '\t', 2),
        ("a\x1b[31m", '\x1b', 2),
        ("a\u{ad}b", '\u{ad}', 2),
        ("a\u{34f}", '\u{34f}', 2),
        ("\u{3164}", '\u{3164}', 1),
        ("\u{2800}", '\u{2800}', 1),
        ("\u{115f}\u{1160}", '\u{115f}', 1),
        ("a\u{17b4}", '\u{17b4}', 2),
        ("a\u{2028}b", '\u{2028}', 2),
        ("a\u{e000}", '\u{e000}', 2),
        ("a\u{378}", '\u{378}', 2),
        ("a\u{fe00}", '\u{fe00}', 2),
        ("a\u{e0100}", '\u{e0100}', 2),
        // Joiners and selectors beside anything but emoji.
        ("a\u{200d}b", JOINER, 2),
        ("1\u{200d}2", JOINER, 2),
        ("😀\u{200d}", JOINER, 2),
        ("\u{200d}😀", JOINER, 1),
        ("👩\u{200d}\u{200d}👧", JOINER, 2),
        ("a\u{fe0f}", EMOJI_SELECTOR, 2),
        ("1\u{fe0f}2", EMOJI_SELECTOR, 2),
        ("❤\u{fe0f}\u{fe0f}", EMOJI_SELECTOR, 3),
        ("🏴\u{e0067}\u{e007f}", '\u{e0067}', 2),
    ] {
        assert_eq!(Name::parse(text), Err(NameError::Invisible { character, position }), "{text:?}");
    }
}

#[test]
fn marks_need_a_letter_and_have_a_limit() {
    let loose = |position| Err(NameError::LooseMark { character: '\u{301}', position });
    assert_eq!(Name::parse("\u{301}a"), loose(1));
    assert_eq!(Name::parse("a \u{301}b"), loose(3));
    assert!(Name::parse("x\u{302}\u{303}\u{304}\u{306}").is_ok());
    let zalgo = Name::parse("x\u{302}\u{303}\u{304}\u{306}\u{307}y");
    assert_eq!(zalgo, Err(NameError::TooManyMarks { position: 6 }));
}

#[test]
fn a_name_has_1_to_32_characters() {
    for blank in ["", " ", "\r\n", "\u{3000}\u{a0}"] {
        assert_eq!(Name::parse(blank), Err(NameError::Empty), "{blank:?}");
    }
    assert!(Name::parse(&"李".repeat(32)).is_ok());
    assert!(Name::parse(&"e\u{301}".repeat(32)).is_ok(), "counted as composed");
    assert_eq!(Name::parse(&"x".repeat(33)), Err(NameError::TooLong));
}

#[test]
fn an_error_tells_what_to_change() {
    for (text, expected) in [
        ("", "the name is empty"),
        (&"x".repeat(33), "the name is longer than 32 characters"),
        ("a\u{7}", "the name has an invisible or control character (U+0007) at position 2"),
        ("\u{301}", "the name has a combining mark (U+0301) without a letter at position 1"),
    ] {
        assert_eq!(Name::parse(text).expect_err("broken rule").to_string(), expected);
    }
}
