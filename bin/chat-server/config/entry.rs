//! One option's value by itself: whether clap takes it, and if not, why, in one line.

use std::error::Error;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Command};

use super::file::{Entry, Value};

/// What the entry is on the command line; or what is wrong, and on which lines.
pub fn check(arg: &Arg, entry: &Entry) -> Result<Vec<String>, Vec<(usize, String)>> {
    let key = &entry.key;
    let wrong = |words: String| vec![(entry.line, format!("{key}: {words}"))];
    let takes_value = arg.get_action().takes_values();
    match &entry.value {
        Value::Odd(what) => Err(wrong(format!("a {what} is not what goes here{}", expected(arg)))),
        Value::Flag(is_on) if !takes_value => Ok(is_on.then(|| format!("--{key}")).into_iter().collect()),
        Value::Flag(_) => Err(wrong(format!("true or false is not what goes here{}", expected(arg)))),
        _ if !takes_value => Err(wrong("must be true or false".to_owned())),
        Value::Several(_) if !is_list(arg) => {
            Err(wrong(format!("takes one value, and no list{}", expected(arg))))
        }
        Value::Several(values) if values.is_empty() && !arg.get_default_values().is_empty() => {
            Err(wrong("the list is empty; leave the key out for the default".to_owned()))
        }
        Value::One(value) => check_values(arg, &[(entry.line, value.clone())]),
        Value::Several(values) => check_values(arg, values),
    }
}

fn check_values(arg: &Arg, values: &[(usize, String)]) -> Result<Vec<String>, Vec<(usize, String)>> {
    let key = arg.get_long().unwrap_or_default();
    let argument = |value: &str| format!("--{key}={value}");
    let wrong = |(line, value): &(usize, String)| {
        let command = alone(arg.clone().env(Resettable::Reset));
        let error = command.try_get_matches_from(["", &argument(value)]).err()?;
        let shown = if arg.is_hide_env_values_set() { String::new() } else { format!(" = {value:?}") };
        Some((*line, format!("{key}{shown}: {}", words(arg, &error))))
    };
    let problems: Vec<_> = values.iter().filter_map(wrong).collect();
    if problems.is_empty() {
        Ok(values.iter().map(|(_, value)| argument(value)).collect())
    } else {
        Err(problems)
    }
}

/// Whether the option's variable, if it is set, can be used.
pub fn check_variable(arg: &Arg) -> Result<(), String> {
    let Some(value) = arg.get_env().and_then(std::env::var_os) else { return Ok(()) };
    let Err(error) = alone(arg.clone()).try_get_matches_from([""]) else { return Ok(()) };
    let shown = if arg.is_hide_env_values_set() { String::new() } else { format!("{value:?}: ") };
    Err(shown + &words(arg, &error))
}

/// There is no such key.
pub fn unknown<'a>(entry: &Entry, keys: impl Iterator<Item = &'a str>) -> String {
    let key = &entry.key;
    if let Value::Odd("table") = entry.value {
        return format!("{key}: there are no sections; all keys are at the top");
    }
    let similar = keys.map(|known| (strsim::jaro_winkler(key, known), known));
    match similar.max_by(|one, other| one.0.total_cmp(&other.0)) {
        _ if key == "config" => "config: a file cannot name another".to_owned(),
        Some((similarity, known)) if similarity > 0.8 => {
            format!("there is no key {key}; did you mean {known}?")
        }
        _ => format!("there is no key {key}; chat-server --help lists the options"),
    }
}

/// A command with this option and nothing else, which asks for no other.
fn alone(arg: Arg) -> Command {
    let arg = arg.requires(Resettable::Reset).conflicts_with(Resettable::Reset).required(false);
    Command::new("").disable_help_flag(true).arg(arg)
}

fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// What is wrong with the value, and what would be right.
fn words(arg: &Arg, error: &clap::Error) -> String {
    match (error.source(), error.get(ContextKind::ValidValue)) {
        (Some(source), _) => source.to_string() + &expected(arg),
        (None, Some(ContextValue::Strings(values))) if !values.is_empty() => {
            format!("must be one of {}", values.join(", "))
        }
        _ => "is not what goes here".to_owned() + &expected(arg),
    }
}

/// What goes there.
fn expected(arg: &Arg) -> String {
    if !arg.get_action().takes_values() {
        return "; expected true or false".to_owned();
    }
    let name = arg.get_value_names().and_then(|names| names.first()).map_or("a value", |name| name.as_str());
    match arg.get_default_values().first() {
        Some(default) => format!("; expected {name}, such as {}", default.to_string_lossy()),
        None => format!("; expected {name}"),
    }
}
