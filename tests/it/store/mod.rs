//! Stores: what any of them has to do, and what each of ours does.

mod conformance;
mod memory;
mod sqlite;
mod sqlite_search;
mod sqlite_trouble;
mod sqlite_upkeep;
mod support;
mod wrong;
