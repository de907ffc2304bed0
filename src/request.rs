//! The request that opened a connection.

use std::borrow::Cow;
use std::net::SocketAddr;

use crate::{PeerAddr, TlsInfo};

/// What an entry in the list of subprotocols begins with that carries a token instead.
pub(crate) const TOKEN_OFFER: &str = "chinwag.token.";

/// The HTTP request that a client opened its WebSocket with (RFC 6455, section 4.1).
///
/// ```no_run
/// # fn show(request: &chinwag::Request) {
/// println!("{} asks for {}", request.peer_addr(), request.path());
/// println!("name: {:?}", request.query("name"));
/// println!("session: {:?}", request.cookie("session"));
/// # }
/// ```
pub struct Request {
    /// Request line and header fields as they came, checked for syntax. Looked
    /// through when asked: a parsed map for each client would cost more memory.
    head: Box<str>,
    peer: PeerAddr,
    local: Option<SocketAddr>,
    subprotocol: Option<Box<str>>,
    tls: Option<Box<TlsInfo>>,
    proxied: Option<Box<Proxied>>,
}

/// What a trusted proxy had to do with the request.
struct Proxied {
    /// Where it spoke for somebody else.
    proxy: Option<PeerAddr>,
    /// Whether the client came to it encrypted, where it told.
    is_secure: Option<bool>,
}

impl Request {
    pub(crate) fn new(head: Box<str>, peer: PeerAddr, local: Option<SocketAddr>) -> Self {
        Self { head, peer, local, subprotocol: None, tls: None, proxied: None }
    }

    pub(crate) fn secured(self, tls: Option<Box<TlsInfo>>) -> Self {
        Self { tls, ..self }
    }

    /// A trusted proxy has passed it on, and said for whom, or for nobody.
    pub(crate) fn passed_on(&mut self, client: Option<SocketAddr>, is_secure: Option<bool>) {
        let proxy = client.map(|_| self.peer);
        self.proxied = Some(Box::new(Proxied { proxy, is_secure }));
        self.peer = client.map_or(self.peer, PeerAddr::Tcp);
    }

    pub(crate) fn choose(&mut self, subprotocol: Option<&str>) {
        self.subprotocol = subprotocol.map(Into::into);
    }

    /// Path and query as they were asked for, such as `/ws?name=John`.
    pub fn target(&self) -> &str {
        let line = self.head.lines().next().unwrap_or_default();
        line.split(' ').nth(1).unwrap_or_default()
    }

    /// The path without its query; percent-encoded as it came.
    pub fn path(&self) -> &str {
        let target = self.target();
        target.split_once('?').map_or(target, |(path, _)| path)
    }

    /// The decoded value of the first query parameter named `name`.
    pub fn query(&self, name: &str) -> Option<String> {
        self.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// All query parameters, decoded, in order.
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let query = self.target().split_once('?').map_or("", |(_, query)| query);
        form_urlencoded::parse(query.as_bytes())
    }

    /// The first header field named `name`, in any case. Bytes that are not
    /// UTF-8 come as U+FFFD.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All header fields named `name`, in any case.
    pub fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All header fields in order, names as they came.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.head.lines().skip(1);
        lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim()))
    }

    /// The value of the cookie named `name`.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.header_values("Cookie").flat_map(|line| line.split(';'));
        let mut found = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(key, _)| *key == name);
        found.next().map(|(_, value)| value)
    }

    /// The web page's origin, where a browser opened the connection.
    pub fn origin(&self) -> Option<&str> {
        self.header("Origin")
    }

    /// The subprotocols that the client offers, the one it likes best first. An entry that
    /// carries a token is none.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        self.offers().filter(|offer| !offer.starts_with(TOKEN_OFFER))
    }

    /// The tokens among what the client offers as subprotocols: a browser can put them
    /// nowhere else but into the address.
    #[cfg(feature = "auth")]
    pub(crate) fn offered_tokens(&self) -> impl Iterator<Item = &str> {
        self.offers().filter_map(|offer| offer.strip_prefix(TOKEN_OFFER))
    }

    fn offers(&self) -> impl Iterator<Item = &str> {
        list(self.header_values("Sec-WebSocket-Protocol"))
    }

    /// The subprotocol that was chosen for this connection.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// Who is at the other end: behind a [trusted proxy](crate::ServerBuilder::trusted_proxy)
    /// whom that one names, with port 0 where it names none.
    pub fn peer_addr(&self) -> PeerAddr {
        self.peer
    }

    /// The address that the client connected to, over TCP.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local
    }

    /// The trusted proxy that made the connection for the peer, if one did.
    pub fn via(&self) -> Option<PeerAddr> {
        self.proxied.as_ref()?.proxy
    }

    /// Whether the client's own connection is encrypted: the one that came in here, or as
    /// a trusted proxy says of that to it.
    pub fn is_secure(&self) -> bool {
        let told = self.proxied.as_ref().and_then(|proxied| proxied.is_secure);
        told.unwrap_or(self.tls.is_some())
    }

    /// How the connection is protected, and the client's certificate; `None` where it
    /// came in the clear.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_deref()
    }

    /// Whether the list in the header fields named `name` has `token`, in any case.
    pub(crate) fn lists(&self, name: &str, token: &str) -> bool {
        list(self.header_values(name)).any(|item| item.eq_ignore_ascii_case(token))
    }
}

fn list<'a>(values: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    values.flat_map(|line| line.split(',')).map(str::trim).filter(|item| !item.is_empty())
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The query and the header fields may hold secrets.
        write!(f, "Request({} from {})", crate::Escaped::new(self.path()).cut(200), self.peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(head: &str) -> Request {
        Request::new(head.into(), PeerAddr::Memory, None)
    }

    #[test]
    fn the_query_is_decoded_and_the_first_of_a_name_counts() {
        let request = request("GET /ws?name=J%C3%B6rg+B&name=x&empty HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(request.path(), "/ws");
        assert_eq!(request.query("name").as_deref(), Some("Jörg B"));
        assert_eq!(request.query("empty").as_deref(), Some(""));
        assert_eq!(request.query("none"), None);
    }

    #[test]
    fn headers_cookies_and_lists_are_found_in_any_case_and_line() {
        let head = "GET / HTTP/1.1\r\nhost: a\r\nCOOKIE: a=1; b=2\r\nConnection: keep-alive, upgrade\r\n\
                    Sec-WebSocket-Protocol: x, chinwag.token.s3cret, y\r\nsec-websocket-protocol: z\r\n\r\n";
        let request = request(head);
        assert_eq!(request.header("Host"), Some("a"));
        assert_eq!(request.cookie("b"), Some("2"));
        assert_eq!(request.subprotocols().collect::<Vec<_>>(), ["x", "y", "z"]);
        assert!(request.lists("connection", "Upgrade"));
    }
}
