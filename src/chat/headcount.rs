//! How many are in a room, told now and then where there are too many for
//! announcements. The telling has a thread of its own, which waits for a change
//! and then rests.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use parking_lot::Mutex;

use crate::Room;

/// Tells a room its number.
pub(super) type Tell = Arc<dyn Fn(&Room) + Send + Sync>;

/// Rooms by their names.
type Changed = Arc<Mutex<HashMap<String, Room>>>;

pub(super) struct Headcount {
    interval: Duration,
    /// Started when first needed; ends when this is dropped.
    teller: OnceLock<Teller>,
    /// Rooms with a change that they were not told of, by their names.
    changed: Changed,
}

struct Teller {
    /// Holds one change at most: who finds it full need not add another.
    change_tx: Sender<()>,
    /// Its drop wakes the thread from its rest.
    _rest_tx: Sender<()>,
}

impl Headcount {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, teller: OnceLock::new(), changed: Arc::default() }
    }

    /// Has `tell` called for `room`, soon.
    pub(super) fn changed(&self, room: Room, tell: impl FnOnce() -> Tell) {
        self.changed.lock().insert(room.name().to_owned(), room);
        let teller = self.teller.get_or_init(|| Teller::start(self.changed.clone(), tell(), self.interval));
        let _ = teller.change_tx.try_send(());
    }
}

impl Teller {
    fn start(changed: Changed, tell: Tell, interval: Duration) -> Self {
        let (change_tx, change_rx) = bounded(1);
        let (rest_tx, rest_rx) = bounded(0);
        let run = move || run(&changed, &tell, interval, &change_rx, &rest_rx);
        if let Err(error) = thread::Builder::new().name("chinwag-headcount".to_owned()).spawn(run) {
            log::error!("failed to start the thread that tells how many are here: {error}");
        }
        Self { change_tx, _rest_tx: rest_tx }
    }
}

fn run(changed: &Changed, tell: &Tell, interval: Duration, change_rx: &Receiver<()>, rest_rx: &Receiver<()>) {
    while change_rx.recv().is_ok() {
        let rooms = std::mem::take(&mut *changed.lock());
        rooms.values().for_each(|room| tell(room));
        if rest_rx.recv_timeout(interval) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}
