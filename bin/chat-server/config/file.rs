//! The TOML file: keys and values with the lines that they are on. Knows no options.

use std::fs;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::Problem;

/// One key and its value.
pub struct Entry {
    pub key: String,
    pub line: usize,
    pub value: Value,
}

pub enum Value {
    Flag(bool),
    /// A string or a number.
    One(String),
    /// What can be given several times, each with its line.
    Several(Vec<(usize, String)>),
    /// Nothing that an option can be, by its name in TOML.
    Odd(&'static str),
}

/// The entries that can be read, in their order, and what is wrong with the rest.
pub fn read(path: &Path) -> (Vec<Entry>, Vec<Problem>) {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let words = format!("the configuration file cannot be read: {error}");
            return (Vec::new(), vec![Problem::in_file(path, 0, words)]);
        }
    };
    // Some editors put a mark there.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let line_of = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
    let (table, errors) = DeTable::parse_recoverable(text);
    let problem = |error: toml::de::Error| {
        let line = error.span().map_or(0, |span| line_of(span.start));
        // Not the line itself, which may hold a secret.
        Problem::in_file(path, line, format!("this is no TOML: {}", error.message()))
    };
    let mut problems: Vec<_> = errors.into_iter().map(problem).collect();
    // What follows from the first on a line says little.
    problems.dedup_by_key(|problem| problem.line);
    let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| Entry {
        key: String::from(AsRef::<str>::as_ref(key.get_ref())),
        line: line_of(key.span().start),
        value: read_value(value.get_ref(), line_of),
    };
    let mut entries: Vec<_> = table.get_ref().iter().map(entry).collect();
    entries.sort_by_key(|entry| entry.line);
    // What a broken line is taken for means nothing.
    entries.retain(|entry| !problems.iter().any(|problem| problem.line == entry.line));
    (entries, problems)
}

fn read_value(value: &DeValue<'_>, line_of: impl Fn(usize) -> usize) -> Value {
    match value {
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Array(values) => {
            let word = |item: &toml::Spanned<DeValue<'_>>| {
                Some((line_of(item.span().start), scalar(item.get_ref())?))
            };
            values
                .iter()
                .map(word)
                .collect::<Option<_>>()
                .map_or(Value::Odd("list of lists or tables"), Value::Several)
        }
        DeValue::Table(_) => Value::Odd("table"),
        DeValue::Datetime(_) => Value::Odd("date"),
        value => scalar(value).map_or(Value::Odd("value"), Value::One),
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => {
            let parsed = i128::from_str_radix(number.as_str(), number.radix());
            Some(parsed.map_or_else(|_| number.as_str().to_owned(), |number| number.to_string()))
        }
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}
