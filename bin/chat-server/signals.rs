//! What signals ask for.

use std::time::Duration;

use chinwag::{ServerTls, ShutdownHandle};
use signal_hook::consts::SIGHUP;
use signal_hook::iterator::Signals;

use crate::systemd;

/// SIGHUP has files read again. The first other signal stops the server in good order,
/// the second at once.
pub fn attend(mut signals: Signals, handle: &ShutdownHandle, tls: Option<&ServerTls>) {
    let mut stopping = false;
    for signal in signals.forever() {
        if signal == SIGHUP {
            // A server that stops has nothing more to read.
            if !stopping {
                reload(tls.cloned());
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
fn reload(tls: Option<ServerTls>) {
    std::thread::spawn(move || {
        systemd::reloading();
        match tls.map(|tls| tls.reload()) {
            Some(Ok(())) => log::info!("asked to reload: certificate and key were read again"),
            Some(Err(error)) => log::error!("asked to reload: {error}; going on with what was there before"),
            None => log::info!("asked to reload: there is nothing to read again"),
        }
        systemd::ready();
    });
}
