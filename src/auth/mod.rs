//! Who gets in by a token: one of those in a file ([`Tokens`]), or one that somebody
//! signed whom the server trusts ([`Jwt`]). Both say who a newcomer is, for
//! [`ChatBuilder::authenticate`](crate::chat::ChatBuilder::authenticate), and end the
//! connections of those whose token is good no more.
//!
//! ```no_run
//! use chinwag::auth::Tokens;
//! use chinwag::{Server, chat::Chat};
//!
//! let tokens = Tokens::open("/etc/chinwag/tokens")?;
//! let chat = Chat::builder().authenticate(move |request| tokens.identify(request)).build();
//! let server = Server::builder().handler(chat.gate()).bind("127.0.0.1:9001")?;
//! # Ok::<(), chinwag::Error>(())
//! ```
//!
//! Another kind of credential comes of the same parts: [`bearer`] takes the token out of a
//! request, [`unauthorized`] refuses, and an [`Identity`](crate::chat::Identity) says the rest.

mod bearer;
mod jwt;
mod key;
mod signature;
mod token_file;
mod tokens;

pub use bearer::{TOKEN_SUBPROTOCOL, bearer, unauthorized};
pub use jwt::Jwt;
pub use token_file::{TokenFile, TokenLine};
pub use tokens::Tokens;
