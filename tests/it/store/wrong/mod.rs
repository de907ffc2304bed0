//! Stores that break a rule each.

mod again;
mod at_once;
mod faults;
mod later;

pub(super) use again::{Again, AgainFault};
pub(super) use at_once::Wrong;
pub(super) use faults::Fault;
pub(super) use later::{Later, LaterFault};
