//! What a process on this machine takes: CPU time, memory, threads, descriptors.

use std::time::Duration;

/// A look at a process.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sample {
    pub cpu: Duration,
    pub memory: u64,
    pub threads: u64,
    pub descriptors: u64,
}

/// A process to look at.
pub struct Probe {
    #[cfg(target_os = "linux")]
    process: procfs::process::Process,
}

#[cfg(target_os = "linux")]
impl Probe {
    /// Looks at the process with this number.
    pub fn of(pid: i32) -> Result<Self, String> {
        let process = procfs::process::Process::new(pid);
        let probe =
            Self { process: process.map_err(|error| format!("failed to look at process {pid}: {error}"))? };
        match probe.sample() {
            Some(_) => Ok(probe),
            None => Err(format!("failed to look at process {pid}: it is another user's, or has ended")),
        }
    }

    /// This process.
    pub fn own() -> Option<Self> {
        procfs::process::Process::myself().ok().map(|process| Self { process })
    }

    /// How it is now; nothing once it has ended.
    pub fn sample(&self) -> Option<Sample> {
        let stat = self.process.stat().ok()?;
        let ticks = stat.utime + stat.stime;
        Some(Sample {
            cpu: Duration::from_secs_f64(ticks as f64 / procfs::ticks_per_second() as f64),
            memory: stat.rss * procfs::page_size(),
            threads: u64::try_from(stat.num_threads).unwrap_or_default(),
            descriptors: self.process.fd_count().ok()? as u64,
        })
    }

    /// How near the process is to the limits of the machine, in words.
    pub fn headroom(&self) -> Option<String> {
        use procfs::process::LimitValue;
        let sample = self.sample()?;
        let most = match self.process.limits().ok()?.max_open_files.soft_limit {
            LimitValue::Value(most) => most.to_string(),
            LimitValue::Unlimited => "any number of".to_owned(),
        };
        let maps =
            std::fs::read_to_string(format!("/proc/{}/maps", self.process.pid())).ok()?.lines().count();
        let sysctl = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        Some(format!(
            "the server has {} of {most} descriptors (LimitNOFILE), {} threads (kernel.threads-max is {}, \
             kernel.pid_max {}), and {maps} of {} memory mappings (vm.max_map_count)",
            sample.descriptors,
            sample.threads,
            sysctl("/proc/sys/kernel/threads-max"),
            sysctl("/proc/sys/kernel/pid_max"),
            sysctl("/proc/sys/vm/max_map_count"),
        ))
    }
}

#[cfg(not(target_os = "linux"))]
impl Probe {
    /// Nothing is known of processes here.
    pub fn of(_pid: i32) -> Result<Self, String> {
        Err("--pid needs Linux: it reads /proc".to_owned())
    }

    /// Nothing is known of processes here.
    pub fn own() -> Option<Self> {
        None
    }

    /// Nothing is known of processes here.
    pub fn sample(&self) -> Option<Sample> {
        None
    }

    /// Nothing is known of processes here.
    pub fn headroom(&self) -> Option<String> {
        None
    }
}
