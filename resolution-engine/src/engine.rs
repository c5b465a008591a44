//! [`ResolutionEngine`] and its builder.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use credential_provider_api::{
    AuditSink, Clock, ConsumerName, CredentialError, CredentialProvider, Detail, ErrorCode,
    FactoryContext, FlowId, GrantStore, ProviderFactory, Random, SecretRefResolver,
};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::{Access, AccessRules};
use crate::admin::Administrator;
use crate::audit::{Audit, AuditPolicy};
use crate::clock::SystemClock;
use crate::configuration::{Configuration, Factories, ReloadReport};
use crate::consumer::{Consumer, Identity};
use crate::core::{Bounded, Core};
use crate::counters::{CounterSnapshot, Counters};
use crate::entry::{Table, Withdrawal};
use crate::events::{EventStream, Events};
use crate::flight::WaitGraph;
use crate::flows::{Flows, SignInFlow};
use crate::handle::Handles;
use crate::random::SystemRandom;
use crate::registry::Registry;
use crate::schedule::{self, Scheduler};
use crate::tuning::Tuning;

/// One authority for the credentials of a host. Cheap to clone; all clones are one engine.
///
/// End it with [`shutdown`](Self::shutdown): exchanges under way are waited for. An engine that is
/// merely dropped stops its tasks when they next look.
#[derive(Clone)]
pub struct ResolutionEngine {
    core: Arc<Core>,
    factories: Arc<Factories>,
}

impl ResolutionEngine {
    /// Starts putting an engine together.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// Mints the right to ask as `name`. Only the host has an engine, so only the host mints.
    ///
    /// # Errors
    /// `configuration_invalid` if the name is not `class:name`, or of the class `provider`, which is
    /// the engine's own.
    pub fn consumer(&self, name: &str) -> Result<Consumer, CredentialError> {
        let name = ConsumerName::new(name)
            .map_err(|problem| CredentialError::new(ErrorCode::ConfigurationInvalid, problem))?;
        if matches!(name.class(), "provider" | "administrator") {
            let detail = "the classes provider and administrator are the engine's own";
            return Err(CredentialError::new(ErrorCode::ConfigurationInvalid, detail));
        }
        let bit = self.core.access.bit(&name);
        Ok(Consumer { core: self.core.clone(), identity: Arc::new(Identity { name, bit }) })
    }

    /// The right to list, revoke, end and sign in for others.
    #[must_use]
    pub fn administrator(&self) -> Administrator {
        Administrator { core: self.core.clone() }
    }

    /// Puts providers and rules as configured in place of those configured before. Providers and
    /// rules from code stay. Cancel-safe: the reload goes on.
    ///
    /// # Errors
    /// `shut_down`. What is wrong with one provider is in the report, and fails no other.
    pub async fn configure(
        &self,
        configuration: Configuration,
    ) -> Result<ReloadReport, CredentialError> {
        self.core.check_running()?;
        let (core, factories) = (self.core.clone(), self.factories.clone());
        let applied = self.core.own(async move { factories.apply(&core, configuration).await });
        applied.await.ok_or_else(|| CredentialError::new(ErrorCode::ShutDown, ""))
    }

    /// Adds a provider from code, or replaces the one of the same id.
    pub fn register(&self, provider: Arc<dyn CredentialProvider>) {
        self.core.put_in_service(provider, None);
    }

    /// The sign-in of this name, for a callback that carries its `state`.
    #[must_use]
    pub fn sign_in_flow(&self, id: &FlowId) -> Option<SignInFlow> {
        SignInFlow::find(&self.core, id)
    }

    /// Events from now on.
    #[must_use]
    pub fn events(&self) -> EventStream {
        self.core.events.subscribe()
    }

    /// What was counted, and how much is held now.
    #[must_use]
    pub fn counters(&self) -> CounterSnapshot {
        let core = &*self.core;
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        CounterSnapshot {
            entries: count(core.table.len()),
            sessions: count(core.table.sessions()),
            waiters: count(core.waiters.count()),
            handles: count(core.handles.bound.count()),
            flows: count(core.flows.pending.count()),
            ..core.counters.snapshot()
        }
    }

    /// Stops taking requests, gives up calls that can be given up, waits for exchanges that cannot,
    /// and joins every task. Cancel-safe and repeatable: every caller sees the real end.
    ///
    /// A provider that never ends a committed exchange delays this for ever; bound it if you must.
    pub async fn shutdown(&self) {
        self.core.stop.cancel();
        crate::flows::end(&self.core, ErrorCode::ShutDown, |_| true).await;
        self.core.tasks.close();
        self.core.tasks.wait().await;
        // Nothing is served from here on, and no secret stays in memory.
        for entry in self.core.table.all() {
            entry.withdraw(&self.core, Withdrawal::Invalidated);
        }
        self.core.events.close();
    }
}

impl fmt::Debug for ResolutionEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolutionEngine").field("counters", &self.counters()).finish()
    }
}

