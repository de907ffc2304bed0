//! Where a URL leads: the place to connect to, and the path to ask for.

use std::path::PathBuf;

use http::Uri;

use crate::{Error, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub place: Place,
    pub is_secure: bool,
    /// Path and query as they go into the request line.
    pub path: String,
    /// User and password of the URL, percent-decoded.
    pub userinfo: Option<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// `host` is in lower case and without the brackets of an IPv6 address.
    Tcp {
        host: String,
        port: u16,
    },
    Unix(PathBuf),
}

impl Target {
    /// Parses `ws://`, `wss://`, `http://`, `https://` and
    /// `ws+unix:/path/to.sock:/request` URLs (RFC 6455, section 3).
    pub(super) fn parse(url: &str) -> Result<Self> {
        let invalid = |why: &str| Error::Invalid(format!("not a WebSocket URL: {why}"));
        if url.contains('#') {
            return Err(invalid("it has a fragment (#), which RFC 6455 does not allow"));
        }
        if !url.contains(':') || (!url.contains("://") && !url.starts_with("ws+unix:")) {
            return Err(invalid("it must begin with ws://"));
        }
        if let Some(rest) = url.strip_prefix("ws+unix:") {
            return Self::parse_unix(rest);
        }
        let uri: Uri = encode(url).parse().map_err(|error| invalid(&format!("{error}")))?;
        let is_secure = match uri.scheme_str().map(str::to_ascii_lowercase).as_deref() {
            Some("ws" | "http") => false,
            Some("wss" | "https") => true,
            _ => return Err(invalid("it must begin with ws:// or wss://")),
        };
        let authority = uri.authority().ok_or_else(|| invalid("it has no host"))?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            place: place(authority, if is_secure { 443 } else { 80 }).map_err(invalid)?,
            is_secure,
            path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") },
            userinfo: userinfo(authority.as_str()),
        })
    }

    /// A target for a transport that exists already.
    pub(super) fn local(path: &str) -> Self {
        let place = Place::Tcp { host: "localhost".to_owned(), port: 80 };
        Self { place, is_secure: false, path: encode(path), userinfo: None }
    }

    fn parse_unix(rest: &str) -> Result<Self> {
        let (socket, path) = rest.split_once(':').unwrap_or((rest, "/"));
        if socket.is_empty() || !path.starts_with('/') {
            let why = "expected ws+unix:/path/to.sock:/request/path";
            return Err(Error::Invalid(format!("not a WebSocket URL: {why}")));
        }
        let path: http::uri::PathAndQuery =
            encode(path).parse().map_err(|error| Error::Invalid(format!("not a WebSocket URL: {error}")))?;
        let place = Place::Unix(socket.trim_start_matches("//").into());
        Ok(Self { place, is_secure: false, path: path.to_string(), userinfo: None })
    }

    /// The value of the `Host` field.
    pub(super) fn host(&self) -> String {
        let Place::Tcp { host, port } = &self.place else { return "localhost".to_owned() };
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let default = if self.is_secure { 443 } else { 80 };
        if *port == default { host } else { format!("{host}:{port}") }
    }

    /// Where `location` leads from here, if it may be followed: to the same host,
    /// and not from TLS to plain text.
    pub(super) fn redirect(&self, location: &str) -> Option<Self> {
        let location = location.split('#').next().unwrap_or_default();
        let next = Self { userinfo: self.userinfo.clone(), ..self.resolve(location)? };
        let is_same_host = match (&self.place, &next.place) {
            (Place::Tcp { host, .. }, Place::Tcp { host: next, .. }) => host == next,
            (here, next) => here == next,
        };
        (is_same_host && (next.is_secure || !self.is_secure)).then_some(next)
    }

    /// Whether what is meant for this target may be told to `next` too: it is
    /// the same server, or the one behind TLS on the same host.
    pub(super) fn shares_credentials_with(&self, next: &Self) -> bool {
        self.place == next.place || (next.is_secure && !self.is_secure)
    }

    fn resolve(&self, location: &str) -> Option<Self> {
        if location.contains("://") {
            return Self::parse(location).ok();
        }
        if location.starts_with("//") {
            let scheme = if self.is_secure { "wss:" } else { "ws:" };
            return Self::parse(&format!("{scheme}{location}")).ok();
        }
        let path = self.path.split('?').next().unwrap_or_default();
        let path = match location.chars().next()? {
            '/' => location.to_owned(),
            '?' => format!("{path}{location}"),
            _ => format!("{}/{location}", path.rsplit_once('/').map_or("", |(parent, _)| parent)),
        };
        let path: http::uri::PathAndQuery = encode(&path).parse().ok()?;
        Some(Self { path: path.to_string(), ..self.clone() })
    }
}

