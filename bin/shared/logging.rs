//! The programs' log: to stderr, and to a file where asked.

use std::fs::OpenOptions;
use std::io::IsTerminal;
use std::path::PathBuf;

use log::LevelFilter;
use simplelog::{
    ColorChoice, CombinedLogger, Config, ConfigBuilder, SharedLogger, TermLogger, TerminalMode, WriteLogger,
};

/// How much is logged, and where.
#[derive(Debug, clap::Args)]
pub struct LogOptions {
    /// Log more; twice for every message
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,

    /// Log less: warnings only; twice for errors only, three times for nothing
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "verbose")]
    quiet: u8,

    /// Append the log to this file as well
    #[arg(long, value_name = "PATH", env = "CHINWAG_LOG_FILE")]
    log_file: Option<PathBuf>,
}

impl LogOptions {
    fn level(&self) -> LevelFilter {
        match i16::from(self.verbose) - i16::from(self.quiet) {
            ..=-3 => LevelFilter::Off,
            -2 => LevelFilter::Error,
            -1 => LevelFilter::Warn,
            0 => LevelFilter::Info,
            1 => LevelFilter::Debug,
            2.. => LevelFilter::Trace,
        }
    }

    /// Starts the log. The error says what was attempted.
    pub fn start(&self) -> Result<(), String> {
        let level = self.level();
        let color = if std::io::stderr().is_terminal() { ColorChoice::Auto } else { ColorChoice::Never };
        let stderr = TermLogger::new(level, config(), TerminalMode::Stderr, color);
        let mut loggers: Vec<Box<dyn SharedLogger>> = vec![stderr];
        if let Some(path) = &self.log_file {
            let file = OpenOptions::new().create(true).append(true).open(path);
            let file =
                file.map_err(|error| format!("failed to open the log file {}: {error}", path.display()))?;
            loggers.push(WriteLogger::new(level, config(), file));
        }
        CombinedLogger::init(loggers).map_err(|error| format!("failed to start the log: {error}"))
    }
}

/// Times in UTC. tungstenite's own lines are left out: they have passwords and
/// messages in them.
fn config() -> Config {
    ConfigBuilder::new().set_time_format_rfc3339().add_filter_ignore_str("tungstenite").build()
}