/// Puts an engine together.
#[derive(Default)]
#[must_use = "call build"]
pub struct EngineBuilder {
    providers: Vec<Arc<dyn CredentialProvider>>,
    factories: Vec<Arc<dyn ProviderFactory>>,
    rules: AccessRules,
    tuning: Tuning,
    clock: Option<Arc<dyn Clock>>,
    random: Option<Arc<dyn Random>>,
    audit: Option<(Arc<dyn AuditSink>, AuditPolicy)>,
    store: Option<Arc<dyn GrantStore>>,
    secret_refs: Option<Arc<dyn SecretRefResolver>>,
    #[cfg(feature = "redaction")]
    redactor: Option<crate::Redactor>,
    runtime: Option<Handle>,
}

impl EngineBuilder {
    /// A provider from code.
    pub fn provider(mut self, provider: impl CredentialProvider + 'static) -> Self {
        self.providers.push(Arc::new(provider));
        self
    }

    /// A factory for providers from configuration.
    pub fn factory(mut self, factory: impl ProviderFactory + 'static) -> Self {
        self.factories.push(Arc::new(factory));
        self
    }

    /// Who may have what. Without rules nobody may have anything.
    pub fn access(mut self, rules: AccessRules) -> Self {
        self.rules = rules;
        self
    }

    /// Other limits and windows than the defaults.
    pub fn tuning(mut self, tuning: Tuning) -> Self {
        self.tuning = tuning;
        self
    }

    /// Another clock than the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Another randomness than the system's.
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = Some(random);
        self
    }

    /// Where the audit trail goes, and what happens if it cannot.
    pub fn audit(mut self, sink: Arc<dyn AuditSink>, policy: AuditPolicy) -> Self {
        self.audit = Some((sink, policy));
        self
    }

    /// Where configured providers keep grants; each sees its own.
    pub fn store(mut self, store: Arc<dyn GrantStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// What resolves SecretRefs in settings.
    pub fn secret_refs(mut self, resolver: Arc<dyn SecretRefResolver>) -> Self {
        self.secret_refs = Some(resolver);
        self
    }

    /// What masks the secrets of every credential this engine publishes or hands out, from before
    /// anybody can have it. Nothing by default.
    #[cfg(feature = "redaction")]
    pub fn redactor(mut self, redactor: crate::Redactor) -> Self {
        self.redactor = Some(redactor);
        self
    }

    /// The runtime for the engine's tasks; otherwise the one `build` is called in.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// The engine, its scheduler running.
    ///
    /// # Errors
    /// `configuration_invalid` if there is no runtime to run on, or two providers share an id.
    pub fn build(self) -> Result<ResolutionEngine, CredentialError> {
        let invalid =
            |detail: Detail| CredentialError::new(ErrorCode::ConfigurationInvalid, detail);
        let runtime = match self.runtime {
            Some(runtime) => runtime,
            None => Handle::try_current().map_err(|_| {
                invalid("build is called inside a tokio runtime, or given one".into())
            })?,
        };
        let mut seen = std::collections::BTreeSet::new();
        for provider in &self.providers {
            let id = &provider.descriptor().id;
            if !seen.insert(id.clone()) {
                return Err(invalid(Detail::composed(format!("two providers are called {id}"))));
            }
        }
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));
        let random = self.random.unwrap_or_else(|| Arc::new(SystemRandom::new()));
        let (sink, policy) = self.audit.map_or((None, AuditPolicy::Deny), |(s, p)| (Some(s), p));
        let tuning = self.tuning;
        let started = clock.now();
        let core = Arc::new(Core {
            clock: clock.clone(),
            random: random.clone(),
            runtime,
            table: Table::new(),
            registry: Registry::default(),
            access: Access::new(self.rules.clone()),
            audit: Audit { sink, policy },
            handles: Handles::new(tuning.handles),
            flows: Flows::new(tuning.flows),
            scheduler: Scheduler::new(clock.clone(), started),
            events: Events::new(tuning.event_buffer),
            counters: Counters::default(),
            waits: WaitGraph::default(),
            #[cfg(feature = "redaction")]
            redactor: self.redactor,
            waiters: Bounded::new("waiters", tuning.waiters),
            calls: Arc::new(Semaphore::new(tuning.calls)),
            freed: Arc::new(Notify::new()),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            started,
            revisions: AtomicU64::new(1),
            flights: AtomicU64::new(1),
            tuning,
        });
        for provider in self.providers {
            core.put_in_service(provider, None);
        }
        core.tasks.spawn_on(schedule::run(Arc::downgrade(&core)), &core.runtime);
        if let Some(every) = core.tuning.health_every {
            core.tasks.spawn_on(crate::health::run(Arc::downgrade(&core), every), &core.runtime);
        }
        let mut context = FactoryContext::new(clock, random);
        if let Some(store) = self.store {
            context = context.with_store(store);
        }
        if let Some(resolver) = self.secret_refs {
            context = context.with_secret_refs(resolver);
        }
        let factories = Factories { factories: self.factories, context, rules: self.rules };
        Ok(ResolutionEngine { core, factories: Arc::new(factories) })
    }
}
