//! The opening handshake over any transport, and the checks of the answer that
//! RFC 6455 demands of a client (section 4.1).

use bytes::Bytes;
use data_encoding::BASE64;
use tungstenite::handshake::derive_accept_key;

use super::ConnectOptions;
use super::exchange::{Exchange, Head};
use super::request::request;
use super::target::Target;
use crate::{Error, RefusedResponse, Result};

/// The server's answer to the handshake.
pub(super) enum Answer {
    Accepted(Accepted),
    /// A status other than 101.
    Refused(RefusedResponse),
}

pub(super) struct Accepted {
    pub headers: Vec<(String, String)>,
    pub subprotocol: Option<String>,
    /// What came in behind the head.
    pub early: Bytes,
}

pub(super) fn shake(
    mut exchange: Exchange<'_>,
    options: &ConnectOptions,
    target: &Target,
    with_credentials: bool,
) -> Result<Answer> {
    let key = BASE64.encode(&rand::random::<[u8; 16]>());
    exchange.send(&request(options, target, &key, with_credentials))?;
    let mut head = exchange.read_head()?;
    // Interim responses (RFC 9110, section 15.2) say nothing yet; the deadline
    // bounds how many there can be.
    while matches!(head.status, 100 | 102..200) {
        head = exchange.read_head()?;
    }
    if head.status != 101 {
        return Ok(Answer::Refused(exchange.into_refused(head)));
    }
    let subprotocol = check(&head, &key, &options.subprotocols)?;
    Ok(Answer::Accepted(Accepted { headers: head.headers, subprotocol, early: exchange.into_rest() }))
}

/// Checks a 101 response; returns the subprotocol that the server chose.
fn check(head: &Head, key: &str, offered: &[String]) -> Result<Option<String>> {
    let broken = |what: &str| Err(Error::Handshake(what.to_owned()));
    if !head.values("upgrade").any(|value| value.eq_ignore_ascii_case("websocket")) {
        return broken("the response has no Upgrade: websocket");
    }
    if !head.has_token("connection", "upgrade") {
        return broken("the response has no Connection: Upgrade");
    }
    if !head.values("sec-websocket-accept").eq([derive_accept_key(key.as_bytes()).as_str()]) {
        return broken("Sec-WebSocket-Accept does not fit the key that was sent");
    }
    if head.values("sec-websocket-extensions").any(|value| !value.is_empty()) {
        return broken("the server chose an extension that was not offered");
    }
    let mut chosen = head.values("sec-websocket-protocol");
    match (chosen.next(), chosen.next()) {
        (None, _) => Ok(None),
        (Some(one), None) if offered.iter().any(|name| name == one) => Ok(Some(one.to_owned())),
        (Some(_), None) => broken("the server chose a subprotocol that was not offered"),
        (Some(_), Some(_)) => broken("the server chose more than one subprotocol"),
    }
}
