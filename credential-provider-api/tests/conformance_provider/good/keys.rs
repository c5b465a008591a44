//! Static keys that somebody may edit.

use std::collections::BTreeMap;
use std::sync::Arc;

use credential_provider_api::conformance::ProviderSuite;
use credential_provider_api::{
    Capability, Change, Changes, Credential, CredentialDescriptor, CredentialError, CredentialKind,
    CredentialProvider, CredentialRef, ErrorCode, Freshness, Health, IdPattern, Key, Observation,
    ProviderDescriptor, Reason, Request, Resolution, async_trait,
};

use super::{Answer, Good, describe};
use crate::common::{Feed, Shared};

pub(crate) struct Keys {
    descriptor: ProviderDescriptor,
    vault: Arc<Vault>,
}

pub(crate) struct Vault {
    keys: Shared<BTreeMap<String, String>>,
    feed: Feed<Change>,
}

impl Default for Vault {
    fn default() -> Self {
        let keys: Shared<BTreeMap<String, String>> = Shared::default();
        keys.get().insert("key/a".into(), "sk-first-a".into());
        keys.get().insert("key/b".into(), "sk-first-b".into());
        Self { keys, feed: Feed::default() }
    }
}

impl Vault {
    fn edit(&self, changed: &CredentialRef) {
        let mut keys = self.keys.get();
        keys.insert(changed.id.as_str().into(), "sk-edited".into());
        self.feed.tell(&Change::Key(Key::gateway(changed)));
    }
}

impl Good for Keys {
    type World = Arc<Vault>;

    fn new(vault: Arc<Vault>) -> Self {
        let descriptor = describe("keys", "key/*", CredentialKind::ApiKey)
            .with_capability(Capability::Changes)
            .with_capability(Capability::Check)
            .with_capability(Capability::List)
            .with_capability(Capability::Report);
        Self { descriptor, vault }
    }

    fn suite(
        vault: Arc<Vault>,
        alter: impl Fn(Self) -> Arc<dyn CredentialProvider> + Send + Sync + 'static,
    ) -> ProviderSuite {
        let edited = vault.clone();
        ProviderSuite::new(move || alter(Self::new(vault.clone())))
            .credential("key/a")
            .credential("key/b")
            .change(move |changed| edited.edit(changed))
    }
}

#[async_trait]
impl CredentialProvider for Keys {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }

    async fn resolve(&self, request: &Request) -> Answer {
        request.require_no_variant()?;
        let keys = self.vault.keys.get();
        let key = keys.get(request.key().credential.as_str()).ok_or_else(|| {
            CredentialError::new(ErrorCode::CredentialNotFound, "no such key in the vault")
        })?;
        let credential = Credential::api_key(key.as_str().into());
        Ok(credential.with_freshness(Freshness::UntilChanged).into())
    }

    async fn refresh(&self, request: &Request, current: &Credential, _: Reason) -> Answer {
        match self.resolve(request).await? {
            Resolution::Credential(next) if next.same_secrets(current) => Ok(Resolution::Unchanged),
            other => Ok(other),
        }
    }

    async fn check(&self, _: &Request, _: Option<&Credential>) -> Result<Health, CredentialError> {
        Ok(Health::healthy())
    }

    async fn list(&self, _: &Request) -> Result<Vec<CredentialDescriptor>, CredentialError> {
        let keys = self.vault.keys.get();
        let ids = keys.keys().map(|id| IdPattern::new(id).unwrap());
        Ok(ids.map(|id| CredentialDescriptor::gateway(id, CredentialKind::ApiKey)).collect())
    }

    fn changes(&self) -> Changes {
        Box::pin(self.vault.feed.subscribe())
    }

    async fn report(&self, _: &Request, _: &Observation) -> Result<(), CredentialError> {
        Ok(())
    }
}
