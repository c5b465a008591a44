//! One provider call on a task the engine owns. Callers only wait for it.

mod guarded;
mod permit;
mod run;
mod source;
mod waits;

use std::sync::Arc;

use credential_provider_api::{
    CommitGate, Credential, CredentialError, CredentialId, Hint, Interaction,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(crate) use guarded::{guarded, guarded_deriving};
pub(crate) use permit::{Calls, PermitSlot};
pub(crate) use run::{Context, start};
pub(crate) use source::DEEPEST;
pub(crate) use waits::WaitGraph;

/// A flight as those who wait for it, or stop it, see it.
#[derive(Clone)]
pub(crate) struct Flight {
    /// Its place in the graph of who waits for whom.
    pub(crate) node: u64,
    pub(crate) outcome: watch::Receiver<Option<Outcome>>,
    pub(crate) gate: CommitGate,
    pub(crate) stop: CancellationToken,
    pub(crate) hint: Hint,
    pub(crate) interaction: Interaction,
}

/// What those who wait are told.
#[derive(Clone)]
pub(crate) enum Outcome {
    /// A credential, and the epoch it is served in.
    Served(Arc<Credential>, u32),
    /// The source chose this one: ask for it.
    Selected(CredentialId),
    /// An error, and whether a person could have been asked.
    Failed(CredentialError, Interaction),
    /// It no longer counts: ask again. Revocation takes the newest credential from here.
    Fenced(Option<Arc<Credential>>),
}

/// What a provider call came to.
pub(crate) enum Landed {
    Credential(Box<Credential>),
    Unchanged,
    Selected(CredentialId),
    Failed(CredentialError),
    /// It was stopped before anything irrevocable happened.
    Stopped,
}

impl Flight {
    pub(crate) fn new(
        node: u64,
        outcome: watch::Receiver<Option<Outcome>>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            node,
            outcome,
            gate: CommitGate::new(),
            stop,
            hint: Hint::default(),
            interaction: Interaction::Forbidden,
        }
    }

    /// Waits for its end; the newest credential it brought, if any. Cancel-safe.
    pub(crate) async fn ended(mut self) -> Option<Arc<Credential>> {
        match self.outcome.wait_for(Option::is_some).await.ok()?.as_ref()? {
            Outcome::Served(credential, _) => Some(credential.clone()),
            Outcome::Fenced(credential) => credential.clone(),
            Outcome::Selected(_) | Outcome::Failed(..) => None,
        }
    }
}
