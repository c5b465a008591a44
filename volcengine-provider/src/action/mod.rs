//! Actions: typed requests and answers.
//!
//! Names are those of the wire, odd spellings included; each field says its own. Required fields are
//! the arguments of `new`, the others are set afterwards. Fields of answers that may be missing are
//! `Option`; unknown ones are ignored; values from a list that may grow are text. No request is
//! `Serialize`, and no `Debug` shows a secret.
//!
//! - [`workload`]: workload identities and their tokens;
//! - [`resource`]: credentials that Agent Identity keeps for users;
//! - [`providers`]: the credential providers they come from;
//! - [`user_pool`]: user pools, their clients and identity providers;
//! - [`permission`]: permission checks;
//! - [`sts`]: security tokens.

mod macros;
pub mod permission;
pub mod providers;
pub mod resource;
#[cfg(test)]
mod spelling;
pub mod sts;
pub mod user_pool;
pub mod workload;

use serde::de::DeserializeOwned;

use crate::wire::RawCall;
pub(crate) use macros::{answer, object, request};

/// A typed call: what to send, and what comes back. Not for implementing elsewhere: what has no type
/// here is a [`RawCall`].
pub trait Action: sealed::Sealed + Send + Sync {
    /// What comes back.
    type Answer: DeserializeOwned;

    /// The call to send.
    fn call(&self) -> RawCall;
}

pub(crate) mod sealed {
    /// Keeps the trait to this crate, so that it can grow.
    pub trait Sealed {}
}
