//! What a person types: a message, or a command that starts with `/`. The server
//! reads it so in text mode, a client for a terminal before it asks.

use std::fmt;

/// A line that a person typed.
///
/// ```
/// use chinwag::protocol::Command;
///
/// assert_eq!(Command::parse("hi").unwrap(), Command::Say("hi".to_owned()));
/// assert_eq!(Command::parse("//etc/hosts").unwrap(), Command::Say("/etc/hosts".to_owned()));
/// assert_eq!(Command::parse("/join games").unwrap(), Command::Join("games".to_owned()));
/// let error = Command::parse("/jion games").unwrap_err();
/// assert_eq!(error.to_string(), "There is no command /jion. Did you mean /join? /help lists all.");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Says it in the room that one is in.
    Say(String),
    /// `/me`: does it.
    Me(String),
    /// `/help`: lists the commands, or explains one.
    Help(Option<String>),
    /// `/who`: who is in this room, or in another.
    Who(Option<String>),
    /// `/rooms`: lists the rooms.
    Rooms,
    /// `/join`: comes into a room, and speaks there from now on.
    Join(String),
    /// `/leave`: leaves this room, or another.
    Leave(Option<String>),
    /// `/msg NAME TEXT`: says it to one person. Names may have spaces, so that only
    /// who knows the names can tell where the text begins: see [`split_name`](Self::split_name).
    Msg(String),
    /// `/reply`: says it to who whispered last.
    Reply(String),
    /// `/nick`: takes another name.
    Nick(String),
    /// `/topic`: says what this room is about, or asks.
    Topic(Option<String>),
    /// `/away`: is away.
    Away(String),
    /// `/back`: is back.
    Back,
    /// `/ignore`: hears no more of somebody, or lists those.
    Ignore(Option<String>),
    /// `/unignore`: hears somebody again.
    Unignore(String),
    /// `/history`: the last messages of this room, or so many of them.
    History(Option<usize>),
    /// `/search`: messages with these words, of all rooms that one is in.
    Search(String),
    /// `/whois`: what is known of somebody.
    Whois(String),
    /// `/quit`: leaves.
    Quit,
    /// `/kick NAME [REASON]`. This and what follows are for operators, and take names that
    /// may have spaces: see [`order`](Self::order).
    Kick(String),
    /// `/ban NAME|ADDRESS [TIME] [REASON]`.
    Ban(String),
    /// `/unban NAME|ADDRESS`.
    Unban(String),
    /// `/bans`: who is banned.
    Bans,
    /// `/mute NAME [TIME] [REASON]`.
    Mute(String),
    /// `/unmute NAME`.
    Unmute(String),
    /// `/lock`: keeps newcomers out of this room, or of another.
    Lock(Option<String>),
    /// `/unlock`: lets them in again.
    Unlock(Option<String>),
    /// `/notice`: tells everyone, in the server's name.
    Notice(String),
    /// `/erase NAME`, or `/erase NAME: ROOM`: deletes what somebody said. The name need not
    /// be known here, so that only a colon ends it.
    Erase(String),
}

/// One command, explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandHelp {
    /// Without the `/`.
    pub name: &'static str,
    /// What comes behind it: `NAME TEXT`, `[ROOM]`.
    pub args: &'static str,
    /// What it does.
    pub what: &'static str,
}

/// Why a line is no command. Its words are for who typed it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no such command.
    Unknown {
        /// What was typed, without the `/`.
        typed: String,
        /// The command that is spelled most like it.
        nearest: Option<&'static str>,
    },
    /// Something is missing behind it, or wrong.
    Usage(CommandHelp),
    /// Each of these names could be meant.
    Ambiguous(Vec<String>),
    /// The same, of an operator's command.
    AmbiguousOrder(CommandHelp, Vec<String>),
    /// This begins like a time, and is none.
    Time(String),
}

impl Command {
    /// All commands that everybody has, in the order of [`Command`].
    pub const HELP: [CommandHelp; 18] = [
        help("me", "TEXT", "does something: /me waves"),
        help("help", "[COMMAND]", "lists the commands, or explains one"),
        help("who", "[ROOM]", "tells who is here, or in another room"),
        help("rooms", "", "lists the rooms"),
        help("join", "ROOM", "comes into a room, and speaks there from now on"),
        help("leave", "[ROOM]", "leaves this room, or another"),
        help("msg", "NAME TEXT", "says it to one person alone; NAME: TEXT where the name has spaces"),
        help("reply", "TEXT", "says it to who whispered to you last"),
        help("nick", "NAME", "takes another name"),
        help("topic", "[TEXT]", "says what this room is about; - removes it; without TEXT tells it"),
        help("away", "[TEXT]", "tells that you are away, and why"),
        help("back", "", "tells that you are back"),
        help("ignore", "[NAME]", "hears no more of somebody; without NAME lists those"),
        help("unignore", "NAME", "hears somebody again"),
        help("history", "[NUMBER]", "shows the last messages of this room again"),
        help("search", "WORDS", "finds messages with all these words in your rooms; wor* for what begins so"),
        help("whois", "NAME", "tells since when somebody is here, how idle and how far away"),
        help("quit", "", "leaves the chat"),
    ];

