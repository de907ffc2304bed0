//! What systemd is told, where it started this process and wants to know (sd_notify(3)):
//! that the server is ready, reloads, or stops; how many clients it has, and whether what they say is kept; and, as long as
//! the hub answers, that it is alive.

use std::time::Duration;

use chinwag::chat::Chat;
use chinwag::{Escaped, Monitor, Unready};
use sd_notify::NotifyState;

/// How often this is told, where it has changed.
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
pub fn watch(monitor: Monitor, chat: Chat) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let watchdog = sd_notify::watchdog_enabled();
    let thread = std::thread::Builder::new().name("chat-systemd".to_owned());
    if let Err(error) = thread.spawn(move || report(&monitor, &chat, watchdog)) {
        log::error!("failed to start the thread that reports to systemd: {error}");
    }
}

/// Looks three times before systemd would give the server up.
fn report(monitor: &Monitor, chat: &Chat, watchdog: Option<Duration>) {
    let interval = watchdog.map_or(STATUS_INTERVAL, |limit| STATUS_INTERVAL.min(limit / 3));
    let mut told = None;
    loop {
        match monitor.alive() {
            Ok(()) if watchdog.is_some() => tell(&[NotifyState::Watchdog]),
            Ok(()) => {}
            Err(Unready::Stopped) => return,
            Err(why) => log::error!("{why}: systemd gets no sign of life, and may restart the server"),
        }
        let clients = monitor.statistics().map(|statistics| statistics.clients);
        let status = clients.map(|clients| status(clients, chat.store_trouble().as_deref()));
        if let Some(status) = status.filter(|status| told.as_ref() != Some(status)) {
            tell(&[NotifyState::Status(&status)]);
            told = Some(status);
        }
        std::thread::sleep(interval);
    }
}

fn status(clients: u64, trouble: Option<&str>) -> String {
    let plural = if clients == 1 { "" } else { "s" };
    // A line break would begin another field.
    let trouble =
        trouble.map_or_else(String::new, |trouble| format!("; nothing is kept: {}", Escaped::new(trouble)));
    format!("{clients} client{plural}{trouble}")
}

/// Does nothing where nobody wants to know.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        log::warn!("failed to notify systemd: {error}");
    }
}
