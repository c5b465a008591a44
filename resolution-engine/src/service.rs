//! Putting providers in service and out of it.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};

use credential_provider_api::{
    Change, CredentialProvider, Event, EventKind, Key, NoChanges, ProviderId, Settings,
};
use futures::{FutureExt as _, StreamExt as _};

use crate::core::Core;
use crate::entry::Withdrawal;
use crate::flight::Calls;
use crate::registry::Registered;

impl Core {
    /// Puts `provider` in service under its id, in place of the one before.
    pub(crate) fn put_in_service(
        self: &Arc<Self>,
        provider: Arc<dyn CredentialProvider>,
        settings: Option<Settings>,
    ) -> Arc<Registered> {
        let (all, tuning) = (self.calls.clone(), &self.tuning);
        let calls = Calls::new(all, tuning.calls, tuning.calls_per_provider, self.freed.clone());
        let (registered, replaced) = self.registry.put(provider, calls, settings);
        let id = registered.provider.descriptor().id.clone();
        if replaced.is_some() {
            crate::flows::retire(self, &id);
            self.withdraw_provider(&id);
        }
        for entry in self.table.all() {
            entry.forgive();
        }
        let generation = Some(registered.generation);
        self.tell_provider(id, generation);
        let provider = registered.provider.clone();
        let changes = std::panic::catch_unwind(AssertUnwindSafe(move || provider.changes()));
        let changes = changes.unwrap_or_else(|_| {
            self.counters.panics.add(1);
            Box::pin(NoChanges)
        });
        let follow = follow(Arc::downgrade(self), registered.clone(), changes);
        self.tasks.spawn_on(follow, &self.runtime);
        registered
    }

    /// Takes a provider out of service; what it issued is withdrawn.
    pub(crate) fn take_out_of_service(self: &Arc<Self>, id: &ProviderId) {
        if self.registry.remove(id).is_some() {
            crate::flows::retire(self, id);
            self.withdraw_provider(id);
            self.tell_provider(id.clone(), None);
        }
    }

    fn withdraw_provider(&self, id: &ProviderId) {
        for entry in self.table.all() {
            if entry.key().provider == *id {
                entry.withdraw(self, Withdrawal::ProviderChanged);
            }
        }
    }

    fn tell_provider(&self, provider: ProviderId, generation: Option<u64>) {
        let kind = EventKind::ProviderChanged { provider, generation };
        self.events.send(Event::new(self.clock.now(), kind));
    }
}

/// Follows what changes outside, for as long as the provider is in service.
async fn follow(
    core: Weak<Core>,
    registered: Arc<Registered>,
    mut changes: credential_provider_api::Changes,
) {
    let Some(stop) = core.upgrade().map(|core| core.stop.clone()) else {
        return;
    };
    loop {
        let change = tokio::select! {
            change = AssertUnwindSafe(changes.next()).catch_unwind() => change.unwrap_or_else(|_| {
                if let Some(core) = core.upgrade() {
                    core.counters.panics.add(1);
                }
                None
            }),
            () = registered.retired.cancelled() => None,
            () = stop.cancelled() => None,
        };
        let (Some(change), Some(core)) = (change, core.upgrade()) else {
            return;
        };
        let provider = &registered.provider.descriptor().id;
        if let Change::Renewed(key, revision) = &change {
            let entry = Some(key).filter(|key| key.provider == *provider);
            if let Some(entry) = entry.and_then(|key| core.table.get(key)) {
                entry.superseded(&core, *revision);
            }
            continue;
        }
        for (key, withdrawal) in affected(&core, provider, &change) {
            if let Some(entry) = core.table.get(&key) {
                entry.withdraw(&core, withdrawal);
            }
        }
    }
}

/// The keys a change is about. A provider speaks of its own only.
fn affected(core: &Core, provider: &ProviderId, change: &Change) -> Vec<(Key, Withdrawal)> {
    let (test, withdrawal): (&dyn Fn(&Key) -> bool, Withdrawal) = match change {
        Change::Key(key) => (&move |own: &Key| own == key, Withdrawal::Invalidated),
        Change::Credential(id) => {
            (&move |own: &Key| own.credential == *id, Withdrawal::Invalidated)
        }
        Change::SignedIn(key) => (&move |own: &Key| same_login(own, key), Withdrawal::SignedIn),
        Change::SignedOut(key) => (&move |own: &Key| same_login(own, key), Withdrawal::SignedOut),
        Change::Revoked(key) => (&move |own: &Key| own == key, Withdrawal::Revoked),
        _ => (&|_: &Key| true, Withdrawal::Invalidated),
    };
    let entries = core.table.all();
    let own = entries.iter().map(|entry| entry.key()).filter(|key| key.provider == *provider);
    own.filter(|key| test(key)).map(|key| (key.clone(), withdrawal)).collect()
}

/// Whether two keys are variants that one sign-in serves.
pub(crate) fn same_login(one: &Key, other: &Key) -> bool {
    one.provider == other.provider
        && one.credential == other.credential
        && one.session == other.session
}
