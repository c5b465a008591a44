//! [`LazyStore`]: the configured store, opened when it is first needed.

use std::path::PathBuf;
use std::sync::Arc;

use credential_provider_api::{
    Clock, CredentialError, GrantStore, Key, Lease, Loaded, Record, Revision, StoreChanges,
    async_trait,
};
use credential_store::{FileStore, KeyFile};
use futures::StreamExt as _;
use keychain_provider::{Environment, KeychainKeySource, OwnItem, Platform};
use tokio::sync::{Notify, OnceCell};

use crate::document::{StoreKey, StoreSettings};

/// A static key needs no grant, and so no store.
pub(crate) struct LazyStore {
    settings: StoreSettings,
    clock: Arc<dyn Clock>,
    opened: Arc<Opened>,
}

#[derive(Default)]
struct Opened {
    store: OnceCell<FileStore>,
    done: Notify,
}

impl LazyStore {
    pub(crate) fn new(settings: StoreSettings, clock: Arc<dyn Clock>) -> Self {
        Self { settings, clock, opened: Arc::default() }
    }

    async fn store(&self) -> Result<&FileStore, CredentialError> {
        let store = self.opened.store.get_or_try_init(|| self.open()).await?;
        self.opened.done.notify_waiters();
        Ok(store)
    }

    async fn open(&self) -> Result<FileStore, CredentialError> {
        let folder = &self.settings.folder;
        match &self.settings.key {
            StoreKey::File(path) => FileStore::open(folder, KeyFile::new(path)).await,
            StoreKey::Keychain { service } => {
                let item = OwnItem::new(service, "data-key")?;
                let platform = Arc::new(Platform::new(Environment::of_this_process()));
                let lock = lock_beside(folder.clone());
                let keys = KeychainKeySource::new(platform, self.clock.clone(), item, lock);
                FileStore::open(folder, keys).await
            }
        }
    }
}

/// The lock of the key's maker, beside the folder: what is in the folder is the store's.
fn lock_beside(mut folder: PathBuf) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".key-lock");
    folder.set_file_name(name);
    folder
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
