//! The fields that a reverse proxy adds to a request. Of a list of addresses those at its
//! end were added last, by proxies of ours; what stands before them anybody may have written.

use std::net::{IpAddr, SocketAddr};

use super::{Introduction, Proxies};
use crate::{Refusal, Request};

/// What the fields of a request from a trusted proxy say. `Forwarded` (RFC 7239) is not
/// read: a proxy that sets the one list passes on the other as it came, forged or not.
/// A list that ends with no address is refused: what follows it would count as the proxy's own.
pub(in crate::server) fn read(request: &Request, proxies: &Proxies) -> Result<Introduction, Refusal> {
    let client = client(request, proxies);
    if client.is_none() && request.header("X-Forwarded-For").is_some_and(|list| !list.is_empty()) {
        return Err(Refusal::bad_request("the last entry of X-Forwarded-For is no address"));
    }
    Ok(Introduction { client, is_secure: is_secure(request) })
}

/// The last address in `X-Forwarded-For` that is no trusted proxy's, or the first of all
/// where all are. What is no address ends the list, for whoever added it is not to be believed.
fn client(request: &Request, proxies: &Proxies) -> Option<SocketAddr> {
    let lines: Vec<&str> = request.header_values("X-Forwarded-For").collect();
    let from_the_end = lines.iter().rev().flat_map(|line| line.rsplit(','));
    let mut found = None;
    for addr in from_the_end.map_while(|entry| address(entry.trim())) {
        found = Some(addr);
        if !proxies.trust_ip(addr.ip()) {
            break;
        }
    }
    found
}

/// With or without a port, IPv6 with or without brackets.
fn address(text: &str) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let without_port = || bare.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 0));
    let addr = text.parse::<SocketAddr>().or_else(|_| without_port()).ok()?;
    Some(SocketAddr::new(addr.ip().to_canonical(), addr.port()))
}

/// The last word on it is the nearest proxy's.
fn is_secure(request: &Request) -> Option<bool> {
    let last = request.header_values("X-Forwarded-Proto").last()?;
    let scheme = last.rsplit(',').next().unwrap_or_default().trim();
    let is = |names: [&str; 2]| names.iter().any(|name| scheme.eq_ignore_ascii_case(name));
    if is(["https", "wss"]) {
        return Some(true);
    }
    is(["http", "ws"]).then_some(false)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::PeerAddr;

    fn introduced(fields: &str) -> Option<Introduction> {
        let trusted = ["10.0.0.0/8", "fd00::1"].map(|text| text.parse().unwrap());
        let proxies = Proxies { trusted: trusted.into(), speak_first: false };
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        read(&Request::new(head.into(), PeerAddr::Memory, None), &proxies).ok()
    }

    fn client_of(fields: &str) -> Option<String> {
        introduced(fields)?.client.map(|addr| addr.to_string())
    }

    #[test]
    fn the_last_address_that_is_no_trusted_proxy_is_the_client() {
        for (list, client) in [
            ("192.0.2.7", "192.0.2.7:0"),
            ("6.6.6.6, 192.0.2.7", "192.0.2.7:0"),
            ("6.6.6.6, 192.0.2.7, 10.1.2.3,fd00::1", "192.0.2.7:0"),
            ("nonsense, 192.0.2.7", "192.0.2.7:0"),
            ("192.0.2.7:4711", "192.0.2.7:4711"),
            ("2001:db8::7", "[2001:db8::7]:0"),
            ("[2001:db8::7]", "[2001:db8::7]:0"),
            ("[2001:db8::7]:4711", "[2001:db8::7]:4711"),
            ("::ffff:192.0.2.7", "192.0.2.7:0"),
            ("10.9.9.9, 10.1.2.3", "10.9.9.9:0"),
        ] {
            assert_eq!(client_of(&format!("X-Forwarded-For: {list}\r\n")).as_deref(), Some(client), "{list}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines = "X-Forwarded-For: 6.6.6.6\r\nx-forwarded-for: 192.0.2.7, 10.0.0.1\r\n";
        assert_eq!(client_of(lines).as_deref(), Some("192.0.2.7:0"));
        let lines = "X-Forwarded-For: 192.0.2.7\r\nx-forwarded-for: 10.0.0.1\r\n";
        assert_eq!(client_of(lines).as_deref(), Some("192.0.2.7:0"));
    }

    #[test]
    fn what_is_no_address_is_not_passed_over() {
        for list in ["unknown", "192.0.2.7, unknown", "192.0.2.7,", "192.0.2.7, 10.0.0.1x"] {
            assert!(introduced(&format!("X-Forwarded-For: {list}\r\n")).is_none(), "{list}");
        }
        // The proxy before it is known, and so its word is all there is.
        let list = "X-Forwarded-For: 192.0.2.7, unknown, 10.0.0.2\r\n";
        assert_eq!(client_of(list).as_deref(), Some("10.0.0.2:0"));
        assert_eq!(client_of("Forwarded: for=192.0.2.7\r\nX-Real-IP: 192.0.2.7\r\n"), None);
    }

    #[test]
    fn the_nearest_proxy_says_how_the_client_came() {
        let secure = |fields: &str| introduced(fields).unwrap().is_secure;
        assert_eq!(secure("X-Forwarded-Proto: https\r\n"), Some(true));
        assert_eq!(secure("X-Forwarded-Proto: https\r\nX-Forwarded-Proto: WS\r\n"), Some(false));
        assert_eq!(secure("X-Forwarded-Proto: http, wss\r\n"), Some(true));
        assert_eq!(secure("X-Forwarded-Proto: gopher\r\n"), None);
        assert_eq!(secure(""), None);
    }
}
