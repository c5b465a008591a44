//! [`AuthProfileProviderBuilder`]: a provider built in code.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    Capability, Clock, CredentialDescriptor, CredentialError, CredentialKind, ErrorCode, IdPattern,
    NoSecretRefs, Origin, Placement, ProviderDescriptor, ProviderId, SecretRefResolver,
};

use super::core::{Core, Sqlite, Writing};
use super::surface::AuthProfileProvider;
use crate::openclaw::provider_name::auth_name;
use crate::openclaw::{AgentId, AuthProfileStore, Database, Home};
use crate::renewal::{Lives, ProfileIssuer, Renewer};

/// How long what is behind a SecretRef may be served, unless configured.
const REREAD: Duration = Duration::from_secs(60);

/// What is set for the credentials of one model provider.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct ModelProvider {
    /// Where they may be sent; nowhere unless said.
    pub origins: Vec<Origin>,
    /// Where in a request they go, if not in `Authorization: Bearer`.
    pub placement: Option<Placement>,
    /// The profile that is tried first.
    pub pin: Option<String>,
    /// Who renews its logins.
    pub issuer: Option<Arc<dyn ProfileIssuer>>,
}

impl ModelProvider {
    /// Nothing set yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// They may be sent there.
    #[must_use]
    pub fn origin(mut self, origin: Origin) -> Self {
        self.origins.push(origin);
        self
    }

    /// They go there in a request.
    #[must_use]
    pub fn placement(mut self, placement: Placement) -> Self {
        self.placement = Some(placement);
        self
    }

    /// This profile is tried first, while it is fit.
    #[must_use]
    pub fn pin(mut self, profile: impl Into<String>) -> Self {
        self.pin = Some(profile.into());
        self
    }

    /// This one renews its logins.
    #[must_use]
    pub fn issuer(mut self, issuer: Arc<dyn ProfileIssuer>) -> Self {
        self.issuer = Some(issuer);
        self
    }
}

impl fmt::Debug for ModelProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelProvider")
            .field("origins", &self.origins)
            .field("pin", &self.pin)
            .field("is_renewed", &self.issuer.is_some())
            .finish_non_exhaustive()
    }
}

/// Builds an [`AuthProfileProvider`]. Start with [`AuthProfileProvider::builder`].
#[must_use = "a builder builds nothing until `build`"]
pub struct AuthProfileProviderBuilder {
    id: ProviderId,
    home: Home,
    agent: AgentId,
    display_name: Option<String>,
    writing: Writing,
    database: Option<Arc<dyn Database>>,
    secret_refs: Arc<dyn SecretRefResolver>,
    model_providers: BTreeMap<String, ModelProvider>,
    reread: Duration,
}

impl AuthProfileProviderBuilder {
    pub(crate) fn new(id: ProviderId, home: Home) -> Self {
        Self {
            id,
            writing: if home.read_only { Writing::Forbidden } else { Writing::Allowed },
            home,
            agent: AgentId::main(),
            display_name: None,
            database: None,
            secret_refs: Arc::new(NoSecretRefs),
            model_providers: BTreeMap::new(),
            reread: REREAD,
        }
    }

    /// Whose profiles; the main agent's unless given.
    pub fn agent(mut self, agent: AgentId) -> Self {
        self.agent = agent;
        self
    }

    /// Its name for people.
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// The store is only read: nothing is renewed, and reports are kept in memory.
    pub const fn read_only(mut self) -> Self {
        self.writing = Writing::Forbidden;
        self
    }

    /// How to read SQLite.
    pub fn database(mut self, database: Arc<dyn Database>) -> Self {
        self.database = Some(database);
        self
    }

    /// What resolves the SecretRefs of profiles; none are without it.
    pub fn secret_refs(mut self, resolver: Arc<dyn SecretRefResolver>) -> Self {
        self.secret_refs = resolver;
        self
    }

    /// What is set for a model provider, in place of what was.
    pub fn model_provider(mut self, name: &str, set: ModelProvider) -> Self {
        self.model_providers.insert(auth_name(name), set);
        self
    }

    /// How long what is behind a SecretRef may be served before it is asked for again; 60 s unless
    /// given.
    pub const fn reread(mut self, interval: Duration) -> Self {
        self.reread = interval;
        self
    }

    /// The provider. Reads nothing: the first call does.
    ///
    /// # Errors
    /// `configuration_invalid` says what is wrong.
    pub fn build(self, clock: Arc<dyn Clock>) -> Result<AuthProfileProvider, CredentialError> {
        let wrong =
            |detail: &'static str| CredentialError::new(ErrorCode::ConfigurationInvalid, detail);
        if self.reread.is_zero() {
            return Err(wrong("what is served for no time is never served"));
        }
        let folder = |path: &PathBuf| (!path.as_os_str().is_empty()).then_some(());
        folder(&self.home.state).ok_or_else(|| wrong("the state folder has no name"))?;
        let open = |folder: PathBuf| {
            let mut store = AuthProfileStore::new(folder, Arc::clone(&clock))
                .with_shared_database(self.home.shared_database());
            if let Some(database) = &self.database {
                store = store.with_database(Arc::clone(database));
            }
            if self.writing == Writing::Forbidden { store.read_only() } else { store }
        };
        let own = open(self.home.agent(&self.agent));
        let main = (!self.agent.is_main()).then(|| open(self.home.agent(&AgentId::main())));
        let store = match &main {
            Some(main) => own.clone().inheriting(main.clone()),
            None => own.clone(),
        };
        let issuers = self.model_providers.iter();
        let issuers = issuers
            .filter_map(|(name, set)| Some((name.clone(), Arc::clone(set.issuer.as_ref()?))));
        let lives = Arc::new(Lives::default());
        let renewer = Renewer::new(
            own.clone(),
            main.clone(),
            self.home.state.clone(),
            issuers.collect(),
            Arc::clone(&clock),
            Arc::clone(&lives),
        );
        let name = self.display_name.unwrap_or_else(|| "OpenClaw auth profiles".to_owned());
        let any = CredentialDescriptor::gateway(IdPattern::any(), CredentialKind::ApiKey)
            .or_kind(CredentialKind::Token)
            .or_kind(CredentialKind::OAuth2)
            .with_description("a profile, or a model provider's next one");
        let descriptor = ProviderDescriptor::new(self.id, name)
            .with_credential(any)
            .with_capability(Capability::Changes)
            .with_capability(Capability::Check)
            .with_capability(Capability::List)
            .with_capability(Capability::Report);
        let core = Core {
            descriptor,
            store,
            own,
            main,
            config: self.home.config,
            writing: self.writing,
            sqlite: if self.database.is_some() { Sqlite::Readable } else { Sqlite::Unreadable },
            renewer: Arc::new(renewer),
            lives,
            secret_refs: self.secret_refs,
            model_providers: self.model_providers,
            reread: self.reread,
            clock,
            books: Default::default(),
            ailments: Default::default(),
            beginning: Default::default(),
        };
        Ok(AuthProfileProvider::of(core))
    }
}

impl fmt::Debug for AuthProfileProviderBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthProfileProviderBuilder")
            .field("id", &self.id)
            .field("home", &self.home)
            .field("agent", &self.agent)
            .field("model_providers", &self.model_providers)
            .finish_non_exhaustive()
    }
}
