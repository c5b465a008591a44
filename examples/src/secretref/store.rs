//! [`LazyStore`]: the gateway's store, opened when it is first needed.

use std::path::PathBuf;
use std::sync::Arc;

use credential_provider_api::{
    CredentialError, GrantStore, Key, Lease, Loaded, Record, Revision, StoreChanges, async_trait,
};
use credential_store::{FileStore, KeyFile};
use futures::StreamExt as _;
use tokio::sync::{Notify, OnceCell};

/// A static key needs no grant, and so no store.
pub(crate) struct LazyStore {
    folder: PathBuf,
    key_file: PathBuf,
    opened: Arc<Opened>,
}

#[derive(Default)]
struct Opened {
    store: OnceCell<FileStore>,
    done: Notify,
}

impl LazyStore {
    pub(crate) fn new(folder: PathBuf, key_file: PathBuf) -> Self {
        Self { folder, key_file, opened: Arc::default() }
    }

    async fn store(&self) -> Result<&FileStore, CredentialError> {
        let open = || FileStore::open(&self.folder, KeyFile::new(&self.key_file));
        let store = self.opened.store.get_or_try_init(open).await?;
        self.opened.done.notify_waiters();
        Ok(store)
    }
}

#[async_trait]
impl GrantStore for LazyStore {
    async fn load(&self, key: &Key) -> Result<Loaded, CredentialError> {
        self.store().await?.load(key).await
    }

    async fn list(&self) -> Result<Vec<Key>, CredentialError> {
        self.store().await?.list().await
    }

    async fn save(
        &self,
        key: &Key,
        expected: Option<Revision>,
        record: Record,
    ) -> Result<Revision, CredentialError> {
        self.store().await?.save(key, expected, record).await
    }

    async fn remove(
        &self,
        key: &Key,
        expected: Option<Revision>,
    ) -> Result<Revision, CredentialError> {
        self.store().await?.remove(key, expected).await
    }

    /// Whoever read nothing yet has nothing to be told of: changes are watched once it is open.
    fn watch(&self) -> StoreChanges {
        let opened = self.opened.clone();
        let changes = async move {
            loop {
                let done = opened.done.notified();
                if let Some(store) = opened.store.get() {
                    return store.watch();
                }
                done.await;
            }
        };
        Box::pin(futures::stream::once(changes).flatten())
    }

    async fn lease(&self, key: &Key) -> Result<Box<dyn Lease>, CredentialError> {
        self.store().await?.lease(key).await
    }
}
