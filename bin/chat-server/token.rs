//! `chat-server token`: gives out tokens, and takes them back.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use chinwag::auth::TokenFile;
use chinwag::chat::Role;
use comfy_table::Table;
use comfy_table::presets::NOTHING;

use crate::args::{TokenAction, TokenCommand};

/// Does it; or the exit status, and why.
pub fn run(command: &TokenCommand) -> Result<(), (u8, String)> {
    let path = command.file().map_err(|problem| (2, problem))?;
    act(path, &command.action).map_err(|problem| (1, problem))
}

fn act(path: &Path, action: &TokenAction) -> Result<(), String> {
    let file = TokenFile::new(path);
    match action {
        TokenAction::Add { name, role } => {
            let token = file.add(name, *role).map_err(|error| error.to_string())?;
            print(&format!("{token}\n"))?;
            let (whose, path) = (about(name, *role), path.display());
            say(&format!("The token of {whose} is in {path} now; it is shown this once."));
        }
        TokenAction::List => print(&list(&file)?)?,
        TokenAction::Revoke { name } => match file.revoke(name).map_err(|error| error.to_string())? {
            0 => return Err(format!("there is no token for {} in {}", shown(name), path.display())),
            1 => say(&format!("The token of {} is revoked.", shown(name))),
            count => say(&format!("The {count} tokens of {} are revoked.", shown(name))),
        },
    }
    Ok(())
}

/// For a person, beside what goes to stdout; nobody need read it.
fn say(words: &str) {
    let _ = writeln!(io::stderr(), "{words}");
}

fn about(name: &str, role: Role) -> String {
    match role {
        Role::Member => shown(name),
        Role::Operator => format!("{} (operator)", shown(name)),
    }
}

fn shown(name: &str) -> String {
    chinwag::Escaped::new(name.trim()).to_string()
}

fn list(file: &TokenFile) -> Result<String, String> {
    let lines = file.list().map_err(|error| error.to_string())?;
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["name", "role", "hash"]);
    for line in lines {
        table.add_row([shown(&line.name), line.role.to_string(), format!("{}…", line.fingerprint)]);
    }
    let mut out = String::new();
    for line in table.lines() {
        let _ = writeln!(out, "{}", line.trim());
    }
    Ok(out)
}

/// A token that was not written anywhere is lost: that it could not be is an error.
fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| format!("failed to write to stdout: {error}"))
}
