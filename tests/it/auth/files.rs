//! The file of tokens: what it may hold, who writes it, and what its changes do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;

use chinwag::auth::{TokenFile, Tokens};
use chinwag::chat::Role;
use chinwag::chat_client::{ChatClient, Ending, Update};
use chinwag::{CloseCode, Error};

use super::{folder, join_by, refusal, with_tokens};
use crate::support::{PATIENCE, addr, hear, hear_end, hears};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The message of the error that names what is wrong in the file.
fn complaint(path: &Path, text: &str) -> String {
    fs::write(path, text).unwrap();
    match Tokens::open(path) {
        Err(Error::Invalid(words)) => words,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_file_is_its_owner_s_alone_and_holds_no_token() {
    let folder = folder();
    let path = folder.path().join("tokens");
    let file = TokenFile::new(&path);
    let first = file.add("Adam", Role::Operator).unwrap();
    let second = file.add("Zoë Li", Role::Member).unwrap();
    assert_eq!(mode(&path), 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains(&first) && !text.contains(&second), "{text}");
    // 256 bits each.
    assert!(first.len() == 43 && second.len() == 43 && first != second);
    let listed: Vec<_> = file.list().unwrap().into_iter().map(|line| (line.name, line.role)).collect();
    assert_eq!(listed, [("Adam".to_owned(), Role::Operator), ("Zoë Li".to_owned(), Role::Member)]);
    let others: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(others, ["tokens"]);
}

#[test]
fn changes_keep_what_else_is_in_the_file_and_who_may_read_it() {
    let folder = folder();
    let (path, link) = (folder.path().join("tokens"), folder.path().join("link"));
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let file = TokenFile::new(&link);
    file.add("Adam", Role::Member).unwrap();
    let line = fs::read_to_string(&path).unwrap().lines().last().unwrap().to_owned();
    fs::write(&path, format!("# the owners\n\n{line}\n# last, without an end")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    file.add("Eve", Role::Member).unwrap();
    assert_eq!(file.revoke("ADAM").unwrap(), 1);
    assert_eq!(file.revoke("Nobody").unwrap(), 0);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# the owners\n\n# last, without an end\nEve\tmember\tsha256:"), "{text}");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    // For a group that the server runs in, but not for all.
    assert_eq!(mode(&path), 0o640);
}

#[test]
fn two_writers_at_once_lose_nothing() {
    let folder = folder();
    let path = folder.path().join("tokens");
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let file = TokenFile::new(&path);
            thread::spawn(move || {
                (0..10)
                    .for_each(|number| drop(file.add(&format!("P{writer}-{number}"), Role::Member).unwrap()));
            })
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    assert_eq!(TokenFile::new(&path).list().unwrap().len(), 40);
}

#[test]
fn a_mistake_is_told_with_file_and_line_and_without_what_stands_there() {
    let folder = folder();
    let path = folder.path().join("tokens");
    let hash = format!("sha256:{}", "0f".repeat(32));
    for (wrong, words) in [
        ("Adam member s3cretT0ken".to_owned(), "expected NAME ROLE sha256:HASH"),
        (format!("Adam s3cret {hash}"), "the role must be member or operator"),
        (format!("member {hash}"), "a name and a role"),
        (format!("s3cret\u{202e} member {hash}"), "the name is not one"),
        (format!("Adam member {hash}\nEve member {hash}"), "the same token"),
    ] {
        let complaint = complaint(&path, &format!("# first\n\n{wrong}\n"));
        let line = 2 + wrong.lines().count();
        assert!(complaint.contains(&format!("tokens, line {line}: ")), "{complaint}");
        assert!(complaint.contains(words) && !complaint.contains("s3cret"), "{complaint}");
        // Nothing is written over a mistake.
        assert!(TokenFile::new(&path).add("New", Role::Member).is_err());
        assert!(!fs::read_to_string(&path).unwrap().contains("New"));
    }
    fs::write(&path, b"\xff\n").unwrap();
    assert!(Tokens::open(&path).is_err());
    assert!(matches!(Tokens::open(folder.path().join("none")), Err(Error::Io { .. })));
    assert!(TokenFile::new(folder.path().join("none")).revoke("Adam").is_err());
    assert!(TokenFile::new(&path).add("# Adam", Role::Member).is_err());
}

#[test]
fn a_revoked_token_ends_its_connections_and_no_other() {
    let folder = folder();
    let path = folder.path().join("tokens");
    let file = TokenFile::new(&path);
    let (adams, eves) = (file.add("Adam", Role::Member).unwrap(), file.add("Eve", Role::Member).unwrap());
    let server = with_tokens(&Tokens::open(&path).unwrap());
    let mut adam = join_by(&server, "Adam", &adams).unwrap();
    let mut eve = join_by(&server, "Eve", &eves).unwrap();
    hears(&mut eve, &["Eve joined.", "Welcome Eve."]);
    // Nobody comes in meanwhile, and nobody asks the server to look.
    file.revoke("Adam").unwrap();
    let reason = hear_end(&mut adam);
    assert_eq!((reason.code, &*reason.reason), (CloseCode::POLICY, "your token was revoked"));
    hears(&mut eve, &["Adam left."]);
    assert_eq!(refusal(join_by(&server, "Adam", &adams)).0, 401);
    eve.send("still here").unwrap();
    hears(&mut eve, &["Eve says: still here"]);
}

#[test]
fn a_token_whose_role_changes_has_its_owner_come_in_again() {
    let folder = folder();
    let path = folder.path().join("tokens");
    let token = TokenFile::new(&path).add("Adam", Role::Operator).unwrap();
    let tokens = Tokens::open(&path).unwrap();
    let server = with_tokens(&tokens);
    let mut adam = join_by(&server, "Adam", &token).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\toperator\t", "\tmember\t")).unwrap();
    tokens.reload().unwrap();
    // Clients come back by themselves after this code.
    assert_eq!(hear_end(&mut adam).code, CloseCode::RESTART);
    assert!(join_by(&server, "Adam", &token).is_ok());
}

#[test]
fn a_chat_client_comes_back_by_its_token_and_keeps_it_to_itself() {
    let folder = folder();
    let path = folder.path().join("tokens");
    let token = TokenFile::new(&path).add("Adam", Role::Member).unwrap();
    let tokens = Tokens::open(&path).unwrap();
    let server = with_tokens(&tokens);
    let builder = ChatClient::builder(format!("ws://{}/", addr(&server)), "Adam").token(&*token);
    assert!(!format!("{builder:?}").contains(&token));
    let (adam, updates) = builder.connect().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\tmember\t", "\toperator\t")).unwrap();
    tokens.reload().unwrap();
    while !matches!(updates.recv_timeout(PATIENCE).unwrap(), Update::Back { same_session: true }) {}
    // One that is revoked is not tried again.
    TokenFile::new(&path).revoke("Adam").unwrap();
    let ending = loop {
        if let Update::Ended(ending) = updates.recv_timeout(PATIENCE).unwrap() {
            break ending;
        }
    };
    assert!(
        matches!(&ending, Ending::Closed(reason) if &*reason.reason == "your token was revoked"),
        "{ending:?}"
    );
    drop(adam);
}

#[test]
fn a_broken_file_keeps_the_tokens_that_there_were() {
    let folder = folder();
    let path = folder.path().join("tokens");
    let token = TokenFile::new(&path).add("Adam", Role::Member).unwrap();
    let tokens = Tokens::open(&path).unwrap();
    let server = with_tokens(&tokens);
    let mut adam = join_by(&server, "Adam", &token).unwrap();
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    for broken in ["Adam boss sha256:00", "\u{0}"] {
        fs::write(&path, broken).unwrap();
        let error = tokens.reload().unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
    }
    fs::remove_file(&path).unwrap();
    assert!(tokens.reload().is_err());
    adam.send("still here").unwrap();
    hears(&mut adam, &["Adam says: still here"]);
    drop(adam);
    assert!(join_by(&server, "Adam", &token).is_ok());
    // And a good one counts again.
    let other = TokenFile::new(&path).add("Eve", Role::Member).unwrap();
    tokens.reload().unwrap();
    assert_eq!(refusal(join_by(&server, "Adam", &token)).0, 401);
    assert!(join_by(&server, "Eve", &other).is_ok());
}

#[test]
fn one_name_may_have_several_tokens_and_loses_one_alone() {
    let folder = folder();
    let path = folder.path().join("tokens");
    let file = TokenFile::new(&path);
    let (old, new) = (file.add("Adam", Role::Member).unwrap(), file.add("Adam", Role::Member).unwrap());
    let tokens = Tokens::open(&path).unwrap();
    let server = with_tokens(&tokens);
    let mut adam = join_by(&server, "Adam", &new).unwrap();
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    let text = fs::read_to_string(&path).unwrap();
    let kept: Vec<_> =
        text.lines().filter(|line| !line.contains(&file.list().unwrap()[0].fingerprint)).collect();
    fs::write(&path, kept.join("\n")).unwrap();
    tokens.reload().unwrap();
    adam.send("still here").unwrap();
    assert_eq!(hear(&mut adam), "Adam says: still here");
    drop(adam);
    assert_eq!(refusal(join_by(&server, "Adam", &old)).0, 401);
    assert_eq!(file.revoke("adam").unwrap(), 1);
}
