//! What came from elsewhere, made safe to show.

use chinwag::Escaped;

/// `text` on one line, with everything that could drive the terminal or mislead a
/// reader as a visible escape.
pub fn one_line(text: &str) -> String {
    let escaped = Escaped::new(text).to_string();
    if escaped.chars().any(is_invisible) { escaped.chars().map(show_invisible).collect() } else { escaped }
}

/// The same, but line breaks stay.
pub fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.split('\n').map(one_line).collect::<Vec<_>>().join("\n")
}

/// Whether `text` would be shown as it is.
pub fn is_safe(text: &str) -> bool {
    one_line(text) == text
}

/// Characters that take no place, or an empty one, and so could hide a difference.
/// Joiners and variation selectors are not among them: scripts and emoji need them.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}'
        | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}')
}

fn show_invisible(c: char) -> String {
    if is_invisible(c) { c.escape_unicode().to_string() } else { c.to_string() }
}

/// Where `name` stands in `text` as a word of its own, in any case.
pub fn find_mention(text: &str, name: &str) -> Option<std::ops::Range<usize>> {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if name.is_empty() {
        return None;
    }
    text.char_indices().map(|(start, _)| start).find_map(|start| {
        let length = prefix_len(&text[start..], name)?;
        let end = start + length;
        let stands_alone =
            !is_word(text[..start].chars().next_back()) && !is_word(text[end..].chars().next());
        stands_alone.then_some(start..end)
    })
}

/// How much of `text` is `name`, in any case.
pub fn prefix_len(text: &str, name: &str) -> Option<usize> {
    let mut rest = text.chars();
    for wanted in name.chars() {
        if !rest.next()?.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    Some(text.len() - rest.as_str().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drives_a_terminal_or_cannot_be_seen_is_shown_as_an_escape() {
        let hostile = "\x1b]0;x\x07 \u{9b}31m \x7f \u{202e} a\u{200b}b";
        let shown = one_line(hostile);
        assert_eq!(shown, r"\u{1b}]0;x\u{7} \u{9b}31m \u{7f} \u{202e} a\u{200b}b");
        assert_eq!(lines("one\r\ntwo\rthree\tfour"), "one\ntwo\\rthree\\tfour");
        assert!(is_safe("Zoë 李 👩‍💻") && !is_safe("Zoë\u{7}"));
    }

    #[test]
    fn a_name_is_found_as_a_word_alone_in_any_case() {
        assert_eq!(find_mention("hi JOHN!", "John"), Some(3..7));
        assert_eq!(find_mention("Johnny and johns", "John"), None);
        assert_eq!(find_mention("Johnny, John?", "John"), Some(8..12));
        assert_eq!(find_mention("ÉVA come", "Éva"), Some(0..4));
    }
}
