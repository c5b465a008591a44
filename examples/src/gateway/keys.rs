//! Where the key of the store of grants is: beside the store, or in the platform's keychain.

use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;

use credential_provider_api::{
    Clock, CredentialError, CredentialId, CredentialProvider as _, CredentialRef, IdPattern, Key,
    ProviderId, Request,
};
use credential_store::{FileStore, KeyFile};
use keychain_provider::{
    Environment, KeychainCredential, KeychainKeySource, KeychainProvider, OwnItem, Platform,
};
use resolution_engine::SystemClock;

use super::options::KeyPlace;

/// The account of the keychain's item.
const ACCOUNT: &str = "data-key";

/// A place for the key of one run.
pub(super) struct StoreKey {
    folder: PathBuf,
    keychain: Option<OwnKeychain>,
}

/// The platform's keychain, and a service in it that is this run's alone.
struct OwnKeychain {
    platform: Arc<Platform>,
    clock: Arc<dyn Clock>,
    service: String,
}

impl StoreKey {
    pub(super) fn new(place: KeyPlace, folder: &Path) -> Self {
        let keychain = (place == KeyPlace::Keychain).then(|| OwnKeychain {
            platform: Arc::new(Platform::new(Environment::of_this_process())),
            clock: Arc::new(SystemClock::new()),
            service: format!("credential-gateway-example-{}", process::id()),
        });
        Self { folder: folder.to_owned(), keychain }
    }

    /// Opens the store in the folder anew, as each process does.
    pub(super) async fn open_store(&self) -> Result<FileStore, CredentialError> {
        let Some(own) = &self.keychain else {
            // A backup of the store's folder does not have the key beside it.
            let key = KeyFile::new(self.folder.join("grants.key"));
            return FileStore::open(self.folder.join("grants"), key).await;
        };
        let item = OwnItem::new(own.service.as_str(), ACCOUNT)?;
        let lock = self.folder.join("grants.lock");
        let key = KeychainKeySource::new(own.platform.clone(), own.clock.clone(), item, lock);
        FileStore::open(self.folder.join("grants"), key.interactive()).await
    }

    /// What it is, for people.
    pub(super) fn describe(&self) -> String {
        match &self.keychain {
            None => "in a file beside it".to_owned(),
            Some(own) => {
                let store = own.platform.choice().map(|choice| choice.store().as_str());
                let store = store.unwrap_or("the keychain");
                format!("in {store}, service {}", own.service)
            }
        }
    }

    /// Deletes what was put into the keychain.
    pub(super) async fn remove(&self) -> Result<(), CredentialError> {
        let Some(own) = &self.keychain else { return Ok(()) };
        let (id, account) = (ProviderId::new("own")?, CredentialId::new(ACCOUNT)?);
        let item = KeychainCredential::api_key(IdPattern::new(ACCOUNT)?);
        let keychain = KeychainProvider::builder(id.clone()).service(&own.service).credential(item);
        let keychain = keychain.build(own.platform.clone(), own.clock.clone())?;
        let key = Key::gateway(&CredentialRef::new(id, account));
        keychain.revoke(&Request::new(key, own.clock.clone()), None).await.map(drop)
    }
}
