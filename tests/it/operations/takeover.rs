//! A new server in the place of an old one, and everybody served meanwhile.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use chinwag::{CloseCode, Connection, Server, Takeover};

use super::{Folder, connect_unix, text};
use crate::support::{Program, Raw, addr, answer_to, eventually, hear_end, hears, request};

fn start(socket: &Path, args: &[&str]) -> Program {
    let args = [&["--takeover-socket", text(socket), "-qqq"], args].concat();
    Program::chat_server_with(&args)
}

#[test]
fn nobody_is_refused_while_one_server_takes_over_from_another() {
    let folder = Folder::new();
    let socket = folder.path("takeover.sock");
    let mut old = start(&socket, &[]);
    let addr = old.address();
    let mut john = Connection::connect(&format!("ws://{addr}/?name=John")).unwrap();
    hears(&mut john, &["John joined.", "Welcome John."]);
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let (is_over, joined) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let coming: Vec<_> = (0..2)
        .map(|number| {
            let (is_over, joined) = (is_over.clone(), joined.clone());
            thread::spawn(move || {
                let room = format!("coming{number}");
                while !is_over.load(Ordering::SeqCst) {
                    let turn = joined.fetch_add(1, Ordering::SeqCst);
                    // Fails where it is refused, by the system or by a server.
                    Raw::upgrade(addr, &format!("/?name=c{number}x{turn}&room={room}"));
                }
            })
        })
        .collect();
    for _ in 0..3 {
        let before = joined.load(Ordering::SeqCst);
        eventually("they come and go", || joined.load(Ordering::SeqCst) > before + 20);
        let mut new = start(&socket, &[]);
        assert_eq!(new.address(), addr);
        assert_eq!(old.exit_code(), 0);
        let before = joined.load(Ordering::SeqCst);
        eventually("they come to the new one", || joined.load(Ordering::SeqCst) > before + 20);
        old = new;
    }
    is_over.store(true, Ordering::SeqCst);
    coming.into_iter().for_each(|thread| thread.join().unwrap());
    hears(&mut john, &["Server: the server restarts and is back in a moment"]);
    assert_eq!(hear_end(&mut john).code, CloseCode::RESTART);
    old.signal("-TERM");
    assert_eq!(old.exit_code(), 0);
    assert!(!socket.exists(), "the last one takes the socket with it");
}

#[test]
fn a_new_server_that_cannot_start_changes_nothing() {
    let folder = Folder::new();
    let socket = folder.path("takeover.sock");
    let unix = format!("unix:{}", text(&folder.path("chat.sock")));
    let mut old = start(&socket, &["--listen", &unix]);
    let addr = old.address();
    let mut john = Connection::connect(&format!("ws://{addr}/?name=John")).unwrap();
    hears(&mut john, &["John joined.", "Welcome John."]);
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap().to_string();
    let failed = Command::new(env!("CARGO_BIN_EXE_chat-server"))
        .args(["--takeover-socket", text(&socket), "--listen", "127.0.0.1:0", "--listen", &taken])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&failed.stderr);
    assert_eq!(failed.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains(&taken), "{stderr}");
    drop(held);
    john.send("still here").unwrap();
    hears(&mut john, &["John says: still here"]);
    assert!(socket.exists() && folder.path("chat.sock").exists());
    // And the next attempt succeeds.
    let mut new = start(&socket, &["--listen", &unix]);
    assert_eq!(new.address(), addr);
    assert_eq!(new.line(), format!("listening on ws+{unix}"));
    assert_eq!(old.exit_code(), 0);
    let mut adam = connect_unix(&folder.path("chat.sock"), "/?name=Adam");
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
}

#[test]
fn what_the_new_server_does_not_ask_for_is_closed_and_new_addresses_are_bound() {
    let folder = Folder::new();
    let socket = folder.path("takeover.sock");
    let [kept, dropped, added] = ["kept", "dropped", "added"].map(|name| folder.path(name));
    let start = |paths: &[&Path]| {
        let mut takeover = Takeover::begin(&socket).unwrap();
        let listeners = paths.iter().map(|path| takeover.listener(&format!("unix:{}", text(path))).unwrap());
        let server = listeners.fold(Server::builder(), chinwag::ServerBuilder::listener).start().unwrap();
        let predecessor = takeover.predecessor();
        server.take_over(takeover).unwrap();
        (server, predecessor)
    };
    let (old, before) = start(&[&kept, &dropped]);
    let mut client = connect_unix(&kept, "/");
    let (new, predecessor) = start(&[&kept, &added]);
    assert_eq!((before, predecessor), (None, cfg!(target_os = "linux").then(std::process::id)));
    assert_eq!(hear_end(&mut client).code, CloseCode::RESTART);
    old.join();
    assert!(kept.exists() && added.exists() && !dropped.exists());
    connect_unix(&kept, "/");
    new.shutdown().unwrap();
    drop(new);
    assert!(!kept.exists() && !added.exists() && !socket.exists());
}

#[test]
fn a_server_that_is_stopped_while_the_next_one_starts_leaves_its_place_to_that_one() {
    let folder = Folder::new();
    let (socket, chat) = (folder.path("takeover.sock"), folder.path("chat.sock"));
    let begin = || {
        let mut takeover = Takeover::begin(&socket).unwrap();
        let listener = takeover.listener(&format!("unix:{}", text(&chat))).unwrap();
        (Server::builder().listener(listener).start().unwrap(), takeover)
    };
    let (old, takeover) = begin();
    old.take_over(takeover).unwrap();
    let (new, takeover) = begin();
    old.shutdown().unwrap();
    drop(old);
    new.take_over(takeover).unwrap();
    connect_unix(&chat, "/");
    // And that one can be taken over in its turn.
    let (next, takeover) = begin();
    assert!(takeover.predecessor().is_some());
    next.take_over(takeover).unwrap();
    new.join();
    connect_unix(&chat, "/");
    next.shutdown().unwrap();
}

#[test]
fn who_does_not_speak_as_a_server_does_gets_no_sockets() {
    let folder = Folder::new();
    let socket = folder.path("takeover.sock");
    let takeover = Takeover::begin(&socket).unwrap();
    let server = Server::builder().bind("127.0.0.1:0").unwrap();
    server.take_over(takeover).unwrap();
    for hello in ["chinwag takeover 2\n", "GET / HTTP/1.1\r\n\r\n", "\n"] {
        let mut stranger = UnixStream::connect(&socket).unwrap();
        stranger.write_all(hello.as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = std::io::Read::read_to_string(&mut stranger, &mut answer);
        assert!(answer.starts_with("no ") && answer.contains("chinwag takeover 1"), "{answer:?}");
    }
    // One that leaves after it got them, as one that fails to start.
    drop(Takeover::begin(&socket).unwrap());
    assert!(answer_to(addr(&server), &request("/", "")).starts_with("HTTP/1.1 101 "));
    assert!(!server.shutdown_handle().is_stopping());
    server.shutdown().unwrap();
    assert!(!socket.exists());
}

#[test]
fn a_socket_file_that_a_dead_server_left_behind_is_replaced_and_other_files_are_not() {
    let folder = Folder::new();
    let socket = folder.path("takeover.sock");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    drop(Takeover::begin(&socket).unwrap());
    assert!(!socket.exists());
    std::fs::write(&socket, "precious").unwrap();
    assert!(Takeover::begin(&socket).is_err());
    assert_eq!(std::fs::read_to_string(&socket).unwrap(), "precious");
}
