//! What is shown: one message, one rule, one answer, before it is laid out for a
//! width. It can be laid out again where the width changes.

use anstyle::Style;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::style::Theme;
use super::wrap::{self, Span};
use crate::text;

/// Narrower screens do without what only aligns.
const NARROW: usize = 40;

/// Lists have two columns on screens as wide as this, the second from here.
const ITEM_NARROW: usize = 60;
const ITEM_COLUMN: usize = 22;

/// One thing to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Something that happened, with its time.
    Entry(Entry),
    /// A line across the screen with words in it.
    Rule(String),
    /// Words of the client's own: an answer, or what the connection does.
    Info(String),
    /// The same where something is wrong.
    Alarm(String),
    /// A line of a list: what, and what about it.
    Item(String, String),
    /// Lines that are laid out already.
    Verbatim(String),
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Milliseconds since 1970.
    pub time: u64,
    pub kind: Kind,
    /// In another room than the one that is on the screen.
    pub room: Option<String>,
    /// Who; as it came.
    pub name: String,
    /// What; as it came.
    pub text: String,
    /// It was said before this client came.
    pub is_old: bool,
    /// It was said in a room and is in no log, for the server's store failed.
    pub is_unkept: bool,
}

/// What sort of thing happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Somebody said something; `mention` is this client's own name in it.
    Said { is_own: bool, mention: Option<std::ops::Range<usize>> },
    /// Somebody did something.
    Did { is_own: bool },
    /// A whisper to this client.
    WhisperFrom { is_deed: bool },
    /// A whisper of this client's.
    WhisperTo { is_deed: bool },
    /// Somebody came, left, has another name, and so on: `text` is the verb.
    Event,
}

impl Block {
    /// Lays the block out on lines of `columns`.
    pub fn lay_out(&self, columns: usize, theme: Theme, zone: &TimeZone) -> Vec<String> {
        match self {
            Self::Entry(entry) => entry.lay_out(columns, theme, zone),
            Self::Rule(words) => vec![rule(words, columns, theme)],
            Self::Info(words) => says("-- ", words, columns, theme.info()),
            Self::Alarm(words) => says("!! ", words, columns, theme.alarm()),
            Self::Item(what, about) => item(&text::one_line(what), &text::one_line(about), columns, theme),
            Self::Verbatim(lines) => {
                let style = theme.faint();
                let lay_out = |line| wrap::wrap(&[], &[Span::new(text::one_line(line), style)], columns);
                lines.lines().flat_map(lay_out).collect()
            }
        }
    }
}

impl Entry {
    fn lay_out(&self, columns: usize, theme: Theme, zone: &TimeZone) -> Vec<String> {
        let name = text::one_line(&self.name);
        let mut head = vec![Span::new(time_of_day(self.time, zone) + " ", theme.faint())];
        let (mark, words, mut body) = self.parts(&name, theme);
        if self.is_unkept {
            body.push(Span::new(" (not kept)", theme.faint()));
        }
        // A column for the marks aligns the names, where there is room for that.
        let mark_and_gap = if mark == " " && columns < NARROW { String::new() } else { format!("{mark} ") };
        head.push(Span::new(mark_and_gap, self.mark_style(theme)));
        if let Some(room) = &self.room {
            head.push(Span::new(format!("[{}] ", text::one_line(room)), theme.info()));
        }
        head.extend(words);
        wrap::wrap(&head, &body, columns)
    }

    /// The mark, what stands before the text, and the text.
    fn parts(&self, name: &str, theme: Theme) -> (&'static str, Vec<Span>, Vec<Span>) {
        let said = text::lines(&self.text);
        let plain = if self.is_old { theme.faint() } else { Style::new() };
        let colored = |is_own| Span::new(name, if is_own { theme.own_name() } else { theme.name(name) });
        let whisper = theme.whisper();
        match &self.kind {
            Kind::Said { is_own, mention } => {
                let mark = if *is_own {
                    ">"
                } else if mention.is_some() {
                    "!"
                } else {
                    " "
                };
                let body = with_mention(&self.text, mention.clone(), plain, theme);
                (mark, vec![colored(*is_own), Span::plain(": ")], body)
            }
            Kind::Did { is_own } => {
                ("*", vec![colored(*is_own), Span::plain(" ")], vec![Span::new(said, plain)])
            }
            Kind::WhisperFrom { is_deed } => {
                let verb = if *is_deed { " (to you alone) " } else { " whispers: " };
                ("~", vec![colored(false), Span::new(verb, whisper)], vec![Span::new(said, whisper)])
            }
            Kind::WhisperTo { is_deed } => {
                let verb = if *is_deed { " (alone): you do " } else { ": " };
                let head = vec![Span::new("you to ", whisper), colored(false), Span::new(verb, whisper)];
                ("~", head, vec![Span::new(said, whisper)])
            }
            Kind::Event => {
                let faint = theme.faint();
                ("-", vec![colored(false)], vec![Span::new(format!(" {said}"), faint)])
            }
        }
    }

    fn mark_style(&self, theme: Theme) -> Style {
        match self.kind {
            Kind::Said { mention: Some(_), .. } => theme.alarm(),
            _ => theme.faint(),
        }
    }
}

/// The text, with the name in it made to stand out.
fn with_mention(raw: &str, mention: Option<std::ops::Range<usize>>, plain: Style, theme: Theme) -> Vec<Span> {
    let Some(range) = mention else { return vec![Span::new(text::lines(raw), plain)] };
    vec![
        Span::new(text::lines(&raw[..range.start]), plain),
        Span::new(text::lines(&raw[range.clone()]), theme.mention()),
        Span::new(text::lines(&raw[range.end..]), plain),
    ]
}

fn says(mark: &str, words: &str, columns: usize, style: Style) -> Vec<String> {
    wrap::wrap(&[Span::new(mark, style)], &[Span::new(text::lines(words), style)], columns)
}

/// A line of a list: in two columns, where the screen is wide enough.
fn item(what: &str, about: &str, columns: usize, theme: Theme) -> Vec<String> {
    let what_width = wrap::width(what);
    if columns < ITEM_NARROW {
        let body = [Span::new(what, theme.info()), Span::plain(format!("  {about}"))];
        return wrap::wrap(&[Span::plain("   ")], &body, columns);
    }
    let gap = " ".repeat(ITEM_COLUMN.saturating_sub(what_width).max(2));
    wrap::wrap(
        &[Span::plain("   "), Span::new(what.to_owned() + &gap, theme.info())],
        &[Span::plain(about)],
        columns,
    )
}

/// A line across the screen, short of its last column, with words in it.
pub fn rule(words: &str, columns: usize, theme: Theme) -> String {
    let room = columns.saturating_sub(1);
    let words = wrap::cut(&text::one_line(words), room.saturating_sub(4));
    let start = format!("── {words} ");
    let rest = "─".repeat(room.saturating_sub(wrap::width(&start)));
    let style = theme.faint();
    format!("{}{start}{rest}{}", style.render(), style.render_reset())
}

/// `19:28`, where the user is.
fn time_of_day(time: u64, zone: &TimeZone) -> String {
    local(time, zone).strftime("%H:%M").to_string()
}

/// `Tuesday, 6 October 2026`, where the user is.
pub fn day(time: u64, zone: &TimeZone) -> String {
    local(time, zone).strftime("%A, %-d %B %Y").to_string()
}

fn local(time: u64, zone: &TimeZone) -> jiff::Zoned {
    // A server can send any number: what is no time is 1970.
    let time = i64::try_from(time).ok().and_then(|time| Timestamp::from_millisecond(time).ok());
    time.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone())
}
