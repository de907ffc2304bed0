//! `chat-server token`: gives out tokens, and takes them back.

use std::fmt::Write as _;
use std::io::{self, Write};

use chinwag::auth::TokenFile;
use chinwag::chat::Role;
use comfy_table::Table;
use comfy_table::presets::NOTHING;

use crate::args::{TokenAction, TokenCommand};

pub fn run(command: &TokenCommand) -> Result<(), String> {
    let path = command.file()?;
    let file = TokenFile::new(path);
    match &command.action {
        TokenAction::Add { name, role } => {
            let token = file.add(name, *role).map_err(|error| error.to_string())?;
            print(&format!("{token}\n"))?;
            eprintln!(
                "The token of {} is in {} now; it is shown this once.",
                about(name, *role),
                path.display()
            );
        }
        TokenAction::List => print(&list(&file)?)?,
        TokenAction::Revoke { name } => match file.revoke(name).map_err(|error| error.to_string())? {
            0 => return Err(format!("there is no token for {} in {}", shown(name), path.display())),
            1 => eprintln!("The token of {} is revoked.", shown(name)),
            count => eprintln!("The {count} tokens of {} are revoked.", shown(name)),
        },
    }
    Ok(())
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
