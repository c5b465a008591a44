//! What a test and its child processes say to each other: JSON, a line each.

use std::net::SocketAddr;
use std::path::PathBuf;

use credential_provider_api::{Credential, CredentialError, Revision};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

const VARIABLE: &str = "CREDENTIAL_STORE_TEST_CHILD";

/// What a child is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Setup {
    pub root: PathBuf,
    pub issuer: SocketAddr,
    pub lease_wait_millis: u64,
    pub stop: Stop,
}

/// Where its renewal stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stop {
    Never,
    /// With its lease, until it is told to go on; then not again.
    Leased,
    /// As `Leased`, then for ever at this step.
    At(Step),
    /// Nowhere, but it says each step that it makes.
    Tell,
}

/// A step of a renewal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Step {
    /// The name of a point, or [`SENT`].
    pub point: String,
    /// Which save of the renewal it belongs to: 1 the intent's, 2 the result's, 0 none.
    pub save: u8,
}

/// The issuer has the token and has not answered.
pub const SENT: &str = "Sent";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Order {
    /// Go on from `Stop::Leased`.
    Go,
    Renew {
        id: u32,
        key: String,
        newer_than: Option<u64>,
    },
    /// Take the lease and keep it until `Release`.
    Hold {
        key: String,
    },
    Release,
    /// Take and release the lease again and again, and check in `ledger` that nobody else has it.
    Turns {
        key: String,
        millis: u64,
        hold_millis: u64,
        ledger: PathBuf,
    },
    /// Take and release the lease so many times.
    Time {
        key: String,
        times: usize,
    },
    SignIn {
        key: String,
        grant: String,
    },
    SignOut {
        key: String,
    },
    Follow,
    /// Renew whenever the credential ends, with so many tasks, until the issue of this number.
    Crowd {
        key: String,
        tasks: usize,
        until: u64,
    },
    /// Renew the keys `prefix0` and so on, beginning with the `first`.
    All {
        prefix: String,
        count: usize,
        first: usize,
        at_once: usize,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Word {
    Ready,
    At(Step),
    Renewed { id: u32, outcome: Outcome },
    Held,
    NotHeld(Outcome),
    Released,
    Turned { times: usize },
    Timed { micros: Vec<u64> },
    SignedIn,
    SignedOut,
    Following,
    Changed { what: String, key: String },
    Discarded { grant: String },
    Crowded { given: usize, failed: Vec<Outcome> },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Given { revision: u64, access: String },
    Failed { code: String, reason: Option<String>, detail: String },
}

impl Setup {
    pub fn of_this_process() -> Option<Self> {
        let text = std::env::var(VARIABLE).ok()?;
        Some(serde_json::from_str(&text).unwrap())
    }

    pub fn variable(&self) -> (&'static str, String) {
        (VARIABLE, serde_json::to_string(self).unwrap())
    }
}

impl Step {
    pub fn new(point: impl Into<String>, save: u8) -> Self {
        Self { point: point.into(), save }
    }
}

impl Outcome {
    pub fn of(outcome: Result<Credential, CredentialError>) -> Self {
        match outcome {
            Ok(credential) => Self::Given {
                revision: credential.revision().map_or(0, Revision::get),
                access: credential.secret().unwrap().expose_secret().to_owned(),
            },
            Err(error) => Self::Failed {
                code: error.code().as_str().to_owned(),
                reason: error.reason().map(|reason| reason.as_str().to_owned()),
                detail: error.detail().to_owned(),
            },
        }
    }

    pub fn given(&self) -> Option<(u64, &str)> {
        match self {
            Self::Given { revision, access } => Some((*revision, access)),
            Self::Failed { .. } => None,
        }
    }

    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Failed { reason, .. } => reason.as_deref(),
            Self::Given { .. } => None,
        }
    }
}
