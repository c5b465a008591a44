//! The watch: follows the journal.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{StoreChange, StoreChanges};
use futures::stream;

use super::journal::{Cursor, News};
use super::name::Name;
use super::problem::Outcome;
use super::records::Keys;
use super::store::Inner;

/// How often a watcher looks: one `stat` each time.
pub(crate) const EVERY: Duration = Duration::from_millis(250);
/// More changes at once than this are told as one.
const MOST: usize = 1024;

struct Watcher {
    inner: Arc<Inner>,
    cursor: Cursor,
    waiting: VecDeque<StoreChange>,
    /// Whether the journal could not be read when last looked at: that is told once.
    blind: bool,
}

/// All changes from now on.
pub(crate) fn watch(inner: Arc<Inner>) -> StoreChanges {
    let cursor = inner.records.journal.cursor();
    let watcher = Watcher { inner, cursor, waiting: VecDeque::new(), blind: false };
    Box::pin(stream::unfold(watcher, |mut watcher| async move {
        loop {
            if let Some(change) = watcher.waiting.pop_front() {
                return Some((change, watcher));
            }
            tokio::time::sleep(EVERY).await;
            // It ends with the runtime.
            watcher = look(watcher).await?;
        }
    }))
}

/// What was told since, as far as it can be read.
async fn look(mut watcher: Watcher) -> Option<Watcher> {
    let inner = watcher.inner.clone();
    let read = tokio::task::spawn_blocking(move || {
        let news = watcher.inner.records.journal.since(&mut watcher.cursor);
        (watcher, news)
    });
    let (mut watcher, news) = read.await.ok()?;
    let (was_blind, blind) = (watcher.blind, news.is_err());
    watcher.blind = blind;
    let names = names(news);
    for name in names.iter().flatten().copied() {
        let work = move |inner: &Inner, keys: &Keys| inner.records.find(&keys.ring, name);
        watcher.waiting.extend(match inner.with_keys(work).await {
            Ok(found) => found.map(|found| StoreChange::Key(found.key)),
            // Whoever it concerns finds out when loading.
            Err(_) => Some(StoreChange::Missed),
        });
    }
    if names.is_none() && !was_blind || was_blind && !blind {
        watcher.waiting.push_back(StoreChange::Missed);
    }
    Some(watcher)
}

/// The records that changed; `None` if that cannot be told, or they are too many to be told one by
/// one.
fn names(news: Outcome<News>) -> Option<HashSet<Name>> {
    let news = news.ok().filter(|news| !news.anew)?;
    let names: HashSet<Name> = news.entries.iter().map(|entry| entry.name).collect();
    (names.len() <= MOST).then_some(names)
}
