//! What others change, as the engine is to hear of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use credential_provider_api::{
    Change, Changes, CredentialError, CredentialId, CredentialRef, Key, ProviderId,
};
use futures::{StreamExt as _, stream};

use super::core::{Core, Sqlite, View};
use crate::file::{Mark, blocking, mark_of, watch};
use crate::openclaw::provider_name::auth_name;
use crate::openclaw::{AuthProfileStore, Identity, ProfileConfig, ProfileKind, Seen};
use crate::renewal::{Inherited, Ours};

/// Larger than any configuration.
const MOST: u64 = 16 << 20;
/// Two writes within one tick of a file system's clock may look like one: a database is read again
/// after it.
const TICK: std::time::Duration = std::time::Duration::from_millis(10);

/// What a profile is compared by.
#[derive(Clone, PartialEq)]
struct Print {
    entry: [u8; 32],
    place: Inherited,
    said: Option<ProfileConfig>,
    provider: String,
    kind: ProfileKind,
    whose: Identity,
}

type Prints = BTreeMap<String, Print>;

/// What the store was when it was read first, by a request or by whoever follows it: what changed since
/// is told, however late the following begins. Before, nothing was served that could be wrong.
#[derive(Default)]
pub(crate) struct Beginning(Mutex<Begun>);

#[derive(Default)]
struct Begun {
    prints: Option<Prints>,
    /// Somebody was told that it cannot be read.
    failed: bool,
}

struct Follow {
    id: ProviderId,
    store: AuthProfileStore,
    config: PathBuf,
    ours: Arc<Ours>,
    beginning: Arc<Beginning>,
    /// None until it was read.
    known: Option<Prints>,
}

impl Beginning {
    /// Reads the store. It blocks.
    pub(crate) fn read(
        &self,
        store: &AuthProfileStore,
        config: &Path,
    ) -> Result<View, CredentialError> {
        let read = || View::read(store, config).inspect_err(|_| self.begun().failed = true);
        let known = self.begun().prints.is_some();
        let view = read()?;
        if known {
            return Ok(view);
        }
        let now = prints(&view);
        if *self.begun().prints.get_or_insert_with(|| now.clone()) == now {
            return Ok(view);
        }
        // It may be older than the beginning that somebody else made: nobody would tell that it changed.
        read()
    }

    fn begun(&self) -> MutexGuard<'_, Begun> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// The changes from now on. Nothing is read before the first poll.
    pub(crate) fn follow(&self) -> Changes {
        let (store, config) = (self.store.clone(), self.config.clone());
        let looked = (store.clone(), config.clone());
        let look = move || -> (Seen, Option<Mark>) { (looked.0.seen(), mark_of(&looked.1, MOST)) };
        let folders: BTreeSet<PathBuf> = store
            .files()
            .into_iter()
            .chain([config.clone()])
            .filter_map(|file| Some(file.parent()?.to_owned()))
            .collect();
        let folders: Vec<PathBuf> = folders.into_iter().collect();
        let clock = Arc::clone(&self.clock);
        let tick = (self.sqlite == Sqlite::Readable).then(|| Arc::clone(&clock));
        let watched = watch(look, folders, clock);
        let follow = Follow {
            id: self.descriptor.id.clone(),
            known: None,
            beginning: Arc::clone(&self.beginning),
            ours: Arc::clone(&self.renewer.ours),
            store,
            config,
        };
        let found = stream::unfold((watched, follow), move |(mut watched, follow)| {
            let tick = tick.clone();
            async move {
                watched.next().await?;
                let (mut changes, mut follow) = follow.step().await?;
                if let Some(clock) = tick {
                    clock.sleep_until(clock.now().plus(TICK)).await;
                    let (more, again) = follow.step().await?;
                    changes.extend(more);
                    follow = again;
                }
                Some((stream::iter(changes), (watched, follow)))
            }
        });
        Box::pin(found.flatten())
    }
}

impl Follow {
    /// What changed since the last step. A store that cannot be read now has not changed.
    async fn step(mut self) -> Option<(Vec<Change>, Self)> {
        let step = blocking(move || {
            let mut changes = Vec::new();
            if let Ok(view) = self.beginning.read(&self.store, &self.config) {
                let now = prints(&view);
                changes = match self.known.take() {
                    Some(before) => self.between(&before, &now),
                    None => self.since_the_beginning(&now),
                };
                self.known = Some(now);
            }
            Ok((changes, self))
        });
        step.await.ok()
    }

