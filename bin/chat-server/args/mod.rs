//! The command line, in groups: each sets what it is about.

mod auth;
mod chatting;
mod limits;
mod listening;
mod operations;
mod proxies;
mod token;
mod watching;

pub use auth::{Auth, Guard};
pub use chatting::Chatting;
pub use limits::Limits;
pub use listening::{Listening, secured};
pub use operations::Operations;
pub use proxies::Proxies;
pub use token::{TokenAction, TokenCommand};
pub use watching::Watching;

use clap::builder::BoolishValueParser;
use clap::{Parser, Subcommand};

use crate::shared::Logging;

/// A WebSocket chat server: a thread for each client, no async runtime.
///
/// Talk to it with `chat-client --name John`, a browser, or any WebSocket client
/// on ws://127.0.0.1:9001/?name=John.
#[derive(Parser)]
#[command(name = "chat-server", version, max_term_width = 100, args_conflicts_with_subcommands = true)]
pub struct Options {
    /// What to do instead of running a server.
    #[command(subcommand)]
    pub command: Option<Command>,

    #[command(flatten)]
    pub listening: Listening,

    #[command(flatten)]
    pub proxies: Proxies,

    #[command(flatten)]
    pub auth: Auth,

    #[command(flatten)]
    pub chatting: Chatting,

    #[command(flatten)]
    pub limits: Limits,

    #[command(flatten)]
    pub operations: Operations,

    #[command(flatten)]
    pub watching: Watching,

    /// Print handshakes and frames to stderr as they pass.
    #[arg(long, env = "CHINWAG_TRACE_WIRE", value_parser = BoolishValueParser::new(), help_heading = "Log")]
    pub trace_wire: bool,

    #[command(flatten)]
    pub logging: Logging,
}

/// What chat-server does besides serving.
#[derive(Subcommand)]
pub enum Command {
    /// Give out tokens, and take them back.
    Token(TokenCommand),
}
