//! `chat-client`: takes part in a chat, a line a message.
//!
//! Four threads, none of which waits for another: one reads stdin and sends, one
//! receives and prints, one takes signals, and this one waits for whichever ends
//! the conversation first.

mod shared;

use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use chinwag::{Canceller, CloseCode, ClosedBy, ConnectOptions, Connection, Error, WirePrinter};
use clap::Parser;
use clap::builder::BoolishValueParser;
use crossbeam_channel::{Receiver, Sender, bounded};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use shared::{Logging, log_briefly, optional_duration, positive_duration};

/// Take part in a chat: each line is a message.
///
/// Every message that comes in is one line on stdout, `Received: …`; all else goes
/// to stderr. `Bye`, `/quit`, the end of input or Ctrl-C leaves.
///
/// Exit status: 0 left as asked, 1 could not connect, was refused or lost the
/// connection, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "chat-client", version, max_term_width = 100)]
struct Options {
    /// The server; its query may name a room
    #[arg(
        value_name = "URL",
        default_value = "ws://127.0.0.1:9001/",
        env = "CHINWAG_URL",
        hide_env_values = true
    )]
    url: String,

    /// Your name in the chat
    #[arg(long, value_name = "NAME", env = "CHINWAG_NAME")]
    name: String,

    /// Send a header field with the handshake; may be repeated
    #[arg(long = "header", value_name = "NAME:VALUE", value_parser = header)]
    headers: Vec<(String, String)>,

    /// Connect through an HTTP proxy: http://user:password@host:port
    #[arg(long, value_name = "URL", env = "CHINWAG_PROXY", hide_env_values = true)]
    proxy: Option<String>,

    /// How long connecting may take in all
    #[arg(long, value_name = "TIME", default_value = "10s", env = "CHINWAG_CONNECT_TIMEOUT",
          value_parser = positive_duration)]
    connect_timeout: Duration,

    /// Ping the server after this long without a sign of life; `off` never does
    #[arg(long, value_name = "TIME", default_value = "20s", env = "CHINWAG_PING_INTERVAL",
          value_parser = optional_duration)]
    ping_interval: ::std::option::Option<Duration>,

    /// Print the handshake and every frame to stderr
    #[arg(long, env = "CHINWAG_TRACE_WIRE", value_parser = BoolishValueParser::new())]
    trace_wire: bool,

    #[command(flatten)]
    logging: Logging,
}

/// How long leaving may take: longer than the server has to answer a close frame.
const LEAVING: Duration = Duration::from_secs(7);

/// What ends the conversation.
enum Event {
    /// The user wants to leave.
    Leave,
    /// A signal asks to leave.
    Signal,
    /// stdin or stdout cannot be used.
    Failed(String),
    /// The connection ended.
    Ended(Error),
}

fn main() -> ExitCode {
    let options = Options::parse();
    let result = options
        .logging
        .start(log::LevelFilter::Info)
        .map_err(|problem| (1, problem))
        .and_then(|()| run(&options));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err((status, problem)) => {
            eprintln!("chat-client: {problem}");
            ExitCode::from(status)
        }
    }
}

fn run(options: &Options) -> Result<(), (u8, String)> {
    let printer = options.trace_wire.then(|| WirePrinter::new(io::stderr())).transpose();
    let printer = printer.map_err(|error| (1, error.to_string()))?;
    let result = talk(options, printer.as_ref());
    if let Some(printer) = printer {
        printer.flush(Duration::from_secs(1));
    }
    result
}

fn talk(options: &Options, printer: Option<&WirePrinter>) -> Result<(), (u8, String)> {
    // Full at the most for a moment: each thread sends an event or two.
    let (event_tx, event_rx) = bounded(8);
    let canceller = Canceller::new();
    take_signals(canceller.clone(), event_tx.clone()).map_err(|problem| (1, problem))?;
    let connection = match connect_options(options, &canceller, printer)
        .connect(&with_name(&options.url, &options.name))
    {
        Ok(connection) => connection,
        Err(Error::Cancelled) => return Ok(()),
        Err(error) => {
            let status = if matches!(error, Error::Invalid(_)) { 2 } else { 1 };
            return Err((status, advise(&error, options.proxy.is_some())));
        }
    };
    log::info!("connected to {}", connection.peer_addr());
    converse(connection, event_tx, &event_rx).map_err(|problem| (1, problem))
}

/// Runs the conversation until one side ends it.
fn converse(
    connection: Connection,
    event_tx: Sender<Event>,
    event_rx: &Receiver<Event>,
) -> Result<(), String> {
    let (sender, receiver) = connection.split();
    let printing = event_tx.clone();
    spawn("receive", move || {
        let error = print_messages(receiver, &printing);
        drop(printing.send(Event::Ended(error)));
    })?;
    let typing = sender.clone();
    spawn("stdin", move || {
        if let Some(event) = send_lines(&typing) {
            drop(event_tx.send(event));
        }
    })?;
    let mut failure = None;
    let mut is_leaving = false;
    loop {
        // The receiving thread reports the end, which the close time-out bounds, but
        // not where it waits for an output that nobody reads.
        let waited = if is_leaving { event_rx.recv_timeout(LEAVING).ok() } else { event_rx.recv().ok() };
        match waited {
            Some(Event::Ended(error)) if is_leaving && is_as_asked(&error) => {
                log_briefly(move || log::info!("left: {error}"));
                break;
            }
            Some(Event::Ended(error)) => return Err(failure.unwrap_or_else(|| lost(&error))),
            Some(Event::Failed(problem)) => failure = Some(problem),
            Some(Event::Signal) | None if is_leaving => {
                sender.abort();
                break;
            }
            Some(Event::Leave | Event::Signal) | None => {}
        }
        is_leaving = true;
        // A close code that is always fine to send.
        let _ = sender.close_output(CloseCode::NORMAL, "");
    }
    failure.map_or(Ok(()), Err)
}

