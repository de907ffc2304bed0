//! What can be taken back from those who came in with it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::{Client, CloseCode};

/// What lets people in for as long as it lasts: a token, an account. Its clones are the
/// same permit.
///
/// ```
/// use chinwag::CloseCode;
/// use chinwag::chat::{Chat, Identity, Permit};
///
/// let adams_account = Permit::new();
/// let permit = adams_account.clone();
/// let chat = Chat::builder().authenticate(move |_| Ok(Identity::named("Adam").permit(&permit)));
/// // Later: ends the connections of all who came in with it.
/// adams_account.revoke(CloseCode::POLICY, "your account was closed");
/// # let _ = chat.build();
/// ```
#[derive(Clone, Default)]
pub struct Permit(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Those who are in with it, by a number of their own.
    users: HashMap<u64, Client>,
    next: u64,
    revoked: Option<(CloseCode, Arc<str>)>,
}

/// One client that is in with a permit, until this is dropped.
pub(super) struct Use {
    permit: Permit,
    number: u64,
}

impl Permit {
    /// A permit that nobody has used yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes it back: whoever is in with it is closed with this code and reason, and so is
    /// who is on the way in. The first time counts. May wait for the hub, as
    /// [`Client::close`](crate::Client::close) does.
    pub fn revoke(&self, code: impl Into<CloseCode>, reason: impl Into<String>) {
        let (code, reason) = (code.into(), reason.into());
        let users = {
            let state = &mut *self.0.lock();
            state.revoked.get_or_insert_with(|| (code, reason.as_str().into()));
            std::mem::take(&mut state.users)
        };
        // Not under the lock: it may wait for the hub.
        for client in users.values() {
            client.close(code, reason.as_str());
        }
    }

    /// Whether it was taken back.
    pub fn is_revoked(&self) -> bool {
        self.0.lock().revoked.is_some()
    }

    pub(super) fn attach(&self, client: &Client) -> Use {
        let (number, revoked) = {
            let state = &mut *self.0.lock();
            state.next += 1;
            if state.revoked.is_none() {
                state.users.insert(state.next, client.clone());
            }
            (state.next, state.revoked.clone())
        };
        if let Some((code, reason)) = revoked {
            client.close(code, &*reason);
        }
        Use { permit: self.clone(), number }
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        // The last handle to a client may be this one, and is not to go under the lock.
        let client = self.permit.0.lock().users.remove(&self.number);
        drop(client);
    }
}

/// Clones are equal.
impl PartialEq for Permit {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Permit {}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_revoked() { "Permit(revoked)" } else { "Permit" })
    }
}
