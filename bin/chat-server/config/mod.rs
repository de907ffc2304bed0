//! Options from the command line, the environment and a TOML file, in this order.
//!
//! clap's `Command` decides: keys are its long names, values go through its parsers, and
//! what the file says is handed to it as arguments before those of the command line, but
//! for what the command line or the environment says already.

mod entry;
mod file;
mod problem;
pub mod toml;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};

use crate::args::Cli;
use file::Entry;
pub use problem::{Origin, Problem};

/// Everything that was said, and what is wrong with it.
pub struct Loaded {
    /// The options, less what is wrong.
    pub cli: Cli,
    pub problems: Vec<Problem>,
    /// Every option that can be a key, in the order of the help.
    pub values: Vec<Effective>,
    pub file: Option<PathBuf>,
}

/// What one option is, and because of what.
#[derive(Clone, PartialEq, Eq)]
pub struct Effective {
    pub key: String,
    /// As TOML; none where the option is not set.
    pub value: Option<String>,
    /// The value is for nobody's eyes.
    is_secret: bool,
    pub origin: Origin,
}

impl Effective {
    /// The value, in words where there is none to show.
    pub fn shown(&self) -> &str {
        match &self.value {
            None => "not set",
            Some(_) if self.is_secret => "set",
            Some(value) => value,
        }
    }
}

/// Reads the command line, the environment, and the file that one of them names.
///
/// # Errors
///
/// Where the command line itself is wrong, or asks for help.
pub fn load(argv: &[OsString]) -> Result<Loaded, clap::Error> {
    let command = Cli::command();
    let first = match lenient(command.clone()).try_get_matches_from(argv) {
        Ok(matches) => matches,
        // In the words of the whole, variables and all.
        Err(error) => return Err(command.try_get_matches_from(argv).err().unwrap_or(error)),
    };
    let Some(level) = Level::of(&command, &first) else {
        let cli = Cli::from_arg_matches(&command.try_get_matches_from(argv)?)?;
        return Ok(Loaded { cli, problems: Vec::new(), values: Vec::new(), file: None });
    };
    let file = level.matches.get_one::<PathBuf>("config").cloned();
    let mut layers = Layers { argv, level, entries: Vec::new(), problems: Vec::new() };
    let without = layers.check_environment();
    if let Some(path) = &file {
        layers.read(path);
    }
    let strict =
        layers.level.change(command.clone(), |arg| match without.iter().any(|id| id == arg.get_id()) {
            true => arg.env(Resettable::Reset),
            false => arg,
        });
    let (cli, values) = layers.combine(&strict, file.as_deref())?;
    let mut problems = layers.problems;
    problems.sort_by_key(|problem| problem.line);
    Ok(Loaded { cli, problems, values, file })
}

/// Whether this option can be a key in the file.
pub fn is_key(arg: &Arg) -> bool {
    arg.get_env().is_some() && arg.get_long().is_some() && arg.get_id() != "config"
}

/// Takes anything that is well-formed, from the command line alone: what belongs together
/// may come from elsewhere.
fn lenient(command: Command) -> Command {
    command
        .mut_args(|arg| {
            let arg = arg.requires(Resettable::Reset).conflicts_with(Resettable::Reset).required(false);
            if arg.get_id() == "config" { arg } else { arg.env(Resettable::Reset) }
        })
        .mut_subcommands(|sub| if sub.get_name() == CHECK { lenient(sub) } else { sub })
}

/// The subcommand that takes the server's options too.
const CHECK: &str = "check-config";

/// Where the server's options are: at the top, or behind the subcommand that takes them.
struct Level {
    options: Command,
    matches: ArgMatches,
    /// Where further arguments go.
    position: usize,
}

impl Level {
    fn of(command: &Command, matches: &ArgMatches) -> Option<Self> {
        match matches.subcommand() {
            None => Some(Self { options: command.clone(), matches: matches.clone(), position: 1 }),
            Some((CHECK, matches)) => {
                let options = command.find_subcommand(CHECK)?.clone();
                Some(Self { options, matches: matches.clone(), position: 2 })
            }
            Some(_) => None,
        }
    }

    fn change(&self, command: Command, change: impl Fn(Arg) -> Arg) -> Command {
        match self.position {
            1 => command.mut_args(change),
            // Those at the top are not meant then.
            _ => command
                .mut_args(|arg| arg.env(Resettable::Reset))
                .mut_subcommand(CHECK, |sub| sub.mut_args(change)),
        }
    }

    fn keys(&self) -> impl Iterator<Item = &Arg> {
        self.options.get_arguments().filter(|arg| is_key(arg))
    }

    fn is_on_command_line(&self, arg: &Arg) -> bool {
        self.matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
    }
}

struct Layers<'a> {
    argv: &'a [OsString],
    level: Level,
    /// What the file adds.
    entries: Vec<Given>,
    problems: Vec<Problem>,
}

/// An entry of the file, as arguments.
struct Given {
    key: String,
    line: usize,
    args: Vec<String>,
}

