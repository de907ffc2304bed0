//! The commands of docs/operating.md that make a certificate, as they stand there.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::authority::Authority;
use crate::support::Program;

const MANUAL: &str = include_str!("../../../docs/operating.md");

/// The shell commands of the section about certificates, block by block.
fn commands() -> Vec<&'static str> {
    let (_, section) = MANUAL.split_once("### A certificate to try with").unwrap();
    section.split("```sh\n").skip(1).map(|block| block.split_once("```").unwrap().0).collect()
}

fn run(commands: &str, dir: &Path) {
    let mut shell = Command::new("sh");
    let output = shell.args(["-eu", "-c", commands]).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// chat-client, which leaves at once, at a server with this certificate.
fn visit(dir: &Path, certificate: &str, ca: &str) -> Output {
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let (cert, key) = (path(&format!("{certificate}.pem")), path(&format!("{certificate}.key")));
    let (_server, addr) = Program::chat_server(&["--tls-cert", &cert, "--tls-key", &key]);
    let mut client = Command::new(env!("CARGO_BIN_EXE_chat-client"));
    client.args(["--ca", &path(ca), "--name", "John", &format!("wss://localhost:{}/", addr.port())]);
    client.stdin(Stdio::null()).output().unwrap()
}

#[test]
#[ignore = "needs openssl: run tests/run"]
fn the_commands_of_the_manual_make_a_certificate_that_works_and_one_that_is_explained() {
    let [works, does_not] = commands().try_into().expect("two blocks of commands");
    // Only for its directory, which goes with it.
    let authority = Authority::new();
    let dir = authority.path("manual");
    std::fs::create_dir(&dir).unwrap();
    run(works, &dir);
    let output = visit(&dir, "chat", "authority.pem");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("Received: John joined."));

    run(does_not, &dir);
    let output = visit(&dir, "alone", "alone.pem");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let words = MANUAL.lines().find(|line| line.starts_with("    its certificate is")).unwrap().trim();
    assert!(said.contains(words), "{said}");
}
