//! The HTTP before the WebSocket: reads a request head, checks it, makes the
//! response or the refusal.

use std::collections::HashSet;

use data_encoding::BASE64;
use tungstenite::handshake::server::{create_response, write_response};
use tungstenite::http as ws_http;

use crate::{Refusal, Request, Response};

/// The longest request head that is taken.
pub(super) const MAX_HEAD: usize = 16 * 1024;
const MAX_HEADERS: usize = 100;

/// A head as it was parsed, with its length in bytes.
#[derive(Debug)]
pub(super) struct Head {
    pub length: usize,
    pub method: String,
    version: u8,
    path: String,
}

/// The head at the start of `bytes`, `None` while it is not whole.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Head>, Refusal> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut fields);
    match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) if length <= MAX_HEAD => Ok(Some(Head {
            length,
            method: parsed.method.unwrap_or_default().to_owned(),
            version: parsed.version.unwrap_or_default(),
            path: parsed.path.unwrap_or_default().to_owned(),
        })),
        Ok(httparse::Status::Partial) if bytes.len() < MAX_HEAD => Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => Err(Refusal::new(
            431,
            format!("the request head is over {MAX_HEAD} bytes or {MAX_HEADERS} fields"),
        )),
        Err(error) => Err(Refusal::bad_request(format!("this is not an HTTP request: {error}"))),
    }
}

/// Checks what every request must have.
pub(super) fn check(head: &Head, request: &Request) -> Result<(), Refusal> {
    if !head.path.starts_with('/') {
        return Err(Refusal::bad_request("the request target must be a path, such as /?name=John"));
    }
    if !matches!(&*head.method, "GET" | "HEAD") {
        return Err(Refusal::new(405, "only GET is understood here").header("Allow", "GET, HEAD"));
    }
    if head.version < 1 {
        return Err(Refusal::new(505, "HTTP/1.1 is needed"));
    }
    if request.header_values("Host").count() != 1 {
        return Err(Refusal::bad_request("exactly one Host field is needed"));
    }
    // A body would be taken for frames, and a proxy in between might not agree.
    let has_body = request.header_values("Content-Length").any(|length| length != "0");
    if has_body || request.header("Transfer-Encoding").is_some() {
        return Err(Refusal::bad_request("a request has no body here"));
    }
    Ok(())
}

/// Whether the request asks for a WebSocket, if perhaps in the wrong way.
pub(super) fn is_upgrade(request: &Request) -> bool {
    request.lists("Connection", "Upgrade") && request.lists("Upgrade", "websocket")
}

/// Checks that the request asks for a WebSocket in the right way (RFC 6455,
/// section 4.2.1), on one of `paths`.
pub(super) fn check_upgrade(
    head: &Head,
    request: &Request,
    paths: Option<&HashSet<String>>,
) -> Result<(), Refusal> {
    if paths.is_some_and(|paths| !paths.contains(request.path())) {
        return Err(Refusal::not_found("nothing is here"));
    }
    if head.method != "GET" || !is_upgrade(request) {
        return Err(Refusal::new(426, "this is a WebSocket server: connect with ws://, not with http://")
            .header("Upgrade", "websocket"));
    }
    if request.header("Sec-WebSocket-Version") != Some("13") {
        return Err(Refusal::new(426, "WebSocket version 13 is needed").header("Sec-WebSocket-Version", "13"));
    }
    let mut keys = request.header_values("Sec-WebSocket-Key").map(|key| BASE64.decode(key.as_bytes()));
    match (keys.next(), keys.next()) {
        (Some(Ok(key)), None) if key.len() == 16 => Ok(()),
        _ => Err(Refusal::bad_request("exactly one Sec-WebSocket-Key is needed, 16 bytes in base64")),
    }
}

/// The 101 response (RFC 6455, section 4.2.2), with fields of the embedder's.
pub(super) fn accept(request: &Request, extra: &[(String, String)]) -> Result<Vec<u8>, Refusal> {
    let bad =
        |error: &dyn std::fmt::Display| Refusal::bad_request(format!("the upgrade is malformed: {error}"));
    let mut asked =
        ws_http::Request::builder().method("GET").uri("/").body(()).map_err(|error| bad(&error))?;
    for name in ["Connection", "Upgrade", "Sec-WebSocket-Version", "Sec-WebSocket-Key"] {
        let values = request.header_values(name).collect::<Vec<_>>().join(", ");
        let value = values.parse().map_err(|_| bad(&format!("{name} is not ASCII")))?;
        asked.headers_mut().insert(name, value);
    }
    let mut response = create_response(&asked).map_err(|error| bad(&error))?;
    let chosen = request.subprotocol().map(|chosen| ("Sec-WebSocket-Protocol", chosen));
    let extra = extra.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in chosen.into_iter().chain(extra) {
        match (ws_http::HeaderName::try_from(name), ws_http::HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) if value.to_str().is_ok() => {
                response.headers_mut().append(name, value);
            }
            _ => {
                log::warn!(
                    "left out a response field that is not valid HTTP: {}",
                    crate::Escaped::new(name).cut(200)
                )
            }
        }
    }
    let mut bytes = Vec::new();
    write_response(&mut bytes, &response).map_err(|error| bad(&error))?;
    Ok(bytes)
}

/// An answer that is no upgrade, as bytes; to HEAD without its body.
pub(super) fn respond(response: &Response, is_head: bool) -> Vec<u8> {
    let status = ws_http::StatusCode::from_u16(response.status).ok();
    let phrase = status.and_then(|status| status.canonical_reason()).unwrap_or("Unknown");
    let mut out = format!("HTTP/1.1 {} {phrase}\r\n", response.status);
    for (name, value) in &response.headers {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    // 204 and 304 have no body, and 204 no length (RFC 9110, section 8.6).
    if !matches!(response.status, 204 | 304) {
        out.push_str(&format!("Content-Length: {}\r\n", response.body.len()));
    }
    out.push_str("Connection: close\r\n\r\n");
    let mut out = out.into_bytes();
    if !is_head && !matches!(response.status, 204 | 304) {
        out.extend_from_slice(&response.body);
    }
    out
}

/// A refusal as bytes.
pub(super) fn refuse(refusal: Refusal) -> Vec<u8> {
    respond(&refusal.into(), false)
}
