//! How a provider asks for credentials it depends on.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::request::Hint;
use crate::credential::Credential;
use crate::error::{CredentialError, ErrorCode};
use crate::reference::CredentialRef;
use crate::revision::Revision;
use crate::variant::Variant;

/// What a provider wants from another (or from itself). The session is that of the request at hand,
/// or, if the host lets it, the one that started that: a provider cannot ask for another person's.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Want {
    /// Which credential.
    pub credential: CredentialRef,
    /// Its variant.
    pub variant: Variant,
    /// How long it should last.
    pub min_validity: Duration,
    /// A revision the provider saw rejected.
    pub rejected: Option<Revision>,
    /// What it is for; that of the request at hand if `None`.
    pub hint: Option<Hint>,
    /// In which session.
    pub session: WantedSession,
}

/// In which session something is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WantedSession {
    /// That of the request at hand.
    #[default]
    Own,
    /// The one that started it. The host has to let the provider derive from that credential of it:
    /// `access_denied` otherwise. `session_required` if nobody started it.
    Parent,
}

impl Want {
    /// A credential without variant.
    #[must_use]
    pub const fn new(credential: CredentialRef) -> Self {
        Self {
            credential,
            variant: Variant::none(),
            min_validity: Duration::ZERO,
            rejected: None,
            hint: None,
            session: WantedSession::Own,
        }
    }

    /// In the session that started the one at hand.
    #[must_use]
    pub const fn of_parent(mut self) -> Self {
        self.session = WantedSession::Parent;
        self
    }

    /// With a variant.
    #[must_use]
    pub fn with_variant(mut self, variant: Variant) -> Self {
        self.variant = variant;
        self
    }

    /// That lasts at least this long.
    #[must_use]
    pub const fn with_min_validity(mut self, min_validity: Duration) -> Self {
        self.min_validity = min_validity;
        self
    }

    /// For this.
    #[must_use]
    pub fn with_hint(mut self, hint: Hint) -> Self {
        self.hint = Some(hint);
        self
    }

    /// But not this revision: it was rejected.
    #[must_use]
    pub const fn rejecting(mut self, revision: Option<Revision>) -> Self {
        self.rejected = revision;
        self
    }
}

/// Gives a provider credentials of others, as consumer `provider:<id>`, under the same access rules.
#[async_trait]
pub trait Source: Send + Sync {
    /// The credential wanted. Cancel-safe.
    ///
    /// # Errors
    /// The other credential's error; `dependency_cycle` and `dependency_too_deep` besides.
    async fn get(&self, want: Want) -> Result<Arc<Credential>, CredentialError>;
}

/// A source with nothing in it.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSource;

#[async_trait]
impl Source for NoSource {
    async fn get(&self, want: Want) -> Result<Arc<Credential>, CredentialError> {
        let detail = "this request has no source of other credentials";
        Err(CredentialError::new(ErrorCode::ProviderNotFound, detail).about(&want.credential))
    }
}
