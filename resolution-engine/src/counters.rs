//! Counters a host can export. Cheap enough for the hot path: a hit touches one of many lines.

use std::sync::atomic::{AtomicU64, Ordering};

const STRIPES: usize = 16;

#[repr(align(64))]
#[derive(Default)]
struct Line(AtomicU64);

/// A counter written often, spread over cache lines.
#[derive(Default)]
pub(crate) struct Striped([Line; STRIPES]);

/// A counter written seldom.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) hits: Striped,
    pub(crate) misses: Counter,
    pub(crate) provider_calls: Counter,
    pub(crate) provider_failures: Counter,
    pub(crate) renewals: Counter,
    pub(crate) panics: Counter,
    pub(crate) denied: Counter,
    pub(crate) audit_failures: Counter,
    pub(crate) report_failures: Counter,
}

impl Striped {
    /// Adds one; `seed` chooses the line, so equal seeds should be uncommon.
    pub(crate) fn add(&self, seed: usize) {
        if let Some(line) = self.0.get((seed >> 7) % STRIPES) {
            line.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn sum(&self) -> u64 {
        self.0.iter().map(|line| line.0.load(Ordering::Relaxed)).sum()
    }
}

impl Counter {
    pub(crate) fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What an engine has counted since it started, and how much it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CounterSnapshot {
    /// Requests by name answered without waiting. Handle reads are not counted.
    pub hits: u64,
    /// Requests that took the slow path.
    pub misses: u64,
    /// Provider calls, tries within a flight included.
    pub provider_calls: u64,
    /// Provider calls that failed.
    pub provider_failures: u64,
    /// Flights that renewed ahead of an end.
    pub renewals: u64,
    /// Provider calls that panicked.
    pub panics: u64,
    /// Requests denied by the access rules.
    pub denied: u64,
    /// Audit records that were not kept.
    pub audit_failures: u64,
    /// Reports a provider failed to take.
    pub report_failures: u64,
    /// Entries now.
    pub entries: u64,
    /// Sessions with entries now.
    pub sessions: u64,
    /// Callers waiting now.
    pub waiters: u64,
    /// Handles bound now.
    pub handles: u64,
    /// Sign-ins under way now.
    pub flows: u64,
}

impl Counters {
    pub(crate) fn snapshot(&self) -> CounterSnapshot {
        CounterSnapshot {
            hits: self.hits.sum(),
            misses: self.misses.get(),
            provider_calls: self.provider_calls.get(),
            provider_failures: self.provider_failures.get(),
            renewals: self.renewals.get(),
            panics: self.panics.get(),
            denied: self.denied.get(),
            audit_failures: self.audit_failures.get(),
            report_failures: self.report_failures.get(),
            ..CounterSnapshot::default()
        }
    }
}
