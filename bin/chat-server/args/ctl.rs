//! `chat-server ctl`: what is asked of a running server.

use std::path::PathBuf;
use std::time::Duration;

use chinwag::admin::AdminRequest;
use chinwag::protocol::Ask;
use clap::{Args, Subcommand};

use crate::shared::positive_duration;

/// Asks a running server, over its admin socket.
#[derive(Args)]
pub struct Ctl {
    /// The server's admin socket.
    #[arg(long, value_name = "PATH", env = "CHINWAG_ADMIN_SOCKET", global = true)]
    pub admin_socket: Option<PathBuf>,

    /// Prints the answer as one JSON object.
    #[arg(long, global = true)]
    pub json: bool,

    /// Who asks, for the log and for those whom it concerns.
    #[arg(long, value_name = "NAME", global = true)]
    pub by: Option<String>,

    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Lists who is here, with what has passed over each connection.
    Clients,
    /// Lists the rooms.
    Rooms,
    /// Lists who is banned.
    Bans,
    /// Ends somebody's connection.
    Kick { name: String, reason: Vec<String> },
    /// Shuts out a name, an address or network, with address:NAME where somebody comes
    /// from, or with subject:SUBJECT whoever a credential was given to.
    Ban {
        #[arg(value_name = "NAME|ADDRESS")]
        who: String,
        /// For a time such as 30m, 2h or 7d. Default: for good.
        #[arg(long = "for", value_name = "TIME", value_parser = positive_duration)]
        lasting: Option<Duration>,
        reason: Vec<String>,
    },
    /// Lets in again, as `bans` shows it.
    Unban {
        #[arg(value_name = "NAME|ADDRESS")]
        who: String,
    },
    /// Lets somebody listen and not talk.
    Mute {
        name: String,
        /// For a time such as 30m, 2h or 7d. Default: until unmuted.
        #[arg(long = "for", value_name = "TIME", value_parser = positive_duration)]
        lasting: Option<Duration>,
        reason: Vec<String>,
    },
    /// Lets somebody talk again.
    Unmute { name: String },
    /// Keeps newcomers out of a room.
    Lock { room: String },
    /// Lets newcomers into a room again.
    Unlock { room: String },
    /// Tells everyone, in the server's name.
    Notice {
        #[arg(required = true)]
        text: Vec<String>,
    },
    /// Deletes for good what somebody said, in all rooms or in one.
    Erase {
        name: String,
        /// In this room only.
        #[arg(long, value_name = "ROOM")]
        room: Option<String>,
    },
    /// Tells the running server's version.
    Version,
}

impl Ctl {
    pub fn request(&self) -> AdminRequest {
        let words = |words: &Vec<String>| words.join(" ");
        let millis = |time: &Option<Duration>| {
            time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1))
        };
        AdminRequest::Order(match &self.what {
            What::Version => return AdminRequest::Version,
            What::Clients => return AdminRequest::Clients,
            What::Rooms => return AdminRequest::Rooms,
            What::Bans => Ask::Bans,
            What::Kick { name, reason } => Ask::Kick { name: name.clone(), reason: words(reason) },
            What::Ban { who, lasting, reason } => {
                Ask::Ban { who: who.clone(), lasting: millis(lasting), reason: words(reason) }
            }
            What::Unban { who } => Ask::Unban { who: who.clone() },
            What::Mute { name, lasting, reason } => {
                Ask::Mute { name: name.clone(), lasting: millis(lasting), reason: words(reason) }
            }
            What::Unmute { name } => Ask::Unmute { name: name.clone() },
            What::Lock { room } => Ask::Lock { room: room.clone() },
            What::Unlock { room } => Ask::Unlock { room: room.clone() },
            What::Notice { text } => Ask::Notice { text: words(text) },
            What::Erase { name, room } => Ask::Erase { name: name.clone(), room: room.clone() },
        })
    }
}
