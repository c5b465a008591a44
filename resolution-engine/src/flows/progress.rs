//! A flow from inside: its stages, and what each step leads to.

use std::sync::{Arc, Mutex};

use credential_provider_api::{
    AccountId, AuditAction, CredentialError, ErrorCode, FlowId, FlowState, Interaction, Key,
    Request, SignIn, SignInAnswer, SignInProgress, SignInStart, SignInStep, SignedIn, Timestamp,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::flow::FlowStatus;
use super::table::abandon;
use crate::consumer::Identity;
use crate::core::Core;
use crate::entry::Withdrawal;
use crate::flight::{guarded, guarded_deriving};
use crate::registry::Registered;
use crate::service::same_login;
use crate::sync::lock;

/// A sign-in under way.
pub(crate) struct Flow {
    pub(super) id: FlowId,
    pub(super) key: Key,
    /// The provider it was started with: its state means nothing to another.
    pub(super) registered: Arc<Registered>,
    /// Who started it; `None` for an administrator.
    pub(super) who: Option<Arc<Identity>>,
    pub(super) expected: Option<AccountId>,
    pub(super) expires_at: Timestamp,
    pub(super) stop: CancellationToken,
    pub(super) stage: Mutex<Stage>,
    pub(super) status: watch::Sender<FlowStatus>,
}

/// Where a flow stands.
pub(super) enum Stage {
    /// A provider call is under way.
    Stepping,
    /// An answer is awaited.
    Waiting(FlowState),
    /// Another account than expected signed in: a decision is awaited.
    Confirming(SignedIn),
    /// Over.
    Ended,
}

/// What a flow is asked to do.
pub(super) enum Move {
    Start(SignInStart),
    Answer(SignInAnswer),
    Confirm,
    Decline,
}

impl Flow {
    pub(super) fn fail(&self, error: CredentialError) {
        self.status.send_replace(FlowStatus::Failed(error.about(&self.key.reference())));
    }

    /// Waits until it is over. Cancel-safe.
    pub(super) async fn ended(&self) -> FlowStatus {
        let mut status = self.status.subscribe();
        let over = |s: &FlowStatus| matches!(s, FlowStatus::Done(_) | FlowStatus::Failed(_));
        let seen = status.wait_for(over).await.map(|seen| seen.clone());
        seen.unwrap_or(FlowStatus::Starting)
    }
}

/// Makes one move on a task of the engine.
pub(super) async fn make(
    core: Arc<Core>,
    flow: Arc<Flow>,
    mv: Move,
) -> Result<(), CredentialError> {
    let taken = match &mv {
        Move::Start(_) => None,
        _ => Some(take(&core, &flow)?),
    };
    let stepped = step(&core, &flow, mv, taken).await;
    if flow.stop.is_cancelled() {
        // Ended from outside meanwhile: whatever came of the step does not count.
        if let Ok(Next::Finished(done)) = stepped {
            discard(&core, &flow, done).await;
        }
        return over(&core, &flow, CredentialError::new(ErrorCode::FlowEnded, ""));
    }
    match stepped {
        Ok(Next::Wait(state, status)) => park(&core, &flow, Stage::Waiting(state), Some(status)),
        Ok(Next::Confirm(done, found, expected)) => {
            let step = SignInStep::ConfirmAccount { expected, found };
            park(&core, &flow, Stage::Confirming(done), Some(FlowStatus::Step(step)))
        }
        Ok(Next::Finished(done)) => accept(&core, &flow, done).await,
        Ok(Next::Over(error)) => over(&core, &flow, error),
        Err((error, Some(stage))) if error.is_transient() => {
            park(&core, &flow, stage, None)?;
            Err(error)
        }
        Err((error, _)) => over(&core, &flow, error),
    }
}

/// Leaves the flow waiting, unless it was ended meanwhile: whoever ends it sets `stop` before it
/// looks at the stage, so one of the two sees the other.
fn park(
    core: &Arc<Core>,
    flow: &Arc<Flow>,
    idle: Stage,
    status: Option<FlowStatus>,
) -> Result<(), CredentialError> {
    let mut stage = lock(&flow.stage);
    if flow.stop.is_cancelled() {
        drop(stage);
        abandon(core, flow, idle);
        return over(core, flow, CredentialError::new(ErrorCode::FlowEnded, ""));
    }
    *stage = idle;
    if let Some(status) = status {
        flow.status.send_replace(status);
    }
    Ok(())
}

enum Next {
    Wait(FlowState, FlowStatus),
    Confirm(SignedIn, AccountId, AccountId),
    Finished(SignedIn),
    Over(CredentialError),
}

/// Takes the stage for one move: of two answers at once, one makes it.
fn take(core: &Core, flow: &Flow) -> Result<Stage, CredentialError> {
    let about = |code| CredentialError::new(code, "").about(&flow.key.reference());
    if core.clock.now() >= flow.expires_at {
        return Err(about(ErrorCode::FlowEnded));
    }
    let mut stage = lock(&flow.stage);
    match std::mem::replace(&mut *stage, Stage::Stepping) {
        Stage::Stepping => {
            let detail = "another answer to this sign-in is being worked on";
            Err(CredentialError::new(ErrorCode::Conflict, detail).about(&flow.key.reference()))
        }
        Stage::Ended => {
            *stage = Stage::Ended;
            Err(about(ErrorCode::FlowEnded))
        }
        taken => Ok(taken),
    }
}

async fn step(
    core: &Arc<Core>,
    flow: &Arc<Flow>,
    mv: Move,
    stage: Option<Stage>,
) -> Result<Next, (CredentialError, Option<Stage>)> {
    let unsupported = || (CredentialError::new(ErrorCode::Unsupported, "it has no sign-in"), None);
    let sign_in = flow.registered.provider.sign_in().ok_or_else(unsupported)?;
    let call = |interaction| (core, &flow.key, interaction, &flow.stop);
    let (core_, key, allowed, stop) = call(Interaction::Allowed);
    let (state, progress) = match (mv, stage) {
        (Move::Start(start), _) => {
            let call = async |request: &Request| sign_in.start(request, &start).await;
            guarded(core_, key, allowed, stop, call).await.map_err(|error| (error, None))?
        }
        (Move::Answer(answer), Some(Stage::Waiting(mut state))) => {
            let call = async |request: &Request| sign_in.answer(request, &mut state, answer).await;
            match guarded(core_, key, allowed, stop, call).await {
                Ok(progress) => (state, progress),
                Err(error) if sign_in.is_spent(&state) => return Ok(Next::Over(error)),
                Err(error) => return Err((error, Some(Stage::Waiting(state)))),
            }
        }
        (Move::Confirm, Some(Stage::Confirming(done))) => return Ok(Next::Finished(done)),
        (Move::Decline, Some(Stage::Confirming(done))) => {
            discard(core, flow, done).await;
            return Ok(Next::Over(CredentialError::new(ErrorCode::AccountMismatch, "")));
        }
        (_, stage) => {
            // Transient, so that the flow stays where it was.
            let detail = "this step of the sign-in takes another kind of answer";
            return Err((CredentialError::new(ErrorCode::Conflict, detail), stage));
        }
    };
    Ok(match progress {
        SignInProgress::Step(step) => Next::Wait(state, FlowStatus::Step(step)),
        SignInProgress::Pending { poll_after } => {
            Next::Wait(state, FlowStatus::Pending { poll_after })
        }
        SignInProgress::Finished(done) => compare(core, flow, sign_in, done).await,
        _ => Next::Over(CredentialError::new(ErrorCode::Internal, "an unknown kind of progress")),
    })
}

/// Promise 5: another account than the expected one needs a confirmation before it counts.
async fn compare(core: &Arc<Core>, flow: &Arc<Flow>, sign_in: &dyn SignIn, done: SignedIn) -> Next {
    let mut expected = flow.expected.clone();
    if expected.is_none() {
        expected = core.table.get(&flow.key).and_then(|entry| entry.account());
    }
    if expected.is_none() {
        let call = async |request: &Request| sign_in.account(request).await;
        expected = match guarded(core, &flow.key, Interaction::Forbidden, &flow.stop, call).await {
            Ok(account) => account,
            Err(error) => {
                discard(core, flow, done).await;
                return Next::Over(error);
            }
        };
    }
    match (expected, done.account.clone()) {
        (Some(expected), Some(found)) if expected != found => Next::Confirm(done, found, expected),
        (Some(_), None) => {
            discard(core, flow, done).await;
            let detail = "the source does not tell which account signed in";
            Next::Over(CredentialError::new(ErrorCode::AccountMismatch, detail))
        }
        _ => Next::Finished(done),
    }
}

/// Saves the grant; from here on it counts.
async fn accept(core: &Arc<Core>, flow: &Arc<Flow>, done: SignedIn) -> Result<(), CredentialError> {
    let account = done.account.clone();
    let Some(sign_in) = flow.registered.provider.sign_in() else {
        return over(core, flow, CredentialError::new(ErrorCode::Unsupported, ""));
    };
    let call = async |request: &Request| sign_in.accept(request, done).await;
    let accepting = guarded_deriving(core, &flow.key, Interaction::Forbidden, &flow.stop, call);
    let (accepted, edges) = accepting.await;
    let credential = match accepted {
        Ok(credential) => credential,
        Err(error) => return over(core, flow, error),
    };
    let now = core.clock.now();
    let made = core.table.get_or_create(&flow.key, now, core.secs(now), &core.tuning);
    if let Ok(entry) = made {
        // Answers under way belong to the old grant; what failed for want of a sign-in is woken.
        // It counts for every variant that this sign-in serves.
        for other in core.table.all() {
            if !Arc::ptr_eq(&other, &entry) && same_login(other.key(), &flow.key) {
                other.withdraw(core, Withdrawal::SignedIn);
            }
        }
        let epoch = entry.withdraw(core, Withdrawal::SignedIn).epoch;
        // The sign-in may have been ended while the grant was being saved: then nothing is served.
        if let Some(credential) = credential
            && credential.validate().is_ok()
            && !flow.stop.is_cancelled()
        {
            entry.adopt(core, credential, epoch, &edges);
        }
    }
    let administrator = Identity::administrator();
    let who = flow.who.as_deref().or(administrator.as_ref());
    if let Some(who) = who
        && let Err(error) = core.audited(who, &flow.key, AuditAction::SignedIn)
    {
        tracing::warn!(%error, "a sign-in was not audited");
    }
    core.flows.remove(flow);
    *lock(&flow.stage) = Stage::Ended;
    flow.status.send_replace(FlowStatus::Done(account));
    Ok(())
}

async fn discard(core: &Arc<Core>, flow: &Arc<Flow>, done: SignedIn) {
    let Some(sign_in) = flow.registered.provider.sign_in() else {
        return;
    };
    let stop = CancellationToken::new();
    let call = async |request: &Request| {
        sign_in.discard(request, done).await;
        Ok(())
    };
    if let Err(error) = guarded(core, &flow.key, Interaction::Forbidden, &stop, call).await {
        tracing::debug!(%error, "a provider did not discard a sign-in");
    }
}

fn over(core: &Core, flow: &Arc<Flow>, error: CredentialError) -> Result<(), CredentialError> {
    core.flows.remove(flow);
    *lock(&flow.stage) = Stage::Ended;
    let error = error.about(&flow.key.reference());
    flow.fail(error.clone());
    Err(error)
}
