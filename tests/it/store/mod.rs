//! Where what was said is kept.

mod sqlite;
mod sqlite_trouble;
mod sqlite_upkeep;
mod support;
