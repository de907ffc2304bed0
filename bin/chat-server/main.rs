//! `chat-server`: arguments, logger, signals, exit codes. All else is the library's.

mod args;
mod ctl;
mod serve;
#[path = "../shared/mod.rs"]
mod shared;
mod signals;

use std::process::ExitCode;

use clap::Parser;

use args::{Command, Options};

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(Command::Ctl(ctl)) = &options.command {
        return ctl::run(ctl);
    }
    let started = options.logging.start(log::LevelFilter::Info);
    match started.and_then(|()| serve::run(&options).map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chat-server: {error}");
            ExitCode::FAILURE
        }
    }
}
