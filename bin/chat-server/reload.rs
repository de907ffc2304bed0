//! SIGHUP: files are read again, and what can change without a restart does.

use std::collections::HashSet;
use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};

use chinwag::chat::Chat;
use chinwag::{ServerTls, SettingsHandle};
use log::LevelFilter;

use crate::args::{Guard, Place};
use crate::config::{self, Effective, Problem};
use crate::systemd;

/// The keys that can change while the server runs; all others need a restart.
const LIVE: &[&str] = &[
    "allow-host",
    "allow-origin",
    "announce-up-to",
    "close-timeout",
    "connections-per-address",
    "drain-timeout",
    "drain-window",
    "handshake-timeout",
    "history",
    "joins-per-address",
    "log-level",
    "max-clients",
    "max-control-frames",
    "max-fragments",
    "max-handshakes",
    "max-message-size",
    "message-rate",
    "message-timeout",
    "on-store-failure",
    "outbox-bytes",
    "outbox-messages",
    "overflow",
    "overflow-grace",
    "ping-interval",
    "ping-timeout",
    "retention-age",
    "retention-bytes",
    "retention-messages",
];

/// Everything that SIGHUP concerns. Cheap to clone.
#[derive(Clone)]
pub struct Reload {
    pub settings: SettingsHandle,
    pub chat: Chat,
    /// What was opened, whatever the file says now.
    pub store: Place,
    pub tls: Option<ServerTls>,
    pub guard: Option<Guard>,
    pub argv: Vec<OsString>,
    /// What is in force. Held while files are read, so that two signals take turns.
    pub values: Arc<Mutex<Vec<Effective>>>,
}

impl Reload {
    /// Reads everything again, on a thread of its own, for a file may not
    /// keep the next signal waiting.
    pub fn begin(&self) {
        let reload = self.clone();
        std::thread::spawn(move || {
            systemd::reloading();
            reload.run();
            systemd::ready();
        });
    }

    fn run(&self) {
        self.read_options();
        let tls = self.tls.as_ref().map(|tls| ("certificate and key were", tls.reload()));
        let guard = self.guard.as_ref().map(|guard| (guard.was_read(), guard.reload()));
        for (what, result) in tls.into_iter().chain(guard) {
            match result {
                Ok(()) => log::info!("asked to reload: {what} read again"),
                Err(error) => log::error!("asked to reload: {error}; going on with what was there before"),
            }
        }
    }

    fn read_options(&self) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let config::Loaded { cli, values: after, .. } = match config::load(&self.argv) {
            Ok(loaded) if loaded.problems.is_empty() => loaded,
            Ok(loaded) => return refuse(&loaded.problems),
            Err(error) => return refuse(&[Problem::usage("command line", error.kind().to_string())]),
        };
        if let Err((key, words)) = cli.options.storing.check() {
            return refuse(&[Problem::of_key(key, &after, &words)]);
        }
        self.settings.change(|settings| cli.options.apply(settings));
        self.chat.change_settings(|settings| {
            cli.options.chatting.apply(settings);
            cli.options.storing.apply(settings, &self.store);
        });
        log::info!("asked to reload: {}", changes(&values, &after));
        cli.options.logging.set_level(LevelFilter::Info);
        *values = keep_what_needs_a_restart(&values, after);
    }
}

fn refuse(problems: &[Problem]) {
    let problems: Vec<_> = problems.iter().map(Problem::to_string).collect();
    log::error!("asked to reload: {}; going on with what was there before", problems.join("; "));
}

/// What is another than before, in one line.
fn changes(before: &[Effective], after: &[Effective]) -> String {
    let is_other = |(before, after): &(&Effective, &Effective)| before.value != after.value;
    let others = before.iter().zip(after).filter(is_other);
    let (live, fixed): (Vec<_>, Vec<_>) = others.partition(|(before, _)| LIVE.contains(&before.key.as_str()));
    let change = |(before, after): &(&Effective, &Effective)| {
        format!("{} was {} and is {}", before.key, before.shown(), after.shown())
    };
    let mut parts: Vec<_> = live.iter().map(change).collect();
    if !fixed.is_empty() {
        let keys: HashSet<_> = fixed.iter().map(|(before, _)| before.key.as_str()).collect();
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort_unstable();
        parts.push(format!("needs a restart: {}", keys.join(", ")));
    }
    if parts.is_empty() { "no option has changed".to_owned() } else { parts.join("; ") }
}

/// What is in force now, so that what needs a restart is told of at the next signal too.
fn keep_what_needs_a_restart(before: &[Effective], after: Vec<Effective>) -> Vec<Effective> {
    let in_force = |(before, after): (&Effective, Effective)| {
        if LIVE.contains(&after.key.as_str()) { after } else { before.clone() }
    };
    before.iter().zip(after).map(in_force).collect()
}
