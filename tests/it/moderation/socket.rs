//! The admin socket of an embedder's server: who gets to it, and what it bears.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use chinwag::admin::{AdminAnswer, AdminClient, AdminRequest, AdminSocket};
use chinwag::chat::Chat;
use chinwag::protocol::Ask;
use chinwag::{Error, Server};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{guarded, person, serve, until};
use crate::support::{PATIENCE, eventually};

struct Rig {
    folder: TempDir,
    chat: Chat,
    server: Server,
}

fn rig() -> Rig {
    let chat = guarded(Chat::builder());
    Rig { folder: tempfile::tempdir().unwrap(), server: serve(&chat), chat }
}

impl Rig {
    fn path(&self) -> PathBuf {
        self.folder.path().join("admin")
    }

    fn open(&self) -> Result<AdminSocket, Error> {
        AdminSocket::bind(self.path(), &self.chat, self.server.hub())
    }
}

fn raw(path: &Path) -> BufReader<UnixStream> {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    BufReader::new(stream)
}

fn ask(stream: &mut BufReader<UnixStream>, line: &str) -> Value {
    stream.get_mut().write_all(line.as_bytes()).unwrap();
    stream.get_mut().write_all(b"\n").unwrap();
    answer(stream)
}

fn answer(stream: &mut BufReader<UnixStream>) -> Value {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn it_is_its_owner_s_alone_and_gone_with_the_server() {
    let rig = rig();
    let socket = rig.open().unwrap();
    assert_eq!(fs::metadata(rig.path()).unwrap().permissions().mode() & 0o777, 0o600);
    // Nothing else is left of its making.
    assert_eq!(fs::read_dir(rig.folder.path()).unwrap().count(), 1);
    let error = rig.open().unwrap_err().to_string();
    assert!(error.starts_with("failed to open the admin socket") && error.contains("in use"), "{error}");
    let mut idle = raw(&rig.path());
    assert_eq!(ask(&mut idle, r#"{"v":1,"type":"version"}"#)["version"], env!("CARGO_PKG_VERSION"));
    drop(socket);
    assert_eq!(idle.read(&mut [0]).unwrap(), 0, "its end ends its connections");
    assert!(!rig.path().exists());
}

#[test]
fn what_a_dead_server_left_is_replaced_and_other_files_are_not() {
    let rig = rig();
    drop(UnixListener::bind(rig.path()).unwrap());
    assert!(rig.path().exists());
    drop(rig.open().unwrap());
    fs::write(rig.path(), "precious").unwrap();
    assert!(rig.open().is_err());
    assert_eq!(fs::read_to_string(rig.path()).unwrap(), "precious");
    let nowhere = AdminSocket::bind("/no/such/folder/admin", &rig.chat, rig.server.hub()).unwrap_err();
    assert!(
        nowhere.to_string().starts_with("failed to open the admin socket /no/such/folder/admin"),
        "{nowhere}"
    );
    // A file that came in its place meanwhile is another's.
    fs::remove_file(rig.path()).unwrap();
    let socket = rig.open().unwrap();
    fs::remove_file(rig.path()).unwrap();
    fs::write(rig.path(), "another's").unwrap();
    drop(socket);
    assert!(rig.path().exists());
}

#[test]
fn everything_can_be_asked_over_it() {
    let rig = rig();
    let _socket = rig.open().unwrap();
    let mut admin = AdminClient::connect(rig.path()).unwrap();
    let (mut john, _) = person(&rig.server, "name=John&subject=john@example.org");
    let mut order = |ask| admin.ask(&AdminRequest::Order(ask), Some("the night watch")).unwrap();
    let (name, reason) = ("John".to_owned(), "shouting".to_owned());
    let done = order(Ask::Mute { name: name.clone(), lasting: None, reason: reason.clone() });
    assert!(matches!(done, AdminAnswer::Moderated(done) if done.name.as_deref() == Some("John")));
    assert_eq!(until(&mut john, "moderated")["by"], "the night watch");
    order(Ask::Unmute { name: name.clone() });
    until(&mut john, "moderated");
    order(Ask::Lock { room: "lobby".to_owned() });
    order(Ask::Lock { room: "den".to_owned() });
    let AdminAnswer::Rooms { rooms } = admin.ask(&AdminRequest::Rooms, None).unwrap() else { panic!() };
    let rooms = rooms.iter().map(|room| (&*room.room, room.people, room.locked)).collect::<Vec<_>>();
    assert_eq!(rooms, [("lobby", 1, true), ("den", 0, true)]);
    let AdminAnswer::Clients { clients } = admin.ask(&AdminRequest::Clients, None).unwrap() else { panic!() };
    let inside = &clients[0].inside;
    assert_eq!((&*clients[0].name, inside.subject.as_deref()), ("John", Some("john@example.org")));
    let mut order = |ask| admin.ask(&AdminRequest::Order(ask), None).unwrap();
    order(Ask::Notice { text: "closing time".to_owned() });
    assert_eq!(until(&mut john, "notice")["text"], "closing time");
    order(Ask::Kick { name, reason });
    assert_eq!(until(&mut john, "moderated")["by"], "the server");
    let gone = order(Ask::Kick { name: "John".to_owned(), reason: String::new() });
    assert_eq!(gone.to_json(), r#"{"v":1,"type":"error","code":"no_such_name","reason":"John is not here"}"#);
}

#[test]
fn what_is_no_request_is_answered_and_what_is_too_long_ends_it() {
    let rig = rig();
    let _socket = rig.open().unwrap();
    let mut stream = raw(&rig.path());
    for (line, code) in [
        ("hi", "bad_json"),
        ("\u{1b}[2J", "bad_json"),
        (r#"{"type":"clients"}"#, "version"),
        (r#"{"v":1,"type":"say","room":"lobby","text":"hi"}"#, "bad_request"),
        (r#"{"v":1,"type":"dance"}"#, "unknown_type"),
    ] {
        let answer = ask(&mut stream, line);
        assert_eq!(
            (&answer["v"], &answer["type"], &answer["code"]),
            (&json!(1), &json!("error"), &json!(code))
        );
    }
    // Two at once, the last without its end.
    stream.get_mut().write_all(b"{\"v\":1,\"type\":\"bans\"}\n\n{\"v\":1,\"type\":\"rooms\"}").unwrap();
    stream.get_mut().shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!([answer(&mut stream)["type"].clone(), answer(&mut stream)["type"].clone()], ["bans", "rooms"]);
    let mut stream = raw(&rig.path());
    // More than is looked at: what is written after the end may not be taken.
    let _ = stream.get_mut().write_all(&vec![b'x'; 64 * 1024 + 1]);
    assert_eq!(answer(&mut stream)["code"], "too_long");
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.is_empty());
}

#[test]
fn connections_are_bounded_and_others_come_in_when_some_end() {
    let rig = rig();
    let _socket = rig.open().unwrap();
    let mut idle = (0..16).map(|_| raw(&rig.path())).collect::<Vec<_>>();
    for stream in &mut idle {
        assert_eq!(ask(stream, r#"{"v":1,"type":"bans"}"#)["type"], "bans");
    }
    assert_eq!(answer(&mut raw(&rig.path()))["code"], "busy");
    idle.clear();
    eventually("there is room again", || {
        let mut admin = AdminClient::connect(rig.path()).unwrap();
        admin
            .ask(&AdminRequest::Version, None)
            .is_ok_and(|answer| matches!(answer, AdminAnswer::Version { .. }))
    });
}
