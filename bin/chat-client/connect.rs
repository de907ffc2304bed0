//! Connecting, and the words for what goes wrong with it.

use std::io;
use std::time::Duration;

use chinwag::chat_client::{Backoff, ChatClient, Update};
use chinwag::{Canceller, ClosedBy, ConnectOptions, Error, WirePrinter};
use crossbeam_channel::Receiver;

use crate::args::Options;
use crate::{signals, text, token};

/// How the program ends where it ends badly.
pub struct Failure {
    pub status: u8,
    pub problem: String,
}

impl Failure {
    pub fn new(problem: impl Into<String>) -> Self {
        Self { status: 1, problem: problem.into() }
    }
}

pub fn options(options: &Options, canceller: &Canceller) -> Result<ConnectOptions, Failure> {
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
    connect = options.ca.iter().fold(connect, ConnectOptions::ca_file);
    if let (Some(cert), Some(key)) = (&options.cert, &options.key) {
        connect = connect.client_certificate(cert, key);
    }
    if let Some(token) = token::find(options.token_file.as_deref()).map_err(Failure::new)? {
        connect = connect.bearer(&token);
    }
    Ok(connect)
}

/// How to connect, until a signal asks to leave: then it is told, and what waits is cancelled.
pub fn interruptible(
    options: &Options,
    printer: Option<&WirePrinter>,
) -> Result<(Receiver<()>, ConnectOptions), Failure> {
    let canceller = Canceller::new();
    let signal_rx = signals::take(canceller.clone()).map_err(Failure::new)?;
    let connect = self::options(options, &canceller)?;
    Ok((
        signal_rx,
        printer.into_iter().fold(connect, |connect, printer| connect.wire_observer(printer.clone())),
    ))
}

/// Joins the chat in JSON mode.
pub fn chat(
    options: &Options,
    connect: ConnectOptions,
    backoff: Option<Backoff>,
) -> chinwag::Result<(ChatClient, Receiver<Update>)> {
    let builder = ChatClient::builder(&options.url, &options.name).options(connect).reconnect(backoff);
    match &options.room {
        Some(room) => builder.room(room).connect(),
        None => builder.connect(),
    }
}

/// The URL of the text mode, with name and room in its query; what else the query says
/// stays.
pub fn text_url(options: &Options) -> String {
    let (base, query) = options.url.split_once('?').unwrap_or((&options.url, ""));
    // A Unix socket's path ends where the request's begins.
    let is_bare_socket = base.strip_prefix("ws+unix:").is_some_and(|path| !path.contains(':'));
    let root = if is_bare_socket { ":/" } else { "" };
    let mut query: Vec<String> =
        query.split('&').filter(|pair| !pair.is_empty()).map(str::to_owned).collect();
    for (key, value) in [("room", options.room.as_ref()), ("name", Some(&options.name))] {
        if let Some(value) = value {
            query.retain(|pair| pair != key && !pair.starts_with(&format!("{key}=")));
            let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            query.insert(0, format!("{key}={}", value.replace('+', "%20")));
        }
    }
    format!("{base}{root}?{}", query.join("&"))
}

/// The error of an attempt to connect, and what to do about it.
pub fn refused(error: &Error, options: &Options) -> Failure {
    let status = if matches!(error, Error::Invalid(_)) { 2 } else { 1 };
    Failure { status, problem: text::one_line(&advise(error, options.proxy.is_some())) }
}

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
            401 => format!("{error} (give yours in CHINWAG_TOKEN, or a file by --token-file)"),
            409 => format!("{error}; choose another --name"),
            404 | 426 => format!("{error}; is the URL's path right?"),
            301..=308 => format!("{error}; it redirects to where this client does not follow"),
            _ => error.to_string(),
        },
        Error::Tls(words) if words.contains("an authority that is not trusted") => {
            format!("{error}; if it is your own, name its file with --ca")
        }
        Error::Tls(words) if words.contains("a certificate of ours") => {
            format!("{error}; --cert and --key name one")
        }
        Error::Handshake(words) if words.contains(chinwag::protocol::SUBPROTOCOL) => {
            format!("{error}; --plain talks to any server of text")
        }
        Error::Handshake(_) => format!("{error}; is that a WebSocket server?"),
        _ => error.to_string(),
    }
}

/// The end of a connection that nobody here asked for.
pub fn lost(error: &Error) -> String {
    text::one_line(&match error {
        Error::Closed(reason) if reason.clean && reason.by == ClosedBy::Peer => {
            format!("the server ended the conversation: {reason}")
        }
        Error::Closed(reason) => format!("the connection was lost: {reason}"),
        error => format!("the connection was lost: {error}"),
    })
}

/// Starts the log, and talks with the wire printed to stderr where that is asked for.
pub fn observed(
    options: &Options,
    talk: impl FnOnce(&Options, Option<&WirePrinter>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    options.start_log().map_err(Failure::new)?;
    let printer = options.trace_wire.then(|| WirePrinter::new(io::stderr())).transpose();
    let printer = printer.map_err(|error| Failure::new(error.to_string()))?;
    let result = talk(options, printer.as_ref());
    if let Some(printer) = printer {
        printer.flush(Duration::from_secs(1));
    }
    result
}
