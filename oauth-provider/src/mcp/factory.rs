//! [`McpFactory`]: builds providers from configuration.

use std::fmt;
use std::sync::Arc;

use credential_provider_api::{
    ConfigError, CredentialProvider, FactoryContext, ProviderFactory, ProviderId, Settings,
    async_trait,
};

use super::builder::McpRuntime;
use super::configuration::McpConfiguration;
use crate::factory::kept;
use crate::http::HttpClient;

/// Builds providers of type `mcp`. All of them use one HTTP client.
#[derive(Clone)]
pub struct McpFactory {
    http: Arc<dyn HttpClient>,
}

impl McpFactory {
    /// A factory whose providers use this HTTP client. It must keep the sixth promise of
    /// [`HttpClient`]: servers name addresses.
    #[must_use]
    pub fn new(http: Arc<dyn HttpClient>) -> Self {
        Self { http }
    }

    /// A factory whose providers use [`ReqwestClient`](crate::ReqwestClient) with its usual limits.
    ///
    /// # Errors
    /// As for [`ReqwestClient::new`](crate::ReqwestClient::new).
    #[cfg(feature = "reqwest")]
    pub fn with_reqwest() -> Result<Self, credential_provider_api::CredentialError> {
        Ok(Self::new(Arc::new(crate::http::ReqwestClient::new()?)))
    }
}

#[async_trait]
impl ProviderFactory for McpFactory {
    fn type_name(&self) -> &str {
        "mcp"
    }

    async fn build(
        &self,
        id: ProviderId,
        settings: Settings,
        context: &FactoryContext,
    ) -> Result<Arc<dyn CredentialProvider>, ConfigError> {
        let mut configuration: McpConfiguration = settings.read()?;
        let path = settings.path();
        let Some(store) = context.store.clone() else {
            return Err(ConfigError::new(path, "keeps logins, and this host has no grant store"));
        };
        let secret = configuration.client_secret.take();
        let mut builder = configuration.into_builder(id);
        if let Some(secret) = kept(context, path, "clientSecret", secret).await? {
            builder = builder.secret(secret);
        }
        let runtime = McpRuntime {
            http: self.http.clone(),
            store,
            clock: context.clock.clone(),
            random: context.random.clone(),
        };
        Ok(Arc::new(builder.build_at(path, runtime)?))
    }
}

impl fmt::Debug for McpFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("McpFactory")
    }
}
