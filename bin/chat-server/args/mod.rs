//! The command line, in groups: each sets what it is about.

mod admin;
mod auth;
mod chatting;
mod ctl;
mod limits;
mod listening;
mod operations;
mod proxies;
mod storing;
mod token;
mod transfer;
mod watching;

pub use admin::Admin;
pub use auth::{Auth, Guard};
pub use chatting::Chatting;
pub use ctl::Ctl;
pub use limits::Limits;
pub use listening::{Listening, secured};
pub use operations::Operations;
pub use proxies::Proxies;
pub use storing::{Place, Storing};
pub use token::{TokenAction, TokenCommand};
pub use transfer::{Erase, Export, Import};
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
    /// Delete for good what somebody said, from a store's file that no server uses.
    ///
    /// For a server that runs: chat-server ctl erase.
    Erase(Erase),
    /// Write out what was said, one JSON object a line, the oldest first. A server may be
    /// using the store's file.
    Export(Export),
    /// Take in what was exported, all or none, into a store's file that no server uses.
    ///
    /// It comes behind what is there, with the times that it has. The file is begun where it
    /// is not there.
    Import(Import),
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
    pub storing: Storing,

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
