//! `chat-server`: arguments, logger, signals, exit codes. All else is the library's.

mod activation;
mod args;
mod check;
mod config;
mod ctl;
mod manual;
mod reload;
mod serve;
#[path = "../shared/mod.rs"]
mod shared;
mod signals;
mod systemd;
mod token;
mod transfer;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::CommandFactory;

use args::Task;
use config::{Loaded, Problem};

fn main() -> ExitCode {
    if let Some(made) = shared::generate::asked(args::Cli::command, &manual::MANUAL) {
        return shared::end("chat-server", made);
    }
    let argv: Vec<OsString> = std::env::args_os().collect();
    let loaded = config::load(&argv).unwrap_or_else(|error| error.exit());
    match &loaded.cli.task {
        Some(Task::CheckConfig(check)) => check::run(&loaded, check),
        Some(Task::Ctl(ctl)) => ctl::run(ctl),
        Some(Task::Erase(erase)) => shared::end("chat-server", transfer::erase(erase)),
        Some(Task::Export(export)) => shared::end("chat-server", transfer::export(export)),
        Some(Task::Import(import)) => shared::end("chat-server", transfer::import(import)),
        Some(Task::Token(command)) => shared::end("chat-server", token::run(command)),
        None => shared::end("chat-server", serve(loaded, argv)),
    }
}

fn serve(loaded: Loaded, argv: Vec<OsString>) -> Result<(), (u8, String)> {
    let Loaded { cli, problems, values, file } = loaded;
    if !problems.is_empty() {
        let status = if problems.iter().all(|problem| problem.is_usage) { 2 } else { 1 };
        return Err((status, in_one_line(&problems, file.is_some())));
    }
    let failed = |problem: String| (1, problem);
    // Before the first thread, which is the log's.
    let passed = activation::listeners().map_err(|error| failed(error.to_string()))?;
    cli.options.logging.start(log::LevelFilter::Info).map_err(failed)?;
    shared::log_panics();
    serve::run(&cli.options, passed, argv, values).map_err(|error| failed(error.to_string()))
}

/// The first problem, and how to see the others.
fn in_one_line(problems: &[Problem], has_file: bool) -> String {
    let first = problems.first().map(Problem::to_string).unwrap_or_default();
    match problems.len() {
        ..=1 => first,
        count => {
            let file = if has_file { " --config FILE" } else { "" };
            format!("{first} (and {} more; chat-server check-config{file} says which)", count - 1)
        }
    }
}
