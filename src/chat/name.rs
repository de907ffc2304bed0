//! What a person may be called, and which two names are the same to a reader.

use std::error::Error;
use std::fmt;
use std::sync::LazyLock;

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_properties::{EmojiStatus, GeneralCategory, UnicodeEmoji, UnicodeGeneralCategory};
use unicode_security::skeleton;

/// Enough for every script's syllables, too few to write over the neighbouring lines.
const MAX_MARKS: usize = 4;
/// Bounds the passes until a key changes no more; no character needs as many.
const MAX_PASSES: usize = 8;

/// What separates a name from the rest of a line, or from other names.
const SEPARATORS: [char; 3] = [':', ',', ';'];
/// Characters that lines other than somebody's begin with, or commands.
const STARTS_OF_LINES: [char; 10] = ['/', '[', '(', '<', '>', '*', '#', '@', '-', '='];
/// Words that the chat's own lines have behind a name.
const WORDING: [&str; 10] =
    ["says", "joined", "left", "whispers", "is", "set", "removed", "was", "locked", "unlocked"];
/// A name of more bytes is not looked at: it is too long whatever is in it.
const MAX_BYTES: usize = 1024;
/// Who speaks for the server, or cannot be one person.
const RESERVED: [&str; 7] = ["admin", "operator", "moderator", "notice", "everyone", "here", "you"];
/// Who is the server, whatever comes behind.
const SERVERS: [&str; 3] = ["server", "system", "chinwag"];

static WORDING_KEYS: LazyLock<Vec<(&str, String)>> =
    LazyLock::new(|| WORDING.iter().map(|word| (*word, key_of(word))).collect());
static RESERVED_KEYS: LazyLock<Vec<String>> =
    LazyLock::new(|| RESERVED.iter().map(|word| key_of(word)).collect());
static SERVERS_KEYS: LazyLock<Vec<String>> =
    LazyLock::new(|| SERVERS.iter().map(|word| key_of(word)).collect());

const SPACE: char = ' ';
const JOINER: char = '\u{200d}';
const EMOJI_SELECTOR: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';

/// A name as it is shown: trimmed, in NFC, with single plain spaces inside.
///
/// It has 1 to [`MAX_CHARS`](Self::MAX_CHARS) characters, all of them visible.
/// Every script is welcome, and emoji with their joiners.
///
/// ```
/// use chinwag::chat::Name;
///
/// let name = Name::parse("  Zoe\u{308} \u{a0}李 ").unwrap();
/// assert_eq!(name.as_str(), "Zoë 李");
/// assert!(Name::parse("👩‍👩‍👧").is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(String);

/// What makes a name unique: two that a reader takes for each other, by case or
/// by looks, have the same key.
///
/// ```
/// use chinwag::chat::Name;
///
/// let key = |text| Name::parse(text).unwrap().key();
/// assert_eq!(key("John"), key("JOHN"));
/// assert_eq!(key("John"), key("J\u{43e}hn")); // a Cyrillic о
/// assert_ne!(key("John"), key("Joan"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NameKey(String);

impl NameKey {
    /// The name as it is compared, and as a store [keeps](crate::store::Record::author) it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key that a store kept.
    pub(super) fn kept(author: &str) -> Self {
        Self(author.to_owned())
    }
}

/// Why a name was refused. Its text can be shown to whoever chose the name;
/// positions count characters of the trimmed name, from 1.
///
/// ```
/// use chinwag::chat::Name;
///
/// let error = Name::parse("Jo\u{200b}hn").unwrap_err();
/// assert_eq!(error.to_string(), "the name has an invisible or control character (U+200B) at position 3");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing is left after trimming.
    Empty,
    /// More than [`Name::MAX_CHARS`] characters.
    TooLong,
    /// A character that cannot be seen, or not by everybody.
    Invisible {
        /// The character.
        character: char,
        /// Where it is.
        position: usize,
    },
    /// A combining mark at the start of a word, where it has nothing to sit on.
    LooseMark {
        /// The mark.
        character: char,
        /// Where it is.
        position: usize,
    },
    /// A character that has a meaning in the chat's lines, or that starts one.
    Punctuation {
        /// The character.
        character: char,
        /// Where it is.
        position: usize,
    },
    /// A word that would let the name pass for a line of the chat's, such as `says`.
    Wording {
        /// The word.
        word: &'static str,
    },
    /// The name stands for the server, or for all.
    Reserved,
    /// More combining marks on one character than any script needs.
    TooManyMarks {
        /// Where the first mark is that is too many.
        position: usize,
    },
}

