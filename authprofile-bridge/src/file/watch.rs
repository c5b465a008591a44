//! Watching: told by the platform where it can, found by looking where it cannot.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{Clock, CredentialError};
use futures::Stream;
use futures::stream;

use super::blocking::blocking;

/// A stream of what is seen, each time it is another.
pub(crate) type Watched<S> = Pin<Box<dyn Stream<Item = S> + Send>>;

/// How often to look, whatever the platform tells: some file systems tell nothing.
const EVERY: Duration = Duration::from_secs(1);

struct Watch<S, F> {
    look: Arc<F>,
    folders: Vec<PathBuf>,
    clock: Arc<dyn Clock>,
    /// What was seen last; none before the first poll.
    under_way: Option<(told::Told, S)>,
}

/// What `look` sees at the first poll, and each time it is something else than before; it blocks, and
/// is run where that is allowed. `folders` are those in which a change may happen.
///
/// Nothing is looked at before the first poll: whoever has to know what changed until then compares
/// what comes first. No change after it is missed.
pub(crate) fn watch<S, F>(look: F, folders: Vec<PathBuf>, clock: Arc<dyn Clock>) -> Watched<S>
where
    S: PartialEq + Clone + Send + Sync + 'static,
    F: Fn() -> S + Send + Sync + 'static,
{
    let watch = Watch { look: Arc::new(look), folders, clock, under_way: None };
    // It ends with the runtime.
    Box::pin(stream::unfold(watch, |mut watch| async move {
        let now = watch.next().await.ok()?;
        Some((now, watch))
    }))
}

impl<S, F> Watch<S, F>
where
    S: PartialEq + Clone + Send + Sync + 'static,
    F: Fn() -> S + Send + Sync + 'static,
{
    async fn next(&mut self) -> Result<S, CredentialError> {
        let Some((told, seen)) = &mut self.under_way else {
            let (look, folders) = (Arc::clone(&self.look), std::mem::take(&mut self.folders));
            // Told first: what changes between the two is another look.
            let begin = blocking(move || Ok((told::Told::new(&folders), look()))).await?;
            return Ok(self.under_way.insert(begin).1.clone());
        };
        loop {
            tokio::select! {
                () = self.clock.sleep_until(self.clock.now().plus(EVERY)) => {}
                () = told.changed() => {}
            }
            let look = Arc::clone(&self.look);
            let now = blocking(move || Ok(look())).await?;
            if now != *seen {
                seen.clone_from(&now);
                return Ok(now);
            }
        }
    }
}

#[cfg(feature = "notify")]
mod told {
    use std::path::PathBuf;
    use std::sync::Arc;

    use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
    use tokio::sync::Notify;

    /// What the platform tells about some folders.
    pub(super) struct Told {
        news: Arc<Notify>,
        /// Ends the telling when dropped. None where the platform cannot tell.
        _watcher: Option<RecommendedWatcher>,
    }

    impl Told {
        pub(super) fn new(folders: &[PathBuf]) -> Self {
            let news = Arc::new(Notify::new());
            let tell = Arc::clone(&news);
            let watcher =
                notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                    // Our own reading is no news: it would wake us for ever.
                    if event.is_ok_and(|event| !event.kind.is_access()) {
                        tell.notify_one();
                    }
                });
            let watcher = watcher.ok().map(|mut watcher| {
                for folder in folders {
                    // A folder that is not there yet is found by looking.
                    let _ = watcher.watch(folder, RecursiveMode::NonRecursive);
                }
                watcher
            });
            Self { news, _watcher: watcher }
        }

        pub(super) async fn changed(&self) {
            self.news.notified().await;
        }
    }
}

#[cfg(not(feature = "notify"))]
mod told {
    use std::path::PathBuf;

    pub(super) struct Told;

    impl Told {
        pub(super) const fn new(_: &[PathBuf]) -> Self {
            Self
        }

        pub(super) async fn changed(&self) {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use credential_provider_api::{ManualClock, Timestamp};
    use futures::StreamExt as _;

    use super::*;
    use crate::file::mark_of;
    use crate::testing::Folder;

    #[tokio::test]
    async fn a_change_is_found_by_looking() {
        let folder = Folder::new();
        let file = folder.write("a", "one");
        let clock = ManualClock::new(Timestamp::from_secs(1_000));
        let seen = file.clone();
        // No folder is named: nothing tells.
        let mut watch = watch(move || mark_of(&seen, 100), Vec::new(), Arc::new(clock.clone()));
        assert_eq!(watch.next().await.unwrap(), mark_of(&file, 100), "what is there comes first");
        std::fs::write(&file, "two, longer").unwrap();
        let next = watch.next();
        tokio::pin!(next);
        assert!(futures::poll!(&mut next).is_pending());
        clock.advance(EVERY);
        assert_eq!(next.await.unwrap(), mark_of(&file, 100));
    }

    #[cfg(feature = "notify")]
    #[tokio::test]
    async fn a_change_is_told_without_the_clock_moving() {
        let folder = Folder::new();
        let file = folder.write("a", "one");
        let clock = ManualClock::new(Timestamp::from_secs(1_000));
        let seen = file.clone();
        let folders = vec![folder.root().to_owned()];
        let mut watch = watch(move || mark_of(&seen, 100), folders, Arc::new(clock));
        assert_eq!(watch.next().await.unwrap(), mark_of(&file, 100), "what is there comes first");
        std::fs::write(&file, "two, longer").unwrap();
        assert_eq!(watch.next().await.unwrap(), mark_of(&file, 100));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(watch.next().await.unwrap(), None);
    }
}
