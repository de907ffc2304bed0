//! Messages as lines of JSON, for taking them out of a store and putting them into another.

use std::fmt::Write as _;
use std::io::{BufRead, Read};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Position, Record, StoreError, StoreErrorKind};
use crate::Escaped;
use crate::chat::{Name, RoomName};

/// No message of the chat is longer.
const MAX_TEXT: usize = 64 * 1024;
/// Such a message with all of its characters escaped, and what is said of it.
const MAX_LINE: u64 = 512 * 1024;
/// The last millisecond of the year 9999.
const LATEST: u64 = 253_402_300_799_999;
/// Characters of an error that may repeat what is in a line.
const MAX_REASON: usize = 200;

#[derive(Serialize)]
struct Written<'a> {
    r#type: &'static str,
    room: &'a str,
    from: &'a str,
    text: &'a str,
    time: u64,
    pos: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    action: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
}

#[derive(Deserialize)]
struct Given {
    r#type: String,
    room: String,
    from: String,
    text: String,
    time: u64,
    #[serde(default)]
    action: bool,
    #[serde(default)]
    subject: Option<String>,
}

/// A message as one JSON object, without a line's end: a `message` of
/// [`chinwag.v1`](crate::protocol), and the `subject` of its sender where there is one.
/// `epoch` is the [store's](super::Store::epoch). What could drive a terminal is escaped.
///
/// ```
/// use chinwag::store::{Lines, line};
///
/// let json = r#"{"type":"message","room":"lobby","from":"John","text":"hi","time":1795000000000,"pos":"a-1"}"#;
/// let record = Lines::new(json.as_bytes()).next().unwrap()?;
/// assert_eq!((&*record.from, &*record.text), ("John", "hi"));
/// assert_eq!(line(&record, "b"), json.replace("a-1", "b-0"));
/// # Ok::<(), chinwag::store::StoreError>(())
/// ```
pub fn line(record: &Record, epoch: &str) -> String {
    let Record { position, room, from, subject, text, action, time, .. } = record;
    let written = Written {
        r#type: "message",
        room,
        from,
        text,
        time: *time,
        pos: format!("{epoch}-{position}"),
        action: *action,
        subject: subject.as_deref(),
    };
    let json = serde_json::to_string(&written).expect("strings and numbers have a form in JSON");
    printable(json)
}

