//! A connection's outbound queue. Whoever puts bytes into an empty outbox sends
//! them at once, without waiting; only what the system did not take stays here,
//! and then one thread, the drain, sends on. All bytes of a connection pass
//! through its outbox, so they leave in order.
//!
//! ```text
//!            push: all sent                 push: appended only
//!            ┌──────────┐                   ┌──────────┐
//!            ▼          │                   ▼          │
//!        ┌───────────────┐  system is full ┌────────────────┐
//!        │ empty         │ ──────────────► │ with the drain │
//!        │ pushers send  │ ◄────────────── │ the drain sends│
//!        └───────────────┘   all was sent  └────────────────┘
//! ```

mod handover;
#[cfg(all(test, chinwag_model))]
mod model;
mod queue;
mod sync;
#[cfg(all(test, not(chinwag_model)))]
mod tests;

pub(crate) use handover::{Backlog, Kind, Outbox, Pushed, Sent, Watch};
pub use queue::Overflow;
pub(crate) use queue::{GapNotice, OutboxOptions, gap_notice};
