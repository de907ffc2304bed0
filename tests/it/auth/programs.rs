//! The programs: who gives out tokens, who shows them, and who must not see them.

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use chinwag::auth::TokenFile;
use chinwag::chat::Role;
use chinwag::{CloseCode, ConnectOptions, Connection};
use tempfile::TempDir;

use super::{folder, leave, refusal, write_private};
use crate::support::{Program, Raw, eventually, hear, hear_end, hears};

/// `chat-server token …`, with no variable of the environment's.
fn token(args: &[&str]) -> Output {
    token_with(args, None)
}

fn token_with(args: &[&str], auth: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    command.env_remove("CHINWAG_AUTH").envs(auth.map(|auth| ("CHINWAG_AUTH", auth)));
    command.arg("token").args(args).stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
fn succeeds(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn fails(output: Output, code: i32, words: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(output.stdout.is_empty() && stderr.contains(words), "{stderr}");
}

/// A server that lets in who has a token of a file, and Adam's.
struct Guarded {
    server: Program,
    addr: SocketAddr,
    folder: TempDir,
    token: String,
}

impl Guarded {
    fn start(args: &[&str]) -> Self {
        let folder = folder();
        let path = folder.path().join("tokens");
        let token = TokenFile::new(&path).add("Adam", Role::Operator).unwrap();
        let auth = format!("tokens:{}", path.display());
        let log = folder.path().join("log");
        let all = [&["--auth", &auth, "--log-file", log.to_str().unwrap()], args].concat();
        let (server, addr) = Program::chat_server(&all);
        Self { server, addr, folder, token }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    fn join(&self, name: &str, token: &str) -> chinwag::Result<Connection> {
        ConnectOptions::new().bearer(token).connect(&format!("ws://{}/?name={name}", self.addr))
    }

    /// `chat-client --name Adam` that has no token yet.
    fn client(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
        command.args(["--name", "Adam", &format!("ws://{}/", self.addr)]).args(args);
        command.env_remove("CHINWAG_TOKEN").env_remove("CHINWAG_TOKEN_FILE");
        command
    }
}

#[test]
fn token_add_prints_the_token_alone_and_the_server_takes_it() {
    let folder = folder();
    let path = folder.path().join("tokens");
    let file = path.to_str().unwrap();
    let adams = succeeds(token(&["add", "Adam", "--role", "operator", "--file", file]));
    let auth = format!("tokens:{file}");
    let zoes = succeeds(token_with(&["add", "Zoë Li"], Some(&auth)));
    assert!(adams.lines().count() == 1 && adams.ends_with('\n') && adams != zoes, "{adams:?}");
    let list = succeeds(token(&["list", "--auth", &auth]));
    let lines: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["name", "role", "hash"]);
    assert_eq!(
        (lines[1][0], lines[1][1], &lines[2][..3]),
        ("Adam", "operator", &["Zoë", "Li", "member"][..])
    );
    assert!(!list.contains(adams.trim()) && !fs::read_to_string(&path).unwrap().contains(adams.trim()));

    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    let command = command.env("CHINWAG_AUTH", &auth).args(["--listen", "127.0.0.1:0", "-qqq"]);
    let mut server = Program::start(command);
    let addr = server.address();
    let join = |name: &str, token: &str| {
        ConnectOptions::new().bearer(token.trim()).connect(&format!("ws://{addr}/?name={name}"))
    };
    let mut adam = join("Adam", &adams).unwrap();
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    assert!(join("Zo%C3%AB%20Li", &zoes).is_ok());
    // It sees by itself that a token is gone.
    assert_eq!(succeeds(token(&["revoke", "ADAM", "--file", file])), "");
    assert_eq!(&*hear_end(&mut adam).reason, "your token was revoked");
    assert_eq!(refusal(join("Adam", &adams)).0, 401);
}

#[test]
fn what_is_wrong_with_a_token_command_is_said() {
    let folder = folder();
    let path = folder.path().join("tokens");
    let file = path.to_str().unwrap();
    fails(token(&["list"]), 2, "--file");
    fails(token_with(&["add", "Adam"], Some("jwt:/tmp/key")), 2, "--file");
    fails(token(&["list", "--file", file]), 1, "failed to read the tokens");
    fails(token(&["add", "a\u{7}b", "--file", file]), 1, "the name is not allowed");
    fails(token(&["add", "Adam", "--role", "king", "--file", file]), 2, "operator");
    fails(token(&["add", "--file", file]), 2, "<NAME>");
    fails(token(&["--auth", "tokens:", "list"]), 2, "tokens:FILE");
    succeeds(token(&["add", "Adam", "--file", file]));
    fails(token(&["revoke", "Eve", "--file", file]), 1, "there is no token for Eve");
}

#[test]
fn a_server_that_cannot_read_who_may_come_in_does_not_start() {
    let folder = folder();
    let path = folder.path().join("tokens");
    fs::write(&path, "# fine\nAdam king sha256:00\n").unwrap();
    let start = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
        command.args(["--listen", "127.0.0.1:0", "-qqq"]).args(args).stdin(Stdio::null()).output().unwrap()
    };
    let tokens = format!("tokens:{}", path.display());
    fails(start(&["--auth", &tokens]), 1, "tokens, line 2: ");
    fails(start(&["--auth", &format!("jwt:{}", path.display())]), 1, "too short for a secret");
    fails(start(&["--auth", "tokens:/no/such/file"]), 1, "/no/such/file");
    fails(start(&["--auth", "password:x"]), 2, "tokens:FILE or jwt:KEYFILE");
    fails(start(&["--auth", &tokens, "--jwt-audience", "chat"]), 1, "--jwt-audience");
}

#[test]
fn sighup_reads_the_tokens_again_and_a_broken_file_changes_nothing() {
    let guarded = Guarded::start(&[]);
    let path = guarded.path("tokens");
    let eves = TokenFile::new(&path).add("Eve", Role::Member).unwrap();
    guarded.server.signal("-HUP");
    eventually("the log says so", || guarded.log().contains("asked to reload: the tokens were read again"));
    let mut eve = guarded.join("Eve", &eves).unwrap();
    hears(&mut eve, &["Eve joined.", "Welcome Eve."]);
    fs::write(&path, "broken\n").unwrap();
    guarded.server.signal("-HUP");
    eventually("the log says so", || guarded.log().contains("tokens, line 1: "));
    assert!(guarded.log().contains("going on with what was there before"), "{}", guarded.log());
    assert!(guarded.join("Adam", &guarded.token).is_ok());
    eve.send("still here").unwrap();
    while hear(&mut eve) != "Eve says: still here" {}
}

#[test]
fn the_role_of_a_token_counts_and_whom_it_was_given_to_can_be_banned() {
    let guarded = Guarded::start(&[]);
    let eves = TokenFile::new(guarded.path("tokens")).add("Eve", Role::Member).unwrap();
    guarded.server.signal("-HUP");
    eventually("the log says so", || guarded.log().contains("the tokens were read again"));
    let mut adam = guarded.join("Adam", &guarded.token).unwrap();
    let mut eve = guarded.join("Eve", &eves).unwrap();
    hears(&mut eve, &["Eve joined.", "Welcome Eve."]);
    eve.send("/kick Adam").unwrap();
    hears(&mut eve, &["This is for operators only."]);
    adam.send("/ban subject:Eve").unwrap();
    assert_eq!(hear_end(&mut eve).code, CloseCode::POLICY);
    assert_eq!(refusal(guarded.join("Eve", &eves)).0, 403);
    adam.send("undisturbed").unwrap();
    while hear(&mut adam) != "Adam says: undisturbed" {}
}

#[test]
fn chat_server_takes_signed_tokens() {
    let folder = folder();
    let key = folder.path().join("key");
    write_private(&key, b"0123456789abcdef0123456789abcdef\n");
    let (_server, addr) =
        Program::chat_server(&["--auth", &format!("jwt:{}", key.display()), "--jwt-audience", "chat"]);
    // {"alg":"HS256"} {"sub":"Adam","exp":4102444800,"aud":"chat"}, made elsewhere.
    let message = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJBZGFtIiwiZXhwIjo0MTAyNDQ0ODAwLCJhdWQiOiJjaGF0In0";
    let signature = "YzBWGqBEJij-LY0Db-B1LuwbjzCbaGJMqA8CVJL931U";
    let join = |token: &str| ConnectOptions::new().bearer(token).connect(&format!("ws://{addr}/?name=Adam"));
    hears(&mut join(&format!("{message}.{signature}")).unwrap(), &["Adam joined.", "Welcome Adam."]);
    assert_eq!(refusal(join(message)).0, 401);
}

#[test]
fn nothing_secret_gets_into_a_log_or_a_trace() {
    let folder = folder();
    let path = folder.path().join("tokens");
    let secret = TokenFile::new(&path).add("Adam", Role::Member).unwrap();
    let wrong = "wr0ngButStillS3cret";
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    command.args([
        "--listen",
        "127.0.0.1:0",
        "-vv",
        "--trace-wire",
        "--auth",
        &format!("tokens:{}", path.display()),
    ]);
    let mut server = Program::start(command.stderr(Stdio::piped()));
    let addr = server.address();
    let mut stderr = server.child.stderr.take().unwrap();
    let reading = std::thread::spawn(move || {
        let mut all = String::new();
        stderr.read_to_string(&mut all).unwrap();
        all
    });
    for token in [&*secret, wrong] {
        let offering = ConnectOptions::new().subprotocol("chinwag.v1");
        for (options, query) in [
            (ConnectOptions::new().bearer(token), "?name=Adam".to_owned()),
            (ConnectOptions::new(), format!("?name=Adam&token={token}")),
            (ConnectOptions::new(), format!("?tok%65n={token}&name=Adam")),
            (offering.subprotocol(&format!("chinwag.token.{token}")), "?name=Adam".to_owned()),
        ] {
            let said = options.connect(&format!("ws://{addr}/{query}")).map(leave);
            assert_eq!(said.is_ok(), token == secret, "{said:?}");
        }
        let check = format!("GET /ws?name=Adam&token={token} HTTP/1.1\r\nHost: {addr}\r\n\r\n");
        drop(crate::support::answer_to(addr, &check));
        let garbled = format!("GET /?name=Adam&token={token}\r\n\r\n");
        drop(crate::support::answer_to(addr, &garbled));
    }
    server.signal("-TERM");
    assert_eq!(server.exit_code(), 0);
    let all = reading.join().unwrap();
    // It was a log of all that.
    for word in
        ["GET /?name=Adam&token=(hidden)", "Authorization: (hidden)", "chinwag.token.(hidden)", " 401"]
    {
        assert!(all.contains(word), "{word} is missing in {all}");
    }
    for secret in [&*secret, wrong] {
        assert!(!all.contains(secret), "{}", all.lines().find(|line| line.contains(secret)).unwrap());
    }
}

#[test]
fn chat_client_shows_its_token_in_each_of_its_modes() {
    let guarded = Guarded::start(&[]);
    let file = guarded.path("mine");
    fs::write(&file, format!("{}\r\n", guarded.token)).unwrap();
    let file = file.to_str().unwrap();
    for args in [&["--plain"][..], &["--json"]] {
        for by_file in [false, true] {
            let mut command = guarded.client(args);
            if by_file {
                command.args(["--token-file", file]);
            } else {
                command.env("CHINWAG_TOKEN", &guarded.token);
            }
            let mut client = Program::start(command.args(["-qqq"]));
            let line = client.line();
            assert!(line == "Received: Adam joined." || line.starts_with(r#"{"type":"welcome""#), "{line}");
            drop(client.child.stdin.take());
            std::io::copy(&mut client.stdout, &mut std::io::sink()).unwrap();
            assert_eq!(client.exit_code(), 0);
        }
    }
}

#[test]
fn chat_client_without_a_good_token_says_what_to_do_and_keeps_it_to_itself() {
    let guarded = Guarded::start(&[]);
    let run = |command: &mut Command| command.stdin(Stdio::null()).output().unwrap();
    for mode in ["--plain", "--json"] {
        fails(run(&mut guarded.client(&[mode])), 1, "CHINWAG_TOKEN");
        let wrong = "wr0ngButStillS3cret";
        let output = run(guarded.client(&[mode, "-vv", "--trace-wire"]).env("CHINWAG_TOKEN", wrong));
        assert!(!String::from_utf8_lossy(&output.stderr).contains(wrong), "{output:?}");
        fails(output, 1, "the token is not known");
    }
    fails(run(&mut guarded.client(&["--token-file", "/no/such/file"])), 1, "/no/such/file");
    fails(run(guarded.client(&[]).env("CHINWAG_TOKEN", "")), 1, "there is no token in CHINWAG_TOKEN");
    fails(run(guarded.client(&[]).env("CHINWAG_TOKEN", "two words")), 2, "may not be sent");
    // There is no option that others could read it from.
    let help = Command::new(env!("CARGO_BIN_EXE_chat-client")).arg("--help").output().unwrap();
    assert!(!String::from_utf8(help.stdout).unwrap().contains("--token "));
}

/// A proxy, and behind it a server that lets nobody in and repeats what it was told.
fn repeating_proxy() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut raw = Raw { stream };
        raw.read_head();
        raw.send(b"HTTP/1.1 200 Connected\r\n\r\n");
        let head = raw.read_head();
        let line = head.lines().find(|line| line.starts_with("Authorization: ")).unwrap();
        let refusal =
            format!("HTTP/1.1 401 No\r\nX-Told: {line}\r\nContent-Length: {}\r\n\r\n{line}", line.len());
        raw.send(refusal.as_bytes());
    });
    addr
}

