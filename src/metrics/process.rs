//! What the process takes of the machine, by the names that Prometheus has for it.

use std::fmt;

use procfs::process::{LimitValue, Process};
use procfs::{ProcResult, WithCurrentSystemInfo, boot_time_secs, ticks_per_second};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::writer::Writer;

#[derive(Debug)]
pub(super) struct ProcessCollector;

struct Taken {
    cpu_seconds: f64,
    start_time: f64,
    threads: i64,
    virtual_bytes: u64,
    resident_bytes: u64,
    open_files: usize,
    max_files: Option<u64>,
}

impl Collector for ProcessCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        // Where /proc cannot be read, the rest is still of use.
        let Ok(now) = taken() else { return Ok(()) };
        let mut writer = Writer(encoder);
        writer.counter("process_cpu_seconds", "User and system CPU time.", now.cpu_seconds)?;
        let help = "Start of the process, in seconds since 1970.";
        writer.gauge("process_start_time_seconds", help, now.start_time)?;
        writer.gauge("process_threads", "Threads.", now.threads)?;
        writer.gauge("process_virtual_memory_bytes", "Virtual memory.", now.virtual_bytes)?;
        writer.gauge("process_resident_memory_bytes", "Resident memory.", now.resident_bytes)?;
        writer.gauge("process_open_fds", "Open file descriptors.", now.open_files)?;
        match now.max_files {
            Some(max) => writer.gauge("process_max_fds", "File descriptors at the most.", max),
            None => Ok(()),
        }
    }
}

fn taken() -> ProcResult<Taken> {
    let myself = Process::myself()?;
    let stat = myself.stat()?;
    let ticks = ticks_per_second() as f64;
    let max_files = match myself.limits()?.max_open_files.soft_limit {
        LimitValue::Value(max) => Some(max),
        LimitValue::Unlimited => None,
    };
    Ok(Taken {
        cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
        start_time: boot_time_secs()? as f64 + stat.starttime as f64 / ticks,
        threads: stat.num_threads,
        virtual_bytes: stat.vsize,
        resident_bytes: stat.rss_bytes().get(),
        open_files: myself.fd_count()?,
        max_files,
    })
}