    /// The commands of operators.
    pub const OPERATORS: [CommandHelp; 10] = [
        help("kick", "NAME [REASON]", "ends somebody's connection"),
        help(
            "ban",
            "NAME|ADDRESS [TIME] [REASON]",
            "shuts out a name, an address or network, or with address:NAME where somebody comes from; \
             for a TIME such as 30m, 2h or 7d, or for good",
        ),
        help("unban", "NAME|ADDRESS", "lets in again, as /bans shows it"),
        help("bans", "", "lists who is banned"),
        help("mute", "NAME [TIME] [REASON]", "lets somebody listen and not talk"),
        help("unmute", "NAME", "lets somebody talk again"),
        help("lock", "[ROOM]", "keeps newcomers out of this room, or of another"),
        help("unlock", "[ROOM]", "lets newcomers in again"),
        help("notice", "TEXT", "tells everyone, in the server's name"),
        help("erase", "NAME[: ROOM]", "deletes for good what somebody said, everywhere or in one room"),
    ];

    /// What a person wants who typed `line`. `//` at the start says one `/`.
    ///
    /// # Errors
    ///
    /// Where it is a command that is not known, or lacks something.
    pub fn parse(line: &str) -> Result<Self, CommandError> {
        let Some(rest) = line.strip_prefix('/') else { return Ok(Self::Say(line.to_owned())) };
        if rest.starts_with('/') {
            return Ok(Self::Say(rest.to_owned()));
        }
        let (name, arg) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let Some(help) = Self::help(name) else { return Err(CommandError::unknown(name)) };
        let arg = arg.trim();
        let is_too_much = help.args.is_empty() && !arg.is_empty();
        Self::with_arg(help.name, arg).filter(|_| !is_too_much).ok_or(CommandError::Usage(help))
    }

    /// The explanation of the command `name`, with or without its `/`, in any case.
    pub fn help(name: &str) -> Option<CommandHelp> {
        let name = name.strip_prefix('/').unwrap_or(name);
        Self::all().find(|help| help.name.eq_ignore_ascii_case(name))
    }

    fn all() -> impl Iterator<Item = CommandHelp> {
        Self::HELP.into_iter().chain(Self::OPERATORS)
    }

    /// Splits the argument of `/msg` into a name and a text. The name ends at a `:`, where
    /// one of `names` does; or it is the one of them that the argument starts with, in any
    /// case; or its first word.
    ///
    /// # Errors
    ///
    /// [`CommandError::Ambiguous`] where several of `names` could be meant.
    pub fn split_name(
        arg: &str,
        names: impl IntoIterator<Item: AsRef<str>>,
    ) -> Result<(&str, &str), CommandError> {
        let mut known = names
            .into_iter()
            .filter_map(|name| Some((prefix_len(arg, name.as_ref())?, name.as_ref().to_owned())))
            .collect::<Vec<_>>();
        if let Some((end, _)) = known.iter().find(|(end, _)| arg[*end..].starts_with(':')) {
            return Ok((&arg[..*end], arg[end + 1..].trim()));
        }
        known.sort_unstable();
        known.dedup();
        if known.len() > 1 {
            return Err(CommandError::Ambiguous(known.into_iter().map(|(_, name)| name).collect()));
        }
        let first_word = || arg.find(char::is_whitespace).unwrap_or(arg.len());
        let end = known.first().map_or_else(first_word, |(end, _)| *end);
        Ok((&arg[..end], arg[end..].trim()))
    }

    fn with_arg(name: &str, arg: &str) -> Option<Self> {
        let some = || (!arg.is_empty()).then(|| arg.to_owned());
        Some(match name {
            "me" => Self::Me(some()?),
            "help" => Self::Help(some()),
            "who" => Self::Who(some()),
            "rooms" => Self::Rooms,
            "join" => Self::Join(some()?),
            "leave" => Self::Leave(some()),
            "msg" => Self::Msg(some().filter(|arg| arg.contains(char::is_whitespace))?),
            "reply" => Self::Reply(some()?),
            "nick" => Self::Nick(some()?),
            "topic" => Self::Topic(some().map(|text| if text == "-" { String::new() } else { text })),
            "away" => Self::Away(arg.to_owned()),
            "back" => Self::Back,
            "ignore" => Self::Ignore(some()),
            "unignore" => Self::Unignore(some()?),
            "history" if arg.is_empty() => Self::History(None),
            "history" => Self::History(Some(arg.parse().ok().filter(|count| *count > 0)?)),
            "search" => Self::Search(some()?),
            "whois" => Self::Whois(some()?),
            "kick" => Self::Kick(some()?),
            "ban" => Self::Ban(some()?),
            "unban" => Self::Unban(some()?),
            "bans" => Self::Bans,
            "mute" => Self::Mute(some()?),
            "unmute" => Self::Unmute(some()?),
            "lock" => Self::Lock(some()),
            "unlock" => Self::Unlock(some()),
            "notice" => Self::Notice(some()?),
            "erase" => Self::Erase(some()?),
            _ => Self::Quit,
        })
    }
}

