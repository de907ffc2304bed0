//! Text of a peer's, made safe for a terminal or a log line.

use std::fmt::{self, Write};

/// Shows text with everything that could drive a terminal, forge a log line or
/// turn the reading direction around as a visible escape.
///
/// C0 and C1 controls, DEL, line and paragraph separators, and the bidirectional
/// controls come out as `\n`, `\u{1b}` and so on; all else stays as it is.
/// [`cut`](Self::cut) also bounds the length.
///
/// ```
/// use chinwag::Escaped;
///
/// assert_eq!(Escaped::new("red \x1b[31m\n").to_string(), r"red \u{1b}[31m\n");
/// assert_eq!(Escaped::new("a long text").cut(6).to_string(), "a long…");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a> {
    text: &'a str,
    limit: usize,
}

impl<'a> Escaped<'a> {
    /// Shows all of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, limit: usize::MAX }
    }

    /// Whether a terminal could take `c` as a command, or a reader be misled by it.
    #[cfg(feature = "chat")]
    pub(crate) fn is_unsafe(c: char) -> bool {
        is_unsafe(c)
    }

    /// Shows at most `limit` characters of the text, and `…` where there are more.
    pub fn cut(self, limit: usize) -> Self {
        Self { limit, ..self }
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, c) in self.text.chars().enumerate() {
            if count == self.limit {
                return f.write_char('…');
            }
            match c {
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if is_unsafe(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Whether a terminal could take `c` as a command, or a reader be misled by it.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
