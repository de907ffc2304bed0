//! Connections that only read, for the threads of clients: each reads what was committed
//! when it began, whatever the writer does meanwhile.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rusqlite::{Connection, OpenFlags};

use super::error::{gone, store_error};
use super::file::FileId;
use crate::store::{StoreError, StoreErrorKind};

/// So many read at a time; the others wait.
const MAX_CONNECTIONS: usize = 4;
/// So long at most.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// How long a reader waits for a lock, which only a recovery or an exclusive user holds.
const BUSY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Pool {
    path: PathBuf,
    /// Held for a few lines, never across a query.
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Debug)]
struct State {
    idle: Vec<Connection>,
    /// How many are in use.
    out: usize,
    /// The file to read; none while there is none that can be read.
    file: Option<FileId>,
}

/// A connection on loan.
struct Loan<'a> {
    pool: &'a Pool,
    file: FileId,
    connection: Option<Connection>,
}

impl Pool {
    pub(super) fn new(path: PathBuf, file: FileId) -> Self {
        let state = State { idle: Vec::new(), out: 0, file: Some(file) };
        Self { path, state: Mutex::new(state), returned: Condvar::new() }
    }

    /// Does `work` with a connection; waits for one.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut loan = self.borrow()?;
        // An open file can be read when it is long gone from its folder.
        if FileId::of(&self.path).ok() != Some(loan.file) {
            return Err(gone(&self.path));
        }
        let connection = match loan.connection.take() {
            Some(connection) => connection,
            None => connect(&self.path).map_err(|error| store_error(&self.path, "read", &error))?,
        };
        work(loan.connection.insert(connection)).map_err(|error| store_error(&self.path, "read", &error))
    }

    fn borrow(&self) -> Result<Loan<'_>, StoreError> {
        let deadline = Instant::now() + MAX_WAIT;
        let mut state = self.state.lock();
        while state.out >= MAX_CONNECTIONS {
            if self.returned.wait_until(&mut state, deadline).timed_out() {
                let why = format!("failed to read {}: too many read at once", self.path.display());
                return Err(StoreError::new(StoreErrorKind::Behind, why));
            }
        }
        let file = state.file.ok_or_else(|| gone(&self.path))?;
        state.out += 1;
        Ok(Loan { pool: self, file, connection: state.idle.pop() })
    }

    /// Nobody gets a connection from now on, and those that wait are closed; whether none
    /// is left.
    pub(super) fn retire(&self) -> bool {
        let mut state = self.state.lock();
        state.file = None;
        let idle = std::mem::take(&mut state.idle);
        let is_over = state.out == 0;
        drop(state);
        drop(idle);
        is_over
    }

    /// Reads this file from now on.
    pub(super) fn renew(&self, file: FileId) {
        self.state.lock().file = Some(file);
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.state.lock();
        if state.file == Some(self.file)
            && let Some(connection) = self.connection.take()
        {
            state.idle.push(connection);
        }
        drop(state);
        // Closed before it counts as returned: who retires the pool relies on that.
        drop(self.connection.take());
        self.pool.state.lock().out -= 1;
        self.pool.returned.notify_one();
    }
}

/// Opened for writing, though it never writes: so that whoever closes the file last can
/// tidy up beside it.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}
