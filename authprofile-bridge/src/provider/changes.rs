//! What others change, as the engine is to hear of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use credential_provider_api::{Change, Changes, CredentialId, CredentialRef, Key, ProviderId};
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

struct Follow {
    id: ProviderId,
    store: AuthProfileStore,
    config: PathBuf,
    ours: Arc<Ours>,
    known: Option<Prints>,
}

impl Core {
    /// The changes from now on; it reads the store.
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
        let watched = watch(look, &folders, clock);
        let follow = Follow {
            id: self.descriptor.id.clone(),
            known: prints(&store, &config),
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
            if let Some(now) = prints(&self.store, &self.config) {
                let before = self.known.take().unwrap_or_default();
                changes = self.between(&before, &now);
                self.known = Some(now);
            }
            Ok((changes, self))
        });
        step.await.ok()
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

/// The profiles now; none if they cannot be read. It blocks.
fn prints(store: &AuthProfileStore, config: &std::path::Path) -> Option<Prints> {
    let view = View::read(store, config).ok()?;
    let prints = view.profiles.profiles().map(|(id, profile)| {
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
    Some(prints.collect())
}
