//! What a process holds, by what the system says of it.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::PATIENCE;

/// What the allocator and the pages touched by many threads may keep.
const MEMORY_SLACK: usize = 24 << 20;
/// What all attacks of a group may have taken at their height.
const PEAK_SLACK: usize = 96 << 20;

#[derive(Debug, Clone, Copy)]
pub struct Footprint {
    pub threads: usize,
    pub descriptors: usize,
    /// Bytes in memory.
    pub resident: usize,
}

impl Footprint {
    pub fn of(pid: u32) -> Self {
        let count = |what: &str| fs::read_dir(format!("/proc/{pid}/{what}")).map_or(0, Iterator::count);
        let resident = memory(pid, "VmRSS:").unwrap();
        Self { threads: count("task"), descriptors: count("fd"), resident }
    }

    /// Waits until the process holds no more than before.
    #[track_caller]
    pub fn wait_for(self, pid: u32, after: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = Self::of(pid);
            if now.threads <= self.threads
                && now.descriptors <= self.descriptors
                && now.resident <= self.resident + MEMORY_SLACK
            {
                return;
            }
            assert!(Instant::now() < deadline, "{after}: was {self:?}, and still is {now:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Asserts that the process never held much more memory than now.
    #[track_caller]
    pub fn check_peak(self, pid: u32) {
        let peak = peak(pid).unwrap();
        assert!(peak <= self.resident + PEAK_SLACK, "{peak} bytes at the height, {self:?} at first");
    }
}

/// The most bytes that the process ever had in memory; `None` once it has ended.
pub fn peak(pid: u32) -> Option<usize> {
    memory(pid, "VmHWM:")
}

/// Bytes, by the field's name in the process's status.
fn memory(pid: u32, field: &str) -> Option<usize> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? << 10)
}
