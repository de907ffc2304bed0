//! Stores: where what was said is kept, and what any of them has to do.

mod conformance;
mod memory;
mod sqlite;
mod sqlite_search;
mod sqlite_trouble;
mod sqlite_upkeep;
mod support;
mod wrong;
