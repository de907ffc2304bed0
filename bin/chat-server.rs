//! The chat server: arguments, logger, signals, exit codes. All else is the
//! library's.

mod shared;

use std::io::Write;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use chinwag::chat::Chat;
use chinwag::{
    ClientCertificates, Error, Listener, MessageRate, Overflow, Server, ServerBuilder, ServerTls,
    ShutdownHandle, WirePrinter, page,
};
use clap::builder::BoolishValueParser;
use clap::{Parser, ValueEnum};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shared::{Logging, duration, log_briefly, optional_duration, positive_duration};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// A WebSocket chat server: a thread for each client, no async runtime.
///
/// Talk to it with `chat-client --name John`, a browser, or any WebSocket client
/// on ws://127.0.0.1:9001/?name=John.
#[derive(Parser)]
#[command(name = "chat-server", version, max_term_width = 100)]
struct Args {
    /// Address to listen on: HOST:PORT (port 0 takes any free one) or unix:PATH.
    /// Can be given several times.
    #[arg(
        long,
        value_name = "ADDR",
        env = "CHINWAG_LISTEN", value_parser = listen_addr,
        value_delimiter = ',',
        default_value = "127.0.0.1:9001"
    )]
    listen: Vec<String>,

    /// Clients at the most; others get 503. Default: what the machine holds.
    #[arg(long, value_name = "N", env = "CHINWAG_MAX_CLIENTS", value_parser = positive)]
    max_clients: Option<usize>,

    /// Bytes in one message at the most; over that a client is closed with 1009.
    #[arg(long, value_name = "BYTES", env = "CHINWAG_MAX_MESSAGE_SIZE", default_value = "16384", value_parser = positive)]
    max_message_size: usize,

    /// Fragments in one message at the most; over that a client is closed with 1008.
    #[arg(long, value_name = "N", env = "CHINWAG_MAX_FRAGMENTS", default_value_t = 1024)]
    max_fragments: u32,

    /// Time for all of one message, or off; over that a client is closed with 1008.
    #[arg(long, value_name = "TIME", env = "CHINWAG_MESSAGE_TIMEOUT", default_value = "30s", value_parser = optional_duration)]
    message_timeout: ::std::option::Option<Duration>,

    /// Members up to which comings and goings are announced; in a larger room the
    /// number of people is told now and then instead.
    #[arg(long, value_name = "N", env = "CHINWAG_ANNOUNCE_UP_TO", default_value_t = Chat::ANNOUNCE_UP_TO)]
    announce_up_to: usize,

    /// Messages that a newcomer gets of what was said before, 100 at most (not in text
    /// mode, where the query's history=N asks for them).
    #[arg(long, value_name = "N", env = "CHINWAG_HISTORY", default_value_t = 20)]
    history: usize,

    /// Messages of each room that are kept.
    #[arg(long, value_name = "N", env = "CHINWAG_RETENTION_MESSAGES", default_value_t = 1000)]
    retention_messages: usize,

    /// Bytes of text of each room that are kept.
    #[arg(long, value_name = "BYTES", env = "CHINWAG_RETENTION_BYTES", default_value_t = 1024 * 1024)]
    retention_bytes: usize,

    /// Origin of web pages that may connect, as SCHEME://HOST:PORT, or * for all.
    /// Pages of this host and port, and programs, always are. Can be given several times.
    #[arg(long, value_name = "ORIGIN", env = "CHINWAG_ALLOW_ORIGIN", value_parser = origin, value_delimiter = ',')]
    allow_origin: Vec<String>,

    /// Certificate (PEM, with those between it and the authority) for TLS: every TCP
    /// address then speaks wss:// and https:// alone. Read again when it changes, and on
    /// SIGHUP.
    #[arg(long, value_name = "PEM", env = "CHINWAG_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// The certificate's private key (PEM, not encrypted).
    #[arg(long, value_name = "PEM", env = "CHINWAG_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Lets in only clients with a certificate of an authority in this file.
    #[arg(long, value_name = "PEM", env = "CHINWAG_TLS_CLIENT_CA", requires = "tls_cert")]
    tls_client_ca: Option<PathBuf>,

    /// Host name that browsers may use for a server on a loopback address, beside this
    /// machine's own (a reverse proxy's), or * for all. Can be given several times.
    #[arg(long, value_name = "HOST", env = "CHINWAG_ALLOW_HOST", value_delimiter = ',')]
    allow_host: Vec<String>,

    /// Connections that one address may have open, or off; further ones get 429. Of IPv6
    /// the first 64 bits count; this machine's own addresses are not limited.
    #[arg(long, value_name = "N", env = "CHINWAG_CONNECTIONS_PER_ADDRESS", default_value = "32", value_parser = limit::<usize>)]
    connections_per_address: ::std::option::Option<usize>,

    /// WebSockets that one address may open in a minute, or off; further ones get 429.
    #[arg(long, value_name = "N", env = "CHINWAG_JOINS_PER_ADDRESS", default_value = "60", value_parser = limit::<NonZeroU32>)]
    joins_per_address: ::std::option::Option<NonZeroU32>,

    /// How fast a client may talk: BURST messages at once, then so many a second, or off.
    /// What is over waits; what is over for 10 s ends the connection with 1008.
    #[arg(long, value_name = "BURST:PER_SECOND", env = "CHINWAG_MESSAGE_RATE", default_value = "off", value_parser = message_rate)]
    message_rate: ::std::option::Option<MessageRate>,

    /// Handshakes that may be under way at once; beyond that the oldest gives way.
    #[arg(long, value_name = "N", env = "CHINWAG_MAX_HANDSHAKES", default_value = "256", value_parser = positive)]
    max_handshakes: usize,

    /// Time for a handshake.
    #[arg(long, value_name = "TIME", env = "CHINWAG_HANDSHAKE_TIMEOUT", default_value = "10s", value_parser = positive_duration)]
    handshake_timeout: Duration,

    /// Silence after which a client is pinged, or off.
    #[arg(long, value_name = "TIME", env = "CHINWAG_PING_INTERVAL", default_value = "20s", value_parser = optional_duration)]
    ping_interval: ::std::option::Option<Duration>,

    /// Time for an answer to a ping; then the client is gone.
    #[arg(long, value_name = "TIME", env = "CHINWAG_PING_TIMEOUT", default_value = "20s", value_parser = positive_duration)]
    ping_timeout: Duration,

    /// Time for a client to answer a close frame.
    #[arg(long, value_name = "TIME", env = "CHINWAG_CLOSE_TIMEOUT", default_value = "5s", value_parser = duration)]
    close_timeout: Duration,

    /// Time that all clients have together when the server is asked to stop.
    #[arg(long, value_name = "TIME", env = "CHINWAG_DRAIN_TIMEOUT", default_value = "10s", value_parser = duration)]
    drain_timeout: Duration,

    /// Bytes that may wait for a client that reads too slowly.
    #[arg(long, value_name = "BYTES", env = "CHINWAG_OUTBOX_BYTES", default_value = "1048576", value_parser = positive)]
    outbox_bytes: usize,

    /// Messages that may wait for a client that reads too slowly.
    #[arg(long, value_name = "N", env = "CHINWAG_OUTBOX_MESSAGES", default_value = "1024", value_parser = positive)]
    outbox_messages: usize,

    /// What happens to a client for whom too much waits.
    #[arg(long, value_name = "POLICY", env = "CHINWAG_OVERFLOW", default_value = "disconnect")]
    overflow: Policy,

    /// How long such a client may stay behind before it is disconnected.
    #[arg(long, value_name = "TIME", env = "CHINWAG_OVERFLOW_GRACE", default_value = "5s", value_parser = duration)]
    overflow_grace: Duration,

    /// Print handshakes and frames to stderr as they pass.
    #[arg(long, env = "CHINWAG_TRACE_WIRE", value_parser = BoolishValueParser::new())]
    trace_wire: bool,

    #[command(flatten)]
    logging: Logging,
}

