//! A store limited to one provider's own records.

use std::sync::Arc;

use credential_provider_api::{
    CredentialError, ErrorCode, GrantStore, Key, Lease, Loaded, ProviderId, Record, Revision,
    StoreChange, StoreChanges, async_trait,
};
use futures::StreamExt as _;

/// Lets a provider see the records under its own id and no others.
pub(crate) struct StoreView {
    provider: ProviderId,
    store: Arc<dyn GrantStore>,
}

impl StoreView {
    pub(crate) fn new(provider: ProviderId, store: Arc<dyn GrantStore>) -> Self {
        Self { provider, store }
    }

    fn own(&self, key: &Key) -> Result<(), CredentialError> {
        if key.provider == self.provider {
            return Ok(());
        }
        let detail = "a provider reached for another's record";
        Err(CredentialError::new(ErrorCode::AccessDenied, detail).about(&key.reference()))
    }
}

#[async_trait]
impl GrantStore for StoreView {
    async fn load(&self, key: &Key) -> Result<Loaded, CredentialError> {
        self.own(key)?;
        self.store.load(key).await
    }

    async fn list(&self) -> Result<Vec<Key>, CredentialError> {
        let mut keys = self.store.list().await?;
        keys.retain(|key| key.provider == self.provider);
        Ok(keys)
    }

    async fn save(
        &self,
        key: &Key,
        expected: Option<Revision>,
        record: Record,
    ) -> Result<Revision, CredentialError> {
        self.own(key)?;
        self.store.save(key, expected, record).await
    }

    async fn remove(
        &self,
        key: &Key,
        expected: Option<Revision>,
    ) -> Result<Revision, CredentialError> {
        self.own(key)?;
        self.store.remove(key, expected).await
    }

    fn watch(&self) -> StoreChanges {
        let provider = self.provider.clone();
        Box::pin(self.store.watch().filter(move |change| {
            let own = match change {
                StoreChange::Key(key) => key.provider == provider,
                _ => true,
            };
            std::future::ready(own)
        }))
    }

    async fn lease(&self, key: &Key) -> Result<Box<dyn Lease>, CredentialError> {
        self.own(key)?;
        self.store.lease(key).await
    }
}
