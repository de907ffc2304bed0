//! Sockets that systemd opened: passed on as it does, as descriptors from 3 on.

use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use chinwag::Connection;

use super::{Folder, connect_unix, text};
use crate::support::{Program, Raw, eventually, hear_end, hears};
use crate::tls::authority::{Authority, HERE};

/// A shell puts what it has as stdin and stderr where systemd puts sockets.
fn command(sockets: &str, first: OwnedFd, second: Option<OwnedFd>) -> Command {
    let script = format!(
        "exec 3<&0 4<&2 0</dev/null 2>/dev/null; export LISTEN_FDS={sockets} LISTEN_PID=$$; exec \"$@\""
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_chat-server"), "-qqq"]);
    command.stdin(first).stderr(second.map_or_else(Stdio::null, Stdio::from));
    command
}

/// As [`Program::start`], which would put a pipe in the place of stdin.
fn start(command: &mut Command) -> Program {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    Program { child, stdout }
}

#[test]
fn sockets_from_systemd_are_served_and_no_others() {
    let folder = Folder::new();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let unix = UnixListener::bind(folder.path("chat.sock")).unwrap();
    let elsewhere = folder.path("elsewhere.sock");
    let addr = tcp.local_addr().unwrap();
    let mut command = command("2", tcp.into(), Some(unix.into()));
    let mut server = start(command.args(["--listen", &format!("unix:{}", text(&elsewhere))]));
    drop(command);
    assert_eq!(server.line(), format!("listening on ws://{addr}/"));
    assert_eq!(server.line(), format!("listening on ws+unix:{}", text(&folder.path("chat.sock"))));
    let mut john = Connection::connect(&format!("ws://{addr}/?name=John")).unwrap();
    hears(&mut john, &["John joined.", "Welcome John."]);
    let mut adam = connect_unix(&folder.path("chat.sock"), "/?name=Adam");
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    assert!(!elsewhere.exists(), "--listen is not bound");
    server.signal("-TERM");
    assert_eq!(server.exit_code(), 0);
    assert_eq!(server.line(), "");
    assert!(folder.path("chat.sock").exists(), "the file is systemd's");
}

#[test]
fn who_comes_while_a_server_on_systemds_socket_restarts_waits_for_the_next_and_is_not_refused() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = held.local_addr().unwrap();
    let server = || start(&mut command("1", held.try_clone().unwrap().into(), None));
    let mut old = server();
    assert_eq!(old.address(), addr);
    let mut john = Connection::connect(&format!("ws://{addr}/?name=John")).unwrap();
    hears(&mut john, &["John joined.", "Welcome John."]);
    // Its handshake is under way when the server is told to stop.
    let mut midway = Raw::connect(addr);
    let request = crate::support::request("/?name=Midway", "");
    let (start, rest) = request.split_at(20);
    midway.send(start.as_bytes());
    if cfg!(target_os = "linux") {
        eventually("it is being greeted", || has_thread(old.child.id(), "chinwag-greet-2"));
    }
    old.signal("-TERM");
    midway.send(rest.as_bytes());
    assert!(midway.read_head().starts_with("HTTP/1.1 101 "));
    while crate::support::hear(&mut john) != "Server: the server is going away" {}
    let mut waiting = Raw::connect(addr);
    waiting.send(crate::support::request("/?name=Waiting", "").as_bytes());
    assert_eq!(hear_end(&mut john).code, chinwag::CloseCode::GOING_AWAY);
    drop((john, midway));
    assert_eq!(old.exit_code(), 0);
    let mut new = server();
    assert_eq!(new.address(), addr);
    assert!(waiting.read_head().starts_with("HTTP/1.1 101 "));
}

fn has_thread(process: u32, name: &str) -> bool {
    let mut tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    tasks.any(|task| {
        let comm = std::fs::read_to_string(task.unwrap().path().join("comm"));
        comm.is_ok_and(|comm| comm.trim_end() == name)
    })
}

#[test]
fn tls_applies_to_sockets_from_systemd() {
    let authority = Authority::new();
    let identity = authority.server(&HERE);
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = tcp.local_addr().unwrap();
    let mut command = command("1", tcp.into(), None);
    command.arg("--tls-cert").arg(&identity.cert).arg("--tls-key").arg(&identity.key);
    let mut server = start(&mut command);
    assert_eq!(server.line(), format!("listening on wss://{addr}/"));
    let options = chinwag::ConnectOptions::new().ca_file(authority.ca());
    let mut john = options.connect(&format!("wss://{addr}/?name=John")).unwrap();
    hears(&mut john, &["John joined."]);
}

#[test]
fn what_is_no_listening_socket_is_refused_with_words() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connection = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let file = std::fs::File::open("/dev/null").unwrap();
    for (socket, words) in [(OwnedFd::from(connection), "Accept=yes"), (file.into(), "not a socket")] {
        let script = "exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"";
        let output = Command::new("sh")
            .args(["-c", script, "sh", env!("CARGO_BIN_EXE_chat-server")])
            .stdin(socket)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("socket 0") && stderr.contains(words), "{stderr}");
    }
}

#[test]
fn sockets_that_are_meant_for_another_process_are_left_alone() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    command.args(["--listen", "127.0.0.1:0", "-qqq"]).env("LISTEN_FDS", "1").env("LISTEN_PID", "1");
    let mut server = Program::start(&mut command);
    server.address();
}
