//! The flight itself: permit, call, limit, retry, settlement.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use credential_provider_api::{
    CommitGate, Credential, CredentialError, ErrorCode, Hint, Interaction, Reason, Request,
    Resolution, Timestamp,
};
use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::Landed;
use super::permit::{CallPermit, PermitSlot};
use super::source::{DEEPEST, FlightSource};
use crate::consumer::Identity;
use crate::core::Core;
use crate::entry::Launch;
use crate::entry::{Cause, Edge, Entry};
use crate::sync::lock;

/// What the flight is told by who started it.
pub(crate) struct Context {
    pub(crate) min_validity: Duration,
    pub(crate) interaction: Interaction,
    pub(crate) hint: Hint,
    /// How deep in a chain of dependencies.
    pub(crate) depth: u8,
    /// A background renewal comes with its permit.
    pub(crate) permit: Option<CallPermit>,
}

/// Starts a flight on a task of the engine.
pub(crate) fn start(core: &Arc<Core>, entry: Arc<Entry>, launch: Launch, context: Context) {
    let span = tracing::debug_span!(
        "flight",
        provider = %entry.key().provider,
        credential = %entry.key().credential,
        cause = ?launch.cause,
    );
    let flown = fly(core.clone(), entry, launch, context).instrument(span);
    core.tasks.spawn_on(flown, &core.runtime);
}

async fn fly(core: Arc<Core>, entry: Arc<Entry>, launch: Launch, context: Context) {
    let edges = Arc::new(Mutex::new(Vec::new()));
    let interaction = context.interaction;
    let flying = attempts(&core, &entry, &launch, context, &edges);
    // The panic's payload is the provider's text: it goes nowhere.
    let landed = AssertUnwindSafe(flying).catch_unwind().await.unwrap_or_else(|_| {
        core.counters.panics.add(1);
        Landed::Failed(CredentialError::new(ErrorCode::ProviderPanicked, ""))
    });
    let edges: Vec<Edge> = std::mem::take(&mut *lock(&edges));
    let outcome = entry.settle(&core, launch.number, landed, &edges, interaction);
    launch.outcome.send_replace(Some(outcome));
}

async fn attempts(
    core: &Arc<Core>,
    entry: &Arc<Entry>,
    launch: &Launch,
    context: Context,
    edges: &Arc<Mutex<Vec<Edge>>>,
) -> Landed {
    let key = entry.key();
    let Some(registered) = core.registry.get(&key.provider) else {
        return Landed::Failed(CredentialError::new(ErrorCode::ProviderNotFound, ""));
    };
    if context.depth > DEEPEST {
        return Landed::Failed(CredentialError::new(ErrorCode::DependencyTooDeep, ""));
    }
    let flight = &launch.flight;
    let permit = Arc::new(PermitSlot::new(registered.calls.clone(), context.permit));
    let mut pause = core.tuning.retry_pause;
    let mut deadline = None;
    for attempt in 1.. {
        tokio::select! {
            biased;
            () = flight.stop.cancelled() => return Landed::Stopped,
            () = permit.take() => {}
        }
        let deadline =
            *deadline.get_or_insert_with(|| core.clock.now().plus(core.tuning.fetch_limit));
        let source = FlightSource {
            core: core.clone(),
            identity: Arc::new(Identity::of_provider(&key.provider)),
            session: key.session.clone(),
            node: flight.node,
            depth: context.depth,
            deadline,
            interaction: context.interaction,
            hint: context.hint.clone(),
            permit: Some(permit.clone()),
            edges: edges.clone(),
        };
        let request = Request::new(key.clone(), core.clock.clone())
            .with_min_validity(context.min_validity)
            .with_interaction(context.interaction)
            .with_hint(context.hint.clone())
            .with_rejected(match launch.cause {
                Cause::Rejected => launch.previous.as_ref().and_then(|c| c.revision()),
                _ => None,
            })
            .with_deadline(deadline)
            .with_source(Arc::new(source))
            .with_gate(flight.gate.clone());
        core.counters.provider_calls.add(1);
        if launch.cause == Cause::Expiring && attempt == 1 {
            core.counters.renewals.add(1);
        }
        let provider = &registered.provider;
        let call = async {
            match (launch.cause, &launch.previous) {
                (Cause::Cold, _) | (_, None) => provider.resolve(&request).await,
                (Cause::Expiring, Some(c)) => provider.refresh(&request, c, why_expiring(c)).await,
                (Cause::Rejected, Some(c)) => provider.refresh(&request, c, Reason::Rejected).await,
                (Cause::TooShort, Some(c)) => provider.refresh(&request, c, Reason::TooShort).await,
            }
        };
        let answer = match limited(core, &flight.stop, &flight.gate, deadline, call).await {
            Limited::Answered(answer) => answer,
            Limited::Stopped => return Landed::Stopped,
            Limited::TooLong => {
                return Landed::Failed(CredentialError::new(ErrorCode::Timeout, ""));
            }
        };
        let error = match answer {
            Ok(resolution) => return landed(resolution),
            Err(error) => error,
        };
        core.counters.provider_failures.add(1);
        let wait = error.retry_after().unwrap_or(Duration::ZERO).max(jittered(core, pause));
        let again = core.clock.now().plus(wait);
        if attempt >= core.tuning.attempts || !retries(&error) || again >= deadline {
            return Landed::Failed(error);
        }
        let paused = permit.pause();
        lock(edges).clear();
        tokio::select! {
            () = flight.stop.cancelled() => return Landed::Stopped,
            () = core.clock.sleep_until(again) => {}
        }
        drop(paused);
        pause = pause.saturating_mul(2);
    }
    Landed::Stopped
}

