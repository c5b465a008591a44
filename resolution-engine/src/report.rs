//! What consumers saw.

use std::sync::Arc;

use credential_provider_api::{
    Capability, Credential, CredentialError, ErrorCode, Hint, Observation, Outcome, Request,
};

use crate::consumer::Consumer;
use crate::core::Core;
use crate::entry::{Entry, Served};
use crate::resolve::Wanted;

pub(crate) fn report(
    consumer: &Consumer,
    wanted: &Wanted,
    credential: &Arc<Credential>,
    outcome: Outcome,
    hint: Hint,
) -> Result<(), CredentialError> {
    let core = &consumer.core;
    let key = core.authorize(&consumer.identity, wanted)?;
    let Some(revision) = credential.revision() else {
        let detail = "the credential was not handed out by an engine";
        return Err(CredentialError::new(ErrorCode::Internal, detail));
    };
    let Some(named) = core.table.get(&key) else {
        return Ok(());
    };
    // Where the source chose among accounts, the report is about the account it chose.
    let entry = std::iter::once(named.clone())
        .chain(named.selected().into_iter().filter_map(|id| {
            let mut chosen = key.clone();
            chosen.credential = id;
            core.table.get(&chosen)
        }))
        .find(|entry| entry.served(credential) == Served::Yes);
    // Replaced since, or never cached: the books are kept all the same. What a choosing source has
    // chosen and dropped again is not known any more.
    let entry = match entry {
        Some(entry) => entry,
        None if named.selected().is_empty() => named,
        None => return Ok(()),
    };
    if outcome == Outcome::Rejected {
        entry.reject(core, revision);
    }
    pass_on(core, &entry, Observation::new(revision, outcome), hint);
    Ok(())
}

/// Tells the provider, if it keeps books.
fn pass_on(core: &Arc<Core>, entry: &Arc<Entry>, observation: Observation, hint: Hint) {
    let Some(registered) = core.registry.get(&entry.key().provider) else {
        return;
    };
    if !registered.provider.descriptor().capabilities.contains(&Capability::Report) {
        return;
    }
    let (core, key) = (core.clone(), entry.key().clone());
    let runtime = core.runtime.clone();
    let tasks = core.tasks.clone();
    tasks.spawn_on(
        async move {
            let request = Request::new(key, core.clock.clone()).with_hint(hint);
            let limit = core.clock.sleep_until(core.clock.now().plus(core.tuning.fetch_limit));
            let kept = tokio::select! {
                kept = registered.provider.report(&request, &observation) => kept.is_ok(),
                () = limit => false,
                () = core.stop.cancelled() => false,
            };
            if !kept {
                core.counters.report_failures.add(1);
            }
        },
        &runtime,
    );
}
