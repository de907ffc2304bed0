//! Stores: what any of them has to do, and what each of ours does.

mod conformance;
mod wrong;
