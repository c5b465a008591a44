//! The states of a credential's life.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a credential is in its life.
///
/// `unconfigured → pending → active → expiring → refreshing → active | expired | needs_reauth |
/// revoked`, with `backing_off` while a source fails.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// Nobody asked for it yet, or it was forgotten.
    #[default]
    Unconfigured,
    /// A person must act, or a first call is under way.
    Pending,
    /// Served.
    Active,
    /// Served; its end is near.
    Expiring,
    /// Served or awaited; a renewal is under way.
    Refreshing,
    /// Ended; the next request renews it.
    Expired,
    /// The source fails; tried again later.
    BackingOff,
    /// A person must sign in again.
    NeedsReauth,
    /// Revoked here.
    Revoked,
}

impl State {
    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unconfigured => "unconfigured",
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Expiring => "expiring",
            Self::Refreshing => "refreshing",
            Self::Expired => "expired",
            Self::BackingOff => "backing_off",
            Self::NeedsReauth => "needs_reauth",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
