//! What systemd is told, where it started this process and wants to know (sd_notify(3)):
//! that the server is ready, reloads, or stops; how many clients it has; and, as long as
//! the hub answers, that it is alive.

use std::time::Duration;

use chinwag::{Hub, ShutdownHandle};
use sd_notify::NotifyState;

/// How often the number of clients is told, where it has changed.
const STATUS_INTERVAL: Duration = Duration::from_secs(10);

/// The server takes clients, or does so again after a reload.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Files are read again. To be followed by [`ready`].
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => log::warn!("failed to read the time for systemd: {error}"),
    }
}

/// The server stops, which takes at most about so long.
pub fn stopping(within: Duration) {
    let micros = (within + Duration::from_secs(5)).as_micros();
    let longer = NotifyState::ExtendTimeoutUsec(u32::try_from(micros).unwrap_or(u32::MAX));
    tell(&[NotifyState::Stopping, longer]);
}

/// Tells now and then how the server is, until the process ends, on a thread of its own.
pub fn watch(hub: Hub, handle: ShutdownHandle) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let watchdog = sd_notify::watchdog_enabled();
    let thread = std::thread::Builder::new().name("chat-systemd".to_owned());
    if let Err(error) = thread.spawn(move || report(&hub, &handle, watchdog)) {
        log::error!("failed to start the thread that reports to systemd: {error}");
    }
}

/// A sign of life comes within three quarters of what systemd waits for it, if at all.
fn report(hub: &Hub, handle: &ShutdownHandle, watchdog: Option<Duration>) {
    let interval = watchdog.map_or(STATUS_INTERVAL, |limit| STATUS_INTERVAL.min(limit / 2));
    let patience = watchdog.map_or(STATUS_INTERVAL, |limit| limit / 4);
    let mut told = None;
    loop {
        match hub.probe(patience) {
            Some(clients) => {
                if watchdog.is_some() {
                    tell(&[NotifyState::Watchdog]);
                }
                if told.replace(clients) != Some(clients) {
                    tell(&[NotifyState::Status(&status(clients))]);
                }
            }
            None if handle.is_stopping() => return,
            None => {
                log::error!("the hub does not answer: systemd is told nothing, and may restart the server")
            }
        }
        std::thread::sleep(interval);
    }
}

fn status(clients: usize) -> String {
    format!("{clients} client{}", if clients == 1 { "" } else { "s" })
}

/// Does nothing where nobody wants to know.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        log::warn!("failed to notify systemd: {error}");
    }
}
