//! [`VolcengineFactory`]: builds providers from configuration.

use std::fmt;
use std::sync::Arc;

use credential_provider_api::{
    ConfigError, CredentialError, CredentialProvider, ErrorCode, FactoryContext, ProviderFactory,
    ProviderId, SecretInput, Settings, async_trait,
};
use oauth_provider::HttpClient;

use crate::configuration::{ConfiguredParts, VolcengineConfiguration, at};
use crate::environment::Environment;
use crate::files::Files;
use crate::platform::KeyPart;
use crate::provider::VolcengineProvider;
use crate::runtime::VolcengineRuntime;

/// Builds providers of type `volcengine`. Clones share what it lends them.
#[derive(Clone)]
pub struct VolcengineFactory {
    http: Arc<dyn HttpClient>,
    metadata: Arc<dyn HttpClient>,
    files: Arc<dyn Files>,
    environment: Arc<dyn Environment>,
}

impl VolcengineFactory {
    /// A factory whose providers use these: one client for services, one for metadata services, which
    /// have private addresses and no TLS.
    #[must_use]
    pub fn new(
        http: Arc<dyn HttpClient>,
        metadata: Arc<dyn HttpClient>,
        files: Arc<dyn Files>,
        environment: Arc<dyn Environment>,
    ) -> Self {
        Self { http, metadata, files, environment }
    }

    /// A factory whose providers use reqwest, the machine's files and the process's environment.
    ///
    /// # Errors
    /// As for [`ReqwestClient::new`](oauth_provider::ReqwestClient::new).
    #[cfg(feature = "reqwest")]
    pub fn with_reqwest() -> Result<Self, CredentialError> {
        use oauth_provider::ReqwestClient;

        let metadata = ReqwestClient::builder().plain_http_on_private_addresses().build()?;
        Ok(Self::new(
            Arc::new(ReqwestClient::new()?),
            Arc::new(metadata),
            Arc::new(crate::files::SystemFiles),
            Arc::new(crate::environment::SystemEnvironment),
        ))
    }

    /// As [`build`](ProviderFactory::build), with the provider's own type: it lends its
    /// [client](VolcengineProvider::client). Cancel-safe.
    ///
    /// # Errors
    /// [`ConfigError`] with the path of the first setting that cannot be used.
    pub async fn provider(
        &self,
        id: ProviderId,
        settings: &Settings,
        context: &FactoryContext,
    ) -> Result<VolcengineProvider, ConfigError> {
        let mut configuration: VolcengineConfiguration = settings.read()?;
        let path = settings.path();
        let part = async |name: &str, input: Option<SecretInput>| match input {
            None => Ok(None),
            Some(input) => resolve(input, context).await.map(Some).map_err(|p| at(path, name, &p)),
        };
        let parts = ConfiguredParts {
            access_key_id: part("accessKeyId", configuration.access_key_id.take()).await?,
            secret_access_key: part("secretAccessKey", configuration.secret_access_key.take())
                .await?,
            session_token: part("sessionToken", configuration.session_token.take()).await?,
            client_secret: part(
                "userPool.clientSecret",
                configuration.user_pool.as_mut().and_then(|pool| pool.client_secret.take()),
            )
            .await?,
        };
        let runtime = VolcengineRuntime {
            http: self.http.clone(),
            metadata: self.metadata.clone(),
            files: self.files.clone(),
            environment: self.environment.clone(),
            clock: context.clock.clone(),
            random: context.random.clone(),
        };
        configuration.into_provider(id, path, parts, runtime, context.store.clone())
    }
}

async fn resolve(input: SecretInput, context: &FactoryContext) -> Result<KeyPart, String> {
    match input {
        SecretInput::Inline(secret) => Ok(KeyPart::Held(secret)),
        SecretInput::Credential(reference) => Ok(KeyPart::Asked(reference)),
        SecretInput::Secret(reference) => {
            let found = context.secret_refs.resolve(&[reference]).await.pop();
            let none = || CredentialError::new(ErrorCode::Internal, "no secret was resolved");
            let found = found.unwrap_or_else(|| Err(none()));
            found
                .map(KeyPart::Held)
                .map_err(|error| format!("cannot be resolved: {}", error.code().as_str()))
        }
        _ => Err("is in a form not known here".to_owned()),
    }
}

#[async_trait]
impl ProviderFactory for VolcengineFactory {
    fn type_name(&self) -> &str {
        "volcengine"
    }

    async fn build(
        &self,
        id: ProviderId,
        settings: Settings,
        context: &FactoryContext,
    ) -> Result<Arc<dyn CredentialProvider>, ConfigError> {
        Ok(Arc::new(self.provider(id, &settings, context).await?))
    }
}

impl fmt::Debug for VolcengineFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VolcengineFactory")
    }
}
