//! What the programs have in common.

pub mod duration;
pub mod logging;
