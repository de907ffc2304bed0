//! The commands of operators, whose arguments are a name, a time and a reason: which is
//! which only who knows the names can tell.

use std::time::Duration;

use super::{Ask, Command, CommandError};

/// What asks for where somebody comes from.
const ADDRESS: &str = "address:";

impl Command {
    /// What an operator's command asks for; `None` for one that everybody has. `names` are
    /// those who are here, and `room` is the one that is spoken in.
    ///
    /// ```
    /// use chinwag::protocol::{Ask, Command};
    ///
    /// let command = Command::parse("/mute Zoë 李: 10m shouting").unwrap();
    /// let order = command.order(["Zoë", "Zoë 李"], "lobby").unwrap();
    /// let (name, reason) = ("Zoë 李".to_owned(), "shouting".to_owned());
    /// assert_eq!(order, Ok(Ask::Mute { name, lasting: Some(600_000), reason }));
    /// ```
    ///
    /// # Errors
    ///
    /// Where several names could be meant, or a time is none.
    pub fn order(
        &self,
        names: impl IntoIterator<Item: AsRef<str>>,
        room: &str,
    ) -> Option<Result<Ask, CommandError>> {
        let room_or_this =
            |room_named: &Option<String>| room_named.clone().unwrap_or_else(|| room.to_owned());
        Some(match self {
            Self::Kick(arg) => {
                whom("kick", arg, names).map(|(name, reason)| Ask::Kick { name, reason: reason.to_owned() })
            }
            Self::Ban(arg) => whom("ban", arg, with_addresses(names)).and_then(|(who, rest)| {
                let (lasting, reason) = lasting(rest)?;
                Ok(Ask::Ban { who, lasting, reason })
            }),
            Self::Mute(arg) => whom("mute", arg, names).and_then(|(name, rest)| {
                let (lasting, reason) = lasting(rest)?;
                Ok(Ask::Mute { name, lasting, reason })
            }),
            Self::Unban(who) => Ok(Ask::Unban { who: who.clone() }),
            Self::Bans => Ok(Ask::Bans),
            Self::Unmute(name) => Ok(Ask::Unmute { name: name.clone() }),
            Self::Lock(room) => Ok(Ask::Lock { room: room_or_this(room) }),
            Self::Unlock(room) => Ok(Ask::Unlock { room: room_or_this(room) }),
            Self::Notice(text) => Ok(Ask::Notice { text: text.clone() }),
            Self::Erase(arg) => Ok(erase(arg)),
            _ => return None,
        })
    }
}

fn with_addresses(names: impl IntoIterator<Item: AsRef<str>>) -> Vec<String> {
    let both = |name: &str| [format!("{ADDRESS}{name}"), name.to_owned()];
    names.into_iter().flat_map(|name| both(name.as_ref())).collect()
}

/// Whom a command is about, and what stands behind that.
fn whom<'a>(
    command: &str,
    arg: &'a str,
    names: impl IntoIterator<Item: AsRef<str>>,
) -> Result<(String, &'a str), CommandError> {
    let split = Command::split_name(arg, names).map_err(|error| match (error, Command::help(command)) {
        (CommandError::Ambiguous(names), Some(help)) => CommandError::AmbiguousOrder(help, names),
        (error, _) => error,
    });
    // An address can end with two of them.
    let bare = |name: &'a str| name.strip_suffix(':').filter(|bare| !bare.ends_with(':')).unwrap_or(name);
    split.map(|(name, rest)| (bare(name).to_owned(), rest))
}

/// Whose messages are to go, and in which room. A guess at where the name ends could delete
/// somebody else's: all is the name, up to a colon, which no name has.
fn erase(arg: &str) -> Ask {
    let (name, room) = arg.split_once(':').unwrap_or((arg, ""));
    let room = Some(room.trim()).filter(|room| !room.is_empty()).map(str::to_owned);
    Ask::Erase { name: name.trim().to_owned(), room }
}

/// A time in milliseconds, where the text begins with one, and what comes behind it.
fn lasting(text: &str) -> Result<(Option<u64>, String), CommandError> {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    // A reason that begins like a time is more likely one with a slip: a ban for good
    // must not come of that.
    if !first.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok((None, text.to_owned()));
    }
    let time = humantime::parse_duration(first).ok().filter(|time| *time >= Duration::from_millis(1));
    let word = || crate::Escaped::new(first).cut(32).to_string();
    let millis = time.and_then(|time| u64::try_from(time.as_millis()).ok());
    let millis = millis.ok_or_else(|| CommandError::Time(word()))?;
    Ok((Some(millis), rest.trim().to_owned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn order(line: &str) -> Result<Ask, String> {
        let names = ["Zoë", "Zoë 李", "Eve"];
        let command = Command::parse(line).map_err(|error| error.to_string())?;
        command.order(names, "here").unwrap().map_err(|error| error.to_string())
    }

    #[test]
    fn name_time_and_reason_are_told_apart() {
        let ban = |who: &str, lasting, reason: &str| {
            Ok(Ask::Ban { who: who.to_owned(), lasting, reason: reason.to_owned() })
        };
        assert_eq!(order("/ban Eve"), ban("Eve", None, ""));
        assert_eq!(order("/ban eve 2h spam and more"), ban("eve", Some(7_200_000), "spam and more"));
        assert_eq!(order("/ban eve spam"), ban("eve", None, "spam"));
        assert_eq!(order("/ban address:Zoë 李: 1d"), ban("address:Zoë 李", Some(86_400_000), ""));
        assert_eq!(order("/ban 192.0.2.0/24 1m30s"), ban("192.0.2.0/24", Some(90_000), ""));
        assert_eq!(order("/ban 2001:db8::1 1m"), ban("2001:db8::1", Some(60_000), ""));
        assert_eq!(order("/lock"), Ok(Ask::Lock { room: "here".to_owned() }));
    }

    #[test]
    fn a_name_that_is_not_here_is_not_cut_where_somebody_elses_would_be_deleted() {
        let erase = |name: &str, room: Option<&str>| {
            Ok(Ask::Erase { name: name.to_owned(), room: room.map(str::to_owned) })
        };
        assert_eq!(order("/erase Eve Ann"), erase("Eve Ann", None));
        assert_eq!(order("/erase Eve Ann: games"), erase("Eve Ann", Some("games")));
        assert_eq!(order("/erase Zoë:"), erase("Zoë", None));
    }

    #[test]
    fn what_is_in_doubt_is_asked_back() {
        assert!(order("/kick Zoë 李").unwrap_err().ends_with("/kick NAME: …"));
        assert!(order("/ban Eve 5 minutes").unwrap_err().starts_with("5 is no time"));
        assert!(order("/mute Eve 0s").unwrap_err().starts_with("0s is no time"));
        assert!(order("/ban").unwrap_err().starts_with("Use it like this: /ban NAME|ADDRESS"));
    }
}
