//! What is wrong with the configuration, and where an option comes from.

use std::fmt;
use std::path::{Path, PathBuf};

use chinwag::Escaped;

use super::Effective;

/// One thing that is wrong.
#[derive(Clone)]
pub struct Problem {
    /// A file and a line, a variable, or a word for where else.
    place: String,
    words: String,
    /// In the file; 0 elsewhere.
    pub line: usize,
    /// Said in the environment, and so wrong usage.
    pub is_usage: bool,
}

/// Where an option's value was said.
#[derive(Clone, PartialEq, Eq)]
pub enum Origin {
    CommandLine,
    Environment,
    /// The file, and the line in it.
    File(PathBuf, usize),
    Default,
}

impl Problem {
    /// Something in the file, or with all of it at line 0.
    pub fn in_file(path: &Path, line: usize, words: String) -> Self {
        let path = path.display();
        let place = if line == 0 { path.to_string() } else { format!("{path}:{line}") };
        Self { place, words, line, is_usage: false }
    }

    /// Something in a variable of the environment.
    pub fn usage(variable: impl Into<String>, words: String) -> Self {
        Self { place: variable.into(), words, line: 0, is_usage: true }
    }

    /// The same, wherever the option was said.
    pub fn of_key(key: &str, values: &[Effective], words: &str) -> Self {
        let effective = values.iter().find(|effective| effective.key == key);
        Self::on_use(key, effective.map_or(&Origin::Default, |effective| &effective.origin), words)
    }

    /// Something that shows when an option is used.
    fn on_use(key: &str, origin: &Origin, words: &str) -> Self {
        let (place, line) = match origin {
            Origin::File(_, line) => (origin.to_string(), *line),
            Origin::Environment => (format!("CHINWAG_{}", key.to_uppercase().replace('-', "_")), 0),
            _ => (origin.to_string(), 0),
        };
        Self { place, words: format!("{key}: {words}"), line, is_usage: false }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", Escaped::new(&self.place), Escaped::new(&self.words))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("command line"),
            Self::Environment => f.write_str("environment"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}
