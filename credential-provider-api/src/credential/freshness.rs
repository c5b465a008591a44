//! How long a credential may be kept, apart from when it expires.

use std::time::Duration;

use crate::time::Timestamp;

/// How long the source allows an answer to be cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Freshness {
    /// Never: every request asks the source. Callers at the same moment still share one call.
    Never,
    /// For this long after it was received.
    For(Duration),
    /// Until the source says it changed, or it expires.
    #[default]
    UntilChanged,
}

/// The span in which an engine hands a credential out. Set by the engine, not by providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "two moments are the definition")]
pub struct ServingWindow {
    /// From here on callers wait for a renewal, if one can be had.
    pub renew_by: Timestamp,
    /// From here on it is not handed out.
    pub until: Timestamp,
}

impl ServingWindow {
    /// Never ends.
    pub const ALWAYS: Self = Self { renew_by: Timestamp::MAX, until: Timestamp::MAX };
}