#[derive(Clone, Copy, ValueEnum)]
enum Policy {
    /// Closed with 1013 after the grace.
    Disconnect,
    /// The oldest messages that wait are dropped.
    DropOldest,
    /// What does not fit is dropped.
    DropNewest,
    /// All that waits is dropped but the latest message.
    KeepLatest,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match args
        .logging
        .start(log::LevelFilter::Info)
        .and_then(|()| run(&args).map_err(|error| error.to_string()))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chat-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Error> {
    raise_descriptor_limit();
    // Before the first thread, so that no signal meets the default action later.
    let signals = Signals::new([SIGHUP, SIGINT, SIGTERM])
        .map_err(|error| Error::Invalid(format!("failed to watch for signals: {error}")))?;
    let printer = args.trace_wire.then(|| WirePrinter::new(std::io::stderr())).transpose()?;
    let tls = load_tls(args)?;
    let server = start(args, tls.as_ref(), printer.as_ref())?;
    let mut out = std::io::stdout();
    for addr in server.local_addrs() {
        // Who reads the address may have gone; the server need not.
        let _ = writeln!(out, "listening on {addr}").and_then(|()| out.flush());
    }
    let handle = server.shutdown_handle();
    std::thread::spawn(move || attend(signals, &handle, tls.as_ref()));
    server.join();
    if let Some(printer) = printer {
        printer.flush(Duration::from_secs(1));
    }
    log_briefly(|| log::info!("stopped"));
    Ok(())
}

fn start(args: &Args, tls: Option<&ServerTls>, printer: Option<&WirePrinter>) -> Result<Server, Error> {
    let chat = Chat::builder()
        .announce_up_to(args.announce_up_to)
        .history(args.history)
        .retention_messages(args.retention_messages)
        .retention_bytes(args.retention_bytes)
        .build();
    let checked = chat.clone();
    let mut builder = Server::builder()
        .paths(Chat::PATHS)
        .http(move |request| page::respond(request).or_else(|| checked.check(request)))
        .handler(chat.gate())
        .max_message_size(args.max_message_size)
        .max_fragments(args.max_fragments)
        .message_timeout(args.message_timeout)
        .connections_per_address(args.connections_per_address)
        .joins_per_address(args.joins_per_address)
        .message_rate(args.message_rate)
        .max_handshakes(args.max_handshakes)
        .handshake_timeout(args.handshake_timeout)
        .ping_interval(args.ping_interval)
        .ping_timeout(args.ping_timeout)
        .close_timeout(args.close_timeout)
        .drain_timeout(args.drain_timeout)
        .outbox_bytes(args.outbox_bytes)
        .outbox_messages(args.outbox_messages)
        .overflow(overflow(args));
    if let Some(max_clients) = args.max_clients {
        builder = builder.max_clients(max_clients);
    }
    if let Some(printer) = printer {
        builder = builder.wire_observer(printer.clone());
    }
    builder = args.allow_origin.iter().fold(builder, ServerBuilder::allow_origin);
    builder = args.allow_host.iter().fold(builder, ServerBuilder::allow_host);
    for addr in &args.listen {
        let listener = Listener::bind(addr)?;
        // Who comes through a Unix socket is on this machine.
        let tls = tls.filter(|_| !addr.starts_with("unix:"));
        builder = builder.listener(match tls {
            Some(tls) => listener.tls(tls)?,
            None => listener,
        });
    }
    builder.start()
}

fn load_tls(args: &Args) -> Result<Option<ServerTls>, Error> {
    let (Some(certificate), Some(key)) = (&args.tls_cert, &args.tls_key) else { return Ok(None) };
    let mut builder = ServerTls::builder(certificate, key);
    if let Some(file) = &args.tls_client_ca {
        builder = builder.client_ca(file, ClientCertificates::Required);
    }
    builder.load().map(Some)
}

/// A client takes a descriptor, and the limit that programs start with is that of
/// a shell. Where it cannot be raised, the server takes fewer clients and says so.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

fn overflow(args: &Args) -> Overflow {
    match args.overflow {
        Policy::Disconnect => Overflow::Disconnect { grace: args.overflow_grace },
        Policy::DropOldest => Overflow::DropOldest,
        Policy::DropNewest => Overflow::DropNewest,
        Policy::KeepLatest => Overflow::KeepLatest,
    }
}

/// SIGHUP has files read again. The first other signal stops the server in good order,
/// the second at once.
fn attend(mut signals: Signals, handle: &ShutdownHandle, tls: Option<&ServerTls>) {
    let mut stopping = false;
    for signal in signals.forever() {
        if signal == SIGHUP {
            reload(tls.cloned());
            continue;
        }
        let handle = handle.clone();
        // Acts first: the log may have nobody who reads it.
        if stopping {
            std::thread::spawn(move || drop(handle.shutdown_within(Duration::ZERO)));
            log_briefly(|| log::warn!("asked to stop again: cutting all connections"));
        } else {
            std::thread::spawn(move || {
                if let Err(error) = handle.shutdown() {
                    log_briefly(move || log::warn!("{error}"));
                }
            });
            log_briefly(|| log::info!("asked to stop: closing all connections"));
        }
        stopping = true;
    }
}

/// On a thread of its own, for neither a file nor the log may keep the next signal waiting.
fn reload(tls: Option<ServerTls>) {
    std::thread::spawn(move || match tls.map(|tls| tls.reload()) {
        Some(Ok(())) => log::info!("asked to reload: certificate and key were read again"),
        Some(Err(error)) => log::error!("asked to reload: {error}; going on with what was there before"),
        None => log::info!("asked to reload: there is nothing to read again"),
    });
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("must be a whole number".to_owned()),
    }
}

