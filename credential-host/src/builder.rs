//! [`HostBuilder`]: the one place where a configuration becomes providers.

use std::sync::Arc;

use authprofile_bridge::login::{Environment as LoginEnvironment, LoginFactory};
use authprofile_bridge::secret_ref::{
    SecretRefs, SecretsConfiguration, SystemEnvironment as Variables,
};
use credential_provider_api::{AuditSink, Clock, GrantStore, ProviderFactory, SecretRefResolver};
use keychain_provider::{Environment, KeychainFactory};
use oauth_provider::{McpFactory, OAuthFactory};
use resolution_engine::{
    AccessRules, AuditPolicy, Configuration, EngineBuilder, ResolutionEngine, SystemClock, Tuning,
};
use volcengine_provider::{SystemEnvironment, SystemFiles, VolcengineFactory};

use crate::document::{Document, DocumentError};
use crate::host::{CONSOLE, CredentialHost};
use crate::http::LazyHttp;
use crate::store::LazyStore;
use crate::{FileAudit, FileFactory, openclaw};

/// Builds a [`CredentialHost`]. Every bundled provider is known to it; [`factory`](Self::factory) adds
/// the host's own.
#[must_use = "call open"]
pub struct HostBuilder {
    document: Document,
    clock: Arc<dyn Clock>,
    engine: EngineBuilder,
    rules: AccessRules,
    audit: Option<(Arc<dyn AuditSink>, AuditPolicy)>,
    secrets: Option<Arc<dyn SecretRefResolver>>,
}

impl HostBuilder {
    pub(crate) fn new(document: Document) -> Self {
        let clock = Arc::new(SystemClock::new());
        let engine = ResolutionEngine::builder();
        let rules = AccessRules::deny_all();
        Self { document, clock, engine, rules, audit: None, secrets: None }
    }

    /// With this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Knows a provider type of the host's own. It wins over a bundled one of the same name.
    pub fn factory(mut self, factory: impl ProviderFactory + 'static) -> Self {
        self.engine = self.engine.factory(factory);
        self
    }

    /// Rules from code; those of the configuration are added to them.
    pub fn access(mut self, rules: AccessRules) -> Self {
        self.rules = self.rules.and(rules);
        self
    }

    /// Numbers of the engine.
    pub fn tuning(mut self, tuning: Tuning) -> Self {
        self.engine = self.engine.tuning(tuning);
        self
    }

    /// Where the audit trail goes, in place of the file that the configuration names.
    pub fn audit(mut self, sink: Arc<dyn AuditSink>, policy: AuditPolicy) -> Self {
        self.audit = Some((sink, policy));
        self
    }

    /// What resolves SecretRefs, in place of the section `secrets`.
    pub fn secret_refs(mut self, resolver: Arc<dyn SecretRefResolver>) -> Self {
        self.secrets = Some(resolver);
        self
    }

    /// Anything else of the engine.
    pub fn engine(mut self, change: impl FnOnce(EngineBuilder) -> EngineBuilder) -> Self {
        self.engine = change(self.engine);
        self
    }

    /// Builds the engine and its providers. A provider that cannot be built is told of by
    /// [`CredentialHost::failed`], and keeps none of the others from service. Opens no store and no
    /// connection yet. Inside a tokio runtime.
    ///
    /// # Errors
    /// A section that cannot be used.
    pub async fn open(self) -> Result<CredentialHost, DocumentError> {
        let path = self.document.path().to_owned();
        self.build().await.map_err(|error| error.in_file(&path))
    }

    async fn build(self) -> Result<CredentialHost, DocumentError> {
        let Self { document, clock, mut engine, rules, audit, secrets } = self;
        let store = document.store()?.map(|settings| {
            let store: Arc<dyn GrantStore> = Arc::new(LazyStore::new(settings, clock.clone()));
            store
        });
        let secrets = match secrets {
            Some(secrets) => secrets,
            None => Arc::new(secret_refs(&document, clock.clone())?),
        };
        // It renews what it is told to, and hands nothing out.
        let file = document.path().to_owned();
        let unusable = |problem: String| DocumentError::of_file(&file, problem);
        let console = rules.allow(CONSOLE, "*").map_err(|problem| unusable(problem.to_string()))?;
        engine = bundled(engine).access(console).clock(clock.clone()).secret_refs(secrets);
        match openclaw::profiles() {
            Some(factory) => engine = engine.factory(factory),
            None if document.has_provider_of("auth-profiles") => {
                let missing =
                    "the environment names no home folder; set HOME, or name it in passEnv";
                return Err(unusable(format!("has auth-profiles, and {missing}")));
            }
            None => {}
        }
        let audit = match (audit, document.gateway()?.audit) {
            (None, Some(path)) => {
                let sink: Arc<dyn AuditSink> = Arc::new(FileAudit::new(path));
                Some((sink, AuditPolicy::default()))
            }
            (audit, _) => audit,
        };
        if let Some((sink, policy)) = audit {
            engine = engine.audit(sink, policy);
        }
        if let Some(store) = &store {
            engine = engine.store(store.clone());
        }
        let engine = engine.build().map_err(|error| unusable(error.to_string()))?;
        let (configuration, bindings) = (configuration(&document)?, document.bindings()?);
        let report = engine.configure(configuration).await;
        let report = report.map_err(|error| unusable(error.to_string()))?;
        Ok(CredentialHost::new(engine, document, bindings, store, clock, report.failed))
    }
}

/// Every provider this workspace has.
fn bundled(engine: EngineBuilder) -> EngineBuilder {
    let http = Arc::new(LazyHttp::new());
    let metadata = Arc::new(LazyHttp::for_metadata());
    let (files, environment) = (Arc::new(SystemFiles), Arc::new(SystemEnvironment));
    engine
        .factory(FileFactory)
        .factory(KeychainFactory::new(Environment::of_this_process()))
        .factory(OAuthFactory::new(http.clone()))
        .factory(McpFactory::new(http.clone()))
        .factory(VolcengineFactory::new(http, metadata, files, environment))
        .factory(LoginFactory::new(LoginEnvironment::of_this_process()))
}

/// What the engine reads of a document.
pub(crate) fn configuration(document: &Document) -> Result<Configuration, DocumentError> {
    let mut value = document.value().clone();
    openclaw::without_issuers(&mut value);
    document.with_paths_beside(&mut value);
    let read = Configuration::from_deserializer(value);
    read.map_err(|error| DocumentError::new(error.path(), error.problem()))
}

fn secret_refs(document: &Document, clock: Arc<dyn Clock>) -> Result<SecretRefs, DocumentError> {
    let section = match document.value().get("secrets") {
        Some(section) => SecretsConfiguration::read("secrets", section),
        None => Ok(SecretsConfiguration::default()),
    };
    let section = section.map_err(|error| DocumentError::new("secrets", error.to_string()))?;
    Ok(SecretRefs::new(section, Arc::new(Variables), clock)
        .with_store(Arc::new(openclaw::LazySecrets)))
}
