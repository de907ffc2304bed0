//! `chat-server`: arguments, logger, signals, exit codes. All else is the library's.

mod activation;
mod args;
mod serve;
#[path = "../shared/mod.rs"]
mod shared;
mod signals;
mod systemd;

use std::process::ExitCode;

use clap::Parser;

use args::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    let started = options.logging.start(log::LevelFilter::Info);
    shared::log_panics();
    match started.and_then(|()| serve::run(&options).map_err(|error| error.to_string())) {
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
