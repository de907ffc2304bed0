//! Who gets in, as whom, where to, and for how long.

mod files;
mod handing;
mod identity;
mod jwt;
mod programs;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use chinwag::auth::{Jwt, Tokens};
use chinwag::chat::{Chat, ChatBuilder};
use chinwag::{CloseCode, ConnectOptions, Connection, Error, Server, ServerBuilder};
use tempfile::TempDir;

use crate::support::addr;

/// Writes a file that nobody else can read.
fn write_private(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}

fn start(chat: ChatBuilder) -> Server {
    start_with(Server::builder(), chat)
}

/// A chat with the check that pages ask for.
fn start_with(builder: ServerBuilder, chat: ChatBuilder) -> Server {
    let chat = chat.build();
    let checked = chat.clone();
    let builder = builder.paths(Chat::PATHS).http(move |request| checked.check(request));
    builder.handler(chat.gate()).bind("127.0.0.1:0").unwrap()
}

fn with_tokens(tokens: &Tokens) -> Server {
    let tokens = tokens.clone();
    start(Chat::builder().authenticate(move |request| tokens.identify(request)))
}

fn with_jwt(jwt: &Jwt) -> Server {
    let jwt = jwt.clone();
    start(Chat::builder().authenticate(move |request| jwt.identify(request)))
}

/// Joins by a token in the header field.
fn join_by(server: &Server, name: &str, token: &str) -> chinwag::Result<Connection> {
    ConnectOptions::new().bearer(token).connect(&format!("ws://{}/?name={name}", addr(server)))
}

/// Leaves in good order: the name is free then.
fn leave(mut connection: Connection) {
    connection.close(CloseCode::NORMAL, "").unwrap();
}

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("chinwag-test-auth-").tempdir().unwrap()
}

/// The status and reason of a refusal.
#[track_caller]
fn refusal<T>(result: chinwag::Result<T>) -> (u16, String) {
    match result {
        Err(Error::Refused(response)) => (response.status, response.body.trim_end().to_owned()),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("was let in"),
    }
}
