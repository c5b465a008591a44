//! [`CredentialHost`]: an engine on a configuration file.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use credential_provider_api::{Clock, ConfigError, GrantStore, ProviderId};
use resolution_engine::injection::{Bindings, Injector};
use resolution_engine::{ReloadReport, ResolutionEngine};
use tokio_util::task::TaskTracker;

use crate::builder::{HostBuilder, configuration};
use crate::document::{Document, DocumentError};

/// Who the `credentials` command is, in the access rules.
pub const CLI: &str = "cli:credentials";

/// Who renews when a person says so. It hands nothing out.
pub(crate) const CONSOLE: &str = "console:operations";

/// An engine on a configuration file, with its store.
///
/// Two of them on one file, in two processes, share grants and leases through the store.
pub struct CredentialHost {
    engine: ResolutionEngine,
    store: Option<Arc<dyn GrantStore>>,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
    /// Held by the one reload that is under way.
    reloading: Arc<tokio::sync::Mutex<()>>,
    /// Reloads, whoever still waits for them.
    tasks: TaskTracker,
}

struct State {
    document: Document,
    injector: Injector,
    failed: BTreeMap<ProviderId, ConfigError>,
}

impl CredentialHost {
    /// A host on `document`.
    pub fn builder(document: Document) -> HostBuilder {
        HostBuilder::new(document)
    }

    pub(crate) fn new(
        engine: ResolutionEngine,
        document: Document,
        bindings: Bindings,
        store: Option<Arc<dyn GrantStore>>,
        clock: Arc<dyn Clock>,
        failed: Vec<(ProviderId, ConfigError)>,
    ) -> Self {
        let injector = Injector::new(bindings);
        let state = State { document, injector, failed: failed.into_iter().collect() };
        let (state, reloading) = (Arc::new(Mutex::new(state)), Arc::default());
        Self { engine, store, clock, state, reloading, tasks: TaskTracker::new() }
    }

    /// The engine.
    #[must_use]
    pub const fn engine(&self) -> &ResolutionEngine {
        &self.engine
    }

    /// The store, if one is configured.
    #[must_use]
    pub const fn store(&self) -> Option<&Arc<dyn GrantStore>> {
        self.store.as_ref()
    }

    /// The time.
    #[must_use]
    pub const fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The configuration in force.
    #[must_use]
    pub fn document(&self) -> Document {
        self.state().document.clone()
    }

    /// What puts credentials into the environment of one child process, by the section
    /// `credentialBindings` in force. Take it for each call.
    #[must_use]
    pub fn injector(&self) -> Injector {
        self.state().injector.clone()
    }

    /// The providers that could not be built, and why.
    #[must_use]
    pub fn failed(&self) -> BTreeMap<ProviderId, ConfigError> {
        self.state().failed.clone()
    }

    /// Reads the file again and puts into force what changed: providers whose settings are the same
    /// keep their credentials, one that cannot be built stays as it was. Of several at once each begins
    /// after the one before, so that what is in force is what was read last. Cancel-safe: what was begun
    /// is finished. Inside a tokio runtime.
    ///
    /// # Errors
    /// A file that cannot be used, or one that moves the store, the socket, the address or the section
    /// `secrets`, which need a restart: everything stays as it was.
    pub async fn reload(&self) -> Result<ReloadReport, DocumentError> {
        let (engine, state) = (self.engine.clone(), self.state.clone());
        let reloading = self.reloading.clone();
        let put_in_force = async move {
            let _one_at_a_time = reloading.lock().await;
            let before = locked(&state).document.clone();
            let path = before.path().to_owned();
            put_in_force(&engine, &state, &before).await.map_err(|error| error.in_file(&path))
        };
        // On a task of its own, so that nobody who goes leaves it half done.
        let gone = |_| DocumentError::new("the configuration", "was not read: shutting down");
        self.tasks.spawn(put_in_force).await.map_err(gone)?
    }

    /// Waits for exchanges and reloads under way, and ends. Cancel-safe.
    pub async fn shutdown(&self) {
        self.engine.shutdown().await;
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

async fn put_in_force(
    engine: &ResolutionEngine,
    state: &Mutex<State>,
    before: &Document,
) -> Result<ReloadReport, DocumentError> {
    let path = before.path().to_owned();
    let read = tokio::task::spawn_blocking(move || Document::read(path)).await;
    let gone = |_| DocumentError::new("the configuration", "was not read: shutting down");
    let document = read.map_err(gone)??;
    for section in ["credentialStore", "credentialGateway", "secrets"] {
        if document.value().get(section) != before.value().get(section) {
            return Err(DocumentError::new(section, "has changed: restart to put it in force"));
        }
    }
    let bindings = document.bindings()?;
    let report = engine.configure(configuration(&document)?).await;
    let report =
        report.map_err(|error| DocumentError::new("the configuration", error.to_string()))?;
    let mut state = locked(state);
    state.document = document;
    state.injector = state.injector.clone().with_bindings(bindings);
    state.failed = report.failed.iter().cloned().collect();
    Ok(report)
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for CredentialHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialHost").field("document", &self.document()).finish_non_exhaustive()
    }
}
