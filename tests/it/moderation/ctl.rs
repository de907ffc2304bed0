//! `chat-server ctl` and the options, with the real programs.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use chinwag::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Program, hear, hear_end, hears};

struct Rig {
    folder: TempDir,
}

impl Rig {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn server(&self) -> (Program, std::net::SocketAddr) {
        Program::chat_server(&["--admin-socket", &self.path("admin"), "--bans", &self.path("bans")])
    }

    fn ctl(&self, args: &[&str]) -> Output {
        let socket = self.path("admin");
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
        run(command.args(["ctl", "--admin-socket", &socket]).args(args))
    }

    /// What it prints, where it succeeds.
    #[track_caller]
    fn tells(&self, args: &[&str]) -> String {
        let output = self.ctl(args);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.tells(&[args, &["--json"]].concat())).unwrap()
    }
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

fn join(addr: std::net::SocketAddr, query: &str) -> Connection {
    Connection::connect(&format!("ws://{addr}/?{query}")).unwrap()
}

#[test]
fn every_order_can_be_given_from_a_shell() {
    let rig = Rig::new();
    let (mut server, addr) = rig.server();
    let mut john = join(addr, "name=John");
    hears(&mut john, &["John joined.", "Welcome John."]);
    let mut eve = join(addr, "name=Eve%20Ann&room=games");
    hears(&mut eve, &["Eve Ann joined.", "Welcome Eve Ann."]);

    let clients = rig.tells(&["clients"]);
    let lines = clients.lines().collect::<Vec<_>>();
    assert!(lines.len() == 3 && lines[0].contains("NAME") && lines[0].contains("DROPPED"), "{clients}");
    assert!(lines[1].contains("Eve Ann") && lines[1].contains("games"), "{clients}");
    assert!(lines[2].contains("John") && lines[2].contains("127.0.0.1"), "{clients}");
    let clients = rig.json(&["clients"]);
    assert_eq!((&clients["v"], &clients["clients"][1]["name"]), (&json!(1), &json!("John")));
    assert_eq!(clients["clients"][1]["messages_out"], 2);

    assert_eq!(rig.tells(&["mute", "Eve Ann", "shouting", "loudly", "--by", "Zoë"]), "muted Eve Ann\n");
    hears(&mut eve, &["Eve Ann was muted by Zoë: shouting loudly."]);
    assert!(rig.tells(&["clients"]).contains("muted"));
    assert_eq!(rig.tells(&["unmute", "eve ann"]), "unmuted Eve Ann\n");
    hears(&mut eve, &["Eve Ann was given the word again by the server."]);
    assert_eq!(rig.tells(&["lock", "games"]), "locked games\n");
    hears(&mut eve, &["games was locked to newcomers by the server."]);
    // What people write is shown as text alone.
    eve.send("/topic \u{1b}[31mred").unwrap();
    hears(&mut eve, &["Eve Ann set the topic: \\u{1b}[31mred"]);
    let rooms = rig.tells(&["rooms"]);
    let games = rooms.lines().find(|line| line.contains("games")).unwrap();
    assert!(
        games.contains("yes") && games.contains(r"\u{1b}[31mred") && !rooms.contains('\u{1b}'),
        "{rooms}"
    );
    assert_eq!(rig.tells(&["unlock", "games"]), "unlocked games\n");
    hears(&mut eve, &["games was opened to newcomers by the server."]);
    assert_eq!(rig.tells(&["notice", "tea", "is ready"]), "told everyone: tea is ready\n");
    for person in [&mut john, &mut eve] {
        hears(person, &["Server: tea is ready"]);
    }
    assert_eq!(rig.tells(&["kick", "Eve Ann", "bye"]), "kicked Eve Ann\n");
    assert_eq!(hear_end(&mut eve).reason, "kicked by the server: bye");
    let banned = rig.tells(&["ban", "John", "--for", "2h", "spam"]);
    assert!(banned.starts_with("banned name:John until 20"), "{banned}");
    let reason = hear_end(&mut john).reason;
    assert!(reason.starts_with("the name John is banned until 20") && reason.ends_with(": spam"), "{reason}");
    assert_eq!(rig.tells(&["ban", "192.0.2.0/24"]), "banned address:192.0.2.0/24\n");
    let bans = rig.tells(&["bans"]);
    assert!(bans.contains("name:John") && bans.contains("for good") && bans.contains("spam"), "{bans}");
    assert_eq!(rig.json(&["bans"])["bans"][1]["who"], "address:192.0.2.0/24");
    assert_eq!(rig.tells(&["version"]), concat!(env!("CARGO_PKG_VERSION"), "\n"));

    // Beyond a restart, and though the server ended without a word.
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert!(Path::new(&rig.path("admin")).exists(), "it is stale now");
    let (mut server, addr) = rig.server();
    let refused = Connection::connect(&format!("ws://{addr}/?name=john")).unwrap_err().to_string();
    assert!(refused.contains("403: the name John is banned until 20"), "{refused}");
    assert_eq!(rig.tells(&["unban", "john"]), "let in again name:John\n");
    let mut john = join(addr, "name=John");
    assert_eq!(hear(&mut john), "John joined.");
    server.signal("-TERM");
    assert_eq!(server.exit_code(), 0);
    assert!(!Path::new(&rig.path("admin")).exists());
}

#[test]
fn what_fails_ends_with_1_and_wrong_usage_with_2() {
    let rig = Rig::new();
    let fails = |output: Output, code: i32, words: &str| {
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(output.stdout.is_empty() && stderr.contains(words), "{stderr}");
        assert!(code == 2 || stderr.lines().count() == 1, "{stderr}");
    };
    fails(rig.ctl(&["clients"]), 1, "failed to connect to the admin socket");
    fails(rig.ctl(&["dance"]), 2, "dance");
    fails(rig.ctl(&["kick"]), 2, "NAME");
    fails(rig.ctl(&["ban", "Eve", "--for", "5"]), 2, "--for");
    fails(rig.ctl(&["notice"]), 2, "TEXT");
    let server = env!("CARGO_BIN_EXE_chat-server");
    fails(run(Command::new(server).args(["ctl", "clients"])), 2, "--admin-socket");
    let (_running, _) = rig.server();
    fails(rig.ctl(&["kick", "Nobody"]), 1, "chat-server: Nobody is not here");
    fails(rig.ctl(&["ban", "127.0.0.1"]), 1, "this machine's own address");
    let output = rig.ctl(&["kick", "Nobody", "--json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &answer["code"]), (Some(1), &json!("no_such_name")));
    // The socket's path by the environment, beside options that are for serving.
    let mut command = Command::new(server);
    command.args(["ctl", "version"]).env("CHINWAG_ADMIN_SOCKET", rig.path("admin"));
    assert!(run(command.env("CHINWAG_LISTEN", "127.0.0.1:0")).status.success());
}

#[test]
fn a_file_of_bans_that_is_broken_stops_the_start_and_the_line_is_told() {
    let rig = Rig::new();
    fs::write(rig.path("bans"), "{\"who\":\"Eve\",\"by\":\"Adam\",\"time\":1}\nEve\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    let output = run(command.args(["--listen", "127.0.0.1:0", "-qqq", "--bans", &rig.path("bans")]));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains(&rig.path("bans")) && stderr.contains("line 2"), "{stderr}");
    let (_running, _) = Program::chat_server(&["--admin-socket", &rig.path("admin")]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    let output = run(command.args(["--listen", "127.0.0.1:0", "-qqq", "--admin-socket", &rig.path("admin")]));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("failed to open the admin socket") && stderr.contains("in use"), "{stderr}");
}
