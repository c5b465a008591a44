//! What a consumer saw.

use std::time::Duration;

use crate::revision::Revision;

/// What a consumer saw when it used a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Observation {
    /// The revision used.
    pub revision: Revision,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of using a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It worked.
    Success,
    /// It was refused (401): the revision is not handed out again.
    Rejected,
    /// Too many requests.
    RateLimited {
        /// How long to wait, if the service said so.
        retry_after: Option<Duration>,
    },
    /// The account has no credit left.
    Billing,
}

impl Observation {
    /// What came of using `revision`.
    #[must_use]
    pub const fn new(revision: Revision, outcome: Outcome) -> Self {
        Self { revision, outcome }
    }
}
