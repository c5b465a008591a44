//! The providers of an engine, each with a generation.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use arc_swap::ArcSwap;
use credential_provider_api::{CredentialProvider, ProviderId, Settings};
use tokio_util::sync::CancellationToken;

use crate::entry::Entry;
use crate::flight::Calls;
use crate::sync::lock;

/// A provider in service.
pub(crate) struct Registered {
    pub(crate) provider: Arc<dyn CredentialProvider>,
    pub(crate) generation: u64,
    pub(crate) calls: Calls,
    /// Renewals that wait for room.
    pub(crate) backlog: Mutex<VecDeque<Weak<Entry>>>,
    /// The settings it was built from; `None` if it came from code.
    pub(crate) settings: Option<Settings>,
    /// Cancelled when it is replaced or removed.
    pub(crate) retired: CancellationToken,
}

#[derive(Default)]
pub(crate) struct Registry {
    providers: ArcSwap<BTreeMap<ProviderId, Arc<Registered>>>,
    generations: AtomicU64,
    writing: Mutex<()>,
}

impl Registry {
    pub(crate) fn get(&self, id: &ProviderId) -> Option<Arc<Registered>> {
        self.providers.load().get(id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Registered>> {
        self.providers.load().values().cloned().collect()
    }

    /// Puts a provider in service; returns it and the one it replaces.
    pub(crate) fn put(
        &self,
        provider: Arc<dyn CredentialProvider>,
        calls: Calls,
        settings: Option<Settings>,
    ) -> (Arc<Registered>, Option<Arc<Registered>>) {
        let _writing = lock(&self.writing);
        let id = provider.descriptor().id.clone();
        let generation = self.generations.fetch_add(1, Ordering::Relaxed) + 1;
        let registered = Arc::new(Registered {
            provider,
            generation,
            calls,
            backlog: Mutex::default(),
            settings,
            retired: CancellationToken::new(),
        });
        let mut providers = (**self.providers.load()).clone();
        let replaced = providers.insert(id, registered.clone());
        self.providers.store(Arc::new(providers));
        if let Some(old) = &replaced {
            old.retired.cancel();
        }
        (registered, replaced)
    }

    pub(crate) fn remove(&self, id: &ProviderId) -> Option<Arc<Registered>> {
        let _writing = lock(&self.writing);
        let mut providers = (**self.providers.load()).clone();
        let removed = providers.remove(id);
        self.providers.store(Arc::new(providers));
        if let Some(old) = &removed {
            old.retired.cancel();
        }
        removed
    }
}
