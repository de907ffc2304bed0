//! The chat itself. It knows names, rooms and wording; no socket and no thread.

mod name;

pub use name::{Name, NameError, NameKey};
