//! `chat-server check-config`: what is wrong, all at once, and what is in force.

use std::io::Write;
use std::net::{TcpListener, ToSocketAddrs};
use std::path::Path;
use std::process::ExitCode;

use chinwag::chat::Chat;
use rustix::fs::{Access, access};

use crate::args::{CheckConfig, Options, Place};
use crate::config::{Loaded, Problem, toml};

/// Says what is wrong on stderr, and prints what was asked for.
pub fn run(loaded: &Loaded, check: &CheckConfig) -> ExitCode {
    let found = on_use(&check.options).into_iter().map(|found| found.place(loaded));
    let mut problems: Vec<_> = loaded.problems.iter().cloned().chain(found).collect();
    problems.sort_by_key(|problem| problem.line);
    let mut out = std::io::stdout();
    // Who reads may have gone.
    if check.print {
        let _ = out.write_all(toml::in_force(&loaded.values).as_bytes());
    }
    for problem in &problems {
        eprintln!("{problem}");
    }
    if !problems.is_empty() {
        return ExitCode::FAILURE;
    }
    if !check.print {
        let _ = writeln!(out, "nothing is wrong{}", of_file(loaded));
    }
    ExitCode::SUCCESS
}

fn of_file(loaded: &Loaded) -> String {
    loaded.file.as_ref().map(|path| format!(" with {}", path.display())).unwrap_or_default()
}

/// What is wrong with the use of an option, by its key.
struct Found(&'static str, String);

impl Found {
    fn place(&self, loaded: &Loaded) -> Problem {
        Problem::of_key(self.0, &loaded.values, &self.1)
    }
}

/// What shows only when an option is used.
fn on_use(options: &Options) -> Vec<Found> {
    let listening = &options.listening;
    let addrs = listening.listen.iter().filter_map(|addr| listen(addr).err());
    let mut found: Vec<_> = addrs.map(|words| Found("listen", words)).collect();
    if let Err(error) = listening.load_tls() {
        found.push(Found("tls-cert", error.to_string()));
    }
    let folders = [
        ("admin-socket", options.admin.admin_socket.as_deref()),
        ("takeover-socket", options.operations.takeover_socket.as_deref()),
    ];
    for (key, path) in folders {
        if let Some(words) = path.and_then(|path| folder_of(path).err()) {
            found.push(Found(key, words));
        }
    }
    if let Err((key, words)) = options.storing.check() {
        found.push(Found(key, words));
    }
    if let Place::File(path) = &options.storing.store
        && let Err(words) = store(path)
    {
        found.push(Found("store", words));
    }
    if let Err(error) = options.auth.load() {
        found.push(Found("auth", error.to_string()));
    }
    if let Some(words) = options.admin.bans.as_ref().and_then(|path| bans(path).err()) {
        found.push(Found("bans", words));
    }
    if let Some(words) = options.logging.file().and_then(|path| log_file(path).err()) {
        found.push(Found("log-file", words));
    }
    found
}

/// Whether the address is one of this machine. Its port may be in use, by the server that
/// runs with this configuration.
fn listen(addr: &str) -> Result<(), String> {
    if let Some(path) = addr.strip_prefix("unix:") {
        return folder_of(Path::new(path));
    }
    let resolved = addr.to_socket_addrs().map_err(|error| format!("{addr}: {error}"))?;
    for mut own in resolved {
        own.set_port(0);
        TcpListener::bind(own).map_err(|error| format!("{addr} is no address of this machine: {error}"))?;
    }
    Ok(())
}

/// A file that is not there yet is begun by the server, and not here.
fn bans(path: &Path) -> Result<(), String> {
    match path.exists() {
        true => Chat::builder().bans_file(path).map(drop).map_err(|error| error.to_string()),
        false => folder_of(path),
    }
}

/// Whether the server could use the file, or begin it, as whoever asks: it is not opened, for a
/// server may be using it.
fn store(path: &Path) -> Result<(), String> {
    folder_of(path)?;
    let (read, write) = (Access::READ_OK, Access::WRITE_OK);
    // Others come and go beside the file.
    access(folder(path), write | Access::EXEC_OK)
        .map_err(|error| format!("the folder {} cannot be written: {error}", folder(path).display()))?;
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(format!("{} is no file", path.display())),
        Ok(_) => access(path, read | write)
            .map_err(|error| format!("{} cannot be read and written: {error}", path.display())),
        Err(_) => Ok(()),
    }
}

fn log_file(path: &Path) -> Result<(), String> {
    if path.is_dir() { Err(format!("{} is a folder", path.display())) } else { folder_of(path) }
}

fn folder_of(path: &Path) -> Result<(), String> {
    let folder = folder(path);
    match std::fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(format!("{} is no folder", folder.display())),
        Err(error) => Err(format!("the folder {} cannot be used: {error}", folder.display())),
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
