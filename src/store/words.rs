//! Words that are looked for, as people type them, and the words of a text.
//!
//! A word is a run of letters, digits and the marks on them; anything else parts words. Case
//! does not matter, nor do compatible forms (`ﬁ`, `Ａ`), nor accents: marks that are common
//! with letters of Latin, Greek and Cyrillic, and the points of Hebrew and Arabic. Marks that
//! make another letter, as those of Devanagari, Thai or Kana do, stay. Scripts that put no
//! spaces between words have the whole run as a word, of which the beginning can be
//! looked for.
//!
//! Whatever looks for words does it with these, so that all stores find the same.

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::{StoreError, StoreErrorKind};

/// So many words are looked for at most.
const MAX_WORDS: usize = 16;

/// Words that all have to be in a text.
#[derive(Debug)]
pub(super) struct Words(Vec<Word>);

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Folded.
    pub text: String,
    /// Any that begins so will do.
    pub is_prefix: bool,
}

/// Takes apart what was typed. What is neither letter nor digit parts words.
pub(super) fn parse(typed: &str) -> Result<Words, StoreError> {
    let mut words = Vec::<Word>::new();
    for part in typed.split_whitespace() {
        let folded = fold(part);
        let begin = words.len();
        words.extend(split(&folded).map(|text| Word { text: text.to_owned(), is_prefix: false }));
        if let Some(last) = words[begin..].last_mut() {
            last.is_prefix = part.ends_with('*');
        }
        if words.len() > MAX_WORDS {
            let why = format!("these are too many words to look for: {MAX_WORDS} at most");
            return Err(StoreError::new(StoreErrorKind::BadRequest, why));
        }
    }
    if words.is_empty() {
        return Err(StoreError::new(StoreErrorKind::BadRequest, "there is no word to look for"));
    }
    Ok(Words(words))
}

impl Words {
    /// Whether all of them are in a text.
    pub(super) fn fit(&self, text: &str) -> bool {
        let folded = fold(text);
        self.0.iter().all(|word| split(&folded).any(|text| word.fits(text)))
    }

    /// Each of them.
    #[cfg(feature = "sqlite")]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Word> {
        self.0.iter()
    }
}

impl Word {
    fn fits(&self, text: &str) -> bool {
        if self.is_prefix { text.starts_with(&self.text) } else { text == self.text }
    }
}

/// Says how this version folds: an index of words is for one of them.
#[cfg(feature = "sqlite")]
pub(super) fn version() -> String {
    // To be raised where `fold` or `split` change.
    let own = 1;
    let (major, minor, patch) = unicode_normalization::UNICODE_VERSION;
    let (of_std, _, _) = char::UNICODE_VERSION;
    format!("{own}/{major}.{minor}.{patch}/{of_std}")
}

/// The words of a text, for an index: folded, with a space between each two.
#[cfg(feature = "sqlite")]
pub(super) fn folded(text: &str) -> String {
    let folded = fold(text);
    let mut words = String::with_capacity(folded.len());
    for word in split(&folded) {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words
}

/// A text without what does not matter.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkd()
        .filter(|char| !is_accent(*char))
        .default_case_fold()
        .nfkd()
        .filter(|char| !is_accent(*char))
        .nfc()
        .collect()
}

fn split(folded: &str) -> impl Iterator<Item = &str> {
    let is_of_word = |char: char| char.is_alphanumeric() || is_combining_mark(char);
    let words = folded.split(move |char| !is_of_word(char));
    // A mark on nothing is no word.
    words.filter(|word| word.contains(char::is_alphanumeric))
}

/// Whether a mark is one that people leave out.
fn is_accent(char: char) -> bool {
    matches!(char,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}'
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}' | '\u{5c4}'..='\u{5c5}' | '\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
        // Joins and parts letters without being seen.
        | '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        split(&fold(text)).map(str::to_owned).collect()
    }

    #[test]
    fn words_are_what_people_mean_by_them() {
        for (text, expected) in [
            ("Good morning, everyone!", vec!["good", "morning", "everyone"]),
            ("foo-bar baz_qux", vec!["foo", "bar", "baz", "qux"]),
            ("Café cafe\u{301} ÑANDÚ", vec!["cafe", "cafe", "nandu"]),
            ("Ёлка ΛΌΓΟΣ Straße STRASSE", vec!["елка", "λογοσ", "strasse", "strasse"]),
            ("ﬁne Ａ² İstanbul", vec!["fine", "a2", "istanbul"]),
            ("हिन्दी ไทยนี้ がくせい", vec!["हिन्दी", "ไทยนี้", "がくせい"]),
            ("שָׁלוֹם مُحَمَّد", vec!["שלום", "محمد"]),
            ("日本語 한국어", vec!["日本語", "한국어"]),
            ("v1.0 C++ 👍🏽 \u{301}", vec!["v1", "0", "c"]),
            ("co\u{ad}operate", vec!["cooperate"]),
        ] {
            assert_eq!(words(text), expected, "{text:?}");
        }
    }

    #[test]
    fn last_word_of_a_part_may_be_a_beginning() {
        let word = |text: &str, is_prefix| Word { text: text.to_owned(), is_prefix };
        assert_eq!(
            parse("foo-ba* *x y").unwrap().0,
            [word("foo", false), word("ba", true), word("x", false), word("y", false)]
        );
    }

    #[test]
    fn too_many_words_and_none_are_refused() {
        assert!(parse(&"a ".repeat(16)).is_ok());
        for typed in ["", "*", "👍", &"a ".repeat(17)] {
            assert_eq!(parse(typed).unwrap_err().kind(), StoreErrorKind::BadRequest, "{typed:?}");
        }
    }
}