/// The host and port that `authority` names.
pub(super) fn place(authority: &http::uri::Authority, default_port: u16) -> Result<Place, &'static str> {
    let text = authority.as_str();
    let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let host = authority.host();
    let port = match text[host.len()..].strip_prefix(':') {
        None | Some("") => default_port,
        Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or("its port is not a port number")?,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    if host.is_empty() { Err("it has no host") } else { Ok(Place::Tcp { host, port }) }
}

/// User and password before the `@`, percent-decoded.
pub(super) fn userinfo(authority: &str) -> Option<(String, String)> {
    let (userinfo, _) = authority.rsplit_once('@')?;
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    Some((decode(user), decode(password)))
}

/// Replaces what may not stand in a request line by its percent-encoding.
fn encode(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for byte in url.bytes() {
        match byte {
            b' ' | 0x80.. => out.push_str(&format!("%{byte:02X}")),
            _ => out.push(char::from(byte)),
        }
    }
    out
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let hex = hex.filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Place {
        Place::Tcp { host: host.to_owned(), port }
    }

    #[test]
    fn urls_lead_to_host_port_and_path() {
        let facts = [
            ("ws://Example.org", tcp("example.org", 80), "/", "example.org"),
            ("wss://example.org/", tcp("example.org", 443), "/", "example.org"),
            ("http://example.org:8080?a=b", tcp("example.org", 8080), "/?a=b", "example.org:8080"),
            ("ws://[::1]:9001/x", tcp("::1", 9001), "/x", "[::1]:9001"),
            ("ws://h/ä b?name=Jörg", tcp("h", 80), "/%C3%A4%20b?name=J%C3%B6rg", "h"),
            ("ws+unix:/run/x.sock:/chat?a", Place::Unix("/run/x.sock".into()), "/chat?a", "localhost"),
            ("ws+unix:/run/x.sock", Place::Unix("/run/x.sock".into()), "/", "localhost"),
        ];
        for (url, place, path, host) in facts {
            let target = Target::parse(url).expect(url);
            assert_eq!((target.place.clone(), target.path.as_str()), (place, path), "{url}");
            assert_eq!(target.host(), host, "{url}");
        }
    }

    #[test]
    fn what_is_no_websocket_url_is_refused() {
        for url in
            ["", "example.org", "ftp://h/", "ws://h/#top", "ws://", "ws:///x", "ws://h:0/", "ws://h:99999/"]
        {
            assert!(matches!(Target::parse(url), Err(Error::Invalid(_))), "{url}");
        }
    }

    #[test]
    fn userinfo_is_percent_decoded() {
        let target = Target::parse("ws://J%C3%B6rg:p%40ss%3A@h/").expect("a URL");
        assert_eq!(target.userinfo, Some(("Jörg".to_owned(), "p@ss:".to_owned())));
        assert_eq!(target.host(), "h");
    }

    #[test]
    fn redirects_stay_on_the_host_and_never_lose_security() {
        let plain = Target::parse("ws://u:p@h:81/a/b?c").expect("a URL");
        let secure = Target::parse("wss://h/a").expect("a URL");
        let path = |location| plain.redirect(location).map(|next| next.path);
        assert_eq!(path("/x"), Some("/x".to_owned()));
        assert_eq!(path("x?y"), Some("/a/x?y".to_owned()));
        assert_eq!(path("?y"), Some("/a/b?y".to_owned()));
        assert_eq!(path("http://H:82/z#f"), Some("/z".to_owned()));
        assert_eq!(path("//other/z"), None);
        assert_eq!(path("ws://other/"), None);
        assert_eq!(path(""), None);
        assert!(secure.redirect("ws://h/a").is_none());
        let other_port = plain.redirect("ws://h:82/").expect("the same host");
        assert!(!plain.shares_credentials_with(&other_port));
        assert!(plain.shares_credentials_with(&plain.redirect("/x").expect("the same host")));
        assert!(plain.shares_credentials_with(&plain.redirect("wss://h/").expect("the same host")));
    }
}
