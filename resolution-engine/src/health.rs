//! Health on a schedule.

use std::sync::{Arc, Weak};
use std::time::Duration;

use credential_provider_api::{
    Capability, CredentialError, CredentialId, CredentialRef, Event, EventKind, Health,
    HealthStatus, Interaction, Key, Request, Scope,
};

use crate::core::Core;
use crate::flight::guarded;
use crate::registry::Registered;

/// Checks every provider that can be checked, again and again, and tells the result as an event.
pub(crate) async fn run(core: Weak<Core>, every: Duration) {
    let Some((stop, clock)) = core.upgrade().map(|c| (c.stop.clone(), c.clock.clone())) else {
        return;
    };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep_until(clock.now().plus(every)) => {}
        }
        let Some(core) = core.upgrade() else { return };
        for registered in core.registry.all() {
            if !registered.provider.descriptor().capabilities.contains(&Capability::Check) {
                continue;
            }
            let checked = check_provider(&core, &registered).await;
            let checked = checked.unwrap_or_else(|error| {
                Some(Health::new(HealthStatus::Failing, error.code().as_str()))
            });
            let Some(health) = checked else { continue };
            let provider = registered.provider.descriptor().id.clone();
            let kind = EventKind::HealthChecked { provider, health };
            core.events.send(Event::new(core.clock.now(), kind));
        }
    }
}

/// Checks the source itself, by its first credential that belongs to no session; `None` if all do.
pub(crate) async fn check_provider(
    core: &Arc<Core>,
    registered: &Arc<Registered>,
) -> Result<Option<Health>, CredentialError> {
    let descriptor = registered.provider.descriptor();
    // What belongs to a session can only be checked in one.
    let gateway = descriptor.credentials.iter().find(|c| c.scope == Scope::Gateway);
    let Some(described) = gateway else { return Ok(None) };
    let stem = described.id.as_str().trim_end_matches('*');
    let id = CredentialId::new(if stem.is_empty() { "check" } else { stem })?;
    let key = Key::gateway(&CredentialRef::new(descriptor.id.clone(), id));
    let call = async |request: &Request| registered.provider.check(request, None).await.map(Some);
    guarded(core, &key, Interaction::Forbidden, &core.stop, call).await
}
