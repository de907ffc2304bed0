//! The store's tail: what it brings becomes a turn of the hub's.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use super::Shared;
use crate::Hub;
use crate::store::Tail;

/// So much of what the store brings is shown in one turn of the hub's at most: after a while
/// in which nothing could be written it is a lot, and others want their turn.
const PORTION: usize = 512;
/// How often is looked whether the store has answered, and is well.
const LOOK: Duration = Duration::from_secs(1);

impl Shared {
    /// Gives the store its tail, once: before anybody says something.
    pub(super) fn begin(self: &Arc<Self>, hub: &Hub) {
        self.begun.get_or_init(|| {
            let (shared, tail_hub) = (Arc::downgrade(self), hub.clone());
            self.store.open(Tail::new(move |mut deliveries| {
                while !deliveries.is_empty() {
                    let rest = deliveries.split_off(deliveries.len().min(PORTION));
                    let portion = std::mem::replace(&mut deliveries, rest);
                    let shared = shared.clone();
                    tail_hub.atomically(move |turn| {
                        // A chat that nobody has any more is over.
                        if let Some(shared) = shared.upgrade() {
                            shared.state.lock().deliver(turn, portion);
                        }
                    });
                }
            }));
            watch(Arc::downgrade(self), hub.clone());
        });
    }
}

/// Looks after the store from now on, as long as the chat and its server are.
fn watch(shared: Weak<Shared>, hub: Hub) {
    let watching = move || {
        loop {
            thread::sleep(LOOK);
            let Some(shared) = shared.upgrade() else { return };
            if !shared.state.lock().needs_look() {
                continue;
            }
            let is_healthy = shared.store.health().is_ok();
            let shared = Arc::downgrade(&shared);
            hub.atomically(move |turn| {
                if let Some(shared) = shared.upgrade() {
                    shared.state.lock().look_after(turn, is_healthy);
                }
            });
        }
    };
    if let Err(error) = thread::Builder::new().name("chinwag-store-watch".to_owned()).spawn(watching) {
        log::error!("failed to start a thread that looks after the store: {error}");
    }
}
