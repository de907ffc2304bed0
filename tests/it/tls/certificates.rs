//! Certificates on both sides, and what is said where one is no good.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use chinwag::{ClientCertificates, ConnectOptions, Error, Listener, Refusal, Request, Server, ServerTls};

use super::authority::{Authority, HERE, Identity};
use super::{chat, start, start_with, trusting, url};
use crate::support::{Program, addr, eventually, hears};

/// The error of connecting to a server that shows this certificate.
fn failure(identity: &Identity, options: &ConnectOptions) -> String {
    let server = start(Server::builder(), identity);
    match options.connect(&url(&server, "John")) {
        Err(Error::Tls(words)) => words,
        other => panic!("expected an error of TLS, got {other:?}"),
    }
}

#[test]
fn what_is_wrong_with_a_certificate_is_said_in_words() {
    let authority = Authority::new();
    let options = trusting(&authority);
    let says = |identity: &Identity, words: &str| {
        let said = failure(identity, &options);
        assert!(said.contains(words), "expected {words:?} in: {said}");
    };
    says(&authority.expired(), "expired on 2021-02-03");
    says(&authority.early(), "not valid before 2999-01-01");
    says(
        &authority.server(&["chat.example", "10.1.2.3"]),
        "is not for 127.0.0.1, but for chat.example, 10.1.2.3",
    );
    says(&authority.client("localhost"), "for another purpose");
    says(&Authority::new().server(&HERE), "an authority that is not trusted");
}

#[test]
fn an_authority_of_ones_own_is_not_trusted_unless_it_is_named() {
    let authority = Authority::new();
    let server = chat(&authority);
    // The system's authorities, of which there may be none, do not include it.
    let system = ConnectOptions::new().connect(&url(&server, "John"));
    assert!(matches!(system, Err(Error::Tls(_) | Error::Invalid(_))), "{system:?}");
    let mut john = trusting(&authority).connect(&url(&server, "John")).unwrap();
    hears(&mut john, &["John joined.", "Welcome John."]);
}

#[test]
fn a_name_that_the_certificate_has_is_as_good_as_an_address() {
    let authority = Authority::new();
    let server = chat(&authority);
    let url = format!("wss://localhost:{}/?name=John", addr(&server).port());
    hears(&mut trusting(&authority).connect(&url).unwrap(), &["John joined.", "Welcome John."]);
}

/// Tells who comes what certificates it has shown.
fn showing(tls: &ServerTls) -> Server {
    let gate = |request: &Request| -> Result<Nobody, Refusal> {
        Err(Refusal::new(418, format!("{} shown", request.tls().unwrap().peer_certificates.len())))
    };
    start_with(Server::builder().handler(gate), tls)
}

pub struct Nobody;
impl chinwag::Handler for Nobody {}

fn outcome(options: &ConnectOptions, server: &Server) -> String {
    match options.connect(&url(server, "John")) {
        Err(Error::Refused(response)) => response.body.trim().to_owned(),
        Err(error) => error.to_string(),
        Ok(_) => panic!("let in"),
    }
}

#[test]
fn a_clients_certificate_is_asked_for_and_checked() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let identity = authority.server(&HERE);
    let builder = ServerTls::builder(&identity.cert, &identity.key);
    let load = |wanted| builder.clone().client_ca(authority.ca(), wanted).load().unwrap();
    let required = showing(&load(ClientCertificates::Required));
    let optional = showing(&load(ClientCertificates::Optional));
    let (good, bad) = (authority.client("John"), stranger.client("John"));
    let with = |identity: &Identity| trusting(&authority).client_certificate(&identity.cert, &identity.key);
    for server in [&required, &optional] {
        assert_eq!(outcome(&with(&good), server), "1 shown");
        let said = outcome(&with(&bad), server);
        assert!(said.contains("does not trust the authority that signed our certificate"), "{said}");
    }
    assert_eq!(outcome(&trusting(&authority), &optional), "0 shown");
    let said = outcome(&trusting(&authority), &required);
    assert!(said.contains("asks for a certificate of ours"), "{said}");
}

