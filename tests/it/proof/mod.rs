//! Nothing lost, nothing twice: twenty clients in a storm, and what they saw held against
//! the log.
//!
//! | variable | |
//! |---|---|
//! | `CHINWAG_STORM_ROUNDS` | how often the server is killed in a storm: 4 unless given, 100 for a long run |
//! | `CHINWAG_STORM_SEED` | what comes by chance comes of one seed, which a failing test shows |
//!
//! The long run: `CHINWAG_STORM_ROUNDS=100 cargo test --all-features --test it -- proof::`.
//!
//! `checker` holds the records of all clients against the log, and is tried itself with
//! planted mistakes (`planted`, `mistakes`, `imagined`). `person` and `regular` are the
//! clients, `network` and `disk` what fails between and below them, `storms`, `disks` and
//! `chaos` the storms.

mod chance;
mod chaos;
mod checker;
mod disk;
mod disks;
mod history;
mod host;
mod imagined;
mod listener;
mod mistakes;
mod network;
mod person;
mod planted;
mod progress;
mod record;
mod regular;
mod speaker;
mod storm;
mod storms;
mod violation;
