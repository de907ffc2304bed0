//! The command line, in groups: each sets what it is about.

mod admin;
mod auth;
mod chatting;
mod ctl;
mod limits;
mod listening;
mod operations;
mod proxies;
mod token;
mod watching;

pub use admin::Admin;
pub use auth::{Auth, Guard};
pub use chatting::Chatting;
pub use ctl::Ctl;
pub use limits::Limits;
pub use listening::{Listening, secured};
pub use operations::Operations;
pub use proxies::Proxies;
pub use token::{TokenAction, TokenCommand};
pub use watching::Watching;

use std::path::PathBuf;

use chinwag::Settings;
use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand};

use crate::shared::Logging;

/// A WebSocket chat server: a thread for each client, no async runtime.
///
/// Talk to it with `chat-client --name John`, a browser, or any WebSocket client
/// on ws://127.0.0.1:9001/?name=John.
#[derive(Parser)]
#[command(name = "chat-server", version, max_term_width = 100, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(flatten)]
    pub options: Options,

    #[command(subcommand)]
    pub task: Option<Task>,
}

/// What there is to do beside serving.
#[derive(Subcommand)]
pub enum Task {
    /// Say what is wrong with the configuration, all at once.
    ///
    /// Takes every option of the server, and its environment. Exit status: 0 nothing is
    /// wrong, 1 something is, 2 wrong usage.
    CheckConfig(Box<CheckConfig>),
    /// Ask a running server over its admin socket: who is here, who is banned; and keep order.
    Ctl(Ctl),
    /// Give out tokens, and take them back.
    ///
    /// They are in a file, for --auth tokens:FILE. A running server sees a change within two
    /// seconds or so, or at SIGHUP.
    Token(TokenCommand),
}

#[derive(Args)]
pub struct CheckConfig {
    #[command(flatten)]
    pub options: Options,

    /// Print what is in force, as TOML, and where each value comes from.
    #[arg(long)]
    pub print: bool,
}

/// How the server is to be.
#[derive(Args)]
pub struct Options {
    /// TOML file with options, named as here; the command line and the environment win
    /// over it. Read again on SIGHUP.
    #[arg(long, value_name = "FILE", env = "CHINWAG_CONFIG")]
    pub config: Option<PathBuf>,

    #[command(flatten)]
    pub listening: Listening,

    #[command(flatten)]
    pub proxies: Proxies,

    #[command(flatten)]
    pub auth: Auth,

    #[command(flatten)]
    pub chatting: Chatting,

    #[command(flatten)]
    pub admin: Admin,

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

impl Options {
    /// What can change while the server runs.
    pub fn apply(&self, settings: &mut Settings) {
        self.listening.apply(settings);
        self.limits.apply(settings);
        self.operations.apply(settings);
    }
}
