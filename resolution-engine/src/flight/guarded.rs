//! A provider call outside a flight (check, revoke, sign-in, …) under the same guards: call limits,
//! fetch limit, commit, panic.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use credential_provider_api::{
    CommitGate, CredentialError, ErrorCode, Hint, Interaction, Key, Request,
};
use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::permit::PermitSlot;
use super::run::{Limited, limited};
use super::source::FlightSource;
use crate::consumer::Identity;
use crate::core::Core;
use crate::entry::Edge;
use crate::sync::lock;

/// Calls a provider about `key` until it answers, meets the fetch limit or `stop`. Run it on a task
/// of the engine: a committed exchange must not be dropped.
pub(crate) async fn guarded<T>(
    core: &Arc<Core>,
    key: &Key,
    interaction: Interaction,
    stop: &CancellationToken,
    call: impl AsyncFnOnce(&Request) -> Result<T, CredentialError>,
) -> Result<T, CredentialError> {
    guarded_deriving(core, key, interaction, stop, call).await.0
}

/// The same, and what the call depended on.
pub(crate) async fn guarded_deriving<T>(
    core: &Arc<Core>,
    key: &Key,
    interaction: Interaction,
    stop: &CancellationToken,
    call: impl AsyncFnOnce(&Request) -> Result<T, CredentialError>,
) -> (Result<T, CredentialError>, Vec<Edge>) {
    let fail = |code| CredentialError::new(code, "").about(&key.reference());
    let deadline = core.clock.now().plus(core.tuning.fetch_limit);
    let permit = core.registry.get(&key.provider);
    let permit = permit.map(|r| Arc::new(PermitSlot::new(r.calls.clone(), None)));
    if let Some(permit) = &permit {
        tokio::select! {
            biased;
            () = permit.take() => {}
            () = stop.cancelled() => return (Err(fail(ErrorCode::Cancelled)), Vec::new()),
            () = core.clock.sleep_until(deadline) => {
                return (Err(fail(ErrorCode::Timeout)), Vec::new());
            }
        }
    }
    let edges = Arc::new(Mutex::new(Vec::new()));
    let gate = CommitGate::new();
    let source = FlightSource {
        core: core.clone(),
        identity: Arc::new(Identity::of_provider(&key.provider)),
        session: key.session.clone(),
        node: core.next_flight(),
        depth: 0,
        deadline,
        interaction,
        hint: Hint::default(),
        permit: permit.clone(),
        edges: edges.clone(),
    };
    let request = Request::new(key.clone(), core.clock.clone())
        .with_interaction(interaction)
        .with_deadline(deadline)
        .with_source(Arc::new(source))
        .with_gate(gate.clone());
    let span = tracing::debug_span!("call", provider = %key.provider, credential = %key.credential);
    core.counters.provider_calls.add(1);
    let called = AssertUnwindSafe(call(&request)).catch_unwind().instrument(span);
    let answer = match limited(core, stop, &gate, deadline, called).await {
        Limited::Answered(Ok(answer)) => answer,
        Limited::Answered(Err(_)) => {
            core.counters.panics.add(1);
            Err(fail(ErrorCode::ProviderPanicked))
        }
        Limited::Stopped => Err(fail(ErrorCode::Cancelled)),
        Limited::TooLong => Err(fail(ErrorCode::Timeout)),
    };
    let edges = std::mem::take(&mut *lock(&edges));
    (answer.map_err(|error| error.about(&key.reference())), edges)
}
