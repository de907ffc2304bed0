//! `chat-server export`, `import` and `erase`: what is in a store's file, without a server.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use chinwag::Escaped;
use chinwag::store::{Erasure, Lines, Scan, Sqlite, Store, StoreError, StoreErrorKind, line};
use tempfile::NamedTempFile;

use crate::args::{Erase, Export, Import};

/// The exit status, and why.
type Failed = (u8, String);

/// Writes messages out. A server may be using the file.
pub fn export(export: &Export) -> Result<(), Failed> {
    if let (Some(since), Some(until)) = (export.since, export.until)
        && since >= until
    {
        return Err((2, "--since is not before --until, so there is nothing between them".to_owned()));
    }
    let store = Sqlite::builder(&export.file.path).read_only().open().map_err(failed)?;
    match &export.output {
        Some(path) => export_to(&store, export, path),
        None => match write(&store, export, &mut io::stdout().lock())? {
            // Who reads it may have seen enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(|error| (1, format!("failed to write to stdout: {error}"))),
        },
    }
}

/// A file that is there is whole. What is no file, such as a pipe or a device, is written as
/// it is, and not replaced.
fn export_to(store: &Sqlite, export: &Export, path: &Path) -> Result<(), Failed> {
    let unwritten = |error: io::Error| (1, format!("failed to write {}: {error}", path.display()));
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        let mut file = OpenOptions::new().write(true).open(path).map_err(unwritten)?;
        return write(store, export, &mut file)?.map_err(unwritten);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder).map_err(unwritten)?;
    write(store, export, file.as_file_mut())?.map_err(unwritten)?;
    file.as_file().sync_all().map_err(unwritten)?;
    file.persist(path).map_err(|error| unwritten(error.error))?;
    Ok(())
}

/// What came of the writing, where there was something to read.
fn write(store: &Sqlite, export: &Export, out: &mut dyn Write) -> Result<io::Result<()>, Failed> {
    let room = export.room.as_ref().map(|room| Arc::from(room.as_str()));
    let scan = Scan { room, since_time: export.since, until_time: export.until };
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    let mut written = Ok(());
    let scanned = store.scan(&scan, &mut |record| {
        written = writeln!(out, "{}", line(record, store.epoch()));
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    scanned.map_err(failed)?;
    Ok(written.and_then(|()| out.flush()))
}

/// Takes messages in, all or none.
pub fn import(import: &Import) -> Result<(), Failed> {
    let (what, mut input): (_, Box<dyn BufRead>) = match &import.input {
        None => ("stdin".to_owned(), Box::new(io::stdin().lock())),
        Some(path) => {
            let file = File::open(path);
            let file = file.map_err(|error| (1, format!("failed to open {}: {error}", path.display())))?;
            (path.display().to_string(), Box::new(BufReader::new(file)))
        }
    };
    let store = Sqlite::builder(&import.file.path).exclusive().open().map_err(failed)?;
    let count = store.import(&mut Lines::new(&mut input)).map_err(|error| match error.kind() {
        StoreErrorKind::BadRequest => (1, format!("{what}: {error}; nothing was imported")),
        _ => failed(error),
    })?;
    say(&format!("imported {}", messages(count)));
    Ok(())
}

/// Deletes what somebody said.
pub fn erase(erase: &Erase) -> Result<(), Failed> {
    let path = &erase.file.path;
    if !path.exists() {
        return Err((1, format!("there is no {}", path.display())));
    }
    let store = Sqlite::builder(path).exclusive().open().map_err(|error| match error.kind() {
        StoreErrorKind::Locked => {
            (1, format!("{error}; a server that runs is asked by `chat-server ctl erase`"))
        }
        _ => failed(error),
    })?;
    let author = Arc::from(erase.name.key().as_str());
    let room = erase.room.as_ref().map(|room| Arc::from(room.as_str()));
    let count = store.erase(&Erasure { author, room }).map_err(failed)?;
    say(&format!("deleted {} of {}", messages(count), Escaped::new(erase.name.as_str())));
    Ok(())
}

fn messages(count: u64) -> String {
    format!("{count} message{}", if count == 1 { "" } else { "s" })
}

/// Nobody need read it.
fn say(words: &str) {
    let _ = writeln!(io::stdout(), "{words}");
}

fn failed(error: StoreError) -> Failed {
    (1, error.to_string())
}
