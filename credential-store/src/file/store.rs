//! [`FileStore`]: the store's operations, each on a thread where it may block.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use credential_provider_api::{
    CredentialError, Detail, ErrorCode, GrantStore, Key, Lease, Loaded, Record, Revision,
    StoreChanges,
};
use tokio::sync::{Mutex as Queue, OwnedMutexGuard};

use super::header::Header;
use super::lease::{Asked, FileLease, Leases, Turn, pause};
use super::name::Name;
use super::open::FileStoreBuilder;
use super::problem::{Outcome, Problem};
use super::records::{Keys, Records};
use super::watch;
use crate::key::KeySource;

/// Grants in a folder, encrypted, for all processes that share it. Clones share everything.
///
/// See the [crate's page](crate) for the folder, the keys and what is promised.
///
/// `Debug` shows the folder only.
#[derive(Clone)]
pub struct FileStore {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) records: Records,
    pub(crate) leases: Leases,
    pub(crate) source: Arc<dyn KeySource>,
    pub(crate) keys: RwLock<Keys>,
    pub(crate) lease_wait: Duration,
    pub(crate) limit: Duration,
    turns: Mutex<HashMap<Name, Arc<Queue<()>>>>,
}

impl Inner {
    pub(crate) fn new(
        records: Records,
        leases: Leases,
        source: Arc<dyn KeySource>,
        keys: Keys,
        (lease_wait, limit): (Duration, Duration),
    ) -> Self {
        let keys = RwLock::new(keys);
        Self { records, leases, source, keys, lease_wait, limit, turns: Mutex::default() }
    }

    pub(crate) fn keys(&self) -> Keys {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the keys again. The generation is read first: keys that change in between are newer
    /// than it says, and the next writer reads them once more.
    async fn refresh(self: &Arc<Self>) -> Result<(), CredentialError> {
        let inner = self.clone();
        let header = blocking(self.limit, move || {
            Header::read(&inner.records.disk, &inner.records.header())
        });
        let header = header.await?.ok_or_else(|| {
            CredentialError::from(Problem::unreadable(&self.records.header(), "is missing"))
        })?;
        let ring = self.source.load().await?.ok_or_else(|| no_keys(&*self.source))?;
        self.set_keys(Keys { generation: header.generation, ring });
        Ok(())
    }

    pub(crate) fn set_keys(&self, keys: Keys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// The queue of this process for one lease. Those nobody uses any more go.
    fn queue(&self, name: Name) -> Arc<Queue<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.len() > 64 && turns.len().is_power_of_two() {
            turns.retain(|_, queue| Arc::strong_count(queue) > 1);
        }
        turns.entry(name).or_default().clone()
    }

    /// Runs `work` where it may block, with the keys; once more with fresh ones if they were old.
    pub(crate) async fn with_keys<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Fn(&Self, &Keys) -> Outcome<T> + Clone + Send + 'static,
    ) -> Result<T, CredentialError> {
        for _ in 0..2 {
            let (inner, work, keys) = (self.clone(), work.clone(), self.keys());
            let done = blocking_raw(self.limit, move || work(&inner, &keys)).await?;
            match done {
                Err(Problem::UnknownKey { .. } | Problem::StaleKeys) => self.refresh().await?,
                done => return Ok(done?),
            }
        }
        let (inner, keys) = (self.clone(), self.keys());
        blocking(self.limit, move || work(&inner, &keys)).await
    }
}

impl FileStore {
    /// The store in `folder`, made if there is none; its keys are in `keys`.
    ///
    /// # Errors
    /// As for [`FileStoreBuilder::open`].
    pub async fn open(
        folder: impl Into<PathBuf>,
        keys: impl KeySource + 'static,
    ) -> Result<Self, CredentialError> {
        Self::builder(folder, keys).open().await
    }

    /// Settings other than the usual ones.
    pub fn builder(folder: impl Into<PathBuf>, keys: impl KeySource + 'static) -> FileStoreBuilder {
        FileStoreBuilder::new(folder.into(), Arc::new(keys))
    }

    /// What is wrong with each record that cannot be read, and that [`list`](GrantStore::list) leaves
    /// out. Cancel-safe.
    ///
    /// # Errors
    /// If the folder of records cannot be read.
    pub async fn unreadable(&self) -> Result<Vec<CredentialError>, CredentialError> {
        let work = |inner: &Inner, keys: &Keys| {
            let found = inner.records.names()?.into_iter();
            let tried = found.map(|name| inner.records.find(&keys.ring, name));
            Ok(tried.filter_map(Result::err).map(CredentialError::from).collect())
        };
        self.inner.with_keys(work).await
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.inner.records.root
    }

