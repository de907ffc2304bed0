//! `chat-client`: takes part in a chat, a line a message. On a terminal with a line
//! editor, elsewhere as lines of text or of JSON.

mod args;
mod connect;
mod json;
mod manual;
mod plain;
#[path = "../shared/mod.rs"]
mod shared;
mod signals;
mod terminal;
mod text;
mod token;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::Options;

fn main() -> ExitCode {
    if let Some(made) = shared::generate::asked(Options::command, &manual::MANUAL) {
        return shared::end("chat-client", made);
    }
    let options = Options::parse();
    let result = if options.json {
        json::run(&options)
    } else if options.plain || !terminal::is_capable() {
        plain::run(&options)
    } else {
        terminal::run(&options)
    };
    shared::end("chat-client", result.map_err(|failure| (failure.status, failure.problem)))
}
