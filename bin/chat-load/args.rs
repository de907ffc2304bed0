//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::shared::positive_duration;
use crate::stamp::MIN_SIZE;

const FIELDS: &str = "\
What --json prints, one object on one line:
  target, protocol, room, size  what was asked for
  clients, senders, rate        of this run; rate is in messages a second, all senders together
  seconds                       from the first message to the last delivery
  sent, unsent                  messages; the unsent were due, but their sender was cut off, or
                                chat-load had no time
  expected, deliveries          expected is sent × clients
  deliveries_per_second
  lost, doubled, out_of_order   deliveries; 0 is as it should be
  cut_off, wrong                clients; the wrong did not hear everything once and in order
  latency_ms                    p50, p90, p99, max; counted from when a message was due
  send_delay_ms                 the part of it before chat-load sent the message
  problems, notes               in words: what was wrong, and what to think of the figures
  connect                       seconds and clients_per_second for all joins
  server                        with --pid: memory_bytes, memory_per_client_bytes (what it grew
                                by since chat-load began), threads, descriptors, cpu_seconds,
                                cpu_cores, cpu_per_client_us_per_second, cpu_per_delivery_us
  load                          chat-load's own memory_bytes, threads, descriptors, cpu_seconds,
                                cpu_cores
With --find-limit: target, protocol, room, size, find_limit, p99_bound_ms, stopped_by, notes,
knee (a run as above, or null) and steps (all runs, in order).

Exit status: 0 everything arrived, once and in order, and nobody was cut off (with --find-limit:
a knee was found, and nothing came doubled or out of order); 1 not so, or the crowd did not come
together; 2 wrong usage.";

/// Bring a crowd into a chat, let some of it talk, and check every delivery.
///
/// Each client is a connection of its own with a name of its own. Every message says
/// who sent it, which of the sender's it is, and when it was due; every client must hear
/// all of them once, in one order that is the same for all. Latency counts from
/// when a message was due, so that a server that holds up its senders is not flattered.
#[derive(Debug, Parser)]
#[command(name = "chat-load", version, max_term_width = 100, after_long_help = FIELDS)]
pub struct Args {
    /// The server
    #[arg(
        value_name = "URL",
        default_value = "ws://127.0.0.1:9001/",
        env = "CHINWAG_URL",
        hide_env_values = true
    )]
    pub url: String,

    /// Clients, all in one room; with --find-limit those of the first step [default: 1000, or
    /// 250 with --find-limit=clients]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    clients: Option<u32>,

    /// How many of them talk
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub senders: u32,

    /// Messages a second, all senders together; 0 for a crowd that is silent
    #[arg(long, value_name = "N", default_value = "50", value_parser = rate)]
    pub rate: f64,

    /// How long they talk, or each step does [default: 10, or 5 with --find-limit]
    #[arg(long, value_name = "N", value_parser = seconds)]
    seconds: Option<Duration>,

    /// Bytes of text in a message
    #[arg(long, value_name = "BYTES", default_value_t = 64, value_parser = clap::value_parser!(u32).range(i64::from(MIN_SIZE)..))]
    pub size: u32,

    /// The room that all are in
    #[arg(long, value_name = "NAME", default_value = "load")]
    pub room: String,

    /// What the clients speak: the text of 2012, or JSON (chinwag.v1)
    #[arg(long, value_name = "MODE", default_value = "text")]
    pub protocol: Protocol,

    /// Connections a second at the most [default: as many as the server takes, 64 under way]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub connect_rate: Option<f64>,

    /// How long to wait for what is missing after the last message was sent
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = positive_duration)]
    pub wait: Duration,

    /// Step up until the p99 latency passes a bound, something is lost, or the machine
    /// has no more; then close in on the last good step
    #[arg(long, value_name = "OF", num_args = 0..=1, require_equals = true, default_missing_value = "clients")]
    pub find_limit: Option<Axis>,

    /// The bound of --find-limit
    #[arg(long, value_name = "TIME", default_value = "100ms", requires = "find_limit", value_parser = positive_duration)]
    pub p99: Duration,

    /// The server's process, if it runs on this machine: for its memory and CPU time
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(i32).range(1..))]
    pub pid: Option<i32>,

    /// Print one JSON object instead of a table
    #[arg(long)]
    pub json: bool,

    /// Draw latency over time (with --find-limit: over clients or rate) into this SVG file
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,

    /// Trust the authorities in this file (PEM) for wss://, instead of the system's. Can be
    /// given several times
    #[arg(long, value_name = "PEM", env = "CHINWAG_CA", value_delimiter = ',')]
    pub ca: Vec<PathBuf>,

    /// Allow a server that is not on this machine: it is yours, and may be put under load
    #[arg(long)]
    pub yes_i_own_it: bool,
}

/// What the clients speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// The text of 2012.
    Text,
    /// chinwag.v1.
    Json,
}

/// What a ramp raises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Axis {
    /// The number of clients.
    Clients,
    /// The messages a second.
    Rate,
}

impl Args {
    /// Reads the command line; ends the program where it is wrong.
    pub fn read() -> Self {
        let args = Self::parse();
        if args.find_limit.is_none() && args.senders > args.clients() {
            wrong("--senders cannot be more than --clients");
        }
        if args.find_limit.is_some() && args.rate == 0.0 {
            wrong("--find-limit needs a --rate above 0: silence has no latency");
        }
        args
    }

    /// Clients of the run, or of the first step.
    pub fn clients(&self) -> u32 {
        self.clients.unwrap_or(if self.find_limit == Some(Axis::Clients) { 250 } else { 1000 })
    }

    /// How long one run lasts.
    pub fn time(&self) -> Duration {
        let default = if self.find_limit.is_some() { 5 } else { 10 };
        self.seconds.unwrap_or(Duration::from_secs(default))
    }
}

fn wrong(what: &str) -> ! {
    use clap::CommandFactory;
    Args::command().error(clap::error::ErrorKind::ValueValidation, what).exit()
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(|| "must be a number".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    number(text).and_then(|rate| match rate {
        0.0..=10_000_000.0 => Ok(rate),
        _ => Err("must be 0 to 10,000,000".to_owned()),
    })
}

fn positive(text: &str) -> Result<f64, String> {
    number(text).and_then(|number| if number > 0.0 { Ok(number) } else { Err("must be above 0".to_owned()) })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = positive(text)?;
    if seconds > 86_400.0 {
        return Err("must be a day (86400) at the most".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}
