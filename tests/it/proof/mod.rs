//! Nothing lost, nothing twice: twenty clients in a storm, and what they saw held against
//! the log.
//!
//! What comes by chance comes of one seed, which a failing test shows:
//! `CHINWAG_STORM_SEED=… cargo test --all-features --test it -- proof::` tries the same again.

mod chance;
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
