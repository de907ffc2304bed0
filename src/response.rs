//! Answers in plain HTTP: a refusal, or whatever a path has to show.

use std::time::Duration;

use bytes::Bytes;

use crate::counters::RefusalCause;

/// The answer to a request that is refused: an HTTP status, and a line that
/// tells a person what to do.
///
/// ```
/// use chinwag::Refusal;
/// use std::time::Duration;
///
/// let refusal = Refusal::new(409, "the name John is taken; choose another");
/// let later = Refusal::new(503, "full").retry_after(Duration::from_secs(5));
/// # let _ = (refusal, later);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: Vec<(String, String)>,
    /// What it is counted as.
    pub(crate) cause: RefusalCause,
}

impl Refusal {
    /// Refuses with `status` (400 to 599) and `reason` as the body.
    ///
    /// # Panics
    ///
    /// Where `status` is not an error's.
    pub fn new(status: u16, reason: impl Into<String>) -> Self {
        assert!((400..600).contains(&status), "{status} is not an HTTP error status");
        let cause = RefusalCause::of_status(status);
        Self { status, reason: reason.into(), headers: Vec::new(), cause }
    }

    /// Counts it as more than its status tells.
    pub(crate) fn because(self, cause: RefusalCause) -> Self {
        Self { cause, ..self }
    }

    /// 400: something in the request is missing or not allowed.
    pub fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(400, reason)
    }

    /// 403: this client may not come in.
    pub fn forbidden(reason: impl Into<String>) -> Self {
        Self::new(403, reason)
    }

    /// 404: nothing is at this path.
    pub fn not_found(reason: impl Into<String>) -> Self {
        Self::new(404, reason)
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The line for a person.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Tells the client when to try again, in whole seconds, at least one.
    pub fn retry_after(self, wait: Duration) -> Self {
        self.header("Retry-After", wait.as_secs().max(1).to_string())
    }

    /// Adds a header field.
    ///
    /// # Panics
    ///
    /// Where name or value holds a control character.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(field(name.into(), value.into()));
        self
    }
}

/// An answer to a request that asks for no WebSocket: see
/// [`ServerBuilder::http`](crate::ServerBuilder::http).
///
/// `Content-Length` and `Connection: close` are added, and to HEAD the body is not sent.
///
/// ```
/// use chinwag::{Response, Server};
///
/// let server = Server::builder()
///     .http(|request| match request.path() {
///         "/hello" => Some(Response::new(200).header("Content-Type", "text/plain").body("Hello!")),
///         _ => None,
///     })
///     .bind("127.0.0.1:0")?;
/// # Ok::<(), chinwag::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Response {
    /// An answer with `status` (200 to 599) and no body.
    ///
    /// # Panics
    ///
    /// Where `status` is no final one.
    pub fn new(status: u16) -> Self {
        assert!((200..600).contains(&status), "{status} is not a final HTTP status");
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// Adds a header field.
    ///
    /// # Panics
    ///
    /// Where name or value holds a control character.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(field(name.into(), value.into()));
        self
    }

    /// Sets the body. Static bytes are not copied.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

/// The reason is the body, as one line of text.
impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        let body = format!("{}\n", crate::Escaped::new(&refusal.reason));
        let plain = ("Content-Type".to_owned(), "text/plain; charset=utf-8".to_owned());
        let headers = [plain].into_iter().chain(refusal.headers).collect();
        Self { status: refusal.status, headers, body: body.into() }
    }
}

fn field(name: String, value: String) -> (String, String) {
    assert!(!name.chars().chain(value.chars()).any(char::is_control), "a header field is one line");
    (name, value)
}