impl Layers<'_> {
    /// The ids of the options whose variables cannot be used.
    fn check_environment(&mut self) -> Vec<clap::Id> {
        let mut without = Vec::new();
        for arg in self.level.keys().filter(|arg| !self.level.is_on_command_line(arg)) {
            if let Err(words) = entry::check_variable(arg) {
                without.push(arg.get_id().clone());
                let name = arg.get_env().unwrap_or_default().to_string_lossy();
                self.problems.push(Problem::usage(name, words));
            }
        }
        without
    }

    fn read(&mut self, path: &Path) {
        let (entries, problems) = file::read(path);
        self.problems.extend(problems);
        for entry in entries {
            match self.check(&entry) {
                Ok(Some(args)) => self.entries.push(Given { key: entry.key, line: entry.line, args }),
                Ok(None) => {}
                Err(problems) => {
                    let place = |(line, words)| Problem::in_file(path, line, words);
                    self.problems.extend(problems.into_iter().map(place));
                }
            }
        }
    }

    /// The arguments that an entry stands for; none where something else wins.
    fn check(&self, entry: &Entry) -> Result<Option<Vec<String>>, Vec<(usize, String)>> {
        let Some(arg) = self.level.keys().find(|arg| arg.get_long() == Some(&entry.key)) else {
            let keys = self.level.keys().filter_map(Arg::get_long);
            return Err(vec![(entry.line, entry::unknown(entry, keys))]);
        };
        let args = entry::check(arg, entry)?;
        let is_overruled = self.level.is_on_command_line(arg)
            || arg.get_env().is_some_and(|name| std::env::var_os(name).is_some());
        Ok((!is_overruled).then_some(args))
    }

    /// The command line with what the file adds, but for one entry.
    fn argv(&self, but: Option<usize>) -> Vec<OsString> {
        let (before, after) = self.argv.split_at(self.level.position.min(self.argv.len()));
        let entries = self.entries.iter().enumerate().filter(|(index, _)| Some(*index) != but);
        let added = entries.flat_map(|(_, entry)| &entry.args).map(OsString::from);
        before.iter().cloned().chain(added).chain(after.iter().cloned()).collect()
    }

    /// Parses all of it, without those entries of the file that contradict the rest.
    fn combine(
        &mut self,
        command: &Command,
        file: Option<&Path>,
    ) -> Result<(Cli, Vec<Effective>), clap::Error> {
        loop {
            let error = match command.clone().try_get_matches_from(self.argv(None)) {
                Ok(matches) => return Ok((Cli::from_arg_matches(&matches)?, self.effective(&matches, file))),
                Err(error) => error,
            };
            let without = |index: &usize| command.clone().try_get_matches_from(self.argv(Some(*index)));
            let is_cause = |index: &usize| without(index).err().is_none_or(|left| !is_same(&left, &error));
            // Else there is nothing but the command line and the environment to blame.
            let cause = (0..self.entries.len()).find(is_cause);
            let (Some(cause), Some(path)) = (cause, file) else { return Err(error) };
            let cause = self.entries.remove(cause);
            self.problems.push(Problem::in_file(path, cause.line, contradiction(&error, &cause.key)));
        }
    }

    fn effective(&self, matches: &ArgMatches, file: Option<&Path>) -> Vec<Effective> {
        let matches = matches.subcommand_matches(CHECK).unwrap_or(matches);
        let origin = |arg: &Arg| {
            let line =
                self.entries.iter().find(|given| arg.get_long() == Some(&given.key)).map(|given| given.line);
            match (line, file, matches.value_source(arg.get_id().as_str())) {
                (Some(line), Some(path), _) => Origin::File(path.to_owned(), line),
                (_, _, Some(ValueSource::CommandLine)) => Origin::CommandLine,
                (_, _, Some(ValueSource::EnvVariable)) => Origin::Environment,
                _ => Origin::Default,
            }
        };
        let value = |arg: &Arg| {
            let raw = matches.get_raw(arg.get_id().as_str())?;
            let values: Vec<_> = raw.map(|value| value.to_string_lossy().into_owned()).collect();
            Some(toml::value(arg, &values))
        };
        let effective = |arg: &Arg| Effective {
            key: arg.get_long().unwrap_or_default().to_owned(),
            value: value(arg),
            is_secret: arg.is_hide_env_values_set(),
            origin: origin(arg),
        };
        self.level.keys().map(effective).collect()
    }
}

fn is_same(one: &clap::Error, other: &clap::Error) -> bool {
    let named = |error: &clap::Error| named(error, ContextKind::InvalidArg);
    one.kind() == other.kind() && named(one) == named(other)
}

/// What does not go together, in words of one line.
fn contradiction(error: &clap::Error, cause: &str) -> String {
    let invalid = named(error, ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::MissingRequiredArgument => format!("{cause} needs {invalid}, which is missing"),
        ErrorKind::ArgumentConflict => {
            format!("{invalid} and {} contradict each other", named(error, ContextKind::PriorArg))
        }
        _ => error.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}

fn named(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(name)) => name.clone(),
        Some(ContextValue::Strings(names)) => names.join(", "),
        _ => String::new(),
    }
}
