//! A provider written by hand: keys, and values of users, from a file.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use credential_provider_api::*;

/// Secrets from a JSON file that the host points to, read anew at every call.
///
/// `{ "keys": { "openai": "sk-…" }, "<session>": { "user": "alice", "password": "…" } }`: those in
/// `keys` are the gateway's; any other section is the `login` of the session whose
/// [encoding](EffectiveSession::encoded) it is named after.
pub struct FileProvider {
    path: PathBuf,
    descriptor: ProviderDescriptor,
}

type Sections = BTreeMap<String, BTreeMap<String, SecretString>>;

impl FileProvider {
    /// A provider called `id` that reads `path`.
    ///
    /// # Errors
    /// `configuration_invalid` if `id` is not a provider id.
    pub fn new(id: &str, path: impl Into<PathBuf>) -> Result<Self, CredentialError> {
        let (key, login) = (IdPattern::any(), IdPattern::new("login")?);
        let descriptor = ProviderDescriptor::new(ProviderId::new(id)?, "Secrets in a file")
            .with_credential(CredentialDescriptor::gateway(key, CredentialKind::ApiKey))
            .with_credential(CredentialDescriptor::session(login, CredentialKind::UserValue));
        Ok(Self { path: path.into(), descriptor })
    }

    async fn read(&self, request: &Request) -> Result<Sections, CredentialError> {
        // On a thread that may block, and not for ever: the drive may not answer.
        let (path, limit) = (self.path.clone(), request.now().plus(Duration::from_secs(2)));
        let reading = tokio::task::spawn_blocking(move || {
            let text = fs::read_to_string(path).map_err(|_| ErrorCode::NotConfigured)?;
            let text = SecretString::from(text);
            serde_json::from_str(text.expose_secret()).map_err(|_| ErrorCode::ConfigurationInvalid)
        });
        let read = tokio::select! {
            read = reading => read.unwrap_or(Err(ErrorCode::Internal)),
            () = request.clock().sleep_until(limit) => Err(ErrorCode::Timeout),
        };
        // The words of the system and of the parser stay out: they may hold a path or a value.
        read.map_err(|code| CredentialError::new(code, "the file of secrets cannot be read"))
    }
}

#[async_trait]
impl CredentialProvider for FileProvider {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }

    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        request.require_no_variant()?;
        let mut file = self.read(request).await?;
        let missing = || CredentialError::new(ErrorCode::CredentialNotFound, "not in the file");
        let mut section = |name: &str| file.remove(name).ok_or_else(missing);
        let credential = match request.key().credential.as_str() {
            "login" => Credential::user_value(section(request.session()?.encoded())?),
            key => Credential::api_key(section("keys")?.remove(key).ok_or_else(missing)?),
        };
        let a_minute = Freshness::For(Duration::from_secs(60)); // Then an edit is seen.
        Ok(credential.with_freshness(a_minute).into())
    }
}
