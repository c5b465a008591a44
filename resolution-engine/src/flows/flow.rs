//! A flow from outside: start it, show its step, hand the answer back.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    AccountId, CredentialError, ErrorCode, FlowId, Key, SignInAnswer, SignInMethod, SignInStart,
    SignInStep, Timestamp,
};

use super::progress::{Flow, Move, make};
use super::table::{Joined, cancel};
use crate::consumer::Identity;
use crate::core::Core;
use crate::resolve::Wanted;

/// A sign-in being prepared.
#[must_use = "a sign-in does nothing until it is started"]
pub struct SignInRequest {
    core: Arc<Core>,
    who: Option<Arc<Identity>>,
    wanted: Wanted,
    method: Option<SignInMethod>,
    redirect_uri: Option<String>,
    expected: Option<AccountId>,
}

/// A sign-in under way.
///
/// Its name is unguessable and answers it: give it, and the steps, to the requester only. It expires,
/// finishes once, and belongs to one credential of one effective session.
#[derive(Clone)]
pub struct SignInFlow {
    core: Arc<Core>,
    flow: Arc<Flow>,
}

/// Where a sign-in stands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FlowStatus {
    /// The provider prepares the first step.
    Starting,
    /// A person must act. Private to the requester.
    Step(SignInStep),
    /// Not finished elsewhere yet: poll again after this long.
    Pending {
        /// How long.
        poll_after: Duration,
    },
    /// It counts, for this account where the source tells.
    Done(Option<AccountId>),
    /// It has ended without.
    Failed(CredentialError),
}

impl SignInRequest {
    pub(crate) fn new(core: &Arc<Core>, who: &Arc<Identity>, wanted: Wanted) -> Self {
        Self::of(core, Some(who.clone()), wanted)
    }

    pub(crate) fn of(core: &Arc<Core>, who: Option<Arc<Identity>>, wanted: Wanted) -> Self {
        let core = core.clone();
        Self { core, who, wanted, method: None, redirect_uri: None, expected: None }
    }

    /// By this method; otherwise the provider's preferred one.
    pub const fn method(mut self, method: SignInMethod) -> Self {
        self.method = Some(method);
        self
    }

    /// Where the host receives callbacks.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(uri.into());
        self
    }

    /// Another account than this needs a confirmation. Without it, another than the last one does.
    pub fn expect_account(mut self, account: AccountId) -> Self {
        self.expected = Some(account);
        self
    }

    /// Starts, or joins the flow already under way for the same key. Cancel-safe: the flow goes on.
    ///
    /// # Errors
    /// `conflict` if the flow under way expects another account.
    /// `access_denied`, `unsupported` if the provider has no sign-in, `overloaded` at the bound on
    /// flows, and what the provider says.
    pub async fn start(self) -> Result<SignInFlow, CredentialError> {
        let core = self.core;
        core.check_running()?;
        let key = match &self.who {
            Some(who) => core.authorize(who, &self.wanted)?,
            None => core.key_of(None, &self.wanted)?,
        };
        let registered = core.registry.get(&key.provider);
        let Some(registered) = registered.filter(|r| r.provider.sign_in().is_some()) else {
            let error = CredentialError::new(ErrorCode::Unsupported, "it has no sign-in");
            return Err(error.about(&key.reference()));
        };
        let (flow, joined) = core.flows.join(&core, &key, registered, self.who, self.expected)?;
        if joined == Joined::New {
            let start = SignInStart::new(flow.id.clone(), flow.expires_at)
                .with_method(self.method)
                .with_redirect_uri(self.redirect_uri);
            let begun = make(core.clone(), flow.clone(), Move::Start(start));
            core.tasks.spawn_on(begun, &core.runtime);
        }
        let mut status = flow.status.subscribe();
        let started = status.wait_for(|status| !matches!(status, FlowStatus::Starting)).await;
        match started.map(|status| status.clone()) {
            Ok(FlowStatus::Failed(error)) => Err(error),
            Ok(_) => {
                drop(status);
                Ok(SignInFlow { core, flow })
            }
            Err(_) => Err(CredentialError::new(ErrorCode::ShutDown, "")),
        }
    }
}

impl SignInFlow {
    pub(crate) fn find(core: &Arc<Core>, id: &FlowId) -> Option<Self> {
        let flow = core.flows.find(id, core.clock.now())?;
        Some(Self { core: core.clone(), flow })
    }

    /// Its name; the OAuth `state`.
    #[must_use]
    pub fn id(&self) -> &FlowId {
        &self.flow.id
    }

    /// What it signs in to.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.flow.key
    }

    /// When it ends at the latest.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.flow.expires_at
    }

    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> FlowStatus {
        self.flow.status.borrow().clone()
    }

    /// Hands an answer in, [`SignInAnswer::Poll`] included. The provider's work on it goes on if the
    /// future is dropped.
    ///
    /// # Errors
    /// A transient error leaves the flow where it was; `conflict` if another answer is being worked
    /// on; `flow_ended` if it is over; any other error ends it.
    pub async fn answer(&self, answer: SignInAnswer) -> Result<FlowStatus, CredentialError> {
        self.go(Move::Answer(answer)).await
    }

    /// The other account counts. As for [`answer`](Self::answer) if dropped.
    ///
    /// # Errors
    /// As for [`answer`](Self::answer).
    pub async fn confirm_account(&self) -> Result<FlowStatus, CredentialError> {
        self.go(Move::Confirm).await
    }

    /// The other account does not count: its grant is thrown away, also if this is dropped.
    ///
    /// # Errors
    /// `account_mismatch`, always: the flow has ended.
    pub async fn decline_account(&self) -> Result<FlowStatus, CredentialError> {
        self.go(Move::Decline).await
    }

    /// Gives it up.
    pub fn cancel(&self) {
        cancel(&self.core, &self.flow, ErrorCode::Cancelled);
    }

    /// Waits for its end. Cancel-safe.
    pub async fn ended(&self) -> FlowStatus {
        self.flow.ended().await
    }

    async fn go(&self, mv: Move) -> Result<FlowStatus, CredentialError> {
        self.core.check_running()?;
        let moved = make(self.core.clone(), self.flow.clone(), mv);
        let task = self.core.tasks.spawn_on(moved, &self.core.runtime);
        match task.await {
            Ok(moved) => moved.map(|()| self.status()),
            Err(_) => Err(CredentialError::new(ErrorCode::ShutDown, "")),
        }
    }
}

impl fmt::Debug for SignInFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInFlow").field("key", &self.flow.key).finish_non_exhaustive()
    }
}
