//! How far a server is with its life, as all of its threads see it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use crate::CloseCode;
use crate::clock::later;

/// What a server does with newcomers. It only ever goes on to a later stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Stage {
    /// They are taken.
    Running = 0,
    /// None is accepted any more, for another process does so; those whose handshake is
    /// under way come in.
    HandingOver = 1,
    /// They are told to come again later.
    Draining = 2,
    /// Nobody listens, and handshakes are ended.
    Ending = 3,
}

/// What clients are told at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goodbye {
    Stop,
    Restart,
}

impl Goodbye {
    pub(super) fn code(self) -> CloseCode {
        match self {
            Self::Stop => CloseCode::GOING_AWAY,
            Self::Restart => CloseCode::RESTART,
        }
    }

    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Stop => "the server is going away",
            Self::Restart => "the server restarts",
        }
    }
}

#[derive(Default)]
pub(super) struct Stages {
    now: AtomicU8,
    is_restart: AtomicBool,
    /// When the last client will have been told to go, and the time that takes.
    window: OnceLock<(Instant, Duration)>,
}

impl Stages {
    pub(super) fn now(&self) -> Stage {
        match self.now.load(Ordering::SeqCst) {
            0 => Stage::Running,
            1 => Stage::HandingOver,
            2 => Stage::Draining,
            _ => Stage::Ending,
        }
    }

    pub(super) fn advance(&self, stage: Stage) {
        self.now.fetch_max(stage as u8, Ordering::SeqCst);
    }

    pub(super) fn goodbye(&self) -> Goodbye {
        if self.is_restart.load(Ordering::SeqCst) { Goodbye::Restart } else { Goodbye::Stop }
    }

    /// When one that is refused should try again: after the last client was told to go,
    /// and not at the same moment as all others that were refused.
    pub(super) fn retry_after(&self) -> Duration {
        let Some((end, window)) = self.window.get() else { return Duration::ZERO };
        let left = end.saturating_duration_since(Instant::now());
        left + Duration::from_secs(1) + window.mul_f64(rand::random())
    }

    /// To be said before the stage that it is about.
    pub(super) fn set_goodbye(&self, goodbye: Goodbye, window: Duration) {
        // The first shutdown is the only one.
        let _ = self.window.set((later(Instant::now(), window), window));
        self.is_restart.store(goodbye == Goodbye::Restart, Ordering::SeqCst);
    }
}
