//! The words of the machine: what it is asked, and what it decides.

use std::time::Duration;

use credential_provider_api::{CredentialError, Revision, Timestamp};

use super::window::Plan;

/// What a caller asks of the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    /// The time.
    pub(crate) now: Timestamp,
    /// How long the credential should last.
    pub(crate) min_validity: Duration,
    /// Whether remembered failures count.
    pub(crate) persistence: Persistence,
}

/// Whether a remembered failure is the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// It is, while it is remembered.
    #[default]
    Respectful,
    /// Try again all the same. A revocation still counts.
    Explicit,
    /// And renew what would still do.
    Renewing,
}

/// Why a flight starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// There is nothing yet.
    Cold,
    /// The end is near or reached.
    Expiring,
    /// It was rejected.
    Rejected,
    /// A caller needs a longer life.
    TooShort,
}

/// What the machine decides about a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Serve what there is.
    Serve,
    /// Start a flight of this number and wait for it.
    Start {
        /// Its number.
        flight: u32,
        /// Why.
        cause: Cause,
        /// Whether what there is serves if the flight fails or takes too long.
        fallback: Fallback,
    },
    /// Wait for the flight under way.
    Wait {
        /// As for `Start`.
        fallback: Fallback,
    },
    /// A flight that no longer counts is under way: wait for its end, then ask again.
    Drain,
    /// Fail.
    Fail(CredentialError),
}

/// Whether there is something to serve meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// There is.
    Current,
    /// There is not.
    None,
}

/// How a flight ended.
#[derive(Clone, Debug)]
pub(crate) enum Ended {
    /// With a credential to cache.
    Issued {
        /// Its revision.
        revision: Revision,
        /// Its planned life.
        plan: Plan,
    },
    /// With an answer for those who wait that is not cached.
    Passing,
    /// With the secret there was before.
    Unchanged,
    /// With an error.
    Failed(CredentialError),
    /// Without a result: it was stopped.
    Stopped,
}

/// What follows from a flight's end.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// Serve the new credential; look at it again at this time.
    Publish(Timestamp),
    /// Keep what there is; look at it again at this time.
    Keep(Timestamp),
    /// Give the answer to those who wait, and keep nothing.
    Pass,
    /// Tell those who wait; look again at this time if there still is something to renew.
    Fail(CredentialError, Option<Timestamp>),
    /// The answer came too late: it counts for nothing.
    Discard,
}

/// What the machine decides when the scheduler looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Renew now, as this flight.
    Start(u32),
    /// Look again then.
    At(Timestamp),
    /// Nothing to do until somebody asks.
    Nothing,
}

/// Why what there is stops being served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Withdrawal {
    /// Forgotten; the next request asks the source.
    Invalidated,
    /// A parent was withdrawn.
    ParentEnded,
    /// Its provider was replaced or removed.
    ProviderChanged,
    /// Revoked.
    Revoked,
    /// The session has ended.
    SessionEnded,
    /// Somebody signed in.
    SignedIn,
    /// Somebody signed out.
    SignedOut,
}

/// Whether anybody used what is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Used {
    /// Somebody did.
    Yes,
    /// Nobody did.
    No,
}

/// What there is, seen from a revision that somebody else renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Superseded {
    /// That one or a newer one is served, or on its way.
    Known,
    /// An older one is served; it is renewed as soon as the scheduler looks.
    Older,
    /// Nothing is served.
    Unserved,
}

/// What a rejection meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// It was what is served, which is now withdrawn.
    Withdrawn,
    /// Something newer is served already, or nothing.
    Old,
}
