//! Which web pages may connect. Any page in a browser can reach a server on
//! localhost, so one from elsewhere is let in only where it is allowed.

use std::net::IpAddr;

use crate::{Refusal, Request};

/// No origin is a program, and welcome; the page's own server is welcome; others
/// only by the list, where `*` stands for all. Over TLS the page must have come so
/// too: one in the clear can be anybody's. In the clear either is fine, for TLS may
/// end at a proxy that does not say so.
pub(super) fn check(request: &Request, allowed: &[String]) -> Result<(), Refusal> {
    let mut origins = request.header_values("Origin");
    let Some(origin) = origins.next() else { return Ok(()) };
    let is_single = origins.next().is_none();
    let same_host = || {
        let Some((scheme, host)) = origin.split_once("://") else { return false };
        let is_as_safe = !request.is_secure() || scheme.eq_ignore_ascii_case("https");
        is_as_safe && request.header("Host").is_some_and(|own| own.eq_ignore_ascii_case(host))
    };
    let is_listed = || allowed.iter().any(|entry| entry == "*" || entry.eq_ignore_ascii_case(origin));
    if is_single && (same_host() || is_listed()) {
        return Ok(());
    }
    Err(Refusal::forbidden("this server does not take connections from that web page (Origin)"))
}

/// On a loopback address a browser may only ask for this machine: any other name could
/// be that of a page from elsewhere, resolved to here (DNS rebinding).
pub(super) fn check_host(request: &Request, allowed: &[String]) -> Result<(), Refusal> {
    if !request.local_addr().is_some_and(|addr| addr.ip().to_canonical().is_loopback()) {
        return Ok(());
    }
    let host = request.header("Host").unwrap_or_default();
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name);
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    let bare = bare.trim_end_matches('.').to_ascii_lowercase();
    let is_own = bare == "localhost"
        || bare.ends_with(".localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
    let is_listed =
        |entry: &String| entry == "*" || [host, name].iter().any(|own| entry.eq_ignore_ascii_case(own));
    if is_own || allowed.iter().any(is_listed) {
        return Ok(());
    }
    Err(Refusal::forbidden("this server does not answer to that host name (Host)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PeerAddr;

    fn is_let_in(origin: &str, allowed: &[&str]) -> bool {
        let head = format!("GET / HTTP/1.1\r\nHost: chat.example:9001\r\n{origin}\r\n");
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        check(&Request::new(head.into(), PeerAddr::Memory, None), &allowed).is_ok()
    }

    #[test]
    fn only_programs_the_own_page_and_listed_pages_are_let_in() {
        assert!(is_let_in("", &[]));
        assert!(is_let_in("Origin: http://chat.example:9001\r\n", &[]));
        assert!(is_let_in("Origin: https://other.example\r\n", &["https://other.example"]));
        assert!(is_let_in("Origin: https://other.example\r\n", &["*"]));
        for origin in
            ["null", "http://chat.example", "http://chat.example:9001.evil", "http://evil/chat.example:9001"]
        {
            assert!(!is_let_in(&format!("Origin: {origin}\r\n"), &[]), "{origin}");
        }
        let two = "Origin: http://chat.example:9001\r\nOrigin: http://chat.example:9001\r\n";
        assert!(!is_let_in(two, &["*"]), "two origins");
    }

    #[test]
    fn on_loopback_only_names_of_this_machine_are_answered_to() {
        let check = |host: &str, allowed: &[String]| {
            let head = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
            let local = "127.0.0.1:9001".parse().ok();
            check_host(&Request::new(head.into(), PeerAddr::Memory, local), allowed).is_ok()
        };
        for host in
            ["localhost", "LOCALHOST:9001", "127.0.0.1:9001", "[::1]:9001", "chat.localhost", "127.1.2.3"]
        {
            assert!(check(host, &[]), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:9001",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "",
            "192.0.2.1",
        ] {
            assert!(!check(host, &[]), "{host}");
            assert!(check(host, &["*".to_owned()]), "{host}");
        }
        assert!(check("chat.example:9001", &["chat.example".to_owned()]));
    }
}
