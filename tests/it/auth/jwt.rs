//! Signed tokens: what is believed, and every way in which one is not good.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chinwag::auth::Jwt;
use chinwag::{Clock, CloseCode, Error, Server};
use data_encoding::{BASE64_MIME, BASE64URL_NOPAD};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{folder, join_by, refusal, with_jwt, write_private};
use crate::support::{hear, hear_end, hears};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// Who makes tokens.
enum Signer {
    Secret(Vec<u8>),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    fn ed25519() -> Self {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed25519(Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap())
    }

    fn alg(&self) -> &'static str {
        match self {
            Self::Secret(_) => "HS256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_with(&json!({ "alg": self.alg(), "typ": "JWT" }), claims)
    }

    fn sign_with(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    fn sign_text(&self, header: &str, claims: &str) -> String {
        let encode = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = match self {
            Self::Secret(secret) => {
                hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes()).as_ref().to_vec()
            }
            Self::Ed25519(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
        };
        format!("{message}.{}", BASE64URL_NOPAD.encode(&signature))
    }

    /// The key file for the server.
    fn file(&self, folder: &TempDir) -> PathBuf {
        let path = folder.path().join("key");
        match self {
            Self::Secret(secret) => write_private(&path, secret),
            Self::Ed25519(_) => fs::write(&path, self.pem()).unwrap(),
        }
        path
    }

    fn pem(&self) -> String {
        let Self::Ed25519(pair) = self else { panic!("a secret is no PEM") };
        let prefix = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        pem("PUBLIC KEY", &[&prefix, pair.public_key().as_ref()].concat())
    }
}

fn pem(kind: &str, der: &[u8]) -> String {
    let body = BASE64_MIME.encode(der).replace("\r\n", "\n");
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", body.trim_end())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Adam's claims, good for an hour.
fn claims() -> Value {
    json!({ "sub": "Adam", "exp": now() + 3600 })
}

fn claiming(key: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[key] = value.into();
    claims
}

fn without(key: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(key);
    claims
}

/// A server that trusts each, and who makes tokens for it.
fn both() -> Vec<(Server, Signer)> {
    let folder = folder();
    let start = |signer: Signer| (with_jwt(&Jwt::open(signer.file(&folder)).unwrap()), signer);
    vec![start(Signer::Secret(SECRET.to_vec())), start(Signer::ed25519())]
}

fn complaint(path: &Path, bytes: impl AsRef<[u8]>) -> String {
    write_private(path, bytes);
    match Jwt::open(path) {
        Err(Error::Invalid(words)) => words,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_good_token_says_who_somebody_is() {
    for (server, signer) in both() {
        let mut adam = join_by(&server, "adam", &signer.sign(&claims())).unwrap();
        hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
        let (status, reason) = refusal(join_by(&server, "Eve", &signer.sign(&claims())));
        assert_eq!((status, &*reason), (403, "your token is for Adam: ask for no other name"));
    }
}

#[test]
fn a_token_that_is_not_good_is_refused_and_the_answer_says_why() {
    for (server, signer) in both() {
        for (claims, why) in [
            (claiming("exp", now() - 60), "has expired"),
            (without("exp"), "does not say when it expires"),
            (claiming("exp", "tomorrow"), "malformed"),
            (claiming("exp", -1), "does not say when it expires"),
            (claiming("nbf", now() + 600), "not valid yet"),
            (claiming("nbf", "never"), "malformed"),
            (without("sub"), "does not say who it is for"),
            (claiming("sub", 7), "malformed"),
            (claiming("rooms", "lobby"), "malformed"),
            (claiming("aud", "elsewhere"), "another service"),
            (json!([]), "malformed"),
        ] {
            let (status, reason) = refusal(join_by(&server, "Adam", &signer.sign(&claims)));
            assert_eq!(status, 401, "{claims}: {reason}");
            assert!(reason.contains(why), "{claims}: {reason}");
        }
        for (claims, why) in [
            (claiming("role", "king"), "the role in your token"),
            (claiming("rooms", json!(["two words"])), "a room in your token"),
            (claiming("sub", " "), "the name in your token"),
        ] {
            let (status, reason) = refusal(join_by(&server, "Adam", &signer.sign(&claims)));
            assert!(status == 403 && reason.contains(why), "{status} {reason}");
        }
    }
}

#[test]
fn clocks_may_be_off_a_little() {
    for (server, signer) in both() {
        let token = signer.sign(&json!({ "sub": "Adam", "exp": now() - 10, "nbf": now() + 10 }));
        let mut adam = join_by(&server, "Adam", &token).unwrap();
        // It is not over at once.
        hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
        let fraction = signer.sign(&json!({ "sub": "Eve", "exp": now() as f64 + 60.5 }));
        assert!(join_by(&server, "Eve", &fraction).is_ok());
        let forever = signer.sign(&json!({ "sub": "Zoe", "exp": u64::MAX }));
        assert!(join_by(&server, "Zoe", &forever).is_ok());
    }
}

#[test]
fn what_another_key_signed_is_not_believed_nor_what_was_changed() {
    for (server, signer) in both() {
        let good = signer.sign(&claims());
        let parts: Vec<&str> = good.split('.').collect();
        let other = BASE64URL_NOPAD.encode(claiming("role", "operator").to_string().as_bytes());
        let mut forged = vec![
            Signer::Secret(b"another secret, of more than 32 bytes".to_vec()).sign(&claims()),
            Signer::ed25519().sign(&claims()),
            format!("{}.{other}.{}", parts[0], parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}", parts[0], parts[1]),
            format!("{good}.{good}"),
            format!("{good}="),
            "..".to_owned(),
            "a.b.c".to_owned(),
        ];
        // What says two things at once.
        let header = json!({ "alg": signer.alg() }).to_string();
        forged.push(
            signer.sign_text(&header, &format!(r#"{{"sub":"Eve","sub":"Adam","exp":{}}}"#, now() + 60)),
        );
        forged.push(signer.sign_text(&header, &format!(r#"{{"sub":"Adam","exp":1,"exp":{}}}"#, now() + 60)));
        // The last character of a signature may have bits that do not count.
        let start = good.rfind('.').unwrap() + 1;
        let flipped = if &good[start..=start] == "A" { "B" } else { "A" };
        forged.push(format!("{}{flipped}{}", &good[..start], &good[start + 1..]));
        for token in forged {
            assert_eq!(refusal(join_by(&server, "Adam", &token)).0, 401, "{token}");
        }
        assert!(join_by(&server, "Adam", &good).is_ok());
    }
}

#[test]
fn the_key_decides_the_algorithm_and_never_the_token() {
    let folder = folder();
    let signer = Signer::ed25519();
    let server = with_jwt(&Jwt::open(signer.file(&folder)).unwrap());
    let unsigned = |alg: &str| {
        let encode = |value: Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        format!("{}.{}.", encode(json!({ "alg": alg, "typ": "JWT" })), encode(claims()))
    };
    let Signer::Ed25519(pair) = &signer else { panic!() };
    let pem = signer.pem();
    let mut forged = vec![unsigned("none"), unsigned("None"), unsigned("HS256"), unsigned("EdDSA")];
    // The public key, which everybody may have, as a secret: with and without what is around it.
    for secret in [pem.as_bytes(), pem.trim_end().as_bytes(), pair.public_key().as_ref()] {
        forged.push(Signer::Secret(secret.to_vec()).sign(&claims()));
        let lying = json!({ "alg": "EdDSA", "typ": "JWT" });
        forged.push(Signer::Secret(secret.to_vec()).sign_with(&lying, &claims()));
    }
    for alg in ["HS256", "HS512", "ES256", "RS256", "none"] {
        forged.push(signer.sign_with(&json!({ "alg": alg }), &claims()));
    }
    // A key that comes along with the token, and what must be understood.
    let own = Signer::ed25519();
    forged.push(own.sign_with(
        &json!({ "alg": "EdDSA", "kid": "../../etc/passwd", "jku": "http://127.0.0.1:1/" }),
        &claims(),
    ));
    forged.push(signer.sign_with(&json!({ "alg": "EdDSA", "crit": ["b64"], "b64": false }), &claims()));
    for token in forged {
        let (status, reason) = refusal(join_by(&server, "Adam", &token));
        assert_eq!(status, 401, "{token}: {reason}");
    }
    // And the other way round: a secret believes nothing else.
    let secret = Signer::Secret(SECRET.to_vec());
    let server = with_jwt(&Jwt::open(secret.file(&folder)).unwrap());
    for token in
        [unsigned("none"), signer.sign(&claims()), secret.sign_with(&json!({ "alg": "HS384" }), &claims())]
    {
        assert_eq!(refusal(join_by(&server, "Adam", &token)).0, 401, "{token}");
    }
}

#[test]
fn a_token_names_the_rooms_that_it_is_for() {
    for (server, signer) in both() {
        let token = signer.sign(&claiming("rooms", json!(["#Games", "tea"])));
        let mut adam = join_by(&server, "Adam", &token).unwrap();
        hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
        adam.send("/join lobby").unwrap();
        hears(&mut adam, &["Your token does not allow the room lobby, only games, tea."]);
        adam.send("/join tea").unwrap();
        hears(&mut adam, &["Adam joined."]);
        assert_eq!(refusal(join_by(&server, "Adam&room=lobby", &token)).0, 403);
    }
}

#[test]
fn a_token_that_expires_ends_the_connection() {
    let folder = folder();
    let (clock, hand) = Clock::manual();
    let signer = Signer::ed25519();
    let jwt = Jwt::open(signer.file(&folder)).unwrap();
    let chat = chinwag::chat::Chat::builder().authenticate(move |request| jwt.identify(request));
    let server = super::start_with(Server::builder().clock(clock).ping_interval(None), chat);
    let mut adam = join_by(&server, "Adam", &signer.sign(&claims())).unwrap();
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    hand.advance(Duration::from_secs(3599));
    adam.send("still here").unwrap();
    hears(&mut adam, &["Adam says: still here"]);
    // With what clocks may be off.
    hand.advance(Duration::from_secs(32));
    let reason = hear_end(&mut adam);
    assert_eq!((reason.code, &*reason.reason), (CloseCode::POLICY, "your access has expired"));
}

#[test]
fn an_audience_is_demanded_where_there_is_one() {
    let folder = folder();
    let signer = Signer::Secret(SECRET.to_vec());
    let server = with_jwt(&Jwt::open(signer.file(&folder)).unwrap().audience("chat"));
    for (claims, is_good) in [
        (claiming("aud", "chat"), true),
        (claiming("aud", json!(["mail", "chat"])), true),
        (claiming("aud", "mail"), false),
        (claims(), false),
    ] {
        assert_eq!(join_by(&server, "Adam", &signer.sign(&claims)).is_ok(), is_good, "{claims}");
    }
}

#[test]
fn another_key_ends_those_who_came_in_by_the_old_one() {
    let folder = folder();
    let old = Signer::ed25519();
    let path = old.file(&folder);
    let jwt = Jwt::open(&path).unwrap();
    let server = with_jwt(&jwt);
    let mut adam = join_by(&server, "Adam", &old.sign(&claims())).unwrap();
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    // A bad one changes nothing, and neither does the same again.
    write_private(&path, b"short");
    assert!(jwt.reload().is_err());
    fs::write(&path, format!("\n{}", old.pem())).unwrap();
    jwt.reload().unwrap();
    adam.send("still here").unwrap();
    assert_eq!(hear(&mut adam), "Adam says: still here");
    let new = Signer::Secret(SECRET.to_vec());
    new.file(&folder);
    assert_eq!(hear_end(&mut adam).code, CloseCode::POLICY);
    assert_eq!(refusal(join_by(&server, "Adam", &old.sign(&claims()))).0, 401);
    assert!(join_by(&server, "Adam", &new.sign(&claims())).is_ok());
}

#[test]
fn a_file_that_is_no_key_is_refused_and_the_error_says_what_to_do() {
    let folder = folder();
    let path = folder.path().join("key");
    let private = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let rsa = [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    assert!(complaint(&path, "much too short\n").contains("at least 32"));
    assert!(complaint(&path, "").contains("at least 32"));
    assert!(complaint(&path, [&SECRET[..31], b"\n"].concat()).contains("31 bytes"));
    assert!(complaint(&path, pem("PRIVATE KEY", private.as_ref())).contains("openssl pkey"));
    assert!(complaint(&path, pem("PUBLIC KEY", &rsa)).contains("Ed25519"));
    assert!(complaint(&path, "-----BEGIN PUBLIC KEY-----\nnot base64 at all\n").contains("PEM"));
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    assert!(complaint(&path, jwk).contains("public key"));
    assert!(complaint(&path, [SECRET, b"\nanother line\n"].concat()).contains("several lines"));
    fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    fs::write(&path, SECRET).unwrap();
    assert!(matches!(Jwt::open(&path), Err(Error::Invalid(words)) if words.contains("chmod o-r")));
    assert!(matches!(Jwt::open(folder.path().join("none")), Err(Error::Io { .. })));
    // A line break at the end of a secret does not count.
    write_private(&path, [SECRET, b"\n"].concat());
    let server = with_jwt(&Jwt::open(&path).unwrap());
    assert!(join_by(&server, "Adam", &Signer::Secret(SECRET.to_vec()).sign(&claims())).is_ok());
}
