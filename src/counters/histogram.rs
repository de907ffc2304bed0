//! How often which values occurred, in buckets.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{add, add_alone, read};

/// Values that were measured, counted in buckets.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Histogram {
    /// Upper bounds, themselves included, in order, each with how many values there were
    /// up to it and above the bound before. The last bound is infinite.
    pub buckets: Vec<(f64, u64)>,
    /// All values together.
    pub sum: f64,
}

impl Histogram {
    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }
}

/// A histogram that is being filled, in whole units.
pub(crate) struct Observed {
    bounds: &'static [u64],
    /// One more than there are bounds.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Observed {
    pub(crate) fn new(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0) }
    }

    /// From any thread.
    pub(crate) fn observe(&self, value: u64) {
        add(self.bucket(value), 1);
        add(&self.sum, value);
    }

    /// Where no other thread observes.
    pub(super) fn observe_alone(&self, value: u64) {
        add_alone(self.bucket(value), 1);
        add_alone(&self.sum, value);
    }

    fn bucket(&self, value: u64) -> &AtomicU64 {
        &self.counts[self.bounds.partition_point(|bound| *bound < value)]
    }

    /// What was observed so far, with so many of its units in one of the answer's.
    pub(crate) fn snapshot(&self, unit: f64) -> Histogram {
        let bounds = self.bounds.iter().map(|bound| *bound as f64 / unit).chain([f64::INFINITY]);
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        Histogram { buckets: bounds.zip(counts).collect(), sum: read(&self.sum) as f64 / unit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_falls_into_the_first_bucket_that_it_does_not_exceed() {
        static BOUNDS: [u64; 2] = [10, 20];
        let observed = Observed::new(&BOUNDS);
        [0, 10, 11, 20, 21].into_iter().for_each(|value| observed.observe(value));
        observed.observe_alone(1000);
        let histogram = observed.snapshot(10.0);
        assert_eq!(histogram.buckets, [(1.0, 2), (2.0, 2), (f64::INFINITY, 2)]);
        assert_eq!((histogram.count(), histogram.sum), (6, 106.2));
    }
}
