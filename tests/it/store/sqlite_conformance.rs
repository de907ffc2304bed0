//! The store in an SQLite file keeps the word that every store gives.

use std::sync::Arc;

use chinwag::store::{Durability, Sqlite, conformance};

use super::support::new_path;

#[test]
fn a_file_keeps_its_word() {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    conformance::run(&mut || {
        number += 1;
        Arc::new(Sqlite::builder(folder.path().join(format!("{number}.db"))).open().unwrap())
    });
}

#[test]
fn a_file_that_is_opened_again_keeps_its_word() {
    let (_folder, path) = new_path();
    conformance::run_reopened(&mut || {
        Arc::new(Sqlite::builder(&path).durability(Durability::Disk).open().unwrap())
    });
}

#[test]
fn a_file_that_several_have_open_keeps_its_word() {
    let (_folder, path) = new_path();
    conformance::run_shared(&mut || Arc::new(Sqlite::builder(&path).open().unwrap()));
}
