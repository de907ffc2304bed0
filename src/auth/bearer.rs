//! Where a request carries its token, and what is said to one that has none.

use crate::request::TOKEN_OFFER;
use crate::{Refusal, Request};

/// What an entry of `Sec-WebSocket-Protocol` begins with that carries a token: a browser
/// can set no other field. It is no subprotocol, and never chosen.
pub const TOKEN_SUBPROTOCOL: &str = TOKEN_OFFER;

/// The token of a request: in `Authorization: Bearer`, in the query as `token`, or behind
/// [`TOKEN_SUBPROTOCOL`]. `None` where there is none.
///
/// # Errors
///
/// 400 where there are two different ones.
pub fn bearer(request: &Request) -> Result<Option<String>, Refusal> {
    let fields = request.header_values("Authorization").filter_map(credentials).map(str::to_owned);
    let query = request.query_pairs().filter(|(key, _)| key == "token").map(|(_, value)| value.into_owned());
    let mut found = fields.chain(query).chain(request.offered_tokens().map(str::to_owned));
    let first = found.next();
    if found.any(|other| Some(other) != first) {
        return Err(Refusal::bad_request("the request has two different tokens: send one"));
    }
    Ok(first)
}

/// What comes behind the scheme `Bearer` (RFC 6750, section 2.1); other schemes may be for
/// somebody in between.
fn credentials(field: &str) -> Option<&str> {
    let (scheme, token) = field.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// 401, with the field that says what kind of credential is wanted. The reason is for a
/// person, and never the token itself.
pub fn unauthorized(reason: impl Into<String>) -> Refusal {
    Refusal::new(401, reason).header("WWW-Authenticate", r#"Bearer realm="chinwag""#)
}

/// The refusal of one without a token.
pub(super) fn missing() -> Refusal {
    unauthorized(
        "this chat needs a token: ask its operator for one (programs send it as Authorization: Bearer TOKEN)",
    )
}

/// The refusal of one whose token is no good, and why (RFC 6750, section 3.1).
pub(super) fn invalid(why: &str) -> Refusal {
    let field = format!(r#"Bearer realm="chinwag", error="invalid_token", error_description="{why}""#);
    Refusal::new(401, format!("{why}: ask the chat's operator for another")).header("WWW-Authenticate", field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PeerAddr;

    fn found(target: &str, fields: &str) -> Result<Option<String>, u16> {
        let head = format!("GET {target} HTTP/1.1\r\n{fields}\r\n");
        let request = Request::new(head.into(), PeerAddr::Memory, None);
        bearer(&request).map_err(|refusal| refusal.status())
    }

    #[test]
    fn a_token_is_found_in_each_of_its_places() {
        let secret = || Ok(Some("s3cret.x-_".to_owned()));
        assert_eq!(found("/?name=John", "Authorization: Basic abc\r\n"), Ok(None));
        assert_eq!(found("/", "Authorization: bearer  s3cret.x-_ \r\n"), secret());
        assert_eq!(found("/?a&%74oken=s3cret%2Ex-_", ""), secret());
        let offers = "Sec-WebSocket-Protocol: chinwag.v1, chinwag.token.s3cret.x-_\r\n";
        assert_eq!(found("/", offers), secret());
        assert_eq!(found("/?token=s3cret.x-_", offers), secret());
    }

    #[test]
    fn two_different_tokens_are_refused_wherever_they_are() {
        let header = "Authorization: Bearer one\r\n";
        for (target, fields) in [
            ("/?token=two", header.to_owned()),
            ("/?token=one&token=two", String::new()),
            ("/?token=", header.to_owned()),
            ("/", format!("{header}Authorization: Bearer two\r\n")),
            ("/", format!("{header}Sec-WebSocket-Protocol: chinwag.token.two\r\n")),
        ] {
            assert_eq!(found(target, &fields), Err(400), "{target} {fields}");
        }
    }
}