/// Whether it is the credential that ends, or only the time it may be cached.
fn why_expiring(current: &Credential) -> Reason {
    let served_to_its_end = current
        .expires_at()
        .is_some_and(|end| current.window().until.until(end) <= Duration::from_secs(5));
    if served_to_its_end { Reason::Expiring } else { Reason::Stale }
}

/// Whether trying again within the flight is worth it: not for what a parent already retried.
fn retries(error: &CredentialError) -> bool {
    error.parent().is_none()
        && !error.is_passing()
        && matches!(
            error.code(),
            ErrorCode::Unavailable
                | ErrorCode::Timeout
                | ErrorCode::InvalidResponse
                | ErrorCode::RateLimited
                | ErrorCode::Conflict
                | ErrorCode::StoreLocked
        )
}

fn jittered(core: &Core, pause: Duration) -> Duration {
    pause.saturating_mul(u32::from(core.jitter()) + 256) / 384
}

fn landed(resolution: Resolution) -> Landed {
    match resolution {
        Resolution::Credential(credential) => match credential.validate() {
            Ok(()) => Landed::Credential(credential),
            Err(problem) => Landed::Failed(CredentialError::new(ErrorCode::RedactedValue, problem)),
        },
        Resolution::Unchanged => Landed::Unchanged,
        Resolution::Selected(id) => Landed::Selected(id),
        Resolution::SignIn(step) => {
            let reason = credential_provider_api::ReauthReason::NotSignedIn;
            Landed::Failed(CredentialError::needs_reauth(reason, "").with_step(*step))
        }
        _ => Landed::Failed(CredentialError::new(
            ErrorCode::Internal,
            "this engine does not know the provider's kind of answer",
        )),
    }
}

pub(super) enum Limited<T> {
    Answered(T),
    Stopped,
    TooLong,
}

/// Runs `call` until it answers, is stopped or takes too long. Once it has committed it is run to
/// its end, whatever happens to those who wait.
pub(super) async fn limited<T>(
    core: &Core,
    stop: &CancellationToken,
    gate: &CommitGate,
    deadline: Timestamp,
    call: impl Future<Output = T>,
) -> Limited<T> {
    let mut call = std::pin::pin!(call);
    tokio::select! {
        biased;
        answer = &mut call => return Limited::Answered(answer),
        () = stop.cancelled() => if gate.close() {
            return Limited::Stopped;
        },
        () = core.clock.sleep_until(deadline) => if gate.close() {
            return Limited::TooLong;
        },
    }
    // Committed. When the exchange is over, what little may follow gets the time of one call.
    loop {
        let patience = core.clock.now().plus(core.tuning.fetch_limit);
        tokio::select! {
            biased;
            answer = &mut call => return Limited::Answered(answer),
            () = core.clock.sleep_until(patience) => if gate.close() {
                return Limited::TooLong;
            },
        }
    }
}
