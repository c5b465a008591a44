//! [`AuthProfileFactory`]: builds providers from configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use credential_provider_api::{
    ConfigError, CredentialProvider, FactoryContext, ProviderFactory, ProviderId, Settings,
    async_trait,
};

use super::configuration::AuthProfileConfiguration;
use crate::openclaw::{Database, Home};
use crate::renewal::ProfileIssuer;

/// Builds providers of type `auth-profiles`. The SecretRefs of profiles are resolved by the
/// [context's](FactoryContext) resolver.
#[derive(Clone)]
pub struct AuthProfileFactory {
    home: Home,
    database: Option<Arc<dyn Database>>,
    issuers: BTreeMap<String, Arc<dyn ProfileIssuer>>,
}

impl AuthProfileFactory {
    /// A factory whose providers look here, unless their settings name another state folder.
    #[must_use]
    pub const fn new(home: Home) -> Self {
        Self { home, database: None, issuers: BTreeMap::new() }
    }

    /// How to read SQLite.
    #[must_use]
    pub fn database(mut self, database: Arc<dyn Database>) -> Self {
        self.database = Some(database);
        self
    }

    /// Somebody who renews logins, by the name that settings know.
    #[must_use]
    pub fn issuer(mut self, name: impl Into<String>, issuer: Arc<dyn ProfileIssuer>) -> Self {
        self.issuers.insert(name.into(), issuer);
        self
    }
}

impl fmt::Debug for AuthProfileFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers: Vec<&String> = self.issuers.keys().collect();
        f.debug_struct("AuthProfileFactory")
            .field("home", &self.home)
            .field("issuers", &issuers)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ProviderFactory for AuthProfileFactory {
    fn type_name(&self) -> &str {
        "auth-profiles"
    }

    async fn build(
        &self,
        id: ProviderId,
        settings: Settings,
        context: &FactoryContext,
    ) -> Result<Arc<dyn CredentialProvider>, ConfigError> {
        let configuration: AuthProfileConfiguration = settings.read()?;
        let path = settings.path();
        let mut builder = configuration
            .into_builder(id, path, &self.home, &self.issuers)?
            .secret_refs(Arc::clone(&context.secret_refs));
        if let Some(database) = &self.database {
            builder = builder.database(Arc::clone(database));
        }
        let provider = builder.build(Arc::clone(&context.clock));
        let provider = provider.map_err(|error| {
            ConfigError::new(path, format!("cannot be used: {}", error.detail()))
        })?;
        Ok(Arc::new(provider))
    }
}
