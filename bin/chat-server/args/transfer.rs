//! The command lines of `chat-server export`, `import` and `erase`.

use std::path::PathBuf;

use chinwag::chat::{Name, RoomName};
use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::storing::Place;

/// Which messages to write out.
#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    pub file: StoreFile,

    /// Only what was said in this room.
    #[arg(long, value_name = "ROOM", value_parser = room)]
    pub room: Option<RoomName>,

    /// Only what was said at this time or later: 2026-11-23 (midnight, UTC),
    /// 2026-11-23T18:30:00Z, or 2026-11-23T18:30:00+01:00.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<u64>,

    /// Only what was said before this time.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<u64>,

    /// Write to this file, which is there only once all is in it. Default: stdout.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Which messages to take in.
#[derive(Args)]
pub struct Import {
    #[command(flatten)]
    pub file: StoreFile,

    /// File of messages, one JSON object a line. Default: stdin.
    #[arg(value_name = "FILE")]
    pub input: Option<PathBuf>,
}

/// Whose messages to delete.
#[derive(Args)]
pub struct Erase {
    #[command(flatten)]
    pub file: StoreFile,

    /// Whose messages; all names that look the same are meant.
    #[arg(value_name = "NAME", value_parser = name)]
    pub name: Name,

    /// Only what was said in this room.
    #[arg(long, value_name = "ROOM", value_parser = room)]
    pub room: Option<RoomName>,
}

/// The file that the messages are in.
#[derive(Args)]
pub struct StoreFile {
    /// The store, as the server was given it.
    #[arg(long = "store", value_name = "sqlite:PATH", env = "CHINWAG_STORE", value_parser = file)]
    pub path: PathBuf,
}

fn file(text: &str) -> Result<PathBuf, String> {
    match text.parse()? {
        Place::File(path) => Ok(path),
        Place::Memory => Err("what is in memory is nobody's but the server's".to_owned()),
    }
}

fn room(text: &str) -> Result<RoomName, String> {
    RoomName::parse(text).map_err(|error| error.to_string())
}

fn name(text: &str) -> Result<Name, String> {
    Name::parse(text).map_err(|error| error.to_string())
}

/// Milliseconds since 1970, UTC.
fn moment(text: &str) -> Result<u64, String> {
    let midnight = |date: Date| date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    // A date is also what begins as one.
    let is_date = text.len() == "2026-11-23".len();
    let parsed = if is_date { text.parse().and_then(midnight) } else { text.parse::<Timestamp>() };
    let parsed =
        parsed.map_err(|_| "must be a date such as 2026-11-23 or a time such as 2026-11-23T18:30:00Z")?;
    Ok(u64::try_from(parsed.as_millisecond()).unwrap_or(0))
}
