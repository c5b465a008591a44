//! [`Host`]: an engine for the length of one request.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use authprofile_bridge::exec::{ExecRequest, GatewayCredentials};
use authprofile_bridge::login::{Environment as LoginEnvironment, LoginFactory};
use authprofile_bridge::secret_ref::{
    SecretRefs, SecretsConfiguration, SystemEnvironment as Variables,
};
use credential_provider_api::{
    Clock, Credential, CredentialError, CredentialRef, ErrorCode, ProviderId, Timestamp,
    async_trait,
};
use keychain_provider::{Environment, KeychainFactory};
use oauth_provider::{McpFactory, OAuthFactory};
use resolution_engine::{Configuration, Consumer, ResolutionEngine};
use serde_json::Value;
use volcengine_provider::{SystemEnvironment, SystemFiles, VolcengineFactory};

use super::http::LazyHttp;
use super::store::LazyStore;
use super::{Failure, openclaw, say, wanted};

/// Who asks, in the access rules. One name for all who start the program: an alias in a request
/// proves nothing.
pub const CONSUMER: &str = "secretref:exec";

/// A longer configuration is a mistake.
const LONGEST: u64 = 1 << 20;

/// The engine, and what it could not be set up with.
pub(crate) struct Host {
    engine: ResolutionEngine,
    consumer: Consumer,
    failed: BTreeSet<ProviderId>,
}

impl Host {
    /// Builds what `request` needs of the configuration that was read at `path`.
    pub(crate) async fn open(
        mut whole: Value,
        path: &Path,
        request: &ExecRequest,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        wanted::keep(&mut whole, &request.ids);
        openclaw::without_issuers(&mut whole);
        let http = Arc::new(LazyHttp::new());
        let metadata = Arc::new(LazyHttp::for_metadata());
        let (files, environment) = (Arc::new(SystemFiles), Arc::new(SystemEnvironment));
        let mut builder = ResolutionEngine::builder()
            .clock(clock.clone())
            .factory(super::FileFactory)
            .factory(KeychainFactory::new(Environment::of_this_process()))
            .factory(OAuthFactory::new(http.clone()))
            .factory(McpFactory::new(http.clone()))
            .factory(VolcengineFactory::new(http, metadata, files, environment))
            .factory(LoginFactory::new(LoginEnvironment::of_this_process()))
            .secret_refs(Arc::new(secrets(&whole, clock)?));
        if wanted::has_type(&whole, "auth-profiles") {
            let missing = "the environment names no home folder; passEnv has to name HOME";
            builder = builder
                .factory(openclaw::profiles().ok_or_else(|| Failure::configuration(missing))?);
        }
        if let Some(store) = store(&whole, path)? {
            builder = builder.store(Arc::new(store));
        }
        let configuration =
            Configuration::from_deserializer(whole).map_err(Failure::configuration)?;
        let engine = builder.build().map_err(Failure::configuration)?;
        let report = engine.configure(configuration).await.map_err(Failure::configuration)?;
        for (_, problem) in &report.failed {
            say(problem);
        }
        let consumer = engine.consumer(CONSUMER).map_err(Failure::configuration)?;
        let failed = report.failed.into_iter().map(|(id, _)| id).collect();
        Ok(Self { engine, consumer, failed })
    }

    /// Waits for exchanges under way, and ends.
    pub(crate) async fn close(&self) {
        self.engine.shutdown().await;
    }
}

#[async_trait]
impl GatewayCredentials for Host {
    async fn credential(
        &self,
        wanted: CredentialRef,
        deadline: Timestamp,
    ) -> Result<Arc<Credential>, CredentialError> {
        if self.failed.contains(&wanted.provider) {
            let detail = "the provider could not be built; standard error says why";
            return Err(CredentialError::new(ErrorCode::ConfigurationInvalid, detail));
        }
        self.consumer.request(&wanted).deadline(deadline).await
    }
}

/// The configuration at `path`.
pub(crate) fn read(path: &Path) -> Result<Value, Failure> {
    let shown = path.display();
    let unreadable = |_| Failure::configuration(format!("{shown} cannot be read"));
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(LONGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > LONGEST {
        return Err(Failure::configuration(format!("{shown} is longer than 1 MiB")));
    }
    // The parser's own words may repeat a value.
    json5::from_str(&text).map_err(|error| {
        let at = error.position();
        let at = at.map(|at| format!(" at line {}, column {}", at.line + 1, at.column + 1));
        let at = at.unwrap_or_default();
        Failure::configuration(format!("{shown} is not JSON5{at}"))
    })
}

fn secrets(whole: &Value, clock: Arc<dyn Clock>) -> Result<SecretRefs, Failure> {
    let section = match whole.get("secrets") {
        Some(section) => SecretsConfiguration::read("secrets", section),
        None => Ok(SecretsConfiguration::default()),
    };
    let section = section.map_err(Failure::configuration)?;
    Ok(SecretRefs::new(section, Arc::new(Variables), clock)
        .with_store(Arc::new(openclaw::LazySecrets)))
}

/// The store, if one is configured. Its paths are relative to the configuration file.
fn store(whole: &Value, path: &Path) -> Result<Option<LazyStore>, Failure> {
    let Some(section) = whole.get("credentialStore") else {
        return Ok(None);
    };
    let base = path.parent().unwrap_or_else(|| Path::new("."));
    let place = |name: &str| -> Result<PathBuf, Failure> {
        let place = section.get(name).and_then(Value::as_str).filter(|place| !place.is_empty());
        let missing = || Failure::configuration(format!("credentialStore has no path `{name}`"));
        Ok(base.join(place.ok_or_else(missing)?))
    };
    Ok(Some(LazyStore::new(place("folder")?, place("keyFile")?)))
}
