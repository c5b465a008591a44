//! [`OwnRecords`]: a store limited to one provider.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use futures_core::Stream;

use super::contract::{GrantStore, Lease, StoreChange, StoreChanges};
use super::record::{Loaded, Record};
use crate::error::{CredentialError, ErrorCode};
use crate::id::ProviderId;
use crate::key::Key;
use crate::revision::Revision;

/// Lets a provider see the records under its own id and no others: another's key is
/// `access_denied`, and neither listed nor told of.
#[derive(Clone)]
pub struct OwnRecords {
    provider: ProviderId,
    store: Arc<dyn GrantStore>,
}

impl OwnRecords {
    /// The records of `provider` in `store`.
    #[must_use]
    pub fn new(provider: ProviderId, store: Arc<dyn GrantStore>) -> Self {
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
impl GrantStore for OwnRecords {
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
        Box::pin(OwnChanges { provider: self.provider.clone(), changes: self.store.watch() })
    }

    async fn lease(&self, key: &Key) -> Result<Box<dyn Lease>, CredentialError> {
        self.own(key)?;
        self.store.lease(key).await
    }
}

struct OwnChanges {
    provider: ProviderId,
    changes: StoreChanges,
}

impl Stream for OwnChanges {
    type Item = StoreChange;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<StoreChange>> {
        loop {
            match self.changes.as_mut().poll_next(cx) {
                Poll::Ready(Some(StoreChange::Key(key))) if key.provider != self.provider => {}
                other => return other,
            }
        }
    }
}
