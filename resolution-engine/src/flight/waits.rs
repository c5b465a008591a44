//! Who waits for whom: a circle is an error, not a deadlock.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::sync::lock;

/// The graph of flights that wait for other flights.
#[derive(Default)]
pub(crate) struct WaitGraph {
    waits: Mutex<HashMap<u64, Vec<u64>>>,
}

/// One wait; it ends when this is dropped.
pub(crate) struct Wait<'a> {
    graph: &'a WaitGraph,
    who: u64,
    whom: u64,
}

impl WaitGraph {
    /// Notes that `who` waits for `whom`, unless `whom` already waits, however indirectly, for
    /// `who`. Check and note are one step, so two flights cannot both miss the circle they form.
    pub(crate) fn enter(&self, who: u64, whom: u64) -> Option<Wait<'_>> {
        let mut waits = lock(&self.waits);
        let mut seen = vec![whom];
        let mut next = 0;
        while let Some(&node) = seen.get(next) {
            if node == who {
                return None;
            }
            for &further in waits.get(&node).into_iter().flatten() {
                if !seen.contains(&further) {
                    seen.push(further);
                }
            }
            next += 1;
        }
        waits.entry(who).or_default().push(whom);
        Some(Wait { graph: self, who, whom })
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let mut waits = lock(&self.graph.waits);
        if let Some(list) = waits.get_mut(&self.who) {
            if let Some(at) = list.iter().position(|whom| *whom == self.whom) {
                list.swap_remove(at);
            }
            if list.is_empty() {
                waits.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_seen_whoever_closes_it() {
        let graph = WaitGraph::default();
        let first = graph.enter(1, 2).unwrap();
        let _second = graph.enter(2, 3).unwrap();
        assert!(graph.enter(3, 1).is_none());
        assert!(graph.enter(5, 5).is_none());
        drop(first);
        assert!(graph.enter(3, 1).is_some());
    }
}
