//! `chat-server`: arguments, logger, signals, exit codes. All else is the library's.

mod activation;
mod args;
mod serve;
#[path = "../shared/mod.rs"]
mod shared;
mod signals;
mod systemd;
mod token;

use std::process::ExitCode;

use clap::Parser;

use args::{Command, Options};

fn main() -> ExitCode {
    let options = Options::parse();
    let result = match &options.command {
        Some(Command::Token(command)) => token::run(command),
        None => serve(&options),
    };
    match result {
        Ok(()) => {
            shared::end_log();
            ExitCode::SUCCESS
        }
        Err(error) => {
            shared::complain("chat-server", error);
            ExitCode::FAILURE
        }
    }
}

fn serve(options: &Options) -> Result<(), String> {
    options.logging.start(log::LevelFilter::Info)?;
    shared::log_panics();
    serve::run(options).map_err(|error| error.to_string())
}
