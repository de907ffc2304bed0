//! Asks a running server, and shows the answer.

mod table;

use std::io::Write;
use std::process::ExitCode;

use chinwag::admin::{AdminAnswer, AdminClient};
use clap::CommandFactory;
use clap::error::ErrorKind;

use crate::args::{Cli, Ctl};
use crate::shared::complain;

pub fn run(ctl: &Ctl) -> ExitCode {
    let Some(path) = &ctl.admin_socket else {
        let words =
            "--admin-socket PATH is needed, or CHINWAG_ADMIN_SOCKET: the one that the server was given";
        Cli::command().error(ErrorKind::MissingRequiredArgument, words).exit();
    };
    let answer =
        AdminClient::connect(path).and_then(|mut client| client.ask(&ctl.request(), ctl.by.as_deref()));
    match answer {
        Ok(answer) => show(ctl, &answer),
        Err(error) => fail(error.to_string()),
    }
}

fn show(ctl: &Ctl, answer: &AdminAnswer) -> ExitCode {
    let shown = match answer {
        _ if ctl.json => answer.to_json(),
        AdminAnswer::Error { reason, .. } => return fail(chinwag::Escaped::new(reason).to_string()),
        answer => table::shown(answer),
    };
    // Who reads it may have seen enough.
    let _ = writeln!(std::io::stdout(), "{shown}");
    if matches!(answer, AdminAnswer::Error { .. }) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn fail(words: String) -> ExitCode {
    complain("chat-server", words);
    ExitCode::FAILURE
}
