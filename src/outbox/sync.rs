//! The lock of the outbox: `parking_lot`'s, or loom's while the hand-over is
//! being model-checked.

#[cfg(not(chinwag_model))]
pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};

#[cfg(chinwag_model)]
pub(crate) use model::{Condvar, Mutex, MutexGuard};

#[cfg(chinwag_model)]
mod model {
    use std::ops::{Deref, DerefMut};

    /// loom's mutex with `parking_lot`'s signatures.
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    pub(crate) struct MutexGuard<'a, T>(Option<loom::sync::MutexGuard<'a, T>>);

    pub(crate) struct Condvar(loom::sync::Condvar);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(Some(self.0.lock().expect("no thread of the model panics")))
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.0.as_ref().expect("taken only while waiting")
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_mut().expect("taken only while waiting")
        }
    }

    impl Condvar {
        pub(crate) fn new() -> Self {
            Self(loom::sync::Condvar::new())
        }

        pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            let inner = guard.0.take().expect("taken only while waiting");
            guard.0 = Some(self.0.wait(inner).expect("no thread of the model panics"));
        }

        /// In the model no time passes: whoever waits is told.
        pub(crate) fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, _deadline: std::time::Instant) {
            self.wait(guard);
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}
