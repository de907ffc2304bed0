//! Every way to hand over a token, and what is answered to a wrong one.

use std::time::Duration;

use chinwag::auth::{TokenFile, Tokens, bearer, unauthorized};
use chinwag::chat::{Chat, Identity, Role};
use chinwag::{ConnectOptions, Connection, Server};

use super::{folder, join_by, refusal, start, with_tokens};
use crate::support::{Raw, addr, answer_to, hear, hears, request};

/// A server that knows Adam's token and Eve's, and the two.
fn server() -> (Server, String, String) {
    let folder = folder();
    let file = TokenFile::new(folder.path().join("tokens"));
    let adams = file.add("Adam", Role::Operator).unwrap();
    let eves = file.add("Eve", Role::Member).unwrap();
    (with_tokens(&Tokens::open(folder.path().join("tokens")).unwrap()), adams, eves)
}

#[test]
fn a_token_lets_its_owner_in_by_header_query_and_subprotocol() {
    let (server, token, _) = server();
    let at = addr(&server);
    let mut by_header = join_by(&server, "Adam", &token).unwrap();
    hears(&mut by_header, &["Adam joined.", "Welcome Adam."]);
    drop(by_header);
    let mut by_query = Connection::connect(&format!("ws://{at}/?name=adam&token={token}")).unwrap();
    // The name is the token's own, however it is asked for.
    hears(&mut by_query, &["Adam joined.", "Welcome Adam."]);
    drop(by_query);
    let offers = ConnectOptions::new().subprotocol("chinwag.v1");
    let offers = offers.subprotocol(&format!("chinwag.token.{token}"));
    let mut by_offer = offers.connect(&format!("ws://{at}/ws?name=Adam")).unwrap();
    assert!(hear(&mut by_offer).starts_with(r#"{"type":"welcome","name":"Adam""#));
    assert_eq!(by_offer.subprotocol(), Some("chinwag.v1"));
    drop(by_offer);
    // A page's check, as its scripts can ask.
    let check = format!("GET /ws?name=Adam HTTP/1.1\r\nHost: {at}\r\nAuthorization: Bearer {token}\r\n\r\n");
    assert!(answer_to(at, &check).starts_with("HTTP/1.1 204 "));
}

#[test]
fn an_entry_with_a_token_is_never_chosen_and_never_echoed() {
    let (server, token, _) = server();
    let offer = format!("Sec-WebSocket-Protocol: chinwag.token.{token}\r\n");
    let mut raw = Raw::connect(addr(&server));
    raw.send(request("/?name=Adam", &offer).as_bytes());
    let head = raw.read_head();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(!head.contains("Sec-WebSocket-Protocol") && !head.contains(&token), "{head}");
    // It is the text mode, as of one who offers nothing.
    assert_eq!(raw.read_frame().1, b"Adam joined.");
}

#[test]
fn without_a_token_or_with_a_wrong_one_the_answer_says_what_to_do() {
    let (server, token, _) = server();
    let at = addr(&server);
    let answer = answer_to(at, &request("/?name=Adam", ""));
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.contains("\r\nWWW-Authenticate: Bearer realm=\"chinwag\"\r\n"), "{answer}");
    assert!(answer.contains("ask its operator for one"), "{answer}");

    let almost = format!("{}x", &token[..token.len() - 1]);
    for wrong in ["", "x", &token[1..], &format!("{token}x"), &almost, "%00", &"x".repeat(8000)] {
        let answer = answer_to(at, &request(&format!("/?name=Adam&token={wrong}"), ""));
        assert!(answer.starts_with("HTTP/1.1 401 "), "{wrong}: {answer}");
        assert!(answer.contains(r#"error="invalid_token""#), "{answer}");
        assert!(wrong.len() < 8 || !answer.contains(wrong), "{answer}");
        let check = format!("GET /ws?name=Adam&token={wrong} HTTP/1.1\r\nHost: {at}\r\n\r\n");
        assert!(answer_to(at, &check).starts_with("HTTP/1.1 401 "));
    }
    // What is not for us may be for a proxy, and is no token.
    let basic = answer_to(at, &request("/?name=Adam", "Authorization: Basic YWRhbTp4\r\n"));
    assert!(basic.starts_with("HTTP/1.1 401 ") && !basic.contains("invalid_token"), "{basic}");
}

#[test]
fn two_different_tokens_are_refused_and_one_given_twice_is_not() {
    let (server, adams, eves) = server();
    let with = |in_query: &str, in_header: &str| {
        let url = format!("ws://{}/?name=Adam&token={in_query}", addr(&server));
        ConnectOptions::new().bearer(in_header).connect(&url)
    };
    let (status, reason) = refusal(with(&adams, &eves));
    assert_eq!(status, 400);
    assert!(reason.contains("two different tokens"), "{reason}");
    assert!(with(&adams, &adams).is_ok());
}

#[test]
fn a_token_lets_nobody_in_under_another_name() {
    let (server, adams, eves) = server();
    let (status, reason) = refusal(join_by(&server, "Eve", &adams));
    assert_eq!((status, &*reason), (403, "your token is for Adam: ask for no other name"));
    assert!(join_by(&server, "Eve", &eves).is_ok());
}

#[test]
fn many_wrong_tokens_do_not_keep_the_right_one_out() {
    let (server, token, _) = server();
    // More than an address elsewhere may try in a minute: this machine's own are not counted.
    for number in 0..100 {
        assert_eq!(refusal(join_by(&server, "Adam", &format!("wrong{number}"))).0, 401);
    }
    assert!(join_by(&server, "Adam", &token).is_ok());
}

#[test]
fn an_application_with_credentials_of_its_own_uses_the_same_parts() {
    let server = start(Chat::builder().authenticate(|request| match bearer(request)?.as_deref() {
        Some("open sesame") => Ok(Identity::named("Ali").role(Role::Operator)),
        Some(_) => Err(unauthorized("say the other word")),
        None => Ok(Identity::default()),
    }));
    let at = |query: &str| {
        let url = format!("ws://{}/?name=Ali{query}", addr(&server));
        ConnectOptions::new().connect_timeout(Duration::from_secs(10)).connect(&url)
    };
    assert!(at("&token=open+sesame").is_ok());
    assert_eq!(refusal(at("&token=open")), (401, "say the other word".to_owned()));
    assert!(at("").is_ok());
}
