//! A value made from files, made anew when they change.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::Result;

/// How often the files are looked at, at the most: a `stat` each.
const INTERVAL: Duration = Duration::from_secs(1);

/// What tells one version of a file from another; `None` where it cannot be seen.
type Stamp = Option<(u64, u64, u64, (i64, i64), (i64, i64))>;

/// What is to be done with an old value and its new one.
type Replaced<T> = Box<dyn Fn(&T, &T) + Send + Sync>;

pub(crate) struct Reloading<T> {
    files: Vec<PathBuf>,
    load: Box<dyn Fn() -> Result<T> + Send + Sync>,
    /// Called with the old value and the new one, which is in use by then.
    replaced: Replaced<T>,
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
    pub(crate) fn new(
        files: Vec<PathBuf>,
        load: impl Fn() -> Result<T> + Send + Sync + 'static,
    ) -> Result<Self> {
        // Before they are read: a change in between is then seen as one.
        let stamps = files.iter().map(stamp).collect();
        let state = State { value: Arc::new(load()?), stamps, checked: Instant::now() };
        let (load, state) = (Box::new(load), Mutex::new(state));
        Ok(Self { files, load, replaced: Box::new(|_, _| ()), state, loading: Mutex::new(()) })
    }

    /// Calls `replaced` with the old value and the new one whenever that is in use.
    #[cfg(feature = "auth")]
    pub(crate) fn on_change(self, replaced: impl Fn(&T, &T) + Send + Sync + 'static) -> Self {
        Self { replaced: Box::new(replaced), ..self }
    }

    /// The first of the files.
    #[cfg_attr(not(feature = "tls"), allow(dead_code, reason = "certificates are told of by it"))]
    pub(crate) fn main_file(&self) -> &Path {
        self.files.first().map_or(Path::new(""), PathBuf::as_path)
    }

    /// The value, from the files as they are now or a moment ago. Where they are no
    /// good it stays what it was, and the log says so, once for each change.
    #[cfg_attr(not(feature = "tls"), allow(dead_code, reason = "the files of tokens are watched"))]
    pub(crate) fn current(&self) -> Arc<T> {
        if self.is_due()
            && let Some(_loading) = self.loading.try_lock()
            && self.files.iter().map(stamp).ne(self.state.lock().stamps.iter().copied())
        {
            self.load_changed();
        }
        self.latest()
    }

    /// The value as it was last read.
    pub(crate) fn latest(&self) -> Arc<T> {
        self.state.lock().value.clone()
    }

    /// Reads the files, changed or not.
    pub(crate) fn reload(&self) -> Result<()> {
        let _loading = self.loading.lock();
        self.load()
    }

    #[cfg_attr(not(feature = "tls"), allow(dead_code, reason = "the files of tokens are watched"))]
    fn is_due(&self) -> bool {
        let state = &mut *self.state.lock();
        let is_due = state.checked.elapsed() >= INTERVAL;
        if is_due {
            state.checked = Instant::now();
        }
        is_due
    }

    fn load_changed(&self) {
        match self.load() {
            Ok(()) => log::info!("read again, for they have changed: {}", self.names()),
            Err(error) => log::error!("{error}; going on with what was there before"),
        }
    }

    fn load(&self) -> Result<()> {
        let stamps = self.files.iter().map(stamp).collect();
        let value = (self.load)().map(Arc::new);
        let (old, new) = {
            let state = &mut *self.state.lock();
            state.stamps = stamps;
            let new = value?;
            (std::mem::replace(&mut state.value, new.clone()), new)
        };
        (self.replaced)(&old, &new);
        Ok(())
    }

    fn names(&self) -> String {
        self.files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(feature = "auth")]
impl<T: Send + Sync + 'static> Reloading<T> {
    /// Looks at the files from here on without being asked, on a thread of its own that
    /// ends when what this returns is dropped. Changed ones are read once they have stood
    /// still from one look to the next, so that one that is being written is not read by half.
    /// It costs a `stat` for each file and second.
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io) where no thread can be started.
    pub(crate) fn watch(self: &Arc<Self>, name: &str) -> Result<Watch> {
        let (stop_tx, stop_rx) = crossbeam_channel::bounded(0);
        let watched = Arc::downgrade(self);
        let look = move || {
            let mut before = None;
            while stop_rx.recv_timeout(INTERVAL) == Err(crossbeam_channel::RecvTimeoutError::Timeout) {
                let Some(watched) = watched.upgrade() else { return };
                before = Some(watched.look(before));
            }
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(look);
        thread.map_err(crate::Error::io("start a thread that watches files"))?;
        Ok(Watch { _stop_tx: stop_tx })
    }

    /// Reads the files where they are others than were read, and the same as `before`.
    fn look(&self, before: Option<Vec<Stamp>>) -> Vec<Stamp> {
        let now: Vec<Stamp> = self.files.iter().map(stamp).collect();
        if before.as_ref() == Some(&now)
            && let Some(_loading) = self.loading.try_lock()
            && now != self.state.lock().stamps
        {
            self.load_changed();
        }
        now
    }
}

/// Ends the watching of files with its drop.
#[cfg(feature = "auth")]
pub(crate) struct Watch {
    _stop_tx: crossbeam_channel::Sender<()>,
}

fn stamp(path: &PathBuf) -> Stamp {
    let meta = fs::metadata(path).ok()?;
    let (modified, changed) = ((meta.mtime(), meta.mtime_nsec()), (meta.ctime(), meta.ctime_nsec()));
    Some((meta.dev(), meta.ino(), meta.size(), modified, changed))
}
