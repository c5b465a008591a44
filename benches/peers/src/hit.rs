//! What is cached already, polled once: no executor's share is charged.

use std::sync::Arc;

use benches::report::{Limit, Line};
use benches::subject::Warm;
use benches::timing::race;
use benches::world::poll_once;
use tokio::runtime::Runtime;

use crate::backend::Plan;
use crate::cache::Cache;

/// The lines of a subject.
pub fn lines<C: Cache>(runtime: &Runtime) -> Vec<Line> {
    let cache = Arc::new(runtime.block_on(async {
        let cache = C::build(Plan::default(), 1).await;
        assert!(cache.get(0).await, "the source answers");
        cache
    }));
    let hits = |times| {
        // Some look for a runtime before they look into the cache.
        let _entered = runtime.enter();
        for _ in 0..times {
            assert!(poll_once(cache.get(0)).expect("ready at its first poll"));
        }
    };
    let line = |threads| {
        let nanos = race(threads, &[&hits]).nanos(0);
        Line::new(format!("{}/hit_{threads}t", C::NAME), nanos, "ns", Limit::None)
    };
    vec![line(1), line(2)]
}

/// The lines of our handles, which no peer has.
pub fn handles() -> Vec<Line> {
    let warm = Warm::new();
    let line = |threads| {
        let nanos = race(threads, &[&|times| warm.handle_read(times)]).nanos(0);
        let name = format!("resolution_engine/handle_read_{threads}t");
        Line::new(name, nanos, "ns", Limit::None)
    };
    vec![line(1), line(2)]
}
