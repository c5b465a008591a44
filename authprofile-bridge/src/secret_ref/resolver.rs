//! [`SecretRefs`]: references in, secrets out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use credential_provider_api::{
    Clock, CredentialError, ErrorCode, SecretRef, SecretRefResolver, SecretSource, Timestamp,
};
use futures::StreamExt as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::configuration::{
    Defaults, EnvSource, SecretsConfiguration, SourceConfiguration, name_of,
};
use super::environment::Environment;
use super::error::{SecretRefError, SecretRefProblem as Problem};
use super::exec::Asking;
use super::file;
use super::grammar::{check_alias, check_id};
use super::program::{Programs, SystemPrograms};
use super::store::SecretStore;
use super::wiped::accept;

/// Resolves references as the `secrets` section says; see the [module's page](super).
pub struct SecretRefs {
    configuration: SecretsConfiguration,
    environment: Arc<dyn Environment>,
    programs: Arc<dyn Programs>,
    store: Option<Arc<dyn SecretStore>>,
    clock: Arc<dyn Clock>,
}

/// As long as a file may take.
const STORE_LIMIT: Duration = Duration::from_secs(5);

/// One source and alias, and the ids wanted of it, each once.
struct Group {
    source: SecretSource,
    alias: String,
    ids: BTreeSet<String>,
}

