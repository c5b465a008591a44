//! What happened, for hosts to follow, and the audit trail.

use crate::error::CredentialError;
use crate::id::{ConsumerName, ProviderId};
use crate::key::Key;
use crate::revision::Revision;
use crate::state::State;
use crate::time::Timestamp;

/// Something that happened. Holds no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
}

impl Event {
    /// An event of `kind` at `at`.
    #[must_use]
    pub const fn new(at: Timestamp, kind: EventKind) -> Self {
        Self { at, kind }
    }
}

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// A credential changed its state.
    StateChanged {
        /// Which.
        key: Key,
        /// Before.
        from: State,
        /// After.
        to: State,
        /// What made it change.
        cause: ChangeCause,
        /// The failure it is in, if it is in one.
        error: Option<CredentialError>,
    },
    /// A new revision is served.
    Renewed {
        /// Which.
        key: Key,
        /// Its revision.
        revision: Revision,
    },
    /// A provider was added, replaced or removed.
    ProviderChanged {
        /// Which.
        provider: ProviderId,
        /// Its generation now; `None` if removed.
        generation: Option<u64>,
    },
    /// The access rules were replaced.
    AccessChanged,
    /// A scheduled health check ended.
    HealthChecked {
        /// Of this provider.
        provider: ProviderId,
        /// How it is.
        health: crate::provider::Health,
    },
}

/// What made a credential change its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeCause {
    /// A provider answered, or failed to.
    Answered,
    /// Somebody asked.
    Asked,
    /// It was forgotten here, or changed outside.
    Invalidated,
    /// A credential it was derived from was taken back.
    ParentEnded,
    /// Its provider was replaced or removed.
    ProviderChanged,
    /// A consumer saw it rejected.
    Rejected,
    /// The scheduler renews it.
    Renewing,
    /// It was revoked.
    Revoked,
    /// Its session ended.
    SessionEnded,
    /// Somebody signed in.
    SignedIn,
    /// Somebody signed out.
    SignedOut,
    /// Time passed.
    Time,
}

/// One line of the audit trail. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// Who asked.
    pub consumer: ConsumerName,
    /// For what.
    pub key: Key,
    /// What came of it.
    pub action: AuditAction,
}

impl AuditRecord {
    /// A line of its parts.
    #[must_use]
    pub const fn new(at: Timestamp, consumer: ConsumerName, key: Key, action: AuditAction) -> Self {
        Self { at, consumer, key, action }
    }
}

/// What is audited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditAction {
    /// The rules denied it.
    Denied,
    /// This consumer was given this revision for the first time. Each handle counts by itself, and a
    /// consumer beyond an engine's fortieth at every request.
    FirstUse(Revision),
    /// An administrator or consumer signed in, finished.
    SignedIn,
    /// Signed out.
    SignedOut,
    /// Revoked.
    Revoked,
}

/// Where the audit trail goes.
///
/// Called on the path of a request, in its thread: write to memory or a local file, not to a network.
pub trait AuditSink: Send + Sync {
    /// Keeps one line.
    ///
    /// # Errors
    /// [`AuditFailed`] if it was not kept; the engine then denies or counts, as configured.
    fn record(&self, record: &AuditRecord) -> Result<(), AuditFailed>;
}

/// An audit line was not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("the audit sink did not keep the record")]
#[non_exhaustive]
pub struct AuditFailed;

impl AuditFailed {
    /// The failure.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}
