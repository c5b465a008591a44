//! The table of all patterns: by the hash of their prefixes.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use dashmap::DashMap;

use super::filter::Filter;
use super::fingerprint::{Fingerprint, STAGES};

/// Read by scans while it is written to, by one at a time.
pub(super) struct Known {
    filter: ArcSwap<Filter>,
    groups: DashMap<u64, Group, foldhash::fast::RandomState>,
}

/// The patterns with one prefix.
#[derive(Clone, Default)]
pub(super) struct Group {
    /// How many go on to the next stage.
    through: u32,
    /// Those that end before it, shorter ones first.
    here: Option<Arc<Vec<Pattern>>>,
}

/// One that may end here.
#[derive(Clone, Copy)]
pub(super) struct Pattern {
    pub(super) strong: u128,
    pub(super) whole: u32,
    pub(super) length: u32,
    /// How many secrets have it.
    count: u32,
}

/// What whoever writes keeps in mind.
#[derive(Default)]
pub(super) struct Tally {
    /// Different windows in the table.
    windows: usize,
    /// Those in the filter that are gone from the table.
    stale: usize,
}

impl Known {
    pub(super) fn new() -> Self {
        Self { filter: ArcSwap::from_pointee(Filter::for_windows(0)), groups: DashMap::default() }
    }

    pub(super) fn filter(&self) -> Guard<Arc<Filter>> {
        self.filter.load()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The patterns with this prefix.
    pub(super) fn group(&self, stage: usize, prefix: u32) -> Option<Group> {
        self.groups.get(&key(stage, prefix)).map(|group| group.clone())
    }

    pub(super) fn insert(&self, tally: &mut Tally, print: &Fingerprint) {
        for (stage, prefix) in print.prefixes.iter().enumerate().take(print.stage + 1).rev() {
            let mut group = self.groups.entry(key(stage, *prefix)).or_default();
            if stage == 0 && group.is_empty() {
                tally.windows += 1;
            }
            if stage < print.stage {
                group.through += 1;
            } else {
                group.insert(print);
            }
        }
        let [window, ..] = print.prefixes;
        let filter = self.filter.load();
        if tally.windows > filter.room() {
            self.renew_filter(tally);
        } else {
            filter.insert(window);
        }
    }

    pub(super) fn remove(&self, tally: &mut Tally, print: &Fingerprint) {
        for (stage, prefix) in print.prefixes.iter().enumerate().take(print.stage + 1) {
            let emptied = self.groups.remove_if_mut(&key(stage, *prefix), |_, group| {
                if stage < print.stage {
                    group.through = group.through.saturating_sub(1);
                } else {
                    group.remove(print);
                }
                group.is_empty()
            });
            if stage == 0 && emptied.is_some() {
                tally.windows = tally.windows.saturating_sub(1);
                tally.stale += 1;
            }
        }
        if tally.stale > self.filter.load().room() {
            self.renew_filter(tally);
        }
    }

    /// A filter of what there is, with room for as much again.
    fn renew_filter(&self, tally: &mut Tally) {
        let filter = Filter::for_windows(tally.windows * 2);
        for group in self.groups.iter() {
            if let (0, window) = parts(*group.key()) {
                filter.insert(window);
            }
        }
        tally.stale = 0;
        self.filter.store(Arc::new(filter));
    }
}

impl Group {
    pub(super) fn patterns(&self) -> &[Pattern] {
        self.here.as_deref().map_or(&[], Vec::as_slice)
    }

    pub(super) fn goes_on(&self, stage: usize) -> bool {
        self.through > 0 && stage + 1 < STAGES.len()
    }

    fn is_empty(&self) -> bool {
        self.through == 0 && self.here.is_none()
    }

    fn insert(&mut self, print: &Fingerprint) {
        let length = u32::try_from(print.length).unwrap_or(u32::MAX);
        let here = Arc::make_mut(self.here.get_or_insert_default());
        let same = |p: &&mut Pattern| p.strong == print.strong && p.length == length;
        if let Some(known) = here.iter_mut().find(same) {
            known.count += 1;
            return;
        }
        let at = here.partition_point(|known| known.length <= length);
        let pattern = Pattern { strong: print.strong, whole: print.whole, length, count: 1 };
        here.insert(at, pattern);
    }

    fn remove(&mut self, print: &Fingerprint) {
        let Some(here) = self.here.as_mut().map(Arc::make_mut) else { return };
        here.retain_mut(|known| {
            if known.strong == print.strong {
                known.count -= 1;
            }
            known.count > 0
        });
        if here.is_empty() {
            self.here = None;
        }
    }
}

const fn key(stage: usize, prefix: u32) -> u64 {
    (stage as u64) << 32 | prefix as u64
}

const fn parts(key: u64) -> (u64, u32) {
    (key >> 32, key as u32)
}