    fn since_the_beginning(&self, now: &Prints) -> Vec<Change> {
        let begun = self.beginning.begun();
        let mut changes = Vec::new();
        if begun.failed {
            // Nobody signed in: what was said of a store that could not be read is forgotten.
            let mut names: BTreeSet<String> = now.keys().cloned().collect();
            for print in now.values() {
                names.extend([print.provider.clone(), auth_name(&print.provider)]);
            }
            let ids = names.iter().filter_map(|name| CredentialId::new(name).ok());
            changes.extend(ids.map(Change::Credential));
        }
        if let Some(before) = &begun.prints {
            changes.extend(self.between(before, now));
        }
        changes
    }

    fn between(&self, before: &Prints, now: &Prints) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut names = BTreeSet::new();
        let ids: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        for id in ids {
            let (old, new) = (before.get(id), now.get(id));
            if old == new || old.zip(new).is_some_and(|(old, new)| self.is_ours(id, old, new)) {
                continue;
            }
            for print in [old, new].into_iter().flatten() {
                names.extend([print.provider.clone(), auth_name(&print.provider)]);
            }
            let Ok(named) = CredentialId::new(id) else { continue };
            // Somebody else's login, or one where there was none, was made by a person.
            let signed_in = new.is_some_and(|new| old.is_none_or(|old| old.whose != new.whose));
            changes.push(if signed_in {
                Change::SignedIn(Key::gateway(&CredentialRef::new(self.id.clone(), named)))
            } else {
                Change::Credential(named)
            });
        }
        // What was remembered of a choice.
        let names = names.iter().filter(|name| !now.contains_key(*name));
        changes
            .extend(names.filter_map(|name| CredentialId::new(name).ok().map(Change::Credential)));
        changes
    }

    /// Whether all that changed is what a renewal of ours wrote.
    fn is_ours(&self, id: &str, old: &Print, new: &Print) -> bool {
        let Print { entry, .. } = new;
        self.ours.wrote(id, entry) && Print { entry: *entry, ..old.clone() } == *new
    }
}

/// What the profiles are compared by.
fn prints(view: &View) -> Prints {
    let prints = view.stored.profiles().map(|(id, profile)| {
        let print = Print {
            entry: Ours::print(&profile),
            place: view.inherited(&id),
            said: view.config.profile(&id).cloned(),
            provider: profile.provider().to_owned(),
            kind: profile.kind(),
            whose: Identity::of(&profile),
        };
        (id, print)
    });
    prints.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use credential_provider_api::{Clock, ManualClock, SecretString, Timestamp};

    use super::*;
    use crate::openclaw::{Database, Mark, Row};
    use crate::testing::Folder;

    const OLD: &str = r#"{"profiles":{"x:1":{"type":"api_key","provider":"x","key":"old"}}}"#;
    const NEW: &str = r#"{"profiles":{"x:1":{"type":"api_key","provider":"x","key":"new"}}}"#;
    const CONFIG: &str = "/nowhere/openclaw.json";

    /// While it is read for the first time, it is changed, and read by somebody else.
    #[derive(Debug)]
    struct Overtaken {
        reads: AtomicUsize,
        others: Others,
    }

    struct Others(Arc<Beginning>, AuthProfileStore);

    impl std::fmt::Debug for Others {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Others")
        }
    }

    impl Database for Overtaken {
        fn read(
            &self,
            _: &Path,
            rows: &[Row],
        ) -> Result<Vec<Option<SecretString>>, CredentialError> {
            let mut text = NEW;
            if self.reads.fetch_add(1, Ordering::SeqCst) == 0 {
                self.others.0.read(&self.others.1, Path::new(CONFIG)).map(drop)?;
                text = OLD;
            }
            let row = |row: &Row| (*row == Row::AgentProfiles).then(|| text.into());
            Ok(rows.iter().map(row).collect())
        }

        fn mark(&self, _: &Path) -> Result<Mark, CredentialError> {
            Ok(Mark::new([]))
        }
    }

    #[test]
    fn what_was_read_before_the_beginning_is_read_again() {
        let folder = Folder::new();
        folder.write("auth-profiles.json", NEW);
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_secs(1_000)));
        let store = || AuthProfileStore::new(folder.root(), Arc::clone(&clock));
        let beginning = Arc::new(Beginning::default());
        let others = Others(Arc::clone(&beginning), store());
        let overtaken = Arc::new(Overtaken { reads: AtomicUsize::new(0), others });
        let store = store().with_database(overtaken.clone());
        let view = beginning.read(&store, Path::new(CONFIG)).unwrap();
        let key = view.profiles.profile("x:1").unwrap().text("key").unwrap();
        assert_eq!(key.as_str(), "new", "nobody would tell that the old one has changed");
        beginning.read(&store, Path::new(CONFIG)).unwrap();
        assert_eq!(overtaken.reads.load(Ordering::SeqCst), 3, "and once from then on");
    }
}