impl Name {
    /// The most characters that a name may have.
    pub const MAX_CHARS: usize = 32;

    /// The name in `text`: trimmed, composed, each run of spaces of any kind as one.
    ///
    /// # Errors
    ///
    /// Returns the first rule that `text` breaks.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let name = Self(Self::visible(text)?);
        check_punctuation(&name.0)?;
        name.check_words()?;
        Ok(name)
    }

    /// The rules that a room's name has too.
    pub(super) fn visible(text: &str) -> Result<String, NameError> {
        if text.len() > MAX_BYTES {
            return Err(NameError::TooLong);
        }
        let chars = one_space_each(text.trim().nfc()).take(Self::MAX_CHARS + 1).collect::<Vec<_>>();
        if chars.is_empty() {
            return Err(NameError::Empty);
        }
        if chars.len() > Self::MAX_CHARS {
            return Err(NameError::TooLong);
        }
        check_visible(&chars)?;
        check_marks(&chars)?;
        Ok(chars.into_iter().collect())
    }

    /// The name as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether no reader takes this for a line of the chat's, or for its server.
    fn check_words(&self) -> Result<(), NameError> {
        let words = self.0.split(SPACE).map(|word| key_of(word.trim_matches(|c: char| !c.is_alphanumeric())));
        let words = words.collect::<Vec<_>>();
        if let Some((word, _)) = WORDING_KEYS.iter().find(|(_, wording)| words[1..].contains(wording)) {
            return Err(NameError::Wording { word });
        }
        let is_reserved = words.len() == 1 && RESERVED_KEYS.contains(&words[0]);
        if is_reserved || SERVERS_KEYS.contains(&words[0]) { Err(NameError::Reserved) } else { Ok(()) }
    }

    /// What is the same for all names that a reader would take for this one.
    ///
    /// Small `i` and `l` count as one letter, as capital `I` looks like the one
    /// and is the other.
    pub fn key(&self) -> NameKey {
        NameKey(key_of(&self.0))
    }
}

fn key_of(text: &str) -> String {
    let mut key = text.to_owned();
    for _ in 0..MAX_PASSES {
        let next = folded(&key).chars().flat_map(looks).nfd().collect::<String>();
        if next == key {
            break;
        }
        key = next;
    }
    key
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Empty => f.write_str("the name is empty"),
            Self::TooLong => write!(f, "the name is longer than {} characters", Name::MAX_CHARS),
            Self::Invisible { character, position } => {
                let code = u32::from(character);
                write!(
                    f,
                    "the name has an invisible or control character (U+{code:04X}) at position {position}"
                )
            }
            Self::LooseMark { character, position } => {
                let code = u32::from(character);
                write!(
                    f,
                    "the name has a combining mark (U+{code:04X}) without a letter at position {position}"
                )
            }
            Self::Punctuation { character, position } => {
                write!(f, "the name has a {character} at position {position}")
            }
            Self::Wording { word } => {
                write!(f, "the name has the word {word}, and would look like a line of the chat's")
            }
            Self::Reserved => f.write_str("the name is the server's own"),
            Self::TooManyMarks { position } => {
                write!(
                    f,
                    "the name has more than {MAX_MARKS} combining marks in a row at position {position}"
                )
            }
        }
    }
}

impl Error for NameError {}

/// Spaces of all kinds as plain ones, and of several in a row only the first.
fn one_space_each(chars: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    let mut is_after_space = false;
    chars.map(|c| if c.general_category() == GeneralCategory::SpaceSeparator { SPACE } else { c }).filter(
        move |&c| {
            let is_repeated = is_after_space && c == SPACE;
            is_after_space = c == SPACE;
            !is_repeated
        },
    )
}

fn check_visible(chars: &[char]) -> Result<(), NameError> {
    for (at, &character) in chars.iter().enumerate() {
        let is_welcome = match character {
            JOINER => joins_emoji(&chars[..at], &chars[at + 1..]),
            EMOJI_SELECTOR => selects_emoji(&chars[..at], &chars[at + 1..]),
            _ => !is_invisible(character),
        };
        if !is_welcome {
            return Err(NameError::Invisible { character, position: at + 1 });
        }
    }
    Ok(())
}

