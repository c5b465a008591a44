//! Locks of others, in their protocol.

mod liveness;
mod payload;
mod sidecar;

#[cfg(feature = "fuzzing")]
pub(crate) use payload::Owner;
pub(crate) use sidecar::{Held, Sidecar};
