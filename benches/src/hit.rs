//! Reading what is cached: by handle at the price of a pointer, by name at that of a map lookup.

use crate::alloc::allocations;
use crate::report::{Limit, Line};
use crate::subject::Warm;
use crate::timing::{Race, race};

/// The lines of this theme.
#[must_use]
pub fn lines() -> Vec<Line> {
    let warm = Warm::new();
    let mut lines = Vec::new();
    for threads in [1, 2] {
        lines.extend(times(&warm, threads));
    }
    lines.extend(counts(&warm));
    lines
}

fn times(warm: &Warm, threads: usize) -> Vec<Line> {
    let by_handle = race(
        threads,
        &[&|n| warm.load_guard(n), &|n| warm.handle_read(n), &|n| warm.load_full(n), &|n| {
            warm.handle_get(n)
        }],
    );
    let by_name = race(threads, &[&|n| warm.map_lookup(n), &|n| warm.by_name(n)]);
    let nanos = |name: &str, race: &Race, subject| {
        let name = format!("hit/{name}_{threads}t");
        Line::new(name, race.nanos(subject), "ns", Limit::None)
    };
    let ratio = |name: &str, race: &Race, limit| {
        let name = format!("hit/{name}_{threads}t");
        Line::new(name, race.ratio(1, 0), "ratio", limit)
    };
    vec![
        nanos("arc_swap_guard", &by_handle, 0),
        nanos("handle_read", &by_handle, 1),
        ratio("handle_read_over_arc_swap_guard", &by_handle, Limit::Time(1.5)),
        nanos("arc_swap_load_full", &by_handle, 2),
        nanos("handle_get_owned", &by_handle, 3),
        nanos("dashmap_lookup", &by_name, 0),
        nanos("by_name", &by_name, 1),
        ratio("by_name_over_dashmap_lookup", &by_name, Limit::Time(2.5)),
    ]
}

fn counts(warm: &Warm) -> Vec<Line> {
    let subjects: [(&str, &dyn Fn(u64)); 3] = [
        ("handle_read", &|n| warm.handle_read(n)),
        ("handle_get_owned", &|n| warm.handle_get(n)),
        ("by_name", &|n| warm.by_name(n)),
    ];
    let count = |(name, work): (&str, &dyn Fn(u64))| {
        // All of them together: not even one in ten thousand may allocate.
        let all = allocations(|| work(10_000));
        let name = format!("hit/{name}_allocations");
        Line::new(name, all, "allocations", Limit::Exactly(0.0))
    };
    subjects.into_iter().map(count).collect()
}