const fn help(name: &'static str, args: &'static str, what: &'static str) -> CommandHelp {
    CommandHelp { name, args, what }
}

/// How much of `text` is `name` and ends at a word's end.
fn prefix_len(text: &str, name: &str) -> Option<usize> {
    let mut rest = text.chars();
    for wanted in name.chars() {
        let got = rest.next()?;
        if !got.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    let rest = rest.as_str();
    let is_end = |c: char| c == ':' || c.is_whitespace();
    (rest.is_empty() || rest.starts_with(is_end)).then_some(text.len() - rest.len())
}

impl CommandError {
    fn unknown(name: &str) -> Self {
        let typed = crate::Escaped::new(name).cut(32).to_string();
        let lower = typed.to_lowercase();
        let distance = |help: &CommandHelp| strsim::damerau_levenshtein(&lower, help.name);
        let nearest = Command::all().min_by_key(distance);
        let nearest = nearest.filter(|help| distance(help) <= help.name.len().max(2) / 2);
        Self::Unknown { typed, nearest: nearest.map(|help| help.name) }
    }
}

impl fmt::Display for CommandHelp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = if self.args.is_empty() { "" } else { " " };
        write!(f, "/{}{space}{}", self.name, self.args)
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { typed, nearest: Some(nearest) } => {
                write!(f, "There is no command /{typed}. Did you mean /{nearest}? /help lists all.")
            }
            Self::Unknown { typed, nearest: None } => {
                write!(f, "There is no command /{typed}. /help lists all.")
            }
            Self::Usage(help) => write!(f, "Use it like this: {help}"),
            Self::Ambiguous(names) => {
                write!(f, "Do you mean {}? Say so with a colon: /msg NAME: TEXT", names.join(" or "))
            }
            Self::AmbiguousOrder(help, names) => {
                write!(f, "Do you mean {}? Say so with a colon: /{} NAME: …", names.join(" or "), help.name)
            }
            Self::Time(word) => write!(f, "{word} is no time, such as 30m, 2h or 7d."),
        }
    }
}

impl std::error::Error for CommandError {}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_command_that_is_listed_is_understood() {
        for help in Command::all() {
            let arg = help.args.replace("NUMBER", "5");
            let line = format!("/{} {}", help.name.to_uppercase(), arg.trim_matches(['[', ']']));
            assert!(Command::parse(&line).is_ok(), "{line}");
            let bare = Command::parse(&format!("/{}", help.name));
            let needs_more = !help.args.is_empty() && !help.args.starts_with('[');
            assert_eq!(bare.is_err(), needs_more, "{bare:?}");
        }
    }

    #[test]
    fn the_nearest_command_is_named_only_where_it_is_near() {
        let nearest = |line| match Command::parse(line) {
            Err(CommandError::Unknown { nearest, .. }) => nearest,
            other => panic!("{other:?}"),
        };
        assert_eq!(nearest("/wo"), Some("who"));
        assert_eq!(nearest("/joni x"), Some("join"));
        assert_eq!(nearest("/xyzzy"), None);
        assert_eq!(Command::parse("/quit now").unwrap_err().to_string(), "Use it like this: /quit");
    }

    #[test]
    fn a_name_with_spaces_is_told_from_the_text_where_it_is_known() {
        let names = ["Zoë", "Zoë 李", "Adam"];
        assert_eq!(Command::split_name("zoë 李:  hi there", names), Ok(("zoë 李", "hi there")));
        assert_eq!(Command::split_name("Zoë hi", names), Ok(("Zoë", "hi")));
        assert_eq!(Command::split_name("Eve hi", names), Ok(("Eve", "hi")));
        assert_eq!(Command::split_name("Adamant hi", names), Ok(("Adamant", "hi")));
        assert_eq!(Command::split_name("adam: psst: hi", names), Ok(("adam", "psst: hi")));
        assert_eq!(Command::split_name("Jean Luc hi", ["Jean Luc"]), Ok(("Jean Luc", "hi")));
        let error = Command::split_name("Zoë 李 hi", names).unwrap_err();
        assert_eq!(error.to_string(), "Do you mean Zoë or Zoë 李? Say so with a colon: /msg NAME: TEXT");
    }
}
