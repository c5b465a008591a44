//! Secrets in a JSON file: the provider type `file`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    ConfigError, Credential, CredentialDescriptor, CredentialError, CredentialKind,
    CredentialProvider, ErrorCode, FactoryContext, Freshness, IdPattern, ProviderDescriptor,
    ProviderFactory, ProviderId, Request, Resolution, SecretString, Settings, async_trait,
};
use secrecy::ExposeSecret as _;

/// Builds [`FileProvider`]s: `{ "type": "file", "path": "/abs/keys.json" }`.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileFactory;

/// Secrets from a JSON file, for keys that another tool writes (a mounted secret, a deployment).
///
/// `{ "keys": { "openai": "sk-…" }, "<session>": { "user": "alice", "password": "…" } }`: those in `keys`
/// are the gateway's; any other section is the `login` of the session whose
/// [encoding](credential_provider_api::EffectiveSession::encoded) it is named after. A file that other
/// users may read is refused. What was read is served for 10 s, so that an edit is seen without a
/// restart. It is plaintext at rest: a keychain or an encrypted store is the better place.
pub struct FileProvider {
    path: PathBuf,
    descriptor: ProviderDescriptor,
}

type Sections = BTreeMap<String, BTreeMap<String, SecretString>>;

/// A longer file of secrets is a mistake.
const LONGEST: u64 = 1 << 20;
const LIMIT: Duration = Duration::from_secs(2);
const FRESH: Duration = Duration::from_secs(10);

impl FileProvider {
    /// A provider called `id` that reads `path`.
    ///
    /// # Errors
    /// `configuration_invalid` if a pattern is none.
    pub fn new(id: ProviderId, path: impl Into<PathBuf>) -> Result<Self, CredentialError> {
        let (key, login) = (IdPattern::any(), IdPattern::new("login")?);
        let descriptor = ProviderDescriptor::new(id, "Secrets in a file")
            .with_credential(CredentialDescriptor::gateway(key, CredentialKind::ApiKey))
            .with_credential(CredentialDescriptor::session(login, CredentialKind::UserValue));
        Ok(Self { path: path.into(), descriptor })
    }

    async fn sections(&self, request: &Request) -> Result<Sections, CredentialError> {
        // On a thread that may block, and not for ever: the drive may not answer.
        let (path, limit) = (self.path.clone(), request.now().plus(LIMIT));
        let reading = tokio::task::spawn_blocking(move || read(&path));
        tokio::select! {
            read = reading => read.unwrap_or_else(|_| Err(CredentialError::new(ErrorCode::Internal, ""))),
            () = request.clock().sleep_until(limit) => {
                Err(CredentialError::new(ErrorCode::Timeout, "the drive does not answer"))
            }
        }
    }
}

/// The words of the system and of the parser stay out: they may hold a path or a value.
fn read(path: &std::path::Path) -> Result<Sections, CredentialError> {
    use std::io::Read as _;
    let failed = |code, detail: &'static str| CredentialError::new(code, detail);
    let unreadable = |_| failed(ErrorCode::NotConfigured, "the file of secrets cannot be read");
    let file = std::fs::File::open(path).map_err(unreadable)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if file.metadata().map_err(unreadable)?.mode() & 0o077 != 0 {
            let detail = "other users may read the file of secrets: chmod 600";
            return Err(failed(ErrorCode::ConfigurationInvalid, detail));
        }
    }
    let mut text = zeroize::Zeroizing::new(String::new());
    file.take(LONGEST).read_to_string(&mut text).map_err(unreadable)?;
    let wrong = "the file of secrets is not an object of objects of texts";
    serde_json::from_str(&text).map_err(|_| failed(ErrorCode::ConfigurationInvalid, wrong))
}

#[async_trait]
impl CredentialProvider for FileProvider {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }

    /// The keys that are in the file, and a session's login.
    async fn list(&self, request: &Request) -> Result<Vec<CredentialDescriptor>, CredentialError> {
        let mut file = self.sections(request).await?;
        let keys = file.remove("keys").unwrap_or_default();
        let named = keys.keys().filter_map(|name| IdPattern::new(name).ok());
        let mut found: Vec<_> =
            named.map(|name| CredentialDescriptor::gateway(name, CredentialKind::ApiKey)).collect();
        found.push(CredentialDescriptor::session(
            IdPattern::new("login")?,
            CredentialKind::UserValue,
        ));
        Ok(found)
    }

    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        request.require_no_variant()?;
        let mut file = self.sections(request).await?;
        let missing = || CredentialError::new(ErrorCode::CredentialNotFound, "not in the file");
        let mut section = |name: &str| file.remove(name).ok_or_else(missing);
        let credential = match request.key().credential.as_str() {
            "login" => Credential::user_value(section(request.session()?.encoded())?),
            key => {
                let secret = section("keys")?.remove(key).ok_or_else(missing)?;
                if secret.expose_secret().is_empty() {
                    return Err(missing());
                }
                Credential::api_key(secret)
            }
        };
        Ok(credential.with_freshness(Freshness::For(FRESH)).into())
    }
}

#[async_trait]
impl ProviderFactory for FileFactory {
    fn type_name(&self) -> &str {
        "file"
    }

    async fn build(
        &self,
        id: ProviderId,
        mut settings: Settings,
        _: &FactoryContext,
    ) -> Result<Arc<dyn CredentialProvider>, ConfigError> {
        let at = settings.path().to_owned();
        let path = settings.take_text("path").map(PathBuf::from);
        let path = path.filter(|path| path.is_absolute());
        let path = path.ok_or_else(|| ConfigError::new(&at, "has a path, which is absolute"))?;
        if let Some((name, _)) = settings.entries().unwrap_or_default().into_iter().next() {
            let unknown = format!("{at}.{name}");
            return Err(ConfigError::new(&unknown, "is no setting of this type; there is `path`"));
        }
        let provider = FileProvider::new(id, path);
        Ok(Arc::new(provider.map_err(|error| ConfigError::new(&at, error.to_string()))?))
    }
}
