//! Locks of others, in their protocol.

mod liveness;
mod payload;
mod sidecar;

pub(crate) use sidecar::{Held, Sidecar};
