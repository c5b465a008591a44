//! [`KeychainFactory`]: builds providers from configuration.

use std::sync::Arc;

use credential_provider_api::{
    ConfigError, CredentialProvider, FactoryContext, ProviderFactory, ProviderId, Settings,
    async_trait,
};

use crate::configuration::{KeychainConfiguration, at, said};
use crate::platform::{Environment, Platform, StoreKind};

/// Builds providers of type `keychain`.
#[derive(Clone, Debug)]
pub struct KeychainFactory {
    environment: Environment,
}

impl KeychainFactory {
    /// A factory whose providers look for keychains in this environment.
    #[must_use]
    pub const fn new(environment: Environment) -> Self {
        Self { environment }
    }
}

#[async_trait]
impl ProviderFactory for KeychainFactory {
    fn type_name(&self) -> &str {
        "keychain"
    }

    async fn build(
        &self,
        id: ProviderId,
        settings: Settings,
        context: &FactoryContext,
    ) -> Result<Arc<dyn CredentialProvider>, ConfigError> {
        let configuration: KeychainConfiguration = settings.read()?;
        let path = settings.path();
        let stores = configuration.stores.as_deref().unwrap_or_default();
        if configuration.encrypted_file.is_some() && !stores.contains(&StoreKind::EncryptedFile) {
            let problem = "is used only if encrypted_file is among the stores";
            return Err(ConfigError::new(&at(path, "encryptedFile"), problem));
        }
        let mut platform = Platform::new(self.environment.clone());
        if let Some(stores) = &configuration.stores {
            let needs_place = stores.contains(&StoreKind::EncryptedFile);
            if needs_place && configuration.encrypted_file.is_none() {
                let problem = "is needed for the store encrypted_file: folder and keyFile";
                return Err(ConfigError::new(&at(path, "encryptedFile"), problem));
            }
            platform = platform
                .stores(stores.clone())
                .map_err(|error| ConfigError::new(&at(path, "stores"), said(error.detail())))?;
        }
        if let Some(place) = &configuration.encrypted_file {
            platform = platform.encrypted_file(&place.folder, &place.key_file);
        }
        let builder = configuration.into_builder(id, path)?;
        let provider = builder
            .build(Arc::new(platform), context.clock.clone())
            .map_err(|error| ConfigError::new(path, said(error.detail())))?;
        Ok(Arc::new(provider))
    }
}
