//! How the server stops, and how the next one takes its place.

use std::path::PathBuf;
use std::time::Duration;

use chinwag::Settings;
use clap::Args;

use crate::shared::duration;

/// Stopping, and a new version.
#[derive(Args)]
#[command(next_help_heading = "Starting and stopping")]
pub struct Operations {
    /// Time that all clients have together when the server is asked to stop.
    #[arg(long, value_name = "TIME", env = "CHINWAG_DRAIN_TIMEOUT", default_value = "10s", value_parser = duration)]
    pub drain_timeout: Duration,

    /// Time over which they are closed, so that they do not all come back at once: one
    /// each 10 ms at the least, and within half of the drain time-out.
    #[arg(long, value_name = "TIME", env = "CHINWAG_DRAIN_WINDOW", default_value = "5s", value_parser = duration)]
    pub drain_window: Duration,

    /// Unix socket by which the next chat-server, started with the same path, takes over
    /// the listening sockets of this one, so that nobody is refused meanwhile.
    #[arg(long, value_name = "PATH", env = "CHINWAG_TAKEOVER_SOCKET")]
    pub takeover_socket: Option<PathBuf>,
}

impl Operations {
    pub fn apply(&self, settings: &mut Settings) {
        settings.drain_timeout = self.drain_timeout;
        settings.drain_window = self.drain_window;
    }
}
