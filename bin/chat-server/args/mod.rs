//! The command line, in groups: each sets what it is about.

mod chatting;
mod limits;
mod listening;
mod proxies;
mod watching;

pub use chatting::Chatting;
pub use limits::Limits;
pub use listening::Listening;
pub use proxies::Proxies;
pub use watching::Watching;

use clap::Parser;
use clap::builder::BoolishValueParser;

use crate::shared::Logging;

/// A WebSocket chat server: a thread for each client, no async runtime.
///
/// Talk to it with `chat-client --name John`, a browser, or any WebSocket client
/// on ws://127.0.0.1:9001/?name=John.
#[derive(Parser)]
#[command(name = "chat-server", version, max_term_width = 100)]
pub struct Options {
    #[command(flatten)]
    pub listening: Listening,

    #[command(flatten)]
    pub proxies: Proxies,

    #[command(flatten)]
    pub chatting: Chatting,

    #[command(flatten)]
    pub limits: Limits,

    #[command(flatten)]
    pub watching: Watching,

    /// Print handshakes and frames to stderr as they pass.
    #[arg(long, env = "CHINWAG_TRACE_WIRE", value_parser = BoolishValueParser::new(), help_heading = "Log")]
    pub trace_wire: bool,

    #[command(flatten)]
    pub logging: Logging,
}
