//! How many clients this machine holds: a client costs a thread, a thread four
//! memory mappings, and a client a descriptor.

use std::fs;
use std::path::Path;

use rustix::process::{Resource, getrlimit};

/// Stack, guard page, signal stack and its guard.
const MAPPINGS_PER_THREAD: u64 = 4;
/// Mappings for everything that is not a client: the program, the heap's large
/// pieces, the embedder.
const MAPPINGS_RESERVED: u64 = 2048;
/// Descriptors for everything that is not a client or a handshake.
const DESCRIPTORS_RESERVED: u64 = 64;
/// Threads for everything that is not a client or a handshake.
const THREADS_RESERVED: u64 = 64;
/// Where nothing is known of the system's limits.
const UNKNOWN: u64 = 1_000_000;

/// The most clients, and what sets that limit.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    pub max_clients: usize,
    pub why: String,
}

impl Limits {
    /// What was asked for, if the machine holds it.
    pub(super) fn find(asked: Option<usize>, max_handshakes: usize) -> Self {
        let machine = Self::of_machine(max_handshakes as u64);
        match asked {
            Some(max_clients) if max_clients <= machine.max_clients => {
                Self { max_clients, why: "the max_clients option".to_owned() }
            }
            _ => machine,
        }
    }

    fn of_machine(handshakes: u64) -> Self {
        // A small limit is not eaten up by what is kept for handshakes.
        let keep = |limit: u64, reserved: u64| limit - (handshakes + reserved).min(limit / 4);
        let threads = |limit: u64| keep(limit, THREADS_RESERVED);
        let candidates = [
            (
                read("/proc/sys/vm/max_map_count").map(|count| {
                    (count.saturating_sub(MAPPINGS_RESERVED) / MAPPINGS_PER_THREAD).saturating_sub(handshakes)
                }),
                "vm.max_map_count",
            ),
            (
                getrlimit(Resource::Nofile).current.map(|files| keep(files, DESCRIPTORS_RESERVED)),
                "the limit of open files (ulimit -n)",
            ),
            (getrlimit(Resource::Nproc).current.map(threads), "the limit of processes (ulimit -u)"),
            (read("/proc/sys/kernel/threads-max").map(threads), "kernel.threads-max"),
            (read("/proc/sys/kernel/pid_max").map(threads), "kernel.pid_max"),
            (read_of_cgroup("pids.max").map(threads), "the control group's pids.max (systemd's TasksMax)"),
        ];
        let known = candidates.into_iter().filter_map(|(limit, why)| Some((limit?, why)));
        let (limit, why) = known.min().unwrap_or((UNKNOWN, "no known limit"));
        Self { max_clients: usize::try_from(limit.max(1)).unwrap_or(usize::MAX), why: why.to_owned() }
    }
}

/// How many descriptors this process has open, and may have; `None` where the system
/// does not say.
pub(super) fn descriptors() -> Option<(u64, u64)> {
    let limit = getrlimit(Resource::Nofile).current?;
    // Since Linux 6.2 the directory's size is the number of its entries.
    let open = match fs::metadata("/proc/self/fd").ok()?.len() {
        0 => fs::read_dir("/proc/self/fd").ok()?.count() as u64,
        open => open,
    };
    Some((open, limit))
}

fn read(path: impl AsRef<Path>) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// The least that this process's control group allows, or one that it is in.
fn read_of_cgroup(file: &str) -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let root = Path::new("/sys/fs/cgroup");
    let own = root.join(own);
    own.ancestors()
        .take_while(|group| group.starts_with(root))
        .filter_map(|group| read(group.join(file)))
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_counts_where_the_machine_holds_it() {
        assert_eq!(Limits::find(Some(1), 16).max_clients, 1);
        let machine = Limits::find(None, 16);
        assert!(machine.max_clients > 100, "{machine:?}");
        assert_eq!(Limits::find(Some(usize::MAX), 16).max_clients, machine.max_clients);
    }
}
