//! `chat-client`: takes part in a chat, a line a message. On a terminal with a line
//! editor, elsewhere as lines of text or of JSON.

mod args;
mod connect;
mod json;
mod plain;
#[path = "../shared/mod.rs"]
mod shared;
mod signals;
mod terminal;
mod text;
mod token;

use std::process::ExitCode;

use clap::Parser;

use args::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    let result = if options.json {
        json::run(&options)
    } else if options.plain || !terminal::is_capable() {
        plain::run(&options)
    } else {
        terminal::run(&options)
    };
    match result {
        Ok(()) => {
            shared::end_log();
            ExitCode::SUCCESS
        }
        Err(failure) => {
            shared::complain("chat-client", failure.problem);
            ExitCode::from(failure.status)
        }
    }
}
