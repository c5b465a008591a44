//! What requests cost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Latencies of requests by name, and the number of reads through handles.
#[derive(Default)]
pub struct Measure {
    latencies: Mutex<Vec<Duration>>,
    reads: AtomicU64,
}

impl Measure {
    /// A request took this long.
    pub fn request(&self, took: Duration) {
        self.latencies().push(took);
    }

    /// Handles were read this often.
    pub fn reads(&self, count: u64) {
        self.reads.fetch_add(count, Ordering::Relaxed);
    }

    /// How often handles were read.
    #[must_use]
    pub fn total_reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// How many requests were made.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.latencies().len()
    }

    /// The latency that `percent` of the requests stayed within.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.latencies().clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied().unwrap_or_default()
    }

    fn latencies(&self) -> MutexGuard<'_, Vec<Duration>> {
        self.latencies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let measure = Measure::default();
        for millis in 1..=100 {
            measure.request(Duration::from_millis(millis));
        }
        assert_eq!(measure.percentile(50), Duration::from_millis(50));
        assert_eq!(measure.percentile(99), Duration::from_millis(99));
    }
}