/// A number from 1 on, or `off`.
fn limit<T: FromStr>(text: &str) -> Result<Option<T>, String> {
    match (text, text.parse()) {
        ("off", _) => Ok(None),
        (text, Ok(limit)) if !text.trim_start_matches('0').is_empty() => Ok(Some(limit)),
        _ => Err("must be a whole number from 1 on, or off".to_owned()),
    }
}

/// `20:10`, or `off`.
fn message_rate(text: &str) -> Result<Option<MessageRate>, String> {
    if text == "off" {
        return Ok(None);
    }
    let rate = text.split_once(':').and_then(|(burst, per_second)| {
        Some(MessageRate { burst: burst.parse().ok()?, per_second: per_second.parse().ok()? })
    });
    rate.map(Some).ok_or_else(|| "must be BURST:PER_SECOND, such as 20:10, or off".to_owned())
}

fn listen_addr(text: &str) -> Result<String, String> {
    let is_tcp =
        text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    let is_unix = text.strip_prefix("unix:").is_some_and(|path| !path.is_empty());
    if is_tcp || is_unix { Ok(text.to_owned()) } else { Err("must be HOST:PORT or unix:PATH".to_owned()) }
}

fn origin(text: &str) -> Result<String, String> {
    let is_origin = text.split_once("://").is_some_and(|(_, host)| !host.is_empty() && !host.contains('/'));
    if text == "*" || is_origin {
        Ok(text.to_owned())
    } else {
        Err("must be SCHEME://HOST:PORT or *".to_owned())
    }
}
