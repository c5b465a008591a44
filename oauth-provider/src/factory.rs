//! [`OAuthFactory`]: builds providers from configuration.

use std::sync::Arc;

use credential_provider_api::{
    ConfigError, CredentialError, CredentialProvider, CredentialRef, ErrorCode, FactoryContext,
    ProviderFactory, ProviderId, SecretInput, SecretString, Settings, async_trait,
};
use credential_store::Grants;

use crate::builder::OAuthRuntime;
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
        let key = configuration.client_key.take();
        let mut builder = configuration.into_builder(id);
        builder = match given(context, path, "clientSecret", secret).await? {
            None => builder,
            Some(Given::Secret(secret)) => builder.client_secret(secret),
            Some(Given::From(reference)) => builder.client_secret_from(reference),
        };
        builder = match given(context, path, "clientKey", key).await? {
            None => builder,
            Some(Given::Secret(pem)) => builder.client_key(pem),
            Some(Given::From(reference)) => builder.client_key_from(reference),
        };
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

/// A secret of the configuration, as far as it is known now.
enum Given {
    Secret(SecretString),
    From(CredentialRef),
}

async fn given(
    context: &FactoryContext,
    path: &str,
    name: &str,
    input: Option<SecretInput>,
) -> Result<Option<Given>, ConfigError> {
    Ok(Some(match input {
        None => return Ok(None),
        Some(SecretInput::Inline(secret)) => Given::Secret(secret),
        Some(SecretInput::Credential(from)) => Given::From(from),
        Some(SecretInput::Secret(reference)) => {
            let found = context.secret_refs.resolve(&[reference]).await.pop();
            let secret = found.unwrap_or_else(|| {
                Err(CredentialError::new(ErrorCode::Internal, "no secret was resolved"))
            });
            Given::Secret(secret.map_err(|error| {
                at(path, name, &format!("cannot be resolved: {}", error.code()))
            })?)
        }
        Some(_) => return Err(at(path, name, "is in a form not known here")),
    }))
}

impl std::fmt::Debug for OAuthFactory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OAuthFactory")
    }
}
