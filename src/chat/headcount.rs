//! How many are here, told now and then where there are too many for
//! announcements. The telling has a thread of its own, which waits for a change
//! and then rests.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::Room;

pub(super) struct Headcount {
    count: Arc<AtomicUsize>,
    interval: Duration,
    /// Started when first needed; ends when this is dropped.
    teller: OnceLock<Teller>,
}

struct Teller {
    /// Holds one change at most: who finds it full need not add another.
    change_tx: Sender<Room>,
    /// Its drop wakes the thread from its rest.
    _rest_tx: Sender<()>,
}

impl Headcount {
    pub(super) fn new(interval: Duration) -> Self {
        Self { count: Arc::default(), interval, teller: OnceLock::new() }
    }

    /// Counts one in; how many are here with it.
    pub(super) fn one_more(&self) -> usize {
        self.count.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Counts one out; how many were here with it.
    pub(super) fn one_less(&self) -> usize {
        self.count.fetch_sub(1, Ordering::SeqCst)
    }

    /// Has the count told to `room`, soon.
    pub(super) fn tell(&self, room: &Room) {
        let teller = self.teller.get_or_init(|| Teller::start(self.count.clone(), self.interval));
        let _ = teller.change_tx.try_send(room.clone());
    }
}

impl Teller {
    fn start(count: Arc<AtomicUsize>, interval: Duration) -> Self {
        let (change_tx, change_rx) = bounded(1);
        let (rest_tx, rest_rx) = bounded(0);
        let tell = move || tell(&count, interval, &change_rx, &rest_rx);
        if let Err(error) = thread::Builder::new().name("chinwag-headcount".to_owned()).spawn(tell) {
            log::error!("failed to start the thread that tells how many are here: {error}");
        }
        Self { change_tx, _rest_tx: rest_tx }
    }
}

fn tell(count: &AtomicUsize, interval: Duration, change_rx: &Receiver<Room>, rest_rx: &Receiver<()>) {
    while let Ok(room) = change_rx.recv() {
        room.broadcast(format!("{} people are here.", count.load(Ordering::SeqCst)));
        if rest_rx.recv_timeout(interval) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}
