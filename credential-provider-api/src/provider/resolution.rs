//! What a provider answers.

use crate::credential::Credential;
use crate::id::CredentialId;
use crate::sign_in::SignInStep;

/// The answer to [`resolve`](super::CredentialProvider::resolve) and
/// [`refresh`](super::CredentialProvider::refresh).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Resolution {
    /// A credential.
    Credential(Box<Credential>),
    /// The source gave the same secret again: not a new revision; the engine backs off.
    Unchanged,
    /// A source that chooses per request chose this credential of its own: the engine asks for it by
    /// name and caches only that one.
    Selected(CredentialId),
    /// A person must act first, at a place the provider knows. The request fails with `needs_reauth`
    /// and this step; no flow starts by it. A step that needs a flow comes from
    /// [`SignIn`](crate::SignIn).
    SignIn(Box<SignInStep>),
}

impl From<Credential> for Resolution {
    fn from(credential: Credential) -> Self {
        Self::Credential(Box::new(credential))
    }
}

/// The answer to [`check`](super::CredentialProvider::check).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// How it is.
    pub status: HealthStatus,
    /// Words about it; see [`Detail`](crate::Detail).
    pub detail: crate::error::Detail,
}

/// How a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HealthStatus {
    /// It works.
    Healthy,
    /// It works, with a fault worth knowing.
    Degraded,
    /// It does not work.
    Failing,
}

impl Health {
    /// It works.
    #[must_use]
    pub fn healthy() -> Self {
        Self { status: HealthStatus::Healthy, detail: "".into() }
    }

    /// Another status, with words about it.
    #[must_use]
    pub fn new(status: HealthStatus, detail: impl Into<crate::error::Detail>) -> Self {
        Self { status, detail: detail.into() }
    }
}

/// The answer to [`revoke`](super::CredentialProvider::revoke).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Revocation {
    /// The source no longer accepts it.
    Remote,
    /// The source cannot revoke: it is forgotten here and stays valid there until it expires.
    LocalOnly,
}