/// A name stands in lists and at the start of lines.
fn check_punctuation(name: &str) -> Result<(), NameError> {
    // Looks count, but for what sits on a letter and belongs to its script.
    let looks_like_one = |c: char, of: &[char]| {
        let is_sign = !c.is_alphanumeric() && !is_combining_mark(c);
        is_sign && key_of(c.encode_utf8(&mut [0; 4])).chars().any(|c| of.contains(&c))
    };
    let is_forbidden = |&(at, c): &(usize, char)| {
        looks_like_one(c, &SEPARATORS) || (at == 0 && looks_like_one(c, &STARTS_OF_LINES))
    };
    match name.chars().enumerate().find(is_forbidden) {
        Some((at, character)) => Err(NameError::Punctuation { character, position: at + 1 }),
        None => Ok(()),
    }
}

fn check_marks(chars: &[char]) -> Result<(), NameError> {
    let mut marks = 0;
    let mut before = SPACE;
    for (at, &character) in chars.iter().enumerate() {
        let is_mark = is_combining_mark(character) && character != EMOJI_SELECTOR;
        marks = if is_mark { marks + 1 } else { 0 };
        if is_mark && before == SPACE {
            return Err(NameError::LooseMark { character, position: at + 1 });
        }
        if marks > MAX_MARKS {
            return Err(NameError::TooManyMarks { position: at + 1 });
        }
        before = character;
    }
    Ok(())
}

/// Whether a joiner between `before` and `after` makes one emoji of two.
fn joins_emoji(before: &[char], after: &[char]) -> bool {
    let before = match before {
        [before @ .., EMOJI_SELECTOR] => before,
        before => before,
    };
    before.last().is_some_and(|&c| is_pictograph(c)) && after.first().is_some_and(|&c| is_pictograph(c))
}

/// Whether a selector between `before` and `after` shows an emoji in colour. A
/// digit is one only as a keycap.
fn selects_emoji(before: &[char], after: &[char]) -> bool {
    before.last().is_some_and(|&c| is_pictograph(c) || (c.is_emoji_char() && after.first() == Some(&KEYCAP)))
}

/// Whether `c` is an emoji by itself: no digit, and no half of a flag.
fn is_pictograph(c: char) -> bool {
    use EmojiStatus as Emoji;
    !matches!(
        c.emoji_status(),
        Emoji::NonEmoji
            | Emoji::NonEmojiButEmojiComponent
            | Emoji::EmojiPresentationAndEmojiComponent
            | Emoji::EmojiOtherAndEmojiComponent
    )
}

fn is_invisible(c: char) -> bool {
    use GeneralCategory as Category;
    let is_unseen_kind = matches!(
        c.general_category(),
        Category::Control
            | Category::Format
            | Category::LineSeparator
            | Category::ParagraphSeparator
            | Category::Surrogate
            | Category::PrivateUse
            | Category::Unassigned
    );
    // What is not UTF-8 comes as the replacement character.
    c == char::REPLACEMENT_CHARACTER || is_unseen_kind || is_default_ignorable(c) || is_blank(c)
}

/// The default-ignorable characters of Unicode that are of a visible kind by
/// their category.
fn is_default_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{34f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

/// Symbols without ink: the empty Braille pattern, the place of an embedded
/// object, a note without a head, the Khitan filler.
fn is_blank(c: char) -> bool {
    matches!(c, '\u{2800}' | '\u{fffc}' | '\u{1d159}' | '\u{16fe4}')
}

/// `text` without regard to case, width and style.
fn folded(text: &str) -> String {
    text.nfkc().default_case_fold().nfkc().collect()
}

/// What the folded character `c` looks like, in either case.
///
/// Folding hides what a capital looks like: `В` is a `B`, but the small `в` is
/// none. So the capital is asked where the small letter has no double in ASCII.
fn looks(c: char) -> Vec<char> {
    let of_text = |text: &str| skeleton(text).collect::<String>();
    let mut look = of_text(c.encode_utf8(&mut [0; 4]));
    if !look.is_ascii() {
        let capital = of_text(&c.to_uppercase().collect::<String>());
        if capital.is_ascii() {
            look = capital;
        }
    }
    look.chars().map(|c| if c == 'i' { 'l' } else { c }).collect()
}

#[cfg(test)]
mod tests;
