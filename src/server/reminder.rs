//! When to look after the certificates of the listeners: once a day. The thread that
//! accepts connections does it, for it waits anyway and may wait for a log.

#[cfg(feature = "tls")]
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::listen::Listener;
#[cfg(feature = "tls")]
use crate::ServerTls;

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) struct Reminder {
    /// Each once, however many listeners show it.
    #[cfg(feature = "tls")]
    certificates: Vec<ServerTls>,
    due: Option<Instant>,
}

impl Reminder {
    /// The first time was when the certificates were read.
    #[cfg(feature = "tls")]
    pub(super) fn new(listeners: &[Listener], now: Instant) -> Self {
        let mut certificates: Vec<ServerTls> = Vec::new();
        for tls in listeners.iter().filter_map(Listener::certificate) {
            if !certificates.iter().any(|known| Arc::ptr_eq(&known.0, &tls.0)) {
                certificates.push(tls.clone());
            }
        }
        let due = (!certificates.is_empty()).then(|| now + DAY);
        Self { certificates, due }
    }

    #[cfg(not(feature = "tls"))]
    pub(super) fn new(_: &[Listener], _: Instant) -> Self {
        Self { due: None }
    }

    /// How long nothing is to be done; `None` where nothing ever is.
    pub(super) fn rest(&self, now: Instant) -> Option<Duration> {
        self.due.map(|due| due.saturating_duration_since(now))
    }

    /// Looks after the certificates where it is time; whether it was.
    pub(super) fn look(&mut self, now: Instant) -> bool {
        let is_due = self.due.is_some_and(|due| now >= due);
        if is_due {
            self.due = Some(now + DAY);
            #[cfg(feature = "tls")]
            self.certificates.iter().for_each(ServerTls::remind);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_time_once_a_day() {
        let now = Instant::now();
        let mut reminder = Reminder { due: Some(now + DAY), ..Reminder::new(&[], now) };
        assert_eq!(reminder.rest(now), Some(DAY));
        let days = (1..=96).filter(|hours| reminder.look(now + *hours * DAY / 24)).collect::<Vec<_>>();
        assert_eq!(days, [24, 48, 72, 96]);
        assert_eq!(Reminder::new(&[], now).rest(now), None);
    }
}
