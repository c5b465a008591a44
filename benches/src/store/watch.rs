//! The watch: how long until another handle is told of a save.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use credential_provider_api::{StoreChange, StoreChanges};
use futures_util::StreamExt as _;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::bare::Bare;
use super::shelf::Shelf;
use super::{exactly, line};
use crate::report::{Limit, Line};
use crate::timing::median;

const SAVES: u32 = 16;
/// Saves are this much further apart each time, so that they meet a watcher at every phase of its
/// round.
const STEP: Duration = Duration::from_millis(17);
/// What is promised.
const PROMISE: Duration = Duration::from_secs(2);

pub(super) fn lines(folder: &Path) -> Vec<Line> {
    let folder = folder.join("watch");
    fs::create_dir(&folder).expect("a new folder");
    let shelf = Shelf::filled(&folder, 100);
    let bare = Bare::under(&folder, 2048);
    let (changes, runtime) = shelf.watched_by_another();
    let (mut waits, mut ratios, mut told) = (Vec::new(), Vec::new(), 0);
    runtime.block_on(async {
        let mut changes = followed(changes);
        for nth in 0..SAVES {
            tokio::time::sleep(STEP * nth).await;
            let started = Instant::now();
            bare.replace(1);
            let replaced = started.elapsed();
            let key = shelf.save_next().await;
            let saved = Instant::now();
            let change = tokio::time::timeout(2 * PROMISE, changes.recv()).await;
            let wait = saved.elapsed();
            waits.push(wait.as_secs_f64() * 1e3);
            ratios.push(wait.as_secs_f64() / replaced.as_secs_f64());
            told += usize::from(change == Ok(Some(StoreChange::Key(key.clone()))));
        }
    });
    let worst = waits.iter().copied().fold(0.0, f64::max);
    let promised = Limit::AtMost(PROMISE.as_secs_f64() * 1e3);
    vec![
        exactly("watch_told", told, "changes", SAVES as usize),
        line("watch_median_wait", median(waits), "ms", Limit::None),
        line("watch_worst_wait", worst, "ms", promised),
        line("watch_over_bare_replace", median(ratios), "ratio", Limit::None),
    ]
}

/// Changes as they come, whether anybody asks for the next or not: a stream that nobody polls does
/// not look.
fn followed(mut changes: StoreChanges) -> UnboundedReceiver<StoreChange> {
    let (tell, told) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(change) = changes.next().await {
            if tell.send(change).is_err() {
                break;
            }
        }
    });
    told
}
