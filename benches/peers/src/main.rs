//! What the promises measure, for other credential caches and for this one in the same run.
//!
//! Nothing is gated here: every line passes. Peers run behind their public API, unpatched, on real
//! time, because most of them know no other.

use std::alloc::System;

use benches::alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use benches::report::Line;

use crate::cache::Cache;
use crate::caches::{Aws, Azure, Google, Moka, OnceCells, Ours};

mod backend;
mod cache;
mod caches;
mod cold;
mod hit;
mod memory;

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let measure: [fn() -> Vec<Line>; 7] = [
        hit::handles,
        figures::<Ours>,
        figures::<OnceCells>,
        figures::<Moka>,
        figures::<Aws>,
        figures::<Azure>,
        figures::<Google>,
    ];
    let mut all = Vec::new();
    for measure in measure {
        let lines = measure();
        if !json {
            lines.iter().for_each(|line| println!("{line}"));
        }
        all.extend(lines);
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&all).expect("plain data"));
    }
}

fn figures<C: Cache>() -> Vec<Line> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let mut lines = hit::lines::<C>(&runtime);
    lines.extend(runtime.block_on(cold::lines::<C>()));
    lines.extend(runtime.block_on(memory::line::<C>()));
    lines
}
