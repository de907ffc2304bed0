//! What signals ask for.

use std::time::Duration;

use chinwag::ShutdownHandle;
use signal_hook::consts::SIGHUP;
use signal_hook::iterator::Signals;

use crate::reload::Reload;

/// SIGHUP has files read again. The first other signal stops the server in good order,
/// the second at once.
pub fn attend(mut signals: Signals, handle: &ShutdownHandle, reload: &Reload) {
    let mut stopping = false;
    for signal in signals.forever() {
        if signal == SIGHUP {
            // A server that stops has nothing more to read.
            if !stopping {
                reload.begin();
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
