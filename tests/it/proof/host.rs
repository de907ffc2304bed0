//! The real chat-server, started again and again behind one network.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::disk::Disk;
use super::network::Network;
use super::record::Life;
use crate::support::Program;

/// Nothing but the storm ends a connection, and all is kept.
const ARGS: [&str; 13] = [
    "--listen=127.0.0.1:0",
    "--message-rate=off",
    "--joins-per-address=off",
    "--connections-per-address=off",
    "--retention-messages=10000000",
    "--retention-bytes=10000000000",
    // Between lives nobody is to wait for who is gone.
    "--close-timeout=1s",
    // No one is slow here but by this machine.
    "--overflow-grace=60s",
    "--outbox-messages=1000000",
    "--outbox-bytes=100000000",
    "--max-handshakes=1000",
    "--drain-timeout=5s",
    "-q",
];

pub struct Host {
    pub network: Arc<Network>,
    make: Box<dyn Fn() -> Command>,
    log: std::path::PathBuf,
    program: Option<Program>,
    lives: u32,
}

impl Host {
    /// A server with these options and variables, which writes its log into `folder`.
    pub fn start(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>();
        let variables = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let variables = variables.collect::<Vec<_>>();
        let make = move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
            command.args(ARGS).args(&args).envs(variables.clone());
            command
        };
        let (network, log) = (Arc::new(Network::start()), folder.join("server.log"));
        let mut host = Self { network, make: Box::new(make), log, program: None, lives: 0 };
        host.start_again();
        host
    }

    /// A server whose store is on this disk.
    pub fn on(disk: &Disk, notes_syncs: bool, args: &[&str]) -> Self {
        let variables = disk.variables(notes_syncs);
        let variables = variables.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let store = disk.store();
        Self::start(disk.folder(), &[&[store.as_str()], args].concat(), &variables.collect::<Vec<_>>())
    }

    pub fn start_again(&mut self) {
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let mut program = Program::start((self.make)().stderr(Stdio::from(log)));
        self.lives += 1;
        self.network.lead_to(program.address(), self.life());
        self.program = Some(program);
    }

    /// This life, or the last one.
    pub fn life(&self) -> Life {
        Life { server: "chat".to_owned(), number: self.lives }
    }

    /// SIGKILL; it is dead then.
    pub fn kill(&mut self) {
        drop(self.program.take().unwrap());
    }

    /// Asks it to stop, and waits for that.
    pub fn stop(&mut self) {
        let mut program = self.program.take().unwrap();
        program.signal("-TERM");
        assert_eq!(program.exit_code(), 0);
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let lines = log.lines().collect::<Vec<_>>();
            eprintln!("the server's log ends so:\n{}", lines[lines.len().saturating_sub(30)..].join("\n"));
        }
    }
}
