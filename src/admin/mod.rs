//! An operator's way in from outside: a Unix socket that belongs to the server's own user,
//! and that tools and scripts ask over. `chat-server ctl` is one of them.
//!
//! One JSON object a line, one answer a line. A request has the protocol's version, `v`, and
//! perhaps `by`, who asks:
//!
//! ```text
//! {"v":1,"type":"clients"}
//! {"v":1,"type":"ban","who":"192.0.2.0/24","for":3600000,"reason":"spam","by":"the night watch"}
//! ```
//!
//! | request | answer |
//! |---|---|
//! | `version` | `{"v":1,"type":"version","version":"0.1.0"}` |
//! | `clients` | `{"v":1,"type":"clients","clients":[…]}`, each a [`ClientInfo`] |
//! | `rooms` | `{"v":1,"type":"rooms","rooms":[…]}`, with locked ones that nobody is in |
//! | `kick`, `ban`, `unban`, `bans`, `mute`, `unmute`, `lock`, `unlock`, `notice`, `erase` | as in [`chinwag.v1`](crate::protocol) |
//! | what cannot be done | `{"v":1,"type":"error","code":"no_such_name","reason":"Eve is not here"}` |
//!
//! Whoever may open the socket may do all of this: it is made with mode 0600, for the user
//! that the server runs as, and root.
//!
//! ```
//! use chinwag::admin::{AdminAnswer, AdminClient, AdminRequest, AdminSocket};
//! use chinwag::{Server, chat::Chat};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("admin");
//! let chat = Chat::new();
//! let server = Server::builder().handler(chat.gate()).start()?;
//! let _socket = AdminSocket::bind(&path, &chat, server.hub())?;
//!
//! let john = server.connect_memory("/?name=John")?;
//! let mut admin = AdminClient::connect(&path)?;
//! let answer = admin.ask(&AdminRequest::Rooms, None)?;
//! assert!(matches!(answer, AdminAnswer::Rooms { rooms } if rooms.len() <= 1));
//! # drop(john);
//! # Ok::<(), chinwag::Error>(())
//! ```

mod bind;
mod client;
mod conversation;
mod message;
mod socket;

pub use client::AdminClient;
pub use message::{AdminAnswer, AdminRequest, VERSION};
pub use socket::AdminSocket;

pub use crate::chat::ClientInfo;

/// The longest request, in bytes.
const MAX_LINE: usize = 64 * 1024;
