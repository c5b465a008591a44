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
    /// By the hash of the whole and its length. However many begin the same, one look finds those
    /// that also end the same.
    patterns: DashMap<(u32, u32), Box<[Pattern]>, foldhash::fast::RandomState>,
}

/// The patterns with one prefix.
#[derive(Clone, Default)]
pub(super) struct Group {
    /// How many go on to the next stage.
    through: u32,
    /// The lengths of those that end before it, shorter ones first.
    here: Option<Arc<[Length]>>,
}

/// One length, and how many patterns have it.
#[derive(Clone, Copy)]
struct Length {
    length: u32,
    count: u32,
}

#[derive(Clone, Copy)]
struct Pattern {
    strong: u128,
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
        let filter = ArcSwap::from_pointee(Filter::for_windows(0));
        Self { filter, groups: DashMap::default(), patterns: DashMap::default() }
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

    /// The strong hashes of the patterns of this length with this hash.
    pub(super) fn ending(&self, whole: u32, length: usize) -> Option<Box<[u128]>> {
        let patterns = self.patterns.get(&(whole, narrow(length)))?;
        Some(patterns.iter().map(|pattern| pattern.strong).collect())
    }

    pub(super) fn insert(&self, tally: &mut Tally, print: &Fingerprint) {
        let mut patterns = self.patterns.entry((print.whole, narrow(print.length))).or_default();
        match patterns.iter_mut().find(|known| known.strong == print.strong) {
            Some(known) => known.count += 1,
            None => {
                let new = Pattern { strong: print.strong, count: 1 };
                *patterns = patterns.iter().copied().chain([new]).collect();
            }
        }
        drop(patterns);
        for (stage, prefix) in print.prefixes.iter().enumerate().take(print.stage + 1).rev() {
            let mut group = self.groups.entry(key(stage, *prefix)).or_default();
            if stage == 0 && group.is_empty() {
                tally.windows += 1;
            }
            if stage < print.stage {
                group.through += 1;
            } else {
                group.insert(narrow(print.length));
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
                    group.remove(narrow(print.length));
                }
                group.is_empty()
            });
            if stage == 0 && emptied.is_some() {
                tally.windows = tally.windows.saturating_sub(1);
                tally.stale += 1;
            }
        }
        self.patterns.remove_if_mut(&(print.whole, narrow(print.length)), |_, patterns| {
            if let Some(known) = patterns.iter_mut().find(|known| known.strong == print.strong) {
                known.count -= 1;
            }
            *patterns = patterns.iter().copied().filter(|known| known.count > 0).collect();
            patterns.is_empty()
        });
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
    /// Shorter ones first.
    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.here.iter().flat_map(|here| here.iter()).map(|known| known.length as usize)
    }

    pub(super) fn goes_on(&self, stage: usize) -> bool {
        self.through > 0 && stage + 1 < STAGES.len()
    }

    fn is_empty(&self) -> bool {
        self.through == 0 && self.here.is_none()
    }

    fn insert(&mut self, length: u32) {
        let mut here = self.here.as_deref().unwrap_or_default().to_vec();
        match here.binary_search_by_key(&length, |known| known.length) {
            Ok(at) => {
                if let Some(known) = here.get_mut(at) {
                    known.count += 1;
                }
            }
            Err(at) => here.insert(at, Length { length, count: 1 }),
        }
        self.here = Some(here.into());
    }

    fn remove(&mut self, length: u32) {
        let mut here = self.here.as_deref().unwrap_or_default().to_vec();
        here.retain_mut(|known| {
            if known.length == length {
                known.count -= 1;
            }
            known.count > 0
        });
        self.here = (!here.is_empty()).then(|| here.into());
    }
}

/// A pattern's length is at most `LONGEST`.
fn narrow(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

const fn key(stage: usize, prefix: u32) -> u64 {
    (stage as u64) << 32 | prefix as u64
}

const fn parts(key: u64) -> (u64, u32) {
    (key >> 32, key as u32)
}