/// Whether the end is the one that was asked for, and not one of the server's own.
fn is_as_asked(error: &Error) -> bool {
    let reason = error.close_reason();
    reason.is_some_and(|reason| reason.by == ClosedBy::Local || reason.code == CloseCode::NORMAL)
}

/// Sends each line of stdin until one of them says to leave. `None` where the
/// connection has ended, of which the receiving thread knows why.
fn send_lines(sender: &chinwag::Sender) -> Option<Event> {
    for line in io::stdin().lock().split(b'\n') {
        let line = match line {
            Ok(line) => line,
            Err(error) => return Some(Event::Failed(format!("failed to read stdin: {error}"))),
        };
        let line = String::from_utf8_lossy(&line);
        match line.trim_end_matches('\r') {
            "Bye" | "/quit" => return Some(Event::Leave),
            line if sender.send(line).is_err() => return None,
            _ => {}
        }
    }
    Some(Event::Leave)
}

/// Prints each message as one line, and returns why no more will come.
fn print_messages(mut receiver: chinwag::Receiver, event_tx: &Sender<Event>) -> Error {
    loop {
        match receiver.recv() {
            Err(error) => return error,
            // Shown escaped, so that it stays one line and drives no terminal.
            Ok(message) => {
                let mut stdout = io::stdout().lock();
                if let Err(error) = writeln!(stdout, "Received: {message}").and_then(|()| stdout.flush()) {
                    drop(event_tx.send(Event::Failed(format!("failed to write to stdout: {error}"))));
                    return receiver.close(CloseCode::NORMAL, "").map_or_else(|error| error, Error::Closed);
                }
            }
        }
    }
}

/// Turns signals into events, and into the end of an attempt to connect.
fn take_signals(canceller: Canceller, event_tx: Sender<Event>) -> Result<(), String> {
    let mut signals =
        Signals::new([SIGINT, SIGTERM]).map_err(|error| format!("failed to take signals: {error}"))?;
    spawn("signals", move || {
        for _ in signals.forever() {
            canceller.cancel();
            let _ = event_tx.try_send(Event::Signal);
        }
    })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let thread = thread::Builder::new().name(format!("chat-{name}")).spawn(work);
    thread.map(drop).map_err(|error| format!("failed to start a thread: {error}"))
}

fn connect_options(
    options: &Options,
    canceller: &Canceller,
    printer: Option<&WirePrinter>,
) -> ConnectOptions {
    let mut connect = ConnectOptions::new()
        .connect_timeout(options.connect_timeout)
        .ping_interval(options.ping_interval)
        .canceller(canceller);
    for (name, value) in &options.headers {
        connect = connect.header(name, value);
    }
    if let Some(proxy) = &options.proxy {
        connect = connect.proxy(proxy);
    }
    if let Some(printer) = printer {
        connect = connect.wire_observer(printer.clone());
    }
    connect
}

/// `url` with the name in its query; what else the query says stays.
fn with_name(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    // A Unix socket's path ends where the request's begins.
    let is_bare_socket = base.strip_prefix("ws+unix:").is_some_and(|path| !path.contains(':'));
    let root = if is_bare_socket { ":/" } else { "" };
    let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let name = format!("name={}", name.replace('+', "%20"));
    let others =
        query.split('&').filter(|pair| !pair.is_empty() && *pair != "name" && !pair.starts_with("name="));
    let query: Vec<&str> = std::iter::once(name.as_str()).chain(others).collect();
    format!("{base}{root}?{}", query.join("&"))
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("expected NAME:VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// The error of an attempt to connect, and what to do about it.
fn advise(error: &Error, has_proxy: bool) -> String {
    match error {
        Error::Io { source, .. } if has_proxy && source.kind() == io::ErrorKind::ConnectionRefused => {
            format!("{error}; is the proxy running there?")
        }
        Error::Io { source, .. } if source.kind() == io::ErrorKind::ConnectionRefused => {
            format!("{error}; is chat-server running there?")
        }
        Error::Io { attempt, .. } if attempt.starts_with("look up") => {
            format!("{error}; is the host's name spelled right?")
        }
        Error::TimedOut(_) => format!("{error}; is the address right, or --connect-timeout too short?"),
        Error::Refused(response) => match response.status {
            409 => format!("{error}; choose another --name"),
            404 | 426 => format!("{error}; is the URL's path right?"),
            301..=308 => format!("{error}; it redirects to where this client does not follow"),
            _ => error.to_string(),
        },
        Error::Handshake(_) => format!("{error}; is that a WebSocket server?"),
        _ => error.to_string(),
    }
}

/// The end of a connection that nobody here asked for.
fn lost(error: &Error) -> String {
    match error {
        Error::Closed(reason) if reason.clean && reason.by == ClosedBy::Peer => {
            format!("the server ended the conversation: {reason}")
        }
        Error::Closed(reason) => format!("the connection was lost: {reason}"),
        error => format!("the connection was lost: {error}"),
    }
}
