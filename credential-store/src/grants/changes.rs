//! What others did, from what the store's watch tells and what this process has seen.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use credential_provider_api::{
    Change, Changes, Credential, Key, Loaded, Record, Revision, StoreChange, StoreChanges,
    Timestamp,
};
use futures::{StreamExt as _, stream};

use super::handle::Inner;

/// What this process can have told its engine of each key before any stream did: what was there when
/// it was first asked for, and what this process did. Not what was loaded later: a change must be told
/// even if somebody here has read it already.
#[derive(Default)]
pub(crate) struct Known(Mutex<HashMap<Key, At>>);

/// What was seen, and at which revision of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct At {
    revision: Option<Revision>,
    seen: Seen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Absent,
    There { signed_in: Option<Timestamp>, issued: Option<Revision>, refused: bool },
}

impl Known {
    /// This process did it.
    pub(crate) fn did(&self, key: &Key, revision: Revision, record: Option<&Record>) {
        self.all().insert(key.clone(), At::of(Some(revision), record));
    }

    /// This process read it.
    pub(crate) fn read(&self, key: &Key, loaded: &Loaded) {
        let at = || At::of(loaded.revision, loaded.record.as_ref());
        self.all().entry(key.clone()).or_insert_with(at);
    }

    fn of(&self, key: &Key) -> Option<At> {
        self.all().get(key).copied()
    }

    fn keys(&self) -> Vec<Key> {
        self.all().keys().cloned().collect()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Key, At>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl At {
    fn of(revision: Option<Revision>, record: Option<&Record>) -> Self {
        let seen = record.map_or(Seen::Absent, |record| Seen::There {
            signed_in: record.signed_in,
            issued: record
                .credential
                .as_ref()
                .and_then(|credential| Credential::revision(credential).or(revision)),
            refused: record.refusal.is_some(),
        });
        Self { revision, seen }
    }
}

impl Seen {
    /// What happened between `before` and this; nothing that matters to a consumer if `None`.
    fn since(self, before: Option<Self>, key: &Key) -> Option<Change> {
        let key = || key.clone();
        match (before, self) {
            (Some(before), now) if before == now => None,
            (_, Self::Absent) => Some(Change::SignedOut(key())),
            (
                Some(Self::There { signed_in: before, .. }),
                Self::There { signed_in, issued: Some(issued), refused: false },
            ) if before == signed_in => Some(Change::Renewed(key(), issued)),
            (Some(Self::There { signed_in: before, .. }), Self::There { signed_in, .. })
                if before == signed_in =>
            {
                Some(Change::Key(key()))
            }
            // Never asked for here: nothing is remembered that a sign-in could end.
            (None, Self::There { .. }) => Some(Change::Key(key())),
            (Some(_), Self::There { .. }) => Some(Change::SignedIn(key())),
        }
    }
}

struct Following {
    inner: Arc<Inner>,
    watch: StoreChanges,
    /// What this stream has told or seen since it began.
    told: HashMap<Key, At>,
    /// Keys to look at.
    waiting: VecDeque<Key>,
}

pub(super) fn changes(inner: Arc<Inner>) -> Changes {
    let watch = inner.store.watch();
    // What changed between its first reading and now is told by nobody else.
    let waiting = inner.known.keys().into();
    let following = Following { inner, watch, told: HashMap::new(), waiting };
    Box::pin(stream::unfold(following, |mut following| async move {
        loop {
            while let Some(key) = following.waiting.pop_front() {
                if let Some(change) = following.look(key).await {
                    return Some((change, following));
                }
            }
            match following.watch.next().await? {
                StoreChange::Key(key) => following.waiting.push_back(key),
                // Of what nobody here has asked for, nothing is remembered.
                _ => following.waiting.extend(following.inner.known.keys()),
            }
        }
    }))
}

impl Following {
    async fn look(&mut self, key: Key) -> Option<Change> {
        let Ok(found) = self.inner.store.load(&key).await else {
            // Whoever asks next learns what is wrong.
            return Some(Change::Key(key));
        };
        let now = At::of(found.revision, found.record.as_ref());
        // Own deeds since, and what is older than they are, are no news.
        let before = [self.told.get(&key).copied(), self.inner.known.of(&key)];
        let before = before.into_iter().flatten().max_by_key(|at| at.revision);
        if before.is_some_and(|before| now.revision < before.revision) {
            return None;
        }
        let change = now.seen.since(before.map(|before| before.seen), &key);
        self.told.insert(key, now);
        change
    }
}
