//! The chat of 2012 as a ready-made [`Handler`]: one room, in text, byte for byte
//! as in the article. Written on this crate's public API alone.
//!
//! ```
//! use chinwag::{Server, chat::Chat};
//!
//! let server = Server::builder().paths(Chat::PATHS).handler(Chat::new().gate()).start()?;
//! let mut john = server.connect_memory("/?name=John")?;
//! assert_eq!(john.recv()?.as_text(), Some("John joined."));
//! assert_eq!(john.recv()?.as_text(), Some("Welcome John."));
//! john.send("hi")?;
//! assert_eq!(john.recv()?.as_text(), Some("John says: hi"));
//! # Ok::<(), chinwag::Error>(())
//! ```

mod headcount;
mod name;
mod roll;

pub use name::{Name, NameError, NameKey};

use std::sync::Arc;
use std::time::Duration;

use crate::{Client, CloseCode, CloseReason, Handler, Refusal, Request};
use headcount::Headcount;
use roll::{Claim, Roll};

/// The one room.
const LOBBY: &str = "lobby";
/// So many names at the most are listed.
const WHO_LIMIT: usize = 100;
const HELP: &str = "Commands: /help lists them, /who tells who is here, /quit leaves. \
                    Start a message with // to say something that starts with /.";

/// The chat: who is here, and its rules.
///
/// A name must be given in the query (`/?name=John`); see [`Name`] for what is
/// allowed. One that is taken is refused with 409, unless its holder does not
/// answer a ping within 2 s.
#[derive(Clone)]
pub struct Chat {
    shared: Arc<Shared>,
}

struct Shared {
    roll: Arc<Roll>,
    headcount: Headcount,
    announce_up_to: usize,
}

impl Chat {
    /// The paths that the chat is found at; the last is that of the article.
    pub const PATHS: [&'static str; 3] = ["/", "/ws", "/WebSockets/api/websockets"];
    /// Members up to which comings and goings are announced.
    pub const ANNOUNCE_UP_TO: usize = 1000;

    /// A chat that announces comings and goings among up to
    /// [`ANNOUNCE_UP_TO`](Self::ANNOUNCE_UP_TO) people.
    pub fn new() -> Self {
        Self::announcing_up_to(Self::ANNOUNCE_UP_TO)
    }

    /// A chat that announces comings and goings among up to `members` people. In a
    /// larger crowd it tells how many are here instead, at most every 10 s.
    pub fn announcing_up_to(members: usize) -> Self {
        Self::with(members, Duration::from_secs(10))
    }

    /// The same, telling how many are here at most once in `interval`.
    pub fn with(announce_up_to: usize, interval: Duration) -> Self {
        let headcount = Headcount::new(interval);
        Self { shared: Arc::new(Shared { roll: Arc::default(), headcount, announce_up_to }) }
    }

    /// Lets newcomers in, for [`ServerBuilder::handler`](crate::ServerBuilder::handler).
    /// May wait up to 4 s where a name's holder does not answer.
    pub fn gate(&self) -> impl Fn(&Request) -> Result<Member, Refusal> + Send + Sync + 'static {
        let shared = self.shared.clone();
        move |request| {
            let name = request
                .query("name")
                .ok_or_else(|| Refusal::bad_request("a name is needed in the query, such as /?name=John"))?;
            let name = Name::parse(&name)
                .map_err(|error| Refusal::bad_request(format!("name not allowed: {error}")))?;
            if request.query("room").is_some_and(|room| room != LOBBY) {
                return Err(Refusal::not_found("there is one room here, lobby; leave room out of the query"));
            }
            let claim = shared.roll.claim(name)?;
            Ok(Member { shared: shared.clone(), claim })
        }
    }
}

impl Default for Chat {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Chat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chat")
    }
}

/// One person in the [`Chat`].
pub struct Member {
    shared: Arc<Shared>,
    claim: Claim,
}

impl Member {
    /// The name that this person goes by.
    pub fn name(&self) -> &Name {
        self.claim.name()
    }

    fn say(&self, me: &Client, text: &str) {
        me.room(LOBBY).broadcast(format!("{} says: {text}", self.name()));
    }

    fn command(&self, me: &Client, command: &str) {
        match command.split_whitespace().next().unwrap_or_default() {
            "help" => me.send(HELP),
            "who" => me.send(self.who()),
            "quit" => me.close(CloseCode::NORMAL, "Bye"),
            other => {
                let other = crate::Escaped::new(other).cut(32).to_string();
                me.send(format!("There is no command /{other}. /help lists them."));
            }
        }
    }

    fn who(&self) -> String {
        let mut names = self.shared.roll.names();
        let count = names.len();
        names.sort_unstable();
        names.truncate(WHO_LIMIT);
        let more = if count > WHO_LIMIT { ", …" } else { "" };
        format!("{count} here: {}{more}", names.join(", "))
    }
}

impl Handler for Member {
    fn on_open(&mut self, me: &Client) {
        self.claim.attach(me);
        let (me, lobby) = (me.clone(), me.room(LOBBY));
        let is_announced = self.shared.headcount.one_more() <= self.shared.announce_up_to;
        if !is_announced {
            self.shared.headcount.tell(&lobby);
        }
        let name = self.name().clone();
        me.hub().clone().atomically(move |turn| {
            turn.join(&lobby, &me);
            if is_announced {
                turn.broadcast(&lobby, format!("{name} joined."));
            }
            turn.send(&me, format!("Welcome {name}."));
        });
    }

    fn on_text(&mut self, me: &Client, text: &str) {
        match text.strip_prefix('/') {
            Some(command) if !command.starts_with('/') => self.command(me, command),
            Some(said) => self.say(me, said),
            None => self.say(me, text),
        }
    }

    fn on_binary(&mut self, me: &Client, _data: &[u8]) {
        me.close(CloseCode::UNSUPPORTED, "this chat takes text only");
    }

    fn on_close(&mut self, me: &Client, _reason: &CloseReason) {
        let lobby = me.room(LOBBY);
        if self.shared.headcount.one_less() <= self.shared.announce_up_to {
            lobby.broadcast(format!("{} left.", self.name()));
        } else {
            self.shared.headcount.tell(&lobby);
        }
    }
}
