//! Nothing lost, nothing twice: twenty clients in a storm, and what they saw held against
//! the log.

mod checker;
mod imagined;
mod listener;
mod mistakes;
mod planted;
mod record;
mod speaker;
mod violation;
