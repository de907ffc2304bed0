//! What a run gave, in numbers and in words. The fields are those of `--json`.

use std::collections::BTreeMap;
use std::time::Duration;

use chinwag::MessageRate;
use serde::Serialize;

use crate::check::Verdict;
use crate::process::Sample;
use crate::tally::{Latency, Point};

/// So many clients are named where something is wrong.
const NAMED: usize = 5;
/// From here on chat-load's own thread is what is measured.
const BUSY: f64 = 0.9;
/// A part of the latency that is chat-load's own, from which on that is worth a word.
const OWN_PART: f64 = 0.3;

/// What a run gave.
#[derive(Debug, Default, Serialize)]
pub struct Outcome {
    pub clients: u64,
    pub senders: u64,
    pub rate: f64,
    pub seconds: f64,
    pub sent: u64,
    pub unsent: u64,
    pub expected: u64,
    pub deliveries: u64,
    pub deliveries_per_second: f64,
    pub lost: u64,
    pub doubled: u64,
    pub out_of_order: u64,
    pub cut_off: u64,
    pub wrong: u64,
    pub latency_ms: Option<Latency>,
    pub send_delay_ms: Option<Latency>,
    pub problems: Vec<String>,
    pub notes: Vec<String>,
    pub connect: Option<Joins>,
    pub server: Option<Usage>,
    pub load: Option<Usage>,
    #[serde(skip)]
    pub points: Vec<Point>,
}

/// How fast the crowd came in.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Joins {
    pub seconds: f64,
    pub clients_per_second: f64,
}

/// What a process took.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Usage {
    pub memory_bytes: u64,
    pub threads: u64,
    pub descriptors: u64,
    pub cpu_seconds: f64,
    pub cpu_cores: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_per_client_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_per_client_us_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_per_delivery_us: Option<f64>,
}

impl Joins {
    /// So many in so long; nothing where nobody had to come.
    pub fn new(count: usize, time: Duration) -> Option<Self> {
        let seconds = time.as_secs_f64();
        (count > 0).then(|| Self { seconds, clients_per_second: count as f64 / seconds.max(1e-6) })
    }
}

impl Usage {
    /// What was taken between two looks.
    pub fn between(before: Option<Sample>, after: Option<Sample>, elapsed: Duration) -> Option<Self> {
        let (before, after) = (before?, after?);
        let cpu_seconds = after.cpu.saturating_sub(before.cpu).as_secs_f64();
        Some(Self {
            memory_bytes: after.memory,
            threads: after.threads,
            descriptors: after.descriptors,
            cpu_seconds,
            cpu_cores: cpu_seconds / elapsed.as_secs_f64().max(1e-6),
            memory_per_client_bytes: None,
            cpu_per_client_us_per_second: None,
            cpu_per_delivery_us: None,
        })
    }

    /// The same for each of its clients, where it was like `empty` before they came.
    pub fn with_clients(self, empty: Option<Sample>, clients: u64, deliveries: u64) -> Self {
        let memory = empty.map(|empty| self.memory_bytes.saturating_sub(empty.memory) / clients.max(1));
        let per_delivery = (deliveries > 0).then(|| self.cpu_seconds * 1e6 / deliveries as f64);
        Self {
            memory_per_client_bytes: memory,
            cpu_per_client_us_per_second: Some(self.cpu_cores * 1e6 / clients.max(1) as f64),
            cpu_per_delivery_us: per_delivery,
            ..self
        }
    }
}

impl Outcome {
    /// Whether everything came, once and in order, and nobody was cut off.
    pub fn is_right(&self) -> bool {
        self.is_ordered() && self.lost == 0 && self.cut_off == 0 && self.unsent == 0
    }

    /// Whether nothing came that should not have, or not yet.
    pub fn is_ordered(&self) -> bool {
        self.doubled == 0 && self.out_of_order == 0
    }

    /// The p99 latency.
    pub fn p99(&self) -> Option<Duration> {
        self.latency_ms.map(|latency| Duration::from_secs_f64(latency.p99 / 1000.0))
    }

    /// Says in words what is wrong and with whom.
    pub fn tell(
        &mut self,
        verdict: &Verdict,
        cut_off: &BTreeMap<String, usize>,
        name: impl Fn(usize) -> String,
    ) {
        for (why, count) in cut_off {
            self.problems.push(format!("{} cut off: {why}{}", people(*count), hint(why)));
        }
        if self.unsent > 0 {
            self.problems.push(format!(
                "{} messages were never sent: their sender was cut off, or chat-load had no time",
                self.unsent
            ));
        }
        for (index, faults) in verdict.wrong.iter().take(NAMED) {
            self.problems.push(format!(
                "{}: {} lost, {} doubled, {} out of order",
                name(*index),
                faults.lost,
                faults.doubled,
                faults.out_of_order
            ));
        }
        if verdict.wrong.len() > NAMED {
            self.problems.push(format!("… and {} clients more", verdict.wrong.len() - NAMED));
        }
    }

    /// Says what to think of the figures, where the server takes no more than `limit` of each.
    pub fn with_notes(mut self, limit: Option<MessageRate>) -> Self {
        let each = self.rate / self.senders.max(1) as f64;
        if let Some(limit) = limit.filter(|limit| each > f64::from(limit.per_second.get())) {
            self.notes.push(format!(
                "the server lets a client say {} messages at once and {} a second, and each said {each:.0} a \
                 second: its --message-rate is measured here, not how much it can do",
                limit.burst, limit.per_second
            ));
        }
        if let Some(load) = self.load.filter(|load| load.cpu_cores > BUSY) {
            self.notes.push(format!(
                "chat-load itself was busy {:.0} % of the time: a part of the latency is its own",
                load.cpu_cores.min(1.0) * 100.0
            ));
        }
        let p99 = |latency: Option<Latency>| latency.map_or(0.0, |latency| latency.p99);
        let (delay, latency) = (p99(self.send_delay_ms), p99(self.latency_ms));
        if delay > latency * OWN_PART && delay > 1.0 {
            self.notes.push(format!(
                "chat-load was late itself (p99 {delay:.2} ms), so this tells more of it, and of what else this \
                 machine does, than of the server"
            ));
        }
        self
    }
}

fn people(count: usize) -> String {
    if count == 1 { "1 client was".to_owned() } else { format!("{count} clients were") }
}

fn hint(why: &str) -> &'static str {
    if why.contains("with 1008") {
        "; if it limits how fast a client talks, that can be turned off for a test (--message-rate off)"
    } else if why.contains("with 1009") {
        "; try a smaller --size, or a server with a larger --max-message-size"
    } else if why.contains("with 1013") {
        "; more waited for them than the server holds (--outbox-bytes)"
    } else if why.contains("with 1001") || why.contains("with 1012") {
        "; the server was stopped"
    } else if why.contains("connection") {
        "; did the server end?"
    } else {
        ""
    }
}
