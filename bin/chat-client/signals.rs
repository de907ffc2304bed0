//! Signals, and threads.

use std::thread;

use chinwag::Canceller;
use crossbeam_channel::{Receiver, bounded};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Turns signals into the end of an attempt to connect, and into events.
pub fn take(canceller: Canceller) -> Result<Receiver<()>, String> {
    let mut signals =
        Signals::new([SIGINT, SIGTERM]).map_err(|error| format!("failed to take signals: {error}"))?;
    // Where it is full, the program has been told often enough.
    let (signal_tx, signal_rx) = bounded(2);
    spawn("signals", move || {
        for _ in signals.forever() {
            canceller.cancel();
            let _ = signal_tx.try_send(());
        }
    })?;
    Ok(signal_rx)
}

pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let thread = thread::Builder::new().name(format!("chat-{name}")).spawn(work);
    thread.map(drop).map_err(|error| format!("failed to start a thread: {error}"))
}
