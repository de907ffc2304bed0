//! What is heard in one run: how much, how late, and in which order.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::check::{Heard, Line};
use crate::stamp::{Codec, Stamp};

/// Latency is counted in microseconds, to an hour and to three digits.
const LONGEST: u64 = 3_600_000_000;
/// Points of latency over time.
const POINTS: u32 = 50;

/// Latency in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Latency {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

/// Latency of the deliveries around one moment.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// Since the run began.
    pub seconds: f64,
    pub latency: Latency,
}

/// Counts what all clients hear in one run.
pub struct Tally<'a> {
    codec: &'a Codec,
    step: u32,
    /// The senders' numbers.
    senders: Vec<u32>,
    pub line: Line,
    pub deliveries: u64,
    began: Instant,
    pub last_delivery: Option<Instant>,
    latency: Histogram<u64>,
    send_delay: Histogram<u64>,
    interval: Duration,
    /// What came since the last point; not in `latency` yet.
    window: Histogram<u64>,
    window_ends: Duration,
    points: Vec<Point>,
}

impl<'a> Tally<'a> {
    /// A run that begins now and lasts about `time`.
    pub fn new(codec: &'a Codec, step: u32, senders: Vec<u32>, time: Duration) -> Self {
        let interval = (time / POINTS).max(Duration::from_millis(50));
        Self {
            codec,
            step,
            senders,
            line: Line::default(),
            deliveries: 0,
            began: Instant::now(),
            last_delivery: None,
            latency: histogram(),
            send_delay: histogram(),
            interval,
            window: histogram(),
            window_ends: interval,
            points: Vec::new(),
        }
    }

    /// When the run began.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// A message that was due then goes only now.
    pub fn send(&mut self, due: Duration) {
        let late = self.began.elapsed().saturating_sub(due);
        self.send_delay.saturating_record(late.as_micros() as u64);
    }

    /// A client heard a text, which was read at `now`. What is none of this run's messages,
    /// or bears the wrong name, does not count: then the message is missing.
    pub fn hear(&mut self, heard: &mut Heard, payload: &[u8], now: Instant) {
        let Some((client, Stamp { step, sender, number, due })) = self.codec.read(payload) else { return };
        if step != self.step || self.senders.get(sender as usize) != Some(&client) {
            return;
        }
        let elapsed = now.saturating_duration_since(self.began);
        let late = elapsed.saturating_sub(due).as_micros() as u64;
        if elapsed >= self.window_ends {
            self.close_window(elapsed);
        }
        self.window.saturating_record(late);
        self.line.hear(heard, sender, number);
        self.deliveries += 1;
        self.last_delivery = Some(now);
    }

    fn close_window(&mut self, elapsed: Duration) {
        let seconds = (self.window_ends - self.interval / 2).as_secs_f64();
        self.points.extend(latency(&self.window).map(|latency| Point { seconds, latency }));
        self.latency.add(&self.window).expect("their bounds are the same");
        self.window.reset();
        let windows = (elapsed.as_nanos() / self.interval.as_nanos()) as u32;
        self.window_ends = self.interval * (windows + 1);
    }

    /// How late everything came: in all, and over time.
    pub fn latency(&mut self) -> (Option<Latency>, Vec<Point>) {
        self.close_window(self.window_ends);
        (latency(&self.latency), std::mem::take(&mut self.points))
    }

    /// How late chat-load itself was with sending.
    pub fn send_delay(&self) -> Option<Latency> {
        latency(&self.send_delay)
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are in order")
}

fn latency(histogram: &Histogram<u64>) -> Option<Latency> {
    let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
    let max = histogram.max() as f64 / 1000.0;
    (!histogram.is_empty()).then(|| Latency { p50: at(0.5), p90: at(0.9), p99: at(0.99), max })
}