    async fn swap(
        &self,
        key: &Key,
        expected: Option<Revision>,
        record: Option<Record>,
    ) -> Result<Revision, CredentialError> {
        let (key, record) = (key.clone(), Arc::new(record));
        let work = move |inner: &Inner, keys: &Keys| {
            inner.records.swap(keys, &key, expected, record.as_ref().as_ref())
        };
        self.inner.with_keys(work).await
    }
}

#[async_trait]
impl GrantStore for FileStore {
    async fn load(&self, key: &Key) -> Result<Loaded, CredentialError> {
        let key = key.clone();
        let work = move |inner: &Inner, keys: &Keys| inner.records.load(&keys.ring, &key);
        self.inner.with_keys(work).await
    }

    async fn list(&self) -> Result<Vec<Key>, CredentialError> {
        let work = |inner: &Inner, keys: &Keys| {
            let mut found = Vec::new();
            for name in inner.records.names()? {
                match inner.records.find(&keys.ring, name) {
                    Ok(Some(opened)) if opened.record.is_some() => found.push(opened.key),
                    Ok(_) => {}
                    Err(unknown @ Problem::UnknownKey { .. }) => return Err(unknown),
                    // Nobody can tell whose it is; one provider's is no reason to fail another's list.
                    Err(problem) => tracing::warn!(?problem, "a record is left out of a list"),
                }
            }
            Ok(found)
        };
        self.inner.with_keys(work).await
    }

    async fn save(
        &self,
        key: &Key,
        expected: Option<Revision>,
        record: Record,
    ) -> Result<Revision, CredentialError> {
        self.swap(key, expected, Some(record)).await
    }

    async fn remove(
        &self,
        key: &Key,
        expected: Option<Revision>,
    ) -> Result<Revision, CredentialError> {
        self.swap(key, expected, None).await
    }

    fn watch(&self) -> StoreChanges {
        watch::watch(self.inner.clone())
    }

    async fn lease(&self, key: &Key) -> Result<Box<dyn Lease>, CredentialError> {
        let name = self.inner.records.name(key);
        let limit = self.inner.lease_wait;
        let mut holder = None;
        let waited = tokio::time::timeout(limit, async {
            // Tasks of one process wait in line, and one of them asks on behalf of all.
            let turn: OwnedMutexGuard<()> = self.inner.queue(name).lock_owned().await;
            let mut come = Turn::Come;
            loop {
                let (leases, name) = (self.inner.leases.clone(), name.to_string());
                let asking = blocking(self.inner.limit, move || leases.ask(&name, come));
                match asking.await? {
                    Asked::Have(held) => return Ok(FileLease { held, turn }),
                    Asked::Wait(found) => holder = found.or_else(|| holder.take()),
                }
                come = Turn::Waited;
                tokio::time::sleep(pause()).await;
            }
        });
        match waited.await {
            Ok(lease) => lease.map(|lease| Box::new(lease) as _),
            Err(_) => {
                let who = holder.map_or_else(
                    || "another task of this process".to_owned(),
                    |holder| holder.to_string(),
                );
                let detail = format!("{who} has held the lease for {} s", limit.as_secs());
                Err(CredentialError::new(ErrorCode::StoreLocked, Detail::composed(detail))
                    .about(&key.reference()))
            }
        }
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("folder", &self.folder()).finish_non_exhaustive()
    }
}

/// Runs `work` on a thread where it may block, and waits for it at most `limit`.
pub(crate) async fn blocking<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Outcome<T> + Send + 'static,
) -> Result<T, CredentialError> {
    Ok(blocking_raw(limit, work).await??)
}

async fn blocking_raw<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Outcome<T> + Send + 'static,
) -> Result<Outcome<T>, CredentialError> {
    match tokio::time::timeout(limit, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err(CredentialError::new(ErrorCode::Internal, "a store's thread has ended")),
        Err(_) => Err(CredentialError::new(ErrorCode::Unavailable, "the disk does not answer")),
    }
}

pub(crate) fn no_keys(source: &dyn KeySource) -> CredentialError {
    let detail = format!("the key is missing from {}; bring it back", source.describe());
    CredentialError::new(ErrorCode::StoreUnreadable, Detail::composed(detail))
}
