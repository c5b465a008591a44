//! How a provider is built from configuration.

use std::sync::Arc;

use async_trait::async_trait;

use super::contract::CredentialProvider;
use super::settings::{ConfigError, Settings};
use crate::clock::Clock;
use crate::id::ProviderId;
use crate::random::Random;
use crate::secret_ref::{NoSecretRefs, SecretRefResolver};
use crate::store::GrantStore;

/// Builds providers of one type from their configuration.
///
/// A host registers factories, third-party ones too; `"type"` in a section of `credentialProviders`
/// selects one.
#[async_trait]
pub trait ProviderFactory: Send + Sync {
    /// The `"type"` it answers to.
    fn type_name(&self) -> &str;

    /// Builds a provider called `id`.
    ///
    /// It reads and checks the settings and opens nothing that needs the network: a provider whose
    /// source is down must still be built. Cancel-safe.
    ///
    /// # Errors
    /// [`ConfigError`] with the path of what is wrong; get it from [`Settings::read`].
    async fn build(
        &self,
        id: ProviderId,
        settings: Settings,
        context: &FactoryContext,
    ) -> Result<Arc<dyn CredentialProvider>, ConfigError>;
}

/// What a host lends to a factory.
#[derive(Clone)]
#[non_exhaustive]
pub struct FactoryContext {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Where grants are kept, limited to this provider's own id; `None` if the host has no store.
    pub store: Option<Arc<dyn GrantStore>>,
    /// What resolves SecretRefs in settings.
    pub secret_refs: Arc<dyn SecretRefResolver>,
}

impl FactoryContext {
    /// A context without store and SecretRefs.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random, store: None, secret_refs: Arc::new(NoSecretRefs) }
    }

    /// With a store.
    #[must_use]
    pub fn with_store(mut self, store: Arc<dyn GrantStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// With a resolver of SecretRefs.
    #[must_use]
    pub fn with_secret_refs(mut self, resolver: Arc<dyn SecretRefResolver>) -> Self {
        self.secret_refs = resolver;
        self
    }
}
