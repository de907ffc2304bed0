//! What systemd hears, at a socket such as it has.

use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chinwag::Connection;

use super::Folder;
use crate::store_programs::Shelf;
use crate::support::{PATIENCE, Program, hears};

struct Manager {
    socket: UnixDatagram,
    folder: Folder,
}

impl Manager {
    fn new() -> Self {
        let folder = Folder::new();
        let socket = UnixDatagram::bind(folder.path("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, folder }
    }

    fn start(&self, watchdog: Option<Duration>) -> Program {
        self.start_with(watchdog, &[])
    }

    fn start_with(&self, watchdog: Option<Duration>, args: &[&str]) -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
        command.args(args);
        command.args(["--listen", "127.0.0.1:0", "-qqq"]).env("NOTIFY_SOCKET", self.folder.path("notify"));
        if let Some(limit) = watchdog {
            command.env("WATCHDOG_USEC", limit.as_micros().to_string());
        }
        Program::start(command.stderr(Stdio::null()))
    }

    /// The next message.
    fn next(&self) -> String {
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer).expect("a notification");
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    /// Skips what comes before one that has this line; all of that message.
    fn hear(&self, line: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let message = self.next();
            if message.lines().any(|said| said == line) {
                return message;
            }
            assert!(Instant::now() < deadline, "{line} did not come");
        }
    }
}

#[test]
fn systemd_hears_that_the_server_is_ready_reloads_and_stops() {
    let manager = Manager::new();
    let mut server = manager.start(None);
    let addr = server.address();
    assert_eq!(manager.next(), "READY=1\n");
    assert_eq!(manager.next(), "STATUS=0 clients\n");
    let mut john = Connection::connect(&format!("ws://{addr}/?name=John")).unwrap();
    hears(&mut john, &["John joined.", "Welcome John."]);
    server.signal("-HUP");
    let reloading = manager.hear("RELOADING=1");
    // Without the time systemd would not believe that the reload was this one.
    assert!(reloading.contains("\nMONOTONIC_USEC="), "{reloading}");
    manager.hear("READY=1");
    server.signal("-TERM");
    let stopping = manager.hear("STOPPING=1");
    assert!(stopping.contains("EXTEND_TIMEOUT_USEC=15000000"), "{stopping}");
    assert_eq!(server.exit_code(), 0);
}

#[test]
fn a_watchdog_gets_signs_of_life_in_time_and_the_number_of_clients() {
    let manager = Manager::new();
    let limit = Duration::from_secs(2);
    let mut server = manager.start(Some(limit));
    let addr = server.address();
    manager.hear("WATCHDOG=1");
    let mut last = Instant::now();
    let mut john = Connection::connect(&format!("ws://{addr}/?name=John")).unwrap();
    hears(&mut john, &["John joined.", "Welcome John."]);
    let (mut signs, mut is_counted) = (0, false);
    while signs < 3 || !is_counted {
        match manager.next().as_str() {
            "WATCHDOG=1\n" => {
                assert!(last.elapsed() < limit, "{:?}", last.elapsed());
                (last, signs) = (Instant::now(), signs + 1);
            }
            "STATUS=1 client\n" => is_counted = true,
            _ => assert!(signs < 20, "nobody was counted"),
        }
    }
}

#[test]
fn systemd_hears_that_nothing_is_kept_and_when_that_is_over() {
    let (manager, shelf) = (Manager::new(), Shelf::new());
    let mut server = manager.start_with(Some(Duration::from_secs(2)), &["--store", &shelf.store()]);
    server.address();
    manager.hear("STATUS=0 clients");
    let elsewhere = shelf.path("elsewhere.db");
    std::fs::rename(shelf.file(), &elsewhere).unwrap();
    let path = shelf.file().display().to_string();
    loop {
        let message = manager.next();
        if message.starts_with("STATUS=0 clients; nothing is kept: ") {
            assert!(message.contains(&path), "{message}");
            break;
        }
        assert_eq!(message, "WATCHDOG=1\n");
    }
    std::fs::rename(&elsewhere, shelf.file()).unwrap();
    manager.hear("STATUS=0 clients");
}

#[test]
fn without_a_manager_nobody_is_told_and_without_a_watchdog_no_sign_of_life() {
    let manager = Manager::new();
    let (mut server, _) = Program::chat_server(&[]);
    server.signal("-TERM");
    assert_eq!(server.exit_code(), 0);
    manager.socket.set_nonblocking(true).unwrap();
    assert!(manager.socket.recv(&mut [0; 64]).is_err(), "it was not this server's manager");
    manager.socket.set_nonblocking(false).unwrap();
    let mut server = manager.start(None);
    server.address();
    manager.hear("READY=1");
    server.signal("-TERM");
    let mut message = String::new();
    while !message.contains("STOPPING=1") {
        message = manager.next();
        assert!(!message.contains("WATCHDOG"), "{message}");
    }
}