#[test]
fn a_clients_certificate_says_whose_it_is() {
    let authority = Authority::new();
    let identity = authority.server(&HERE);
    let builder = ServerTls::builder(&identity.cert, &identity.key);
    let gate = |request: &Request| -> Result<Nobody, Refusal> {
        Err(Refusal::new(418, format!("{:?}", request.tls().unwrap().peer_subject())))
    };
    let tls = builder.client_ca(authority.ca(), ClientCertificates::Optional).load().unwrap();
    let server = start_with(Server::builder().handler(gate), &tls);
    let john = authority.client_named("John", "Example & Söhne, Ltd.");
    let with_one = trusting(&authority).client_certificate(&john.cert, &john.key);
    assert_eq!(outcome(&with_one, &server), r#"Some("CN=John,O=Example & Söhne\\, Ltd.")"#);
    assert_eq!(outcome(&trusting(&authority), &server), "None");
}

#[test]
fn chat_server_lets_in_who_has_no_certificate_where_that_is_optional() {
    let authority = Authority::new();
    let (identity, john) = (authority.server(&HERE), authority.client("John"));
    let ca = authority.ca();
    for (wanted, without) in [
        (&[][..], false),
        (&["--tls-client-auth", "required"], false),
        (&["--tls-client-auth", "optional"], true),
    ] {
        let mut args = identity.args().to_vec();
        args.extend(["--tls-client-ca", ca.to_str().unwrap()]);
        args.extend(wanted);
        let (_server, addr) = Program::chat_server(&args);
        let url = format!("wss://{addr}/?name=John");
        let with = trusting(&authority).client_certificate(&john.cert, &john.key).connect(&url);
        assert!(with.is_ok(), "{wanted:?}: {with:?}");
        assert_eq!(
            trusting(&authority).connect(&format!("wss://{addr}/?name=Adam")).is_ok(),
            without,
            "{wanted:?}"
        );
    }
    let args = ["--tls-client-auth", "optional"];
    let alone = Command::new(env!("CARGO_BIN_EXE_chat-server")).args(args).output().unwrap();
    assert_eq!(alone.status.code(), Some(2));
}

#[test]
fn files_that_are_no_good_are_said_to_be() {
    let authority = Authority::new();
    let good = authority.server(&HERE);
    let write = |name: &str, text: &str| {
        let path = authority.path(name);
        fs::write(&path, text).unwrap();
        path
    };
    let encrypted = write(
        "encrypted.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let empty = write("empty.pem", "");
    let another = authority.client("John");
    let missing = authority.path("missing.pem");
    for (cert, key, words) in [
        (&missing, &good.key, "failed to read the certificate"),
        (&good.cert, &missing, "failed to read the private key"),
        (&empty, &good.key, "has no certificate in it"),
        (&good.key, &good.cert, "has a private key, but no certificate,"),
        (&good.cert, &empty, "has no private key in it"),
        (&good.cert, &encrypted, "is encrypted"),
        (&good.cert, &another.key, "does not belong to the certificate"),
    ] {
        let error = ServerTls::from_files(cert, key).unwrap_err().to_string();
        assert!(error.contains(words), "expected {words:?} in: {error}");
    }
}

#[test]
fn a_unix_socket_speaks_no_tls() {
    let authority = Authority::new();
    let identity = authority.server(&HERE);
    let tls = ServerTls::from_files(&identity.cert, &identity.key).unwrap();
    let listener = Listener::bind_unix(authority.path("socket")).unwrap();
    assert!(matches!(listener.tls(&tls), Err(Error::Invalid(_))));
}

/// Runs a program of ours to its end; its exit code and what it said on stderr.
fn run(program: &str, args: &[&str]) -> (i32, String) {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_programs_say_what_to_do() {
    let authority = Authority::new();
    let identity = authority.server(&HERE);
    let (server, client) = (env!("CARGO_BIN_EXE_chat-server"), env!("CARGO_BIN_EXE_chat-client"));
    let cert = identity.cert.to_str().unwrap();
    assert_eq!(
        run(server, &["--listen", "127.0.0.1:0", "--tls-cert", cert]).0,
        2,
        "a certificate without a key"
    );
    let (code, said) =
        run(server, &["--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", "/no/such.key"]);
    assert_eq!(code, 1);
    assert!(said.contains("failed to read the private key /no/such.key"), "{said}");

    let chat = chat(&authority);
    let url = format!("wss://{}/", addr(&chat));
    let (code, said) =
        run(client, &["--name", "John", "--ca", authority.ca().to_str().unwrap(), "--cert", cert, &url]);
    assert_eq!(code, 2, "a certificate without a key: {said}");
    let stranger = Authority::new();
    let (code, said) = run(client, &["--name", "John", "--ca", stranger.ca().to_str().unwrap(), &url]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("not trusted here; if it is your own, name its file with --ca"), "{said}");
}

#[test]
fn a_key_that_all_can_read_is_warned_of() {
    let authority = Authority::new();
    let identity = authority.server(&HERE);
    fs::set_permissions(&identity.key, PermissionsExt::from_mode(0o644)).unwrap();
    let log = authority.path("log");
    let mut args = identity.args().to_vec();
    args.extend(["--log-file", log.to_str().unwrap()]);
    let mut server = Program::chat_server_with(&args);
    assert!(server.line().starts_with("listening on wss://"));
    let words = "every user of this machine can read the private key";
    eventually("a warning in the log", || fs::read_to_string(&log).is_ok_and(|said| said.contains(words)));
}
