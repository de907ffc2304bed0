//! What a connection is made with. Methods take anything; what cannot be used
//! is reported by `connect`, so that a chain of calls reads well.

use std::fmt;
#[cfg(feature = "tls")]
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::Canceller;
use super::field::{basic, is_token};
use super::proxy::Proxy;
use crate::link::Life;
use crate::outbox::OutboxOptions;
use crate::request::TOKEN_OFFER;
#[cfg(feature = "tls")]
use crate::tls::ClientTls;
use crate::{Clock, WireObserver};

/// Header fields that the handshake itself is made of.
const RESERVED: [&str; 6] =
    ["host", "upgrade", "connection", "content-length", "transfer-encoding", "proxy-authorization"];

/// How to connect, and the limits that the connection lives by.
///
/// ```no_run
/// use std::time::Duration;
///
/// let connection = chinwag::ConnectOptions::new()
///     .connect_timeout(Duration::from_secs(3))
///     .subprotocol("chinwag.v1")
///     .header("X-Room", "lobby")
///     .connect("ws://127.0.0.1:9001/?name=John")?;
/// # Ok::<(), chinwag::Error>(())
/// ```
///
/// A value that cannot be used, such as a header field with a line break in it,
/// makes [`connect`](Self::connect) fail with
/// [`Error::Invalid`](crate::Error::Invalid) before anything is sent.
#[derive(Clone)]
pub struct ConnectOptions {
    pub(crate) connect_timeout: Duration,
    pub(crate) canceller: Option<Canceller>,
    /// A second one, of this crate's own.
    pub(crate) stop: Option<Canceller>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) origin: Option<HeaderValue>,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) cookies: Vec<String>,
    pub(crate) subprotocols: Vec<String>,
    pub(super) proxy: Option<Proxy>,
    #[cfg(feature = "tls")]
    pub(super) tls: ClientTls,
    pub(super) max_redirects: u32,
    pub(crate) clock: Clock,
    pub(super) observer: Option<Arc<dyn WireObserver>>,
    pub(crate) life: Life,
    pub(super) outbox: OutboxOptions,
    /// The first value that could not be used, in words.
    pub(super) problem: Option<String>,
}