type Found = BTreeMap<(&'static str, String, String), Result<SecretString, Problem>>;

impl SecretRefs {
    /// A resolver that starts programs of this machine and has no store.
    #[must_use]
    pub fn new(
        configuration: SecretsConfiguration,
        environment: Arc<dyn Environment>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let programs = Arc::new(SystemPrograms::new(clock.clone()));
        Self { configuration, environment, programs, store: None, clock }
    }

    /// With OpenClaw's own store.
    #[must_use]
    pub fn with_store(mut self, store: Arc<dyn SecretStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// With another way to run programs.
    #[must_use]
    pub fn with_programs(mut self, programs: Arc<dyn Programs>) -> Self {
        self.programs = programs;
        self
    }

    /// The default aliases, for [`read_reference`](super::read_reference).
    #[must_use]
    pub fn defaults(&self) -> &Defaults {
        &self.configuration.defaults
    }

    /// The secrets, in the order of `references`; one failing fails no other, unless it is their source
    /// that fails. Dropping the future kills the programs it started.
    pub async fn resolve_all(
        &self,
        references: &[SecretRef],
    ) -> Vec<Result<SecretString, SecretRefError>> {
        let found = self.groups(references);
        let most = self.configuration.limits.groups.max(1);
        let found: Found = futures::stream::iter(found)
            .map(|group| self.group(group))
            .buffer_unordered(most)
            .flat_map(futures::stream::iter)
            .collect()
            .await;
        let answer = |reference: &SecretRef| {
            if !well_formed(reference) {
                return Err(SecretRefError::new(reference, Problem::InvalidReference));
            }
            let alias = self.alias_of(reference).to_owned();
            let place = (name_of(reference.source), alias, reference.id.clone());
            let value = found.get(&place).cloned().unwrap_or(Err(Problem::MissingId));
            value.map_err(|problem| SecretRefError::new(reference, problem))
        };
        references.iter().map(answer).collect()
    }

    fn groups(&self, references: &[SecretRef]) -> Vec<Group> {
        let mut groups: BTreeMap<(&'static str, &str), Group> = BTreeMap::new();
        for reference in references.iter().filter(|reference| well_formed(reference)) {
            let alias = self.alias_of(reference);
            let new = || Group {
                source: reference.source,
                alias: alias.to_owned(),
                ids: BTreeSet::new(),
            };
            let group = groups.entry((name_of(reference.source), alias)).or_insert_with(new);
            group.ids.insert(reference.id.clone());
        }
        groups.into_values().collect()
    }

    /// The alias that is meant. A reference without one reads as `default`: unless a source of that
    /// name and kind is configured, `secrets.defaults` says which.
    fn alias_of<'a>(&'a self, reference: &'a SecretRef) -> &'a str {
        let alias = reference.provider.as_str();
        let own = self.configuration.sources.get(alias);
        if alias != "default" || own.is_some_and(|own| own.is_of(reference.source)) {
            return alias;
        }
        self.configuration.defaults.alias(reference.source)
    }

    async fn group(
        &self,
        group: Group,
    ) -> Vec<((&'static str, String, String), Result<SecretString, Problem>)> {
        let Group { source, alias, ids } = group;
        let ids: Vec<String> = ids.into_iter().collect();
        let values = if ids.len() > self.configuration.limits.ids {
            Err(Problem::TooManyIds)
        } else {
            self.values(source, &alias, ids.clone()).await
        };
        let values = values.unwrap_or_else(|problem| vec![Err(problem); ids.len()]);
        let place = |id| (name_of(source), alias.clone(), id);
        ids.into_iter().map(place).zip(values).collect()
    }

    async fn values(
        &self,
        source: SecretSource,
        alias: &str,
        ids: Vec<String>,
    ) -> Result<Vec<Result<SecretString, Problem>>, Problem> {
        use SourceConfiguration as C;
        let implied = alias == self.configuration.defaults.alias(source);
        let configured = self.configuration.sources.get(alias);
        match (source, configured) {
            (SecretSource::Env, Some(C::Env(env))) => Ok(self.variables(env, &ids)),
            (SecretSource::Env, None) if implied => Ok(self.variables(&EnvSource::default(), &ids)),
            (SecretSource::File, Some(C::File(source))) => {
                file::resolve(source, ids, &*self.clock).await
            }
            (SecretSource::Exec, Some(C::Exec(source))) => {
                let asking = Asking {
                    alias,
                    source,
                    environment: &*self.environment,
                    programs: &self.programs,
                    clock: &*self.clock,
                    batch_bytes: self.configuration.limits.batch_bytes,
                };
                asking.resolve(ids).await
            }
            (SecretSource::Store, Some(C::Store)) => self.entries(ids).await,
            (SecretSource::Store, None) if implied => self.entries(ids).await,
            (SecretSource::Exec, Some(C::Plugin)) | (_, Some(C::Unknown)) => {
                Err(Problem::NotSupported)
            }
            (_, Some(_)) => Err(Problem::SourceMismatch),
            (_, None) => Err(Problem::NotConfigured),
        }
    }

    fn variables(&self, env: &EnvSource, ids: &[String]) -> Vec<Result<SecretString, Problem>> {
        let value = |name: &String| {
            if env.allowlist.as_ref().is_some_and(|allowed| !allowed.contains(name)) {
                return Err(Problem::NotAllowlisted);
            }
            let value = self.environment.variable(name).ok_or(Problem::VariableMissing)?;
            if value.expose_secret().trim().is_empty() {
                return Err(Problem::VariableMissing);
            }
            accept(value.expose_secret())
        };
        ids.iter().map(value).collect()
    }

    async fn entries(
        &self,
        ids: Vec<String>,
    ) -> Result<Vec<Result<SecretString, Problem>>, Problem> {
        let store = self.store.clone().ok_or(Problem::NoStore)?;
        let deadline = self.clock.now().plus(STORE_LIMIT);
        let late = CredentialError::new(ErrorCode::Timeout, "the secret store did not answer");
        let read = move || store.read(&ids).map_err(Problem::Store);
        let found = blocking(read, &*self.clock, deadline, Problem::Store(late)).await??;
        let value = |found: Option<SecretString>| {
            found.ok_or(Problem::EntryMissing).and_then(|value| accept(value.expose_secret()))
        };
        Ok(found.into_iter().map(value).collect())
    }
}

#[async_trait]
impl SecretRefResolver for SecretRefs {
    async fn resolve(
        &self,
        references: &[SecretRef],
    ) -> Vec<Result<SecretString, CredentialError>> {
        let found = self.resolve_all(references).await;
        found.into_iter().map(|value| value.map_err(CredentialError::from)).collect()
    }
}

impl fmt::Debug for SecretRefs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretRefs")
            .field("configuration", &self.configuration)
            .finish_non_exhaustive()
    }
}

fn well_formed(reference: &SecretRef) -> bool {
    check_alias(&reference.provider) && check_id(reference.source, &reference.id)
}

/// `work` on a thread that may block, until `deadline`.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
    clock: &dyn Clock,
    deadline: Timestamp,
    late: Problem,
) -> Result<T, Problem> {
    tokio::select! {
        biased;
        done = tokio::task::spawn_blocking(work) => done.map_err(|_| {
            Problem::Store(CredentialError::new(ErrorCode::Internal, "a reader panicked"))
        }),
        () = clock.sleep_until(deadline) => Err(late),
    }
}
