//! A value made from files, made anew when they change.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::Result;

/// How often the files are looked at, at the most: a `stat` each, when asked.
const INTERVAL: Duration = Duration::from_secs(1);

/// What tells one version of a file from another; `None` where it cannot be seen.
type Stamp = Option<(u64, u64, u64, (i64, i64), (i64, i64))>;

pub(crate) struct Reloading<T> {
    files: Vec<PathBuf>,
    load: Box<dyn Fn() -> Result<T> + Send + Sync>,
    state: Mutex<State<T>>,
    /// Held while the files are read, so that nobody reads them twice at once.
    loading: Mutex<()>,
}

struct State<T> {
    value: Arc<T>,
    /// Of the files that were last read, whether they could be used or not.
    stamps: Vec<Stamp>,
    checked: Instant,
}

impl<T> Reloading<T> {
    pub(super) fn new(
        files: Vec<PathBuf>,
        load: impl Fn() -> Result<T> + Send + Sync + 'static,
    ) -> Result<Self> {
        // Before they are read: a change in between is then seen as one.
        let stamps = files.iter().map(stamp).collect();
        let state = State { value: Arc::new(load()?), stamps, checked: Instant::now() };
        Ok(Self { files, load: Box::new(load), state: Mutex::new(state), loading: Mutex::new(()) })
    }

    /// The first of the files.
    pub(super) fn main_file(&self) -> &Path {
        self.files.first().map_or(Path::new(""), PathBuf::as_path)
    }

    /// The value, from the files as they are now or a moment ago. Where they are no
    /// good it stays what it was, and the log says so, once for each change.
    pub(super) fn current(&self) -> Arc<T> {
        if self.is_due()
            && let Some(_loading) = self.loading.try_lock()
            && self.files.iter().map(stamp).ne(self.state.lock().stamps.iter().copied())
        {
            match self.load() {
                Ok(()) => log::info!("read again, for they have changed: {}", self.names()),
                Err(error) => log::error!("{error}; going on with what was there before"),
            }
        }
        self.state.lock().value.clone()
    }

    /// Reads the files, changed or not.
    pub(super) fn reload(&self) -> Result<()> {
        let _loading = self.loading.lock();
        self.load()
    }

    fn is_due(&self) -> bool {
        let state = &mut *self.state.lock();
        let is_due = state.checked.elapsed() >= INTERVAL;
        if is_due {
            state.checked = Instant::now();
        }
        is_due
    }

    fn load(&self) -> Result<()> {
        let stamps = self.files.iter().map(stamp).collect();
        let value = (self.load)();
        let state = &mut *self.state.lock();
        state.stamps = stamps;
        state.value = Arc::new(value?);
        Ok(())
    }

    fn names(&self) -> String {
        self.files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    }
}

fn stamp(path: &PathBuf) -> Stamp {
    let meta = fs::metadata(path).ok()?;
    let (modified, changed) = ((meta.mtime(), meta.mtime_nsec()), (meta.ctime(), meta.ctime_nsec()));
    Some((meta.dev(), meta.ino(), meta.size(), modified, changed))
}