impl ConnectOptions {
    /// The defaults that each method names.
    pub fn new() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            canceller: None,
            stop: None,
            headers: Vec::new(),
            origin: None,
            authorization: None,
            cookies: Vec::new(),
            subprotocols: Vec::new(),
            proxy: None,
            #[cfg(feature = "tls")]
            tls: ClientTls::default(),
            max_redirects: 4,
            clock: Clock::system(),
            observer: None,
            // A server's large messages take as long as the line needs: keepalive
            // finds out whether it still lives.
            life: Life {
                max_message_size: 16 * 1024 * 1024,
                message_timeout: None,
                max_fragments: 64 * 1024,
                ..Life::default()
            },
            outbox: OutboxOptions {
                max_bytes: 1024 * 1024,
                max_messages: 1024,
                overflow: None,
                gap_notice: None,
            },
            problem: None,
        }
    }

    /// How long connecting may take in all: looking up the host, TCP, proxy,
    /// redirects and handshake. A short one gives up on slow lines, a long one
    /// keeps the caller waiting. Defaults to 10 s, and goes by the system's clock.
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        Self { connect_timeout: timeout, ..self }
    }

    /// Lets another thread call the attempt off, at any moment. Defaults to none.
    pub fn canceller(self, canceller: &Canceller) -> Self {
        Self { canceller: Some(canceller.clone()), ..self }
    }

    /// Adds a header field to the request. `Authorization`, `Cookie` and `Origin`
    /// are taken as by the methods of that name; fields that the handshake is made
    /// of (`Host`, `Upgrade`, `Connection`, `Sec-WebSocket-…`) are invalid.
    /// Defaults to none.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else {
            return self.invalid(format!("{name:?} is not the name of a header field"));
        };
        let Ok(content) = HeaderValue::from_str(value) else {
            return self
                .invalid(format!("the value of header field {parsed} has characters that may not be sent"));
        };
        match parsed.as_str() {
            "authorization" => self.authorization = Some(content),
            "origin" => self.origin = Some(content),
            "cookie" => self.cookies.push(value.to_owned()),
            name if RESERVED.contains(&name) || name.starts_with("sec-websocket-") => {
                return self.invalid(format!("header field {name} belongs to the handshake"));
            }
            _ => self.headers.push((parsed, content)),
        }
        self
    }

    /// Adds a cookie. Name and value are sent as they are: encode what has blanks,
    /// commas, semicolons or quotes in it. Defaults to none.
    pub fn cookie(mut self, name: &str, value: &str) -> Self {
        let is_fine = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\');
        if !is_token(name) || !value.bytes().all(is_fine) {
            return self.invalid(format!("the cookie {name:?} has characters that may not be sent"));
        }
        self.cookies.push(format!("{name}={value}"));
        self
    }

    /// Offers a subprotocol; several calls offer several, the preferred first. The
    /// server may choose one or none: see [`Connection::subprotocol`](super::Connection::subprotocol). One that was
    /// not offered fails the handshake. Defaults to none.
    pub fn subprotocol(mut self, name: &str) -> Self {
        if !is_token(name) || self.subprotocols.iter().any(|known| known == name) {
            return self.invalid(format!("{name:?} is not a subprotocol's name, or was given twice"));
        }
        self.subprotocols.push(name.to_owned());
        self
    }

    /// Says which page or application asks, for servers that check it. Defaults to
    /// none, as programs that are not browsers do.
    pub fn origin(self, origin: &str) -> Self {
        self.header("Origin", origin)
    }

    /// Sends user and password (RFC 7617), readable for all on the way unless the
    /// connection is encrypted. Defaults to those in the URL, if any.
    pub fn basic_auth(self, user: &str, password: &str) -> Self {
        if user.contains(':') {
            return self.invalid("a user name for basic authentication has no colon".to_owned());
        }
        self.header("Authorization", &basic(user, password))
    }

    /// Sends a token (RFC 6750), readable for all on the way unless the connection
    /// is encrypted. Defaults to none.
    pub fn bearer(self, token: &str) -> Self {
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return self.invalid("the bearer token has characters that may not be sent".to_owned());
        }
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// Connects through an HTTP proxy with `CONNECT`:
    /// `http://user:password@host:port`, user and password optional, port 80 unless
    /// said. The proxy looks up the host. Defaults to none; no environment variable
    /// is looked at.
    pub fn proxy(self, url: &str) -> Self {
        match Proxy::parse(url) {
            Ok(proxy) => Self { proxy: Some(proxy), ..self },
            Err(problem) => self.invalid(problem),
        }
    }

    /// For `wss://`: trusts servers whose certificate an authority in this PEM file has
    /// signed, instead of those that the system trusts. Several calls trust several
    /// files. Read when it is first needed, and again when it has changed. Defaults to
    /// none: the system's authorities.
    #[cfg(feature = "tls")]
    pub fn ca_file(self, path: impl AsRef<Path>) -> Self {
        Self { tls: self.tls.trust(path.as_ref().to_owned()), ..self }
    }

    /// For `wss://`: shows this certificate to servers that ask for one: PEM files with
    /// it and those between it and the authority, and its key, not encrypted. Read as
    /// [`ca_file`](Self::ca_file) is. Defaults to none.
    #[cfg(feature = "tls")]
    pub fn client_certificate(self, certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Self {
        let (certificate, key) = (certificate.as_ref().to_owned(), key.as_ref().to_owned());
        Self { tls: self.tls.identify(certificate, key), ..self }
    }

    /// How many redirects to follow. Only those to the same host and never from TLS
    /// to plain text are; credentials and cookies do not go along to another port,
    /// unless it is TLS in place of plain text. One that is not followed is
    /// [`Error::Refused`](crate::Error::Refused). Defaults to 4; 0 follows none.
    pub fn follow_redirects(self, max: u32) -> Self {
        Self { max_redirects: max, ..self }
    }

    /// Pings the server after this long without a sign of life. A short one notices
    /// sooner that the line is dead, and costs traffic; `None` never notices.
    /// Defaults to 20 s.
    pub fn ping_interval(mut self, interval: Option<Duration>) -> Self {
        self.life.ping_interval = interval;
        self
    }

    /// How long the server has to give a sign of life after a ping; then the
    /// connection ends with 1008. A short one takes a slow line for a dead one.
    /// Defaults to 20 s.
    pub fn ping_timeout(mut self, timeout: Duration) -> Self {
        self.life.ping_timeout = timeout;
        self
    }

    /// How long the server has to answer our close frame; then the connection is
    /// cut. A short one may cut off its last messages. Defaults to 5 s.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.life.close_timeout = timeout;
        self
    }

    /// The largest message that is received, in bytes; a larger one closes the
    /// connection with 1009. A large limit lets a server fill this program's
    /// memory. Defaults to 16 MiB.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.life.max_message_size = bytes;
        self
    }

    /// How many bytes may wait to be sent before sending waits. One message of any
    /// size always goes into an empty outbox. A large one takes bursts without
    /// waiting, and memory. Defaults to 1 MiB.
    pub fn outbox_bytes(mut self, bytes: usize) -> Self {
        self.outbox.max_bytes = bytes;
        self
    }

    /// How many messages may wait to be sent before sending waits. Defaults to
    /// 1,024.
    pub fn outbox_messages(mut self, messages: usize) -> Self {
        self.outbox.max_messages = messages;
        self
    }

    /// The time that keepalive and closing go by, for tests. Defaults to the
    /// system's.
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Shows the handshake and every frame to `observer`. Defaults to none, which
    /// costs nothing.
    pub fn wire_observer(self, observer: impl WireObserver + 'static) -> Self {
        Self { observer: Some(Arc::new(observer)), ..self }
    }

    /// Keeps the first problem.
    fn invalid(mut self, problem: String) -> Self {
        self.problem.get_or_insert(problem);
        self
    }
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ConnectOptions {
    /// Without header fields, cookies, tokens and the like: they are often secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_secret = |name: &str| name.starts_with(TOKEN_OFFER);
        let subprotocols: Vec<_> = self.subprotocols.iter().filter(|name| !is_secret(name)).collect();
        f.debug_struct("ConnectOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("subprotocols", &subprotocols)
            .field("max_redirects", &self.max_redirects)
            .field("life", &self.life)
            .field("outbox", &self.outbox)
            .finish_non_exhaustive()
    }
}
