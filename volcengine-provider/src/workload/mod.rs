//! Workload tokens (trusted identity propagation, "TIP"): the credential `workload-token`.
//!
//! - `settings`: whose token, in which pool, for whom;
//! - `exchange`: an ID token for a workload token;
//! - `parents`: as which workload a session acts, for those that it starts;
//! - `claims`: what a token says, and whether that is what was asked for.

mod claims;
mod exchange;
mod parents;
mod settings;

pub(crate) use claims::Claims;
pub(crate) use exchange::WorkloadTokens;
pub(crate) use settings::{Workload, WorkloadSettings};

/// The name of workload tokens.
pub(crate) const WORKLOAD_TOKEN: &str = "workload-token";
/// The parameters of a variant that decide which workload token it is. What is derived from one
/// takes the same.
pub(crate) const VARIANT: [&str; 5] = ["account", "audience", PARENT, "pool", "workload"];
/// The workload of the session that started the one at hand.
const PARENT: &str = "parent";
