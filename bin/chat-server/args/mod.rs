//! The command line, in groups: each sets what it is about.

mod admin;
mod chatting;
mod ctl;
mod limits;
mod listening;

pub use admin::Admin;
pub use chatting::Chatting;
pub use ctl::Ctl;
pub use limits::Limits;
pub use listening::Listening;

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
    #[command(subcommand)]
    pub command: Option<Command>,

    #[command(flatten)]
    pub listening: Listening,

    #[command(flatten)]
    pub chatting: Chatting,

    #[command(flatten)]
    pub admin: Admin,

    #[command(flatten)]
    pub limits: Limits,

    /// Print handshakes and frames to stderr as they pass.
    #[arg(long, env = "CHINWAG_TRACE_WIRE", value_parser = BoolishValueParser::new(), help_heading = "Log")]
    pub trace_wire: bool,

    #[command(flatten)]
    pub logging: Logging,
}

/// What else it does than to serve.
#[derive(Subcommand)]
pub enum Command {
    Ctl(Ctl),
}
