//! Options as TOML: an example of the whole file, and what is in force.

use clap::{Arg, ArgAction, Command};

use super::{Effective, is_key};

/// How wide comments are.
const WIDTH: usize = 88;

/// A file with every key, its meaning and its default, commented out.
pub fn example(mut command: Command) -> String {
    command.build();
    let mut text = comment(
        "Every option of chat-server, with its default. Take the # from the start of a line to change it. \
         The command line wins over the environment (CHINWAG_MAX_CLIENTS for max-clients), and the \
         environment over this file.",
    );
    text += "#\n# `chat-server check-config --config FILE` says what is wrong with it.\n";
    let mut heading = None;
    for arg in command.get_arguments().filter(|arg| is_key(arg)) {
        if arg.get_help_heading() != heading {
            heading = arg.get_help_heading();
            text += &format!("\n\n## {}\n", heading.unwrap_or("Options"));
        }
        text += &format!("\n{}{}\n", comment(&help(arg)), assignment(arg));
    }
    text
}

fn help(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let values: Vec<_> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let is_choice = arg.get_action().takes_values() && !values.is_empty();
    if is_choice { format!("{}. One of {}", help.trim_end_matches('.'), values.join(", ")) } else { help }
}

fn assignment(arg: &Arg) -> String {
    let key = arg.get_long().unwrap_or_default();
    let defaults: Vec<_> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if !defaults.is_empty() || !arg.get_action().takes_values() {
        return format!("#{key} = {}", value(arg, &defaults));
    }
    let name = arg.get_value_names().and_then(|names| names.first()).map_or("VALUE", |name| name.as_str());
    format!("#{key} = {}  # not set", value(arg, &[name.to_owned()]))
}

fn comment(text: &str) -> String {
    let mut lines = String::new();
    for paragraph in text.lines() {
        let mut line = String::from("#");
        for word in paragraph.split_whitespace() {
            if line.len() + 1 + word.len() > WIDTH {
                lines += &line;
                lines += "\n";
                line = String::from("#");
            }
            line += " ";
            line += word;
        }
        lines += &line;
        lines += "\n";
    }
    lines
}

/// What is in force, as a file that says the same, and where each comes from.
pub fn in_force(values: &[Effective]) -> String {
    let line = |effective: &Effective| {
        let Effective { key, value, origin, .. } = effective;
        match (value, effective.shown()) {
            (Some(value), shown) if value == shown => format!("{key} = {value}  # {origin}\n"),
            (Some(_), shown) => format!("# {key} is {shown}  # {origin}\n"),
            (None, shown) => format!("# {key} is {shown}\n"),
        }
    };
    values.iter().map(line).collect()
}

/// An option's value.
pub fn value(arg: &Arg, values: &[String]) -> String {
    if !arg.get_action().takes_values() {
        return values.first().map_or("false", String::as_str).to_owned();
    }
    if matches!(arg.get_action(), ArgAction::Append) {
        let items: Vec<_> = values.iter().map(|value| scalar(value)).collect();
        return format!("[{}]", items.join(", "));
    }
    values.first().map(|value| scalar(value)).unwrap_or_default()
}

fn scalar(value: &str) -> String {
    let is_number = value.parse::<i64>().is_ok_and(|number| number.to_string() == value);
    if is_number { value.to_owned() } else { quoted(value) }
}

fn quoted(text: &str) -> String {
    let escape = |char: char| match char {
        '"' | '\\' => format!("\\{char}"),
        char if char.is_control() => format!("\\u{:04X}", u32::from(char)),
        char => char.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}
