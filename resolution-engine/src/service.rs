//! Putting providers in service and out of it.

use std::sync::{Arc, Weak};

use credential_provider_api::{Change, CredentialProvider, Event, EventKind, ProviderId, Settings};
use futures::StreamExt as _;

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
            self.withdraw_provider(&id);
        }
        let generation = Some(registered.generation);
        self.tell_provider(id, generation);
        let changes = registered.provider.changes();
        let follow = follow(Arc::downgrade(self), registered.clone(), changes);
        self.tasks.spawn_on(follow, &self.runtime);
        registered
    }

    /// Takes a provider out of service; what it issued is withdrawn.
    pub(crate) fn take_out_of_service(&self, id: &ProviderId) {
        if self.registry.remove(id).is_some() {
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
            change = changes.next() => change,
            () = registered.retired.cancelled() => None,
            () = stop.cancelled() => None,
        };
        let (Some(change), Some(core)) = (change, core.upgrade()) else {
            return;
        };
        match change {
            Change::Key(key) => {
                if let Some(entry) = core.table.get(&key) {
                    entry.withdraw(&core, Withdrawal::Invalidated);
                }
            }
            _ => {
                let id = &registered.provider.descriptor().id;
                for entry in core.table.all() {
                    if entry.key().provider == *id {
                        entry.withdraw(&core, Withdrawal::Invalidated);
                    }
                }
            }
        }
    }
}
