//! The client's half of the opening handshake (RFC 6455, section 4.1).

use std::fmt::Write;

use super::ConnectOptions;
use super::field::basic;
use super::target::Target;

/// The request head. `with_credentials` is false where the target is not the
/// one that the caller named.
pub(super) fn request(
    options: &ConnectOptions,
    target: &Target,
    key: &str,
    with_credentials: bool,
) -> Vec<u8> {
    let mut head = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n",
        target.path,
        target.host(),
    )
    .into_bytes();
    if !options.subprotocols.is_empty() {
        field(&mut head, "Sec-WebSocket-Protocol", options.subprotocols.join(", ").as_bytes());
    }
    if let Some(origin) = &options.origin {
        field(&mut head, "Origin", origin.as_bytes());
    }
    if with_credentials {
        credentials(&mut head, options, target);
    }
    for (name, value) in &options.headers {
        field(&mut head, name.as_str(), value.as_bytes());
    }
    head.extend(b"\r\n");
    head
}

fn credentials(head: &mut Vec<u8>, options: &ConnectOptions, target: &Target) {
    if let Some(value) = &options.authorization {
        field(head, "Authorization", value.as_bytes());
    } else if let Some((user, password)) = &target.userinfo {
        field(head, "Authorization", basic(user, password).as_bytes());
    }
    if !options.cookies.is_empty() {
        field(head, "Cookie", options.cookies.join("; ").as_bytes());
    }
}

fn field(head: &mut Vec<u8>, name: &str, value: &[u8]) {
    head.extend(name.as_bytes());
    head.extend(b": ");
    head.extend(value);
    head.extend(b"\r\n");
}

/// The request to a proxy (RFC 9110, section 9.3.6).
pub(super) fn connect_request(host: &str, userinfo: Option<&(String, String)>) -> String {
    let mut head = format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n");
    if let Some((user, password)) = userinfo {
        let _ = write!(head, "Proxy-Authorization: {}\r\n", basic(user, password));
    }
    head + "\r\n"
}
