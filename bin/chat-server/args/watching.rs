//! Who may watch the server.

use chinwag::metrics::Metrics;
use clap::{Args, ValueEnum};

/// What is shown of the server.
#[derive(Args)]
#[command(next_help_heading = "Watching")]
pub struct Watching {
    /// Who gets /metrics: all, loopback (clients on this machine; behind a reverse proxy
    /// close it there), or off. It has numbers only, no names.
    #[arg(long, value_name = "WHO", env = "CHINWAG_METRICS", value_enum, default_value = "all")]
    pub metrics: Audience,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Audience {
    All,
    Loopback,
    Off,
}

impl Watching {
    /// What answers /metrics, if anything.
    pub fn apply(&self, metrics: Metrics) -> Option<Metrics> {
        match self.metrics {
            Audience::All => Some(metrics),
            Audience::Loopback => Some(metrics.local_only()),
            Audience::Off => None,
        }
    }
}
