//! [`LoginFactory`]: builds providers from configuration.

use std::fmt;
use std::sync::Arc;

use credential_provider_api::{
    ConfigError, CredentialProvider, FactoryContext, ProviderFactory, ProviderId, Settings,
    async_trait,
};

use super::configuration::builder;
use super::environment::Environment;
use super::keychain::KeychainReader;

/// Builds providers of type `tool-logins`.
#[derive(Clone)]
pub struct LoginFactory {
    environment: Environment,
    keychain: Option<Arc<dyn KeychainReader>>,
}

impl LoginFactory {
    /// A factory whose providers look for files in this environment.
    #[must_use]
    pub const fn new(environment: Environment) -> Self {
        Self { environment, keychain: None }
    }

    /// With what reads the platform's keychain.
    #[must_use]
    pub fn with_keychain(mut self, keychain: Arc<dyn KeychainReader>) -> Self {
        self.keychain = Some(keychain);
        self
    }
}

#[async_trait]
impl ProviderFactory for LoginFactory {
    fn type_name(&self) -> &str {
        "tool-logins"
    }

    async fn build(
        &self,
        id: ProviderId,
        settings: Settings,
        context: &FactoryContext,
    ) -> Result<Arc<dyn CredentialProvider>, ConfigError> {
        let mut builder = builder(id, &settings)?;
        if let Some(keychain) = &self.keychain {
            builder = builder.keychain(Arc::clone(keychain));
        }
        let provider =
            builder.build(self.environment.clone(), context.clock.clone()).map_err(|error| {
                let problem = format!("cannot be used: {}", error.detail());
                ConfigError::new(settings.path(), problem)
            })?;
        Ok(Arc::new(provider))
    }
}

impl fmt::Debug for LoginFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginFactory")
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}
