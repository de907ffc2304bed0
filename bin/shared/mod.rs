//! What both programs have in common: their logger, and times on the command line.

pub mod generate;
mod log_queue;

use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Duration;

use chinwag::Escaped;
use clap::{Args, ValueEnum};
use log::{LevelFilter, Log, Metadata, Record};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use simplelog::{CombinedLogger, Config, ConfigBuilder, SharedLogger, WriteLogger};

use log_queue::{Flush, Queue};

/// How long the end of a program waits for who reads its log.
const PARTING: Duration = Duration::from_millis(200);
/// Characters in one event of the log; no event of ours comes near.
const LONGEST: usize = 2048;

/// What waits to be written, to stderr and to a file.
static QUEUES: OnceLock<Vec<Flush>> = OnceLock::new();

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
    pub fn set_level(&self, default: LevelFilter) {
        let wanted = self.log_level.map_or(default as i8, |level| level as i8);
        log::set_max_level(level(wanted + self.verbose as i8 - self.quiet as i8));
    }

    /// The file that the log goes to as well.
    #[allow(dead_code, reason = "chat-client checks it by using it")]
    pub fn file(&self) -> Option<&Path> {
        self.log_file.as_deref()
    }

    /// Starts the logger, at `default` unless the options say otherwise. Nobody who logs
    /// waits for the log to be read; [`end_log`] does, for a moment.
    pub fn start(&self, default: LevelFilter) -> Result<(), String> {
        let (queue, flush) = queued(std::io::stderr(), has_colors())?;
        self.start_with(default, queue, vec![flush])
    }

    /// Starts the logger with `out` in the place of stderr, which must not wait.
    #[allow(dead_code, reason = "chat-server has no screen of its own")]
    pub fn start_to(&self, default: LevelFilter, out: impl Write + Send + 'static) -> Result<(), String> {
        self.start_with(default, out, Vec::new())
    }

    fn start_with(
        &self,
        default: LevelFilter,
        out: impl Write + Send + 'static,
        mut queues: Vec<Flush>,
    ) -> Result<(), String> {
        // What is wanted is said once for all of them, and can change later.
        let level = LevelFilter::Trace;
        let mut loggers: Vec<Box<dyn SharedLogger>> = vec![WriteLogger::new(level, config(), out)];
        if let Some(path) = &self.log_file {
            let file = OpenOptions::new().create(true).append(true).open(path);
            let file =
                file.map_err(|error| format!("failed to open the log file {}: {error}", path.display()))?;
            let (queue, flush) = queued(file, false)?;
            loggers.push(WriteLogger::new(level, config(), queue));
            queues.push(flush);
        }
        let _ = QUEUES.set(queues);
        self.set_level(default);
        log::set_boxed_logger(Box::new(OneLine(CombinedLogger::new(loggers))))
            .map_err(|error| format!("failed to start the logger: {error}"))
    }
}

fn queued(out: impl Write + Send + 'static, has_colors: bool) -> Result<(Queue, Flush), String> {
    Queue::start(out, has_colors).map_err(|error| format!("failed to start the log's thread: {error}"))
}

/// Makes each event one line that can be printed, whoever logged it and whatever it says.
struct OneLine(Box<CombinedLogger>);

impl Log for OneLine {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let text = record.args().to_string();
            let text = Escaped::new(&text).cut(LONGEST);
            let metadata = record.metadata().clone();
            self.0.log(&Record::builder().metadata(metadata).args(format_args!("{text}")).build());
        }
    }

    fn flush(&self) {}
}

/// Waits a moment for the log to be written: one that nobody reads must not keep a program
/// from ending.
pub fn end_log() {
    for queue in QUEUES.get().into_iter().flatten() {
        queue.wait(PARTING);
    }
}

/// Ends a program with the status that came of it, once what it said has been written.
pub fn end(program: &'static str, result: Result<(), (u8, String)>) -> ExitCode {
    match result {
        Ok(()) => {
            end_log();
            ExitCode::SUCCESS
        }
        Err((status, problem)) => {
            complain(program, problem);
            ExitCode::from(status)
        }
    }
}

/// Raises the limit of open files as far as it goes: each connection takes one, and the limit
/// that programs start with is that of a shell. Who meets it even so says so.
#[allow(dead_code, reason = "the client has one connection")]
pub fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Says on stderr why `program` failed, after all that was logged, and waits no longer for it
/// to be read than for that.
pub fn complain(program: &'static str, problem: String) {
    end_log();
    let (done_tx, done_rx) = crossbeam_channel::bounded(1);
    std::thread::spawn(move || {
        eprintln!("{program}: {problem}");
        let _ = done_tx.send(());
    });
    let _ = done_rx.recv_timeout(PARTING);
}

/// Has a panic logged, so that it is one line and waits for nobody. Who asks for a backtrace
/// gets what Rust prints.
#[allow(dead_code, reason = "the client has one user, who sees it")]
pub fn log_panics() {
    if std::env::var_os("RUST_BACKTRACE").is_some() {
        return;
    }
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("without a name");
        let place = panic.location().map(|place| format!(" at {place}")).unwrap_or_default();
        let words = panic.payload_as_str().unwrap_or("no message");
        log::error!("thread {name} panicked{place}: {}", Escaped::new(words).cut(300));
    }));
}

fn has_colors() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
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

/// A time, or `off`.
pub fn optional_duration(text: &str) -> Result<Option<Duration>, String> {
    if text == "off" {
        Ok(None)
    } else {
        positive_duration(text).map(Some).map_err(|error| error + ", or off")
    }
}
