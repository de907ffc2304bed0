//! The page's files over plain HTTP: what a browser may do with them, and may not.

use std::net::SocketAddr;

use crate::support::{Program, answer_to};

#[test]
fn the_page_and_its_parts_are_served_under_a_strict_policy() {
    let (_server, addr) = Program::chat_server(&[]);
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/?name=John", "text/html; charset=utf-8"),
        ("/page/main.js", "text/javascript; charset=utf-8"),
        ("/page/page.css", "text/css; charset=utf-8"),
        ("/page/icon.svg", "image/svg+xml"),
    ] {
        let answer = get(addr, path, "");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
        assert_eq!(field(&answer, "Content-Type"), Some(content_type), "{path}");
        assert_eq!(field(&answer, "X-Content-Type-Options"), Some("nosniff"));
        assert_eq!(field(&answer, "Referrer-Policy"), Some("no-referrer"));
        let policy = field(&answer, "Content-Security-Policy").unwrap();
        for rule in
            ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "trusted-types 'none'"]
        {
            assert!(policy.split("; ").any(|part| part == rule), "{rule} is not in {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
    }
    for path in ["/page/", "/page/mod.rs", "/page/../Cargo.toml", "/page/nothing.js", "/index.html"] {
        assert!(get(addr, path, "").starts_with("HTTP/1.1 404 "), "{path}");
    }
}

#[test]
fn a_browser_that_has_the_page_is_told_so() {
    let (_server, addr) = Program::chat_server(&[]);
    let first = get(addr, "/", "");
    let tag = field(&first, "ETag").unwrap();
    assert_eq!(field(&first, "Cache-Control"), Some("no-cache"));
    for known in [tag.to_owned(), format!("\"other\", W/{tag}"), "*".to_owned()] {
        let again = get(addr, "/", &format!("If-None-Match: {known}\r\n"));
        assert!(again.starts_with("HTTP/1.1 304 ") && again.ends_with("\r\n\r\n"), "{again}");
        assert_eq!(field(&again, "ETag"), Some(tag));
    }
    let other = get(addr, "/page/main.js", &format!("If-None-Match: {tag}\r\n"));
    assert!(other.starts_with("HTTP/1.1 200 "), "{other}");
}

fn get(addr: SocketAddr, path: &str, fields: &str) -> String {
    answer_to(addr, &format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\n{fields}\r\n"))
}

fn field<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = answer.split_once("\r\n\r\n").unwrap();
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}
