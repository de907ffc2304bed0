//! Who holds which name. Two that claim one at once: exactly one gets it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::sessions::Token;
use super::{Name, NameKey};
use crate::{Client, CloseCode, Refusal};

/// How long a name's holder has to show that it is alive, and then to be gone.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an own connection has to close when another takes its place.
const GOODBYE: Duration = Duration::from_millis(500);
/// How long it has to be gone then: what it said may wait for the store until it is given up.
const SETTLING: Duration = Duration::from_secs(6);

#[derive(Default)]
pub(super) struct Roll {
    holders: Mutex<HashMap<NameKey, Holder>>,
    /// Signalled when a name becomes free.
    released: Condvar,
}

struct Holder {
    name: String,
    session: Token,
    /// `None` until its connection is open.
    client: Option<Client>,
    /// Somebody is finding out whether it is alive.
    is_probed: bool,
}

impl Roll {
    /// Takes the name, from a holder that is dead too, or of the same session.
    pub(super) fn claim(self: &Arc<Self>, name: Name, session: &Token) -> Result<Claim, Refusal> {
        let key = name.key();
        self.replace_own(&key, session);
        loop {
            // One at a time: many who want one name must not take up all handshakes.
            let client = match self.holders.lock().get_mut(&key) {
                None => None,
                Some(Holder { client: Some(client), is_probed, .. }) if !*is_probed => {
                    *is_probed = true;
                    Some(client.clone())
                }
                Some(_) => return Err(taken(&name)),
            };
            if let Some(client) = client {
                let is_alive = client.probe(PATIENCE);
                if let Some(holder) = self.holders.lock().get_mut(&key) {
                    holder.is_probed = false;
                }
                if is_alive || !self.wait_until_released(&key, PATIENCE) {
                    return Err(taken(&name));
                }
            }
            if self.insert(&key, &name, session) {
                return Ok(Claim { roll: self.clone(), key, name });
            }
        }
    }

    /// The names of all who are here.
    pub(super) fn names(&self) -> Vec<String> {
        let holders = self.holders.lock();
        holders.values().filter(|holder| holder.client.is_some()).map(|holder| holder.name.clone()).collect()
    }

    /// Ends the holder where it is of the same session: a connection that broke
    /// without this side knowing, or that was copied.
    fn replace_own(&self, key: &NameKey, session: &Token) {
        let own = match self.holders.lock().get(key) {
            Some(holder) if holder.session == *session => holder.client.clone(),
            _ => return,
        };
        let Some(client) = own else { return };
        client.close(CloseCode::POLICY, "this session goes on in another connection");
        if !self.wait_until_released(key, GOODBYE) {
            client.abort();
            self.wait_until_released(key, SETTLING);
        }
    }

    fn insert(&self, key: &NameKey, name: &Name, session: &Token) -> bool {
        let mut holders = self.holders.lock();
        if holders.contains_key(key) {
            return false;
        }
        let (name, session) = (name.to_string(), session.clone());
        holders.insert(key.clone(), Holder { name, session, client: None, is_probed: false });
        true
    }

    /// Waits for a holder that was disconnected to leave; false where it does not,
    /// because its handler is held up.
    fn wait_until_released(&self, key: &NameKey, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut holders = self.holders.lock();
        while holders.contains_key(key) {
            if self.released.wait_until(&mut holders, deadline).timed_out() {
                return !holders.contains_key(key);
            }
        }
        true
    }
}

fn taken(name: &Name) -> Refusal {
    Refusal::new(409, format!("the name {name} is taken; choose another"))
}

/// A name that is held until this is dropped.
pub(super) struct Claim {
    roll: Arc<Roll>,
    key: NameKey,
    name: Name,
}

impl Claim {
    pub(super) fn name(&self) -> &Name {
        &self.name
    }

    pub(super) fn key(&self) -> &NameKey {
        &self.key
    }

    /// Which session the holder has.
    pub(super) fn set_session(&mut self, session: &Token) {
        if let Some(holder) = self.roll.holders.lock().get_mut(&self.key) {
            holder.session = session.clone();
        }
    }

    /// The same name, spelled in another way.
    pub(super) fn respell(&mut self, name: Name) {
        debug_assert!(name.key() == self.key);
        if let Some(holder) = self.roll.holders.lock().get_mut(&self.key) {
            holder.name = name.to_string();
        }
        self.name = name;
    }

    /// The holder's connection is open.
    pub(super) fn attach(&self, client: &Client) {
        if let Some(holder) = self.roll.holders.lock().get_mut(&self.key) {
            holder.client = Some(client.clone());
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.roll.holders.lock().remove(&self.key);
        self.roll.released.notify_all();
    }
}
