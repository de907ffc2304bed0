//! What signals ask for.

use std::time::Duration;

use chinwag::{ServerTls, ShutdownHandle};
use signal_hook::consts::SIGHUP;
use signal_hook::iterator::Signals;

use crate::args::Guard;
use crate::systemd;

/// What is read again on SIGHUP.
#[derive(Clone)]
pub struct Files {
    pub tls: Option<ServerTls>,
    pub guard: Option<Guard>,
}

/// SIGHUP has files read again. The first other signal stops the server in good order,
/// the second at once.
pub fn attend(mut signals: Signals, handle: &ShutdownHandle, files: &Files) {
    let mut stopping = false;
    for signal in signals.forever() {
        if signal == SIGHUP {
            // A server that stops has nothing more to read.
            if !stopping {
                reload(files.clone());
            }
            continue;
        }
        let handle = handle.clone();
        if stopping {
            std::thread::spawn(move || drop(handle.shutdown_within(Duration::ZERO)));
            log::warn!("asked to stop again: cutting all connections");
        } else {
            std::thread::spawn(move || {
                if let Err(error) = handle.shutdown() {
                    log::warn!("{error}");
                }
            });
            log::info!("asked to stop: closing all connections");
        }
        stopping = true;
    }
}

/// On a thread of its own, for a file may not keep the next signal waiting.
fn reload(files: Files) {
    std::thread::spawn(move || {
        systemd::reloading();
        let Files { tls, guard } = files;
        let tls = tls.map(|tls| ("certificate and key were", tls.reload()));
        let guard = guard.map(|guard| (guard.was_read(), guard.reload()));
        let done: Vec<_> = tls.into_iter().chain(guard).collect();
        if done.is_empty() {
            log::info!("asked to reload: there is nothing to read again");
        }
        for (what, result) in done {
            match result {
                Ok(()) => log::info!("asked to reload: {what} read again"),
                Err(error) => log::error!("asked to reload: {error}; going on with what was there before"),
            }
        }
        systemd::ready();
    });
}
