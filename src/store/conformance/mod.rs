//! Finds out whether a store keeps its word: a suite of rules, each a promise of the
//! [`Store`]'s documentation, that any store can be tried against with nothing but the
//! trait.
//!
//! [`run`] is for every store, [`run_reopened`] for those that
//! [outlive the process](Store::outlives_process), [`run_shared`] for those that several
//! processes append to. A store that breaks a rule ends them with a panic that says which
//! rule it is, and what was seen. They are for tests: they take a few seconds, and fill what
//! they are given.
//!
//! ```
//! use std::sync::Arc;
//!
//! use chinwag::store::{Memory, Store, conformance};
//!
//! # // Short of the whole suite, which is run elsewhere.
//! # fn whole() {
//! // Each call makes a store of its own, with nothing in it.
//! conformance::run(&mut || Arc::new(Memory::new()));
//! # }
//! ```
//!
//! A store of one's own in a file is opened again and again:
//!
//! ```
//! # use std::path::Path;
//! # use std::sync::Arc;
//! # use chinwag::store::{Memory, Store, conformance};
//! # type MyStore = Memory;
//! # fn open(path: &Path) -> MyStore { Memory::new() }
//! fn a_store_of_ours_keeps_its_word() -> std::io::Result<()> {
//!     let folder = tempfile::tempdir()?;
//!     let mut number = 0;
//!     conformance::run(&mut || {
//!         number += 1;
//!         Arc::new(open(&folder.path().join(format!("{number}.log"))))
//!     });
//!     let path = folder.path().join("again.log");
//!     conformance::run_reopened(&mut || Arc::new(open(&path)));
//!     let path = folder.path().join("shared.log");
//!     conformance::run_shared(&mut || Arc::new(open(&path)));
//!     Ok(())
//! }
//! ```
//!
//! A store that does not search passes, if it [says so](super::StoreErrorKind::Unsupported).

mod appending;
mod driver;
mod erasing;
mod keys;
mod messages;
mod reading;
mod reopened;
mod retaining;
mod searching;
mod shared;
mod timing;
mod together;

use std::sync::Arc;

use super::Store;

/// Makes a store, or opens one again.
type Open<'a> = dyn FnMut() -> Arc<dyn Store> + 'a;

/// What was found: all is well, or what was seen instead.
type Checked<T = ()> = Result<T, String>;

/// One promise that a store makes.
struct Rule {
    /// Names it, in few words.
    name: &'static str,
    /// As the documentation has it.
    promise: &'static str,
    check: fn(&mut Open<'_>) -> Checked,
}

/// What `seen` says where `holds` does not.
macro_rules! ensure {
    ($holds:expr, $($seen:tt)+) => {
        if !$holds {
            return Err(format!($($seen)+));
        }
    };
}
use ensure;

/// Tries every rule for a single store. `open` makes a store with nothing in it each time,
/// apart from all others.
///
/// # Panics
///
/// Where a rule is broken.
pub fn run(open: &mut dyn FnMut() -> Arc<dyn Store>) {
    for rules in [
        appending::RULES,
        keys::RULES,
        reading::RULES,
        messages::RULES,
        retaining::RULES,
        erasing::RULES,
        keys::AFTERWARDS,
        searching::RULES,
        together::RULES,
        timing::RULES,
    ] {
        check(rules, open);
    }
}

/// Tries the rules for a store that outlives the process. The first call of `open` makes a
/// store with nothing in it, each later one opens the same again; all that is left of the
/// one before has been dropped by then, after it had told what came of all it was given.
///
/// # Panics
///
/// Where a rule is broken.
pub fn run_reopened(open: &mut dyn FnMut() -> Arc<dyn Store>) {
    check(reopened::RULES, open);
}

/// Tries the rules for a store that several append to. Each call of `open` makes one more
/// handle on the same log, as another process would have it; at first it is empty.
///
/// # Panics
///
/// Where a rule is broken.
pub fn run_shared(open: &mut dyn FnMut() -> Arc<dyn Store>) {
    check(shared::RULES, open);
}

fn check(rules: &[Rule], open: &mut Open<'_>) {
    for Rule { name, promise, check } in rules {
        if let Err(seen) = check(open) {
            panic!("the store breaks the rule \"{name}\"\n  promised: {promise}\n  seen: {seen}");
        }
    }
}
