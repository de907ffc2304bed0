//! Words that are looked for, as people type them.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::{StoreError, StoreErrorKind};

/// So many words are looked for at most.
const MAX_WORDS: usize = 16;

/// Words that all have to be in a text.
#[derive(Debug)]
pub(super) struct Words(Vec<Word>);

#[derive(Debug)]
pub(super) struct Word {
    /// Folded: in small letters, without accents.
    pub text: String,
    /// Any that begins so will do.
    pub is_prefix: bool,
}

/// Takes apart what was typed. What is neither letter nor digit parts words.
pub(super) fn parse(typed: &str) -> Result<Words, StoreError> {
    let mut words = Vec::new();
    for part in typed.split_whitespace() {
        let is_prefix = part.ends_with('*');
        let mut pieces = split(part).map(|text| Word { text, is_prefix: false }).collect::<Vec<_>>();
        if let Some(last) = pieces.last_mut() {
            last.is_prefix = is_prefix;
        }
        words.append(&mut pieces);
    }
    let problem = match words.len() {
        0 => "there is no word to look for",
        1..=MAX_WORDS => return Ok(Words(words)),
        _ => "these are too many words to look for",
    };
    Err(StoreError::new(StoreErrorKind::BadRequest, problem))
}

impl Words {
    pub(super) fn fit(&self, text: &str) -> bool {
        let texts = split(text).collect::<Vec<_>>();
        self.0.iter().all(|word| texts.iter().any(|text| word.fits(text)))
    }
}

impl Word {
    fn fits(&self, text: &str) -> bool {
        if self.is_prefix { text.starts_with(&self.text) } else { *text == self.text }
    }
}

fn split(text: &str) -> impl Iterator<Item = String> {
    let folded = text.nfkd().filter(|char| !is_combining_mark(*char)).collect::<String>().to_lowercase();
    let words = folded.split(|char: char| !char.is_alphanumeric()).map(str::to_owned).collect::<Vec<_>>();
    words.into_iter().filter(|word| !word.is_empty())
}
