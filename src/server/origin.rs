//! Which web pages may connect. Any page in a browser can reach a server on
//! localhost, so one from elsewhere is let in only where it is allowed.

use crate::{Refusal, Request};

/// No origin is a program, and welcome; the page's own server is welcome; others
/// only by the list, where `*` stands for all. Over TLS the page must have come so
/// too: one in the clear can be anybody's. In the clear either is fine, for TLS may
/// end at a proxy.
pub(super) fn check(request: &Request, allowed: &[String]) -> Result<(), Refusal> {
    let mut origins = request.header_values("Origin");
    let Some(origin) = origins.next() else { return Ok(()) };
    let is_single = origins.next().is_none();
    let same_host = || {
        let Some((scheme, host)) = origin.split_once("://") else { return false };
        let is_as_safe = request.tls().is_none() || scheme.eq_ignore_ascii_case("https");
        is_as_safe && request.header("Host").is_some_and(|own| own.eq_ignore_ascii_case(host))
    };
    let is_listed = || allowed.iter().any(|entry| entry == "*" || entry.eq_ignore_ascii_case(origin));
    if is_single && (same_host() || is_listed()) {
        return Ok(());
    }
    Err(Refusal::forbidden("this server does not take connections from that web page (Origin)"))
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
}
