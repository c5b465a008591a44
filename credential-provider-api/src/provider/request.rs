//! [`Request`]: everything a provider is told about one call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::commit::{Commit, CommitGate};
use super::source::{NoSource, Source, Want};
use crate::clock::Clock;
use crate::credential::Credential;
use crate::error::{CredentialError, ErrorCode};
use crate::key::Key;
use crate::revision::Revision;
use crate::session::EffectiveSession;
use crate::time::Timestamp;

/// Whether a person may be asked now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Interaction {
    /// Answer without asking, or fail with `interaction_required` or `needs_reauth`.
    #[default]
    Forbidden,
    /// Asking is fine: an unlock prompt, a sign-in.
    Allowed,
}

/// Why another credential is wanted in place of the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Its end is near or reached.
    Expiring,
    /// Somebody saw it rejected.
    Rejected,
    /// A caller needs one that lasts longer.
    TooShort,
    /// It may not be cached any longer, or changed outside.
    Stale,
}

/// What the credential is wanted for; for sources that choose among accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Hint {
    /// The model it is for.
    pub model: Option<String>,
    /// The purpose, in the host's words.
    pub purpose: Option<String>,
    /// The id of the credential to choose if it can be had: what a session was served before.
    pub prefer: Option<String>,
}

impl Hint {
    /// For a model.
    #[must_use]
    pub fn model(model: impl Into<String>) -> Self {
        Self { model: Some(model.into()), ..Self::default() }
    }

    /// For a purpose.
    #[must_use]
    pub fn purpose(purpose: impl Into<String>) -> Self {
        Self { purpose: Some(purpose.into()), ..Self::default() }
    }

    /// Rather this credential than another. It is a wish: to insist, ask for the credential itself.
    #[must_use]
    pub fn preferring(mut self, credential: impl Into<String>) -> Self {
        self.prefer = Some(credential.into());
        self
    }
}

/// One call to a provider. Engines make it; a provider reads it.
#[derive(Clone)]
pub struct Request {
    key: Key,
    min_validity: Duration,
    interaction: Interaction,
    hint: Hint,
    rejected: Option<Revision>,
    deadline: Timestamp,
    clock: Arc<dyn Clock>,
    source: Arc<dyn Source>,
    gate: CommitGate,
}

impl Request {
    /// A request for `key` without limits, source or person to ask.
    #[must_use]
    pub fn new(key: Key, clock: Arc<dyn Clock>) -> Self {
        Self {
            key,
            min_validity: Duration::ZERO,
            interaction: Interaction::Forbidden,
            hint: Hint::default(),
            rejected: None,
            deadline: Timestamp::MAX,
            clock,
            source: Arc::new(NoSource),
            gate: CommitGate::new(),
        }
    }

    /// The credential should last at least this long.
    #[must_use]
    pub const fn with_min_validity(mut self, min_validity: Duration) -> Self {
        self.min_validity = min_validity;
        self
    }

    /// Whether a person may be asked.
    #[must_use]
    pub const fn with_interaction(mut self, interaction: Interaction) -> Self {
        self.interaction = interaction;
        self
    }

    /// What it is wanted for.
    #[must_use]
    pub fn with_hint(mut self, hint: Hint) -> Self {
        self.hint = hint;
        self
    }

    /// The revision somebody saw rejected.
    #[must_use]
    pub const fn with_rejected(mut self, rejected: Option<Revision>) -> Self {
        self.rejected = rejected;
        self
    }

    /// When the call is given up, unless it has committed.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Timestamp) -> Self {
        self.deadline = deadline;
        self
    }

    /// Where the provider asks for credentials it depends on.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn Source>) -> Self {
        self.source = source;
        self
    }

    /// The gate that records commits.
    #[must_use]
    pub fn with_gate(mut self, gate: CommitGate) -> Self {
        self.gate = gate;
        self
    }

    /// What is asked for.
    #[must_use]
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// How long the credential should last; a source that cannot promise it gives its best.
    #[must_use]
    pub const fn min_validity(&self) -> Duration {
        self.min_validity
    }

    /// Whether a person may be asked.
    #[must_use]
    pub const fn interaction(&self) -> Interaction {
        self.interaction
    }

    /// What it is wanted for.
    #[must_use]
    pub const fn hint(&self) -> &Hint {
        &self.hint
    }

    /// The revision somebody saw rejected: the source must not answer with it again.
    #[must_use]
    pub const fn rejected(&self) -> Option<Revision> {
        self.rejected
    }

    /// When the call is given up, unless it has committed.
    #[must_use]
    pub const fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clock, for waiting.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The session, or the error that says it is missing.
    ///
    /// # Errors
    /// `session_required` if the request has none.
    pub fn session(&self) -> Result<&EffectiveSession, CredentialError> {
        self.key.session.as_ref().ok_or_else(|| {
            CredentialError::new(ErrorCode::SessionRequired, "").about(&self.key.reference())
        })
    }

    /// For providers without variants: refuses a request that has one.
    ///
    /// # Errors
    /// `unsupported` if the variant is not empty.
    pub fn require_no_variant(&self) -> Result<(), CredentialError> {
        self.require_variant(&[])
    }

    /// Refuses a variant with parameters other than `known`.
    ///
    /// # Errors
    /// `unsupported` if there is any other parameter.
    pub fn require_variant(&self, known: &[&str]) -> Result<(), CredentialError> {
        if self.key.variant.iter().all(|(name, _)| known.contains(&name)) {
            return Ok(());
        }
        let detail = "the request has a variant parameter this credential does not know";
        Err(CredentialError::new(ErrorCode::Unsupported, detail).about(&self.key.reference()))
    }

    /// Asks the engine for a credential this one depends on.
    ///
    /// Cancel-safe. The answer becomes a dependency: this credential ends with it, and no later.
    ///
    /// # Errors
    /// The other credential's error; pass it on with `?`.
    pub async fn depend_on(&self, want: Want) -> Result<Arc<Credential>, CredentialError> {
        self.source.get(want).await
    }

    /// Marks the start of what cannot be undone: call it just before the exchange is sent, keep the
    /// guard until its result is saved.
    ///
    /// # Errors
    /// `cancelled` if the engine has given up this call: nothing must be sent then.
    pub fn commit(&self) -> Result<Commit, CredentialError> {
        self.gate.enter()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("key", &self.key)
            .field("min_validity", &self.min_validity)
            .field("interaction", &self.interaction)
            .field("rejected", &self.rejected)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
