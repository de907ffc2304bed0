//! Options of a chat.

use std::path::Path;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::bans::{Bans, BansFile};
use super::dialect::{Dialect, Dialects};
use super::headcount::{Headcount, Tell};
use super::identity::{Authenticate, Identity};
use super::search::Turnstile;
use super::state::{Setup, State, now};
use super::{Chat, ChatSettings, OnStoreFailure, Shared};
use crate::store::{Memory, Retention, Store};
use crate::{Refusal, Request, Result};

/// Builds a [`Chat`].
///
/// ```
/// use chinwag::chat::Chat;
///
/// let chat = Chat::builder().history(50).retention_messages(10_000).build();
/// # let _ = chat;
/// ```
#[must_use = "a chat begins with `build`"]
pub struct ChatBuilder {
    announce_up_to: usize,
    headcount_interval: Duration,
    history: usize,
    store: Arc<dyn Store>,
    retention: Retention,
    on_store_failure: OnStoreFailure,
    dialects: Dialects,
    authenticate: Option<Authenticate>,
    bans: Bans,
    bans_file: Option<BansFile>,
}

impl ChatBuilder {
    pub(super) fn new() -> Self {
        Self {
            announce_up_to: Chat::ANNOUNCE_UP_TO,
            headcount_interval: Duration::from_secs(10),
            history: 20,
            store: Arc::new(Memory::new()),
            retention: Retention::default(),
            on_store_failure: OnStoreFailure::default(),
            dialects: Dialects::usual(),
            authenticate: None,
            bans: Bans::default(),
            bans_file: None,
        }
    }

    /// Announces comings and goings in rooms of up to so many people. A larger crowd is
    /// told how many are there instead. Defaults to [`Chat::ANNOUNCE_UP_TO`].
    pub fn announce_up_to(mut self, people: usize) -> Self {
        self.announce_up_to = people;
        self
    }

    /// Tells a crowd how many are there at most once in this time. Defaults to 10 s.
    pub fn headcount_interval(mut self, interval: Duration) -> Self {
        self.headcount_interval = interval;
        self
    }

    /// So many of the last messages a newcomer hears, at most 100, where the dialect
    /// tells history (text mode does not, unless asked). Defaults to 20; 0 tells none.
    pub fn history(mut self, messages: usize) -> Self {
        self.history = messages.min(100);
        self
    }

    /// Keeps what is said in this store. Defaults to one in [`Memory`]. A store belongs to
    /// one chat.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use chinwag::{chat::Chat, store::Memory};
    ///
    /// let chat = Chat::builder().store(Arc::new(Memory::new())).build();
    /// # let _ = chat;
    /// ```
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = store;
        self
    }

    /// What becomes of what is said while the store fails. Defaults to
    /// [`OnStoreFailure::Refuse`].
    pub fn on_store_failure(mut self, policy: OnStoreFailure) -> Self {
        self.on_store_failure = policy;
        self
    }

    /// Keeps so many messages of each room. Defaults to 1,000.
    pub fn retention_messages(mut self, messages: usize) -> Self {
        self.retention.messages = messages;
        self
    }

    /// Keeps so many bytes of text of each room. Defaults to 1 MiB.
    pub fn retention_bytes(mut self, bytes: usize) -> Self {
        self.retention.bytes = bytes;
        self
    }

    /// Keeps messages of each room for so long. Defaults to any age.
    pub fn retention_age(mut self, age: Duration) -> Self {
        self.retention.age = Some(age);
        self
    }

    /// Speaks `dialect` with clients that offer this subprotocol, in addition to text and
    /// `chinwag.v1`, or in the place of one of those.
    pub fn dialect(mut self, subprotocol: impl Into<String>, dialect: impl Dialect) -> Self {
        self.dialects.set(Some(subprotocol.into()), Arc::new(dialect));
        self
    }

    /// Speaks `dialect` with clients that offer no subprotocol that is known, instead of
    /// the text of 2012.
    pub fn default_dialect(mut self, dialect: impl Dialect) -> Self {
        self.dialects.set(None, Arc::new(dialect));
        self
    }

    /// Finds out who a newcomer is, before the upgrade: by a token in the request, say. What
    /// it refuses is refused. Runs on that newcomer's own thread and may block. Defaults to
    /// letting everyone in who asks, under any name.
    ///
    /// ```
    /// use chinwag::Refusal;
    /// use chinwag::chat::{Chat, Identity, Role};
    ///
    /// let chat = Chat::builder().authenticate(|request| match request.cookie("login") {
    ///     Some("s3cret") => Ok(Identity::named("Adam").role(Role::Operator)),
    ///     Some(_) => Err(Refusal::new(401, "log in again")),
    ///     None => Ok(Identity::default()),
    /// });
    /// # let _ = chat.build();
    /// ```
    pub fn authenticate(
        mut self,
        authenticate: impl Fn(&Request) -> Result<Identity, Refusal> + Send + Sync + 'static,
    ) -> Self {
        self.authenticate = Some(Box::new(authenticate));
        self
    }

    /// Keeps bans in this file, one JSON object a line, and begins with those in it that
    /// have not ended; it is made where it is not there. Whenever there is a change the whole
    /// file is replaced. Defaults to bans that end with the chat.
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io) where the file cannot be read, or not begun, and
    /// [`Error::Invalid`](crate::Error::Invalid), with the line, where something in it is no ban.
    pub fn bans_file(mut self, path: impl AsRef<Path>) -> Result<Self> {
        let (file, bans) = BansFile::open(path.as_ref(), now())?;
        (self.bans, self.bans_file) = (bans, Some(file));
        Ok(self)
    }

    /// The chat. It begins when a server lets people in by its [`gate`](Chat::gate).
    pub fn build(self) -> Chat {
        let Self { dialects, authenticate, bans, bans_file, store, retention, .. } = self;
        let settings = ChatSettings {
            announce_up_to: self.announce_up_to,
            history: self.history,
            retention_messages: retention.messages,
            retention_bytes: retention.bytes,
            retention_age: retention.age,
            on_store_failure: self.on_store_failure,
        };
        store.set_retention(retention);
        let shared = Arc::new_cyclic(|shared: &Weak<Shared>| {
            let state = State::new(Setup {
                store: store.clone(),
                settings,
                bans,
                dialects: dialects.clone(),
                headcount: Headcount::new(self.headcount_interval),
                tell_headcount: tell_headcount(shared.clone()),
            });
            let (roll, begun, portions) = (Arc::default(), OnceLock::new(), Mutex::default());
            let (state, searches) = (Mutex::new(state), Turnstile::default());
            Shared { roll, state, store, begun, portions, dialects, authenticate, bans_file, searches }
        });
        Chat { shared }
    }
}

/// Called on the thread of the headcount, which must not keep the chat alive.
fn tell_headcount(shared: Weak<Shared>) -> Tell {
    Arc::new(move |room| {
        let Some(shared) = shared.upgrade() else { return };
        let name = room.name().to_owned();
        room.atomically(move |turn| shared.state.lock().tell_headcount(turn, &name));
    })
}

impl std::fmt::Debug for ChatBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChatBuilder").field("retention", &self.retention).finish_non_exhaustive()
    }
}
