//! What the global allocator did. The binary installs the counting one; see `bin/promises.rs`.

use std::hint::black_box;

pub use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// Allocations and reallocations while `work` runs.
pub fn allocations(work: impl FnOnce()) -> f64 {
    assert_counting();
    let before = count();
    work();
    (count() - before) as f64
}

/// Bytes on the heap now.
#[must_use]
pub fn live() -> f64 {
    assert_counting();
    let stats = INSTRUMENTED_SYSTEM.stats();
    // Reallocations are in both figures already.
    stats.bytes_allocated as f64 - stats.bytes_deallocated as f64
}

fn count() -> usize {
    let stats = INSTRUMENTED_SYSTEM.stats();
    stats.allocations + stats.reallocations
}

/// Without the counting allocator every figure would be a flattering zero.
fn assert_counting() {
    let before = INSTRUMENTED_SYSTEM.stats().allocations;
    drop(black_box(Box::new(0_u8)));
    assert_ne!(
        before,
        INSTRUMENTED_SYSTEM.stats().allocations,
        "this binary does not install the counting allocator"
    );
}