/// Writes what could drive a terminal, or mislead who reads it, as JSON has it escaped.
fn printable(json: String) -> String {
    if !json.contains(Escaped::is_unsafe) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 64);
    for char in json.chars() {
        if !Escaped::is_unsafe(char) {
            out.push(char);
            continue;
        }
        for unit in char.encode_utf16(&mut [0; 2]) {
            // Writing to a string does not fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

/// Reads messages as [`line`](fn@line) writes them, each with a place of no meaning: the store that
/// they go into gives them another.
///
/// Names, rooms and texts are held to what the chat allows, so that nothing gets in which
/// nobody could have said. Empty lines and unknown fields do not matter. An error names the
/// line; after the first one there is nothing more.
pub struct Lines<R> {
    reader: R,
    number: u64,
    is_over: bool,
}

impl<R: BufRead> Lines<R> {
    /// Reads from `reader`.
    pub fn new(reader: R) -> Self {
        Self { reader, number: 0, is_over: false }
    }

    /// The next line that is not empty, without its end; none at the end of all.
    fn next_line(&mut self) -> Result<Option<Vec<u8>>, String> {
        loop {
            let mut line = Vec::new();
            self.number += 1;
            let read = Read::take(&mut self.reader, MAX_LINE + 1).read_until(b'\n', &mut line);
            if read.map_err(|error| format!("failed to read it: {error}"))? == 0 {
                return Ok(None);
            }
            if line.len() as u64 > MAX_LINE {
                return Err(format!("it has more than {MAX_LINE} bytes"));
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Record, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let record =
            self.next_line().and_then(|line| line.map(|line| read(line.trim_ascii_end())).transpose());
        self.is_over = !matches!(record, Ok(Some(_)));
        let wrong = |words: String| {
            let words = Escaped::new(&words).cut(MAX_REASON).to_string();
            StoreError::new(StoreErrorKind::BadRequest, format!("line {}: {words}", self.number))
        };
        record.map_err(wrong).transpose()
    }
}

impl<R> std::fmt::Debug for Lines<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").field("number", &self.number).finish_non_exhaustive()
    }
}

fn read(line: &[u8]) -> Result<Record, String> {
    let read = serde_json::from_slice::<Given>(line).map_err(|error| in_one_line(&error))?;
    if read.r#type != "message" {
        return Err(format!("its type is {:?}; only a message can be taken in", read.r#type));
    }
    if read.text.len() > MAX_TEXT {
        return Err(format!("its text has more than {MAX_TEXT} bytes"));
    }
    if read.time > LATEST {
        return Err("its time is behind the year 9999: it is in milliseconds since 1970".to_owned());
    }
    let name = Name::parse(&read.from).map_err(|error| format!("from: {error}"))?;
    let room = RoomName::parse(&read.room).map_err(|error| format!("room: {error}"))?;
    Ok(Record {
        position: Position::START,
        room: Arc::from(room.as_str()),
        author: Arc::from(name.key().as_str()),
        from: name.to_string(),
        subject: read.subject.map(Arc::from),
        text: read.text,
        action: read.action,
        time: read.time,
    })
}

/// Without the place, but for the column: each line is the first to whoever parses it.
fn in_one_line(error: &serde_json::Error) -> String {
    let words = error.to_string();
    let words = words.rsplit_once(" at line ").map_or(&*words, |(words, _)| words);
    let (what, column) = (if error.is_data() { "" } else { "this is no JSON: " }, error.column());
    format!("{what}{words} (column {column})")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"type":"message","room":"lobby","from":"John","text":"hi","time":1}"#;

    fn problem(text: &str) -> String {
        let results = Lines::new(text.as_bytes()).collect::<Vec<_>>();
        results.last().unwrap().as_ref().unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        for text in
            ["hi", "", "\u{1b}[31m\u{9b} \u{202e} \u{e0041} \0 \"\\ 👩‍👩‍👧\n", &"\u{9b}".repeat(MAX_TEXT / 2)]
        {
            let name = Name::parse("Zoë 李").unwrap();
            let record = Record {
                position: Position(7),
                room: "lobby".into(),
                from: name.to_string(),
                author: name.key().as_str().into(),
                subject: Some("zoe\u{7f}".into()),
                text: text.to_owned(),
                action: text.is_empty(),
                time: LATEST,
            };
            let json = line(&record, "0a1b");
            assert!(!json.contains(Escaped::is_unsafe), "{json}");
            assert!(json.contains(r#""pos":"0a1b-7""#), "{json}");
            let back = Lines::new((json + "\r\n").as_bytes()).collect::<Result<Vec<_>, _>>().unwrap();
            assert_eq!(back, [Record { position: Position::START, ..record }]);
        }
    }

    #[test]
    fn a_line_that_is_no_message_is_named_and_ends_it() {
        for (line, expected) in [
            ("hi", "line 3: this is no JSON: expected value (column 1)"),
            ("{", "line 3: this is no JSON: EOF while parsing an object (column 1)"),
            (r#"{"type":"message","room":"lobby"}"#, "line 3: missing field `from` (column 33)"),
            (
                &GOOD.replace("message", "left"),
                r#"line 3: its type is "left"; only a message can be taken in"#,
            ),
            (&GOOD.replace("John", "John says"), "line 3: from: "),
            (&GOOD.replace("lobby", "the lobby"), "line 3: room: "),
            (&GOOD.replace(":1}", ":-1}"), "line 3: invalid value"),
            (&GOOD.replace(":1}", ":253402300800000}"), "line 3: its time is behind the year 9999"),
            (&GOOD.replace("hi", &"x".repeat(MAX_TEXT + 1)), "line 3: its text has more than 65536 bytes"),
            (&GOOD.replace("hi", &"x".repeat(MAX_LINE as usize)), "line 3: it has more than 524288 bytes"),
            (&GOOD.replace("message", "\u{1b}[31m"), "line 3: "),
        ] {
            let words = problem(&format!("{GOOD}\n\n{line}\n{GOOD}\n"));
            assert!(words.starts_with(expected), "{words}");
            assert!(!words.contains(Escaped::is_unsafe), "{words}");
        }
    }
}
