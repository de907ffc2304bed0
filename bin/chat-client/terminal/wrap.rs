//! Text on lines of a terminal's width, wrapped under itself.

use std::fmt::Write as _;

use anstyle::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The most characters that one place on the screen may stack up, so that heaps of
/// accents do not reach into other lines.
const MAX_STACKED: usize = 16;

/// A piece of a line, in one style. Its text has been made safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub text: String,
    pub style: Style,
}

impl Span {
    pub fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }

    pub fn plain(text: impl Into<String>) -> Self {
        Self::new(text, Style::new())
    }
}

/// How many columns `text` takes. Terminals do not agree about composed characters
/// such as families of emoji; this is the widest that any makes them.
pub fn width(text: &str) -> usize {
    text.graphemes(true).map(grapheme_width).sum()
}

fn grapheme_width(grapheme: &str) -> usize {
    let each: usize = grapheme.chars().map(|c| c.width().unwrap_or(0)).sum();
    each.max(grapheme.width())
}

/// The start of `text` that takes at most `columns`, with `…` where there is more.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut room = columns.saturating_sub(1);
    for grapheme in text.graphemes(true) {
        let Some(rest) = room.checked_sub(grapheme_width(grapheme)) else { break };
        room = rest;
        out.push_str(grapheme);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// Lays out `body` behind `head` on lines of `columns`, further lines under the
/// beginning of the body. A line feed in the body begins a new line.
pub fn wrap(head: &[Span], body: &[Span], columns: usize) -> Vec<String> {
    let columns = columns.max(4);
    let head_width: usize = head.iter().map(|span| width(&span.text)).sum();
    // On a narrow screen, or behind a long name, there would be no room left under it.
    let indent = if head_width * 2 <= columns { head_width } else { 2 };
    let mut lines = Lines { columns, indent, done: Vec::new(), line: Line::default() };
    for span in head.iter().chain(body) {
        for (number, part) in span.text.split('\n').enumerate() {
            if number > 0 {
                lines.break_line();
            }
            // Words keep the spaces behind them, which may hang over the edge.
            part.split_inclusive(' ').for_each(|word| lines.word(word, span.style));
        }
    }
    lines.end()
}

struct Lines {
    columns: usize,
    indent: usize,
    done: Vec<String>,
    line: Line,
}

#[derive(Default)]
struct Line {
    text: String,
    width: usize,
    style: Style,
    /// Nothing but the indent is on it.
    is_fresh: bool,
}

impl Lines {
    fn word(&mut self, word: &str, style: Style) {
        let bare = width(word.trim_end_matches(' '));
        let fits_below = bare <= self.columns - self.indent;
        if self.line.width + bare > self.columns && fits_below && !self.line.is_fresh {
            self.break_line();
        }
        for grapheme in word.graphemes(true) {
            let wide = grapheme_width(grapheme);
            if self.line.width + wide > self.columns {
                if grapheme == " " {
                    continue;
                }
                self.break_line();
            }
            self.line.push(grapheme, wide, style);
        }
    }

    fn break_line(&mut self) {
        let indent = self.indent;
        let line = std::mem::replace(
            &mut self.line,
            Line { text: " ".repeat(indent), width: indent, style: Style::new(), is_fresh: true },
        );
        self.done.push(line.end());
    }

    fn end(mut self) -> Vec<String> {
        self.done.push(self.line.end());
        self.done
    }
}

impl Line {
    fn push(&mut self, grapheme: &str, wide: usize, style: Style) {
        if style != self.style {
            let _ = write!(self.text, "{}{}", self.style.render_reset(), style.render());
            self.style = style;
        }
        self.text.extend(grapheme.chars().take(MAX_STACKED));
        self.width += wide;
        self.is_fresh = false;
    }

    fn end(mut self) -> String {
        let _ = write!(self.text, "{}", self.style.render_reset());
        let kept = self.text.trim_end_matches(' ').len();
        self.text.truncate(kept);
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(head: &str, body: &str, columns: usize) -> Vec<String> {
        wrap(&[Span::plain(head)], &[Span::plain(body)], columns)
    }

    #[test]
    fn further_lines_begin_under_the_first_word() {
        assert_eq!(plain("John: ", "one two three", 12), ["John: one", "      two", "      three"]);
    }

    #[test]
    fn a_long_word_is_broken_and_a_long_name_leaves_room() {
        assert_eq!(plain("J: ", "abcdefghij", 8), ["J: abcde", "   fghij"]);
        let lines = plain("A very long name indeed: ", "hi there", 20);
        assert_eq!(lines, ["A very long name", "  indeed: hi there"]);
    }

    #[test]
    fn wide_and_combining_characters_are_measured() {
        assert_eq!(plain("", "你好世界", 5), ["你好", "世界"].map(str::to_owned).to_vec());
        assert_eq!((width("e\u{301}"), width("你"), cut("你好世界", 5).as_str()), (1, 2, "你好…"));
        let heap = format!("a{}", "\u{301}".repeat(100));
        assert_eq!(plain("", &heap, 10)[0].chars().count(), MAX_STACKED);
    }

    #[test]
    fn a_line_feed_is_shown_as_part_of_the_text() {
        assert_eq!(plain("John: ", "one\nAdam: two", 40), ["John: one", "      Adam: two"]);
    }

    #[test]
    fn each_line_ends_in_no_style() {
        let style = Style::new().bold();
        let lines = wrap(&[], &[Span::new("one two", style)], 4);
        assert_eq!(lines.len(), 2);
        for line in lines {
            assert!(line.ends_with("\x1b[0m"), "{line:?}");
        }
    }
}