#[test]
fn a_token_in_the_clear_is_warned_of_and_one_that_comes_back_is_not_shown() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
    command.args([
        "--name",
        "Adam",
        "--proxy",
        &format!("http://{}", repeating_proxy()),
        "ws://192.0.2.1:9001/",
    ]);
    command.env("CHINWAG_TOKEN", "s3cretT0ken").env_remove("CHINWAG_TOKEN_FILE").stdin(Stdio::null());
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("in the clear") && stderr.contains("wss://"), "{stderr}");
    assert!(stderr.contains("Authorization: Bearer ...") && !stderr.contains("s3cret"), "{stderr}");
    // On this machine nobody reads along.
    let guarded = Guarded::start(&[]);
    let output =
        guarded.client(&[]).env("CHINWAG_TOKEN", &guarded.token).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success() && !String::from_utf8_lossy(&output.stderr).contains("in the clear"));
}

#[test]
fn tokens_in_the_configuration_are_checked_with_it() {
    let folder = folder();
    let (config, tokens) = (folder.path().join("config"), folder.path().join("tokens"));
    fs::write(&config, format!("# first\nauth = \"tokens:{}\"\n", tokens.display())).unwrap();
    let check = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
        command
            .args(["check-config", "--config", config.to_str().unwrap()])
            .env_remove("CHINWAG_AUTH")
            .output()
            .unwrap()
    };
    fails(check(), 1, "config:2: auth: failed to read the tokens");
    fs::write(&tokens, "Adam king\n").unwrap();
    fails(check(), 1, "tokens, line 1: ");
    fs::remove_file(&tokens).unwrap();
    let token = TokenFile::new(&tokens).add("Adam", Role::Member).unwrap();
    assert!(check().status.success());
    let (_server, addr) = Program::chat_server(&["--config", config.to_str().unwrap()]);
    let join = |token: &str| ConnectOptions::new().bearer(token).connect(&format!("ws://{addr}/?name=Adam"));
    assert_eq!(refusal(join("wrong")).0, 401);
    assert!(join(&token).is_ok());
}

#[test]
#[ignore = "needs Python's websockets: run tests/run"]
fn python_shows_a_token_by_header_query_and_subprotocol() {
    let guarded = Guarded::start(&[]);
    crate::foreign::succeeds(crate::foreign::python("tokens.py").args([
        &format!("ws://{}/", guarded.addr),
        "Adam",
        &guarded.token,
    ]));
}

/// What keeps a file from being read by all.
#[test]
fn a_token_file_that_all_can_read_is_told_of() {
    use std::os::unix::fs::PermissionsExt;
    let guarded = Guarded::start(&[]);
    let file = guarded.path("mine");
    fs::write(&file, &guarded.token).unwrap();
    let warns = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let mut command = guarded.client(&["--token-file", path.to_str().unwrap()]);
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap().contains("chmod o-r")
    };
    assert!(warns(&file, 0o644));
    assert!(!warns(&file, 0o600));
}
