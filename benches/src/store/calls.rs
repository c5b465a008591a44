//! Calls to the file system, without tracing: the kernel counts a process's reads and writes, and
//! the store tells at which of its points it has synced.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use credential_store::faults::{Faults, Point};

/// Reads and writes per operation.
#[derive(Clone, Copy)]
pub(super) struct Calls {
    pub(super) reads: f64,
    pub(super) writes: f64,
}

impl Calls {
    /// What `work` does so many `times`; `None` where the kernel does not count.
    pub(super) fn of(times: u64, work: impl Fn(u64)) -> Option<Self> {
        // Reading the counters is counted as well: so much without any work.
        let idle = since(counters()?)?;
        let before = counters()?;
        work(times);
        let busy = since(before)?;
        let each = |nth: usize| (busy[nth] - idle[nth]) / times as f64;
        Some(Self { reads: each(0), writes: each(1) })
    }
}

fn since(before: [f64; 2]) -> Option<[f64; 2]> {
    let after = counters()?;
    Some([after[0] - before[0], after[1] - before[1]])
}

fn counters() -> Option<[f64; 2]> {
    let text = std::fs::read_to_string("/proc/self/io").ok()?;
    let counter = |name: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    };
    Some([counter("syscr:")?, counter("syscw:")?])
}

/// Counts how often a store reaches each point, and stops it nowhere.
#[derive(Default)]
pub(super) struct Reached(Mutex<HashMap<Point, usize>>);

impl Reached {
    pub(super) fn count(&self, point: Point) -> usize {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(&point).copied().unwrap_or_default()
    }
}

impl Faults for Reached {
    fn at(&self, point: Point) -> io::Result<()> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(point).or_default() += 1;
        Ok(())
    }
}
