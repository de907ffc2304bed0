//! The command line.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use chinwag::chat_client::Backoff;
use clap::Parser;
use clap::builder::BoolishValueParser;
use log::LevelFilter;

use crate::shared::{Logging, optional_duration, positive_duration};
use crate::terminal::style::ColorChoice;

/// Take part in a chat: each line is a message.
///
/// On a terminal, messages come above the line that is being typed; /help lists
/// commands and keys. Lines typed are kept in chinwag/history in $XDG_STATE_HOME
/// (~/.local/state), readable by you alone.
///
/// Where stdout is no terminal, or with --plain, every message that comes in is one
/// line on stdout, `Received: …`; all else goes to stderr. `Bye`, `/quit`, the end of
/// input or Ctrl-C leaves.
///
/// Exit status: 0 left as asked, 1 could not connect, was refused or lost the
/// connection for good, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "chat-client", version, max_term_width = 100)]
pub struct Options {
    /// The server; its query may name a room
    #[arg(
        value_name = "URL",
        default_value = "ws://127.0.0.1:9001/",
        env = "CHINWAG_URL",
        hide_env_values = true
    )]
    pub url: String,

    /// Your name in the chat
    #[arg(long, value_name = "NAME", env = "CHINWAG_NAME")]
    pub name: String,

    /// The room to join; the URL's, or else lobby, unless given
    #[arg(long, value_name = "ROOM", env = "CHINWAG_ROOM")]
    pub room: Option<String>,

    /// File with the token to show to the server. Or put the token into CHINWAG_TOKEN; it is
    /// no argument, for everybody on this machine can read those
    #[arg(long, value_name = "PATH", env = "CHINWAG_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,

    /// Print messages as lines of text, and nothing else, on a terminal too
    #[arg(long, conflicts_with = "json")]
    pub plain: bool,

    /// Speak chinwag.v1 on stdin and stdout: one JSON object a line
    #[arg(long)]
    pub json: bool,

    /// Connect again where the connection is lost; what a terminal does without asking
    #[arg(long, env = "CHINWAG_RECONNECT", value_parser = BoolishValueParser::new())]
    reconnect: bool,

    /// End where the connection is lost; what --plain and --json do without asking
    #[arg(long, conflicts_with = "reconnect")]
    no_reconnect: bool,

    /// Colours on a terminal
    #[arg(long, value_name = "WHEN", default_value = "auto", env = "CHINWAG_COLOR")]
    pub color: ColorChoice,

    /// Do not ring where somebody says your name or whispers to you
    #[arg(long, env = "CHINWAG_NO_BELL", value_parser = BoolishValueParser::new())]
    pub no_bell: bool,

    /// Send a header field with the handshake; may be repeated
    #[arg(long = "header", value_name = "NAME:VALUE", value_parser = header)]
    pub headers: Vec<(String, String)>,

    /// Connect through an HTTP proxy: http://user:password@host:port
    #[arg(long, value_name = "URL", env = "CHINWAG_PROXY", hide_env_values = true)]
    pub proxy: Option<String>,

    /// Trust servers certified by an authority in this PEM file, not those that the
    /// system trusts; may be repeated
    #[arg(long, value_name = "PEM", env = "CHINWAG_CA", value_delimiter = ',')]
    pub ca: Vec<PathBuf>,

    /// Certificate to show to a server that asks for one (PEM)
    #[arg(long, value_name = "PEM", env = "CHINWAG_CERT", requires = "key")]
    pub cert: Option<PathBuf>,

    /// The certificate's private key (PEM, not encrypted)
    #[arg(long, value_name = "PEM", env = "CHINWAG_KEY", requires = "cert")]
    pub key: Option<PathBuf>,

    /// How long connecting may take in all
    #[arg(long, value_name = "TIME", default_value = "10s", env = "CHINWAG_CONNECT_TIMEOUT",
          value_parser = positive_duration)]
    pub connect_timeout: Duration,

    /// Ping the server after this long without a sign of life; `off` never does
    #[arg(long, value_name = "TIME", default_value = "20s", env = "CHINWAG_PING_INTERVAL",
          value_parser = optional_duration)]
    pub ping_interval: ::std::option::Option<Duration>,

    /// Print the handshake and every frame to stderr, or on the screen
    #[arg(long, env = "CHINWAG_TRACE_WIRE", value_parser = BoolishValueParser::new())]
    pub trace_wire: bool,

    #[command(flatten)]
    logging: Logging,
}

impl Options {
    /// How long to wait before connecting again, if that is wanted.
    pub fn backoff(&self, by_default: bool) -> Option<Backoff> {
        let is_wanted = self.reconnect || (by_default && !self.no_reconnect);
        is_wanted.then(Backoff::default)
    }

    /// Starts the logger on stderr.
    pub fn start_log(&self) -> Result<(), String> {
        self.logging.start(LevelFilter::Info)
    }

    /// Starts the logger where a screen is in use: on `screen`, unless stderr goes elsewhere.
    pub fn start_log_on(&self, screen: impl Write + Send + 'static) -> Result<(), String> {
        if io::stderr().is_terminal() {
            self.logging.start_to(LevelFilter::Warn, screen)
        } else {
            self.logging.start(LevelFilter::Info)
        }
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("expected NAME:VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
