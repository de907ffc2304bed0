//! What both programs have in common: their logger, and times on the command line.

pub mod generate;

use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use log::LevelFilter;
use simplelog::{
    ColorChoice, CombinedLogger, Config, ConfigBuilder, SharedLogger, TermLogger, TerminalMode, WriteLogger,
};

/// Where the log goes and how much of it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Log")]
pub struct Logging {
    /// How much is logged, info unless said otherwise; -v and -q go from there.
    #[arg(long, value_name = "LEVEL", env = "CHINWAG_LOG_LEVEL", value_enum)]
    log_level: Option<LogLevel>,

    /// Log more: debug with one, everything with two.
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,

    /// Log less: warnings with one, errors with two, nothing with three.
    #[arg(short, long, action = clap::ArgAction::Count)]
    quiet: u8,

    /// Append the log to this file too.
    #[arg(long, value_name = "PATH", env = "CHINWAG_LOG_FILE")]
    log_file: Option<PathBuf>,
}

/// The levels of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogLevel {
    /// Nothing.
    Off,
    /// What somebody must act on.
    Error,
    /// Clients that were cut off too.
    Warn,
    /// Start, stop, comings and goings too.
    Info,
    /// Decisions too.
    Debug,
    /// Everything, what is said too.
    Trace,
}

impl Logging {
    /// Logs from now on as much as these options say.
    #[allow(dead_code, reason = "chat-client reads nothing again")]
    pub fn set_level(&self, default: LevelFilter) {
        log::set_max_level(self.level(default));
    }

    fn level(&self, default: LevelFilter) -> LevelFilter {
        let wanted = self.log_level.map_or(default as i8, |level| level as i8);
        level(wanted + self.verbose as i8 - self.quiet as i8)
    }

    /// The file that the log goes to as well.
    #[allow(dead_code, reason = "chat-client checks it by using it")]
    pub fn file(&self) -> Option<&Path> {
        self.log_file.as_deref()
    }

    /// Starts the logger, at `default` unless the options say otherwise.
    pub fn start(&self, default: LevelFilter) -> Result<(), String> {
        self.start_with(default, |level| TermLogger::new(level, config(), TerminalMode::Stderr, colors()))
    }

    /// Starts the logger with `out` in the place of stderr.
    #[allow(dead_code, reason = "chat-server has no screen of its own")]
    pub fn start_to(&self, default: LevelFilter, out: impl Write + Send + 'static) -> Result<(), String> {
        self.start_with(default, |level| WriteLogger::new(level, config(), out))
    }

    fn start_with(
        &self,
        default: LevelFilter,
        first: impl FnOnce(LevelFilter) -> Box<dyn SharedLogger>,
    ) -> Result<(), String> {
        // What is wanted is said once for all of them, and can change later.
        let mut loggers = vec![first(LevelFilter::Trace)];
        if let Some(path) = &self.log_file {
            let file = OpenOptions::new().create(true).append(true).open(path);
            let file =
                file.map_err(|error| format!("failed to open the log file {}: {error}", path.display()))?;
            loggers.push(WriteLogger::new(LevelFilter::Trace, config(), file));
        }
        CombinedLogger::init(loggers).map_err(|error| format!("failed to start the logger: {error}"))?;
        self.set_level(default);
        Ok(())
    }
}

fn colors() -> ColorChoice {
    let wanted = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if wanted { ColorChoice::Auto } else { ColorChoice::Never }
}

fn level(steps: i8) -> LevelFilter {
    match steps {
        ..=0 => LevelFilter::Off,
        1 => LevelFilter::Error,
        2 => LevelFilter::Warn,
        3 => LevelFilter::Info,
        4 => LevelFilter::Debug,
        5.. => LevelFilter::Trace,
    }
}

fn config() -> Config {
    // tungstenite's log holds whole requests and messages, secrets and all.
    ConfigBuilder::new()
        .set_time_format_rfc3339()
        .set_thread_level(LevelFilter::Off)
        .set_target_level(LevelFilter::Debug)
        .set_location_level(LevelFilter::Off)
        .add_filter_ignore_str("tungstenite")
        .build()
}

/// A time such as `500ms`, `20s` or `2m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "must be a time such as 500ms, 20s or 2m".to_owned())
}

/// The same, but not none.
pub fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("must be longer than that".to_owned()),
        duration => Ok(duration),
    }
}

/// Logs on a thread of its own, and waits for it a moment: a log that nobody reads
/// must not keep a program from ending.
pub fn log_briefly(line: impl FnOnce() + Send + 'static) {
    let (done_tx, done_rx) = crossbeam_channel::bounded(1);
    std::thread::spawn(move || {
        line();
        let _ = done_tx.send(());
    });
    let _ = done_rx.recv_timeout(Duration::from_millis(200));
}

/// A time, or `off`.
pub fn optional_duration(text: &str) -> Result<Option<Duration>, String> {
    if text == "off" {
        Ok(None)
    } else {
        positive_duration(text).map(Some).map_err(|error| error + ", or off")
    }
}
