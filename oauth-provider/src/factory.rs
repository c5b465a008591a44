//! [`OAuthFactory`]: builds providers from configuration.

use std::sync::Arc;

use credential_provider_api::{
    ConfigError, CredentialError, CredentialProvider, ErrorCode, FactoryContext, ProviderFactory,
    ProviderId, SecretInput, Settings, async_trait,
};
use credential_store::Grants;

use crate::builder::OAuthRuntime;
use crate::client::ClientSecret;
use crate::configuration::{OAuthConfiguration, at};
use crate::http::HttpClient;

/// Builds providers of type `oauth`. All of them use one HTTP client.
#[derive(Clone)]
pub struct OAuthFactory {
    http: Arc<dyn HttpClient>,
}

impl OAuthFactory {
    /// A factory whose providers use this HTTP client.
    #[must_use]
    pub fn new(http: Arc<dyn HttpClient>) -> Self {
        Self { http }
    }

    /// A factory whose providers use [`ReqwestClient`](crate::ReqwestClient) with its usual limits.
    ///
    /// # Errors
    /// As for [`ReqwestClient::new`](crate::ReqwestClient::new).
    #[cfg(feature = "reqwest")]
    pub fn with_reqwest() -> Result<Self, CredentialError> {
        Ok(Self::new(Arc::new(crate::http::ReqwestClient::new()?)))
    }
}

#[async_trait]
impl ProviderFactory for OAuthFactory {
    fn type_name(&self) -> &str {
        "oauth"
    }

    async fn build(
        &self,
        id: ProviderId,
        settings: Settings,
        context: &FactoryContext,
    ) -> Result<Arc<dyn CredentialProvider>, ConfigError> {
        let mut configuration: OAuthConfiguration = settings.read()?;
        let path = settings.path();
        let Some(store) = context.store.clone() else {
            return Err(ConfigError::new(path, "keeps logins, and this host has no grant store"));
        };
        let secret = configuration.client_secret.take();
        let mut builder = configuration.into_builder(id);
        if let Some(secret) = secret {
            builder = match client_secret(secret, path, context).await? {
                ClientSecret::Held(secret) => builder.client_secret(secret),
                ClientSecret::Asked(from) => builder.client_secret_from(from),
            };
        }
        let clock = context.clock.clone();
        let runtime = OAuthRuntime {
            http: self.http.clone(),
            grants: Grants::builder(store).clock(clock.clone()).build(),
            clock,
            random: context.random.clone(),
        };
        Ok(Arc::new(builder.build_at(path, runtime)?))
    }
}

/// The setting `clientSecret`, resolved where it is a SecretRef.
pub(crate) async fn client_secret(
    input: SecretInput,
    path: &str,
    context: &FactoryContext,
) -> Result<ClientSecret, ConfigError> {
    match input {
        SecretInput::Inline(secret) => Ok(ClientSecret::Held(secret)),
        SecretInput::Credential(from) => Ok(ClientSecret::Asked(from)),
        SecretInput::Secret(reference) => {
            let found = context.secret_refs.resolve(&[reference]).await.pop();
            let secret = found.unwrap_or_else(|| {
                Err(CredentialError::new(ErrorCode::Internal, "no secret was resolved"))
            });
            secret.map(ClientSecret::Held).map_err(|error| {
                at(path, "clientSecret", &format!("cannot be resolved: {}", error.code()))
            })
        }
        _ => Err(at(path, "clientSecret", "is in a form not known here")),
    }
}

impl std::fmt::Debug for OAuthFactory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OAuthFactory")
    }
}
