//! One scheduler for all renewals: a wheel of moments, and a task that turns it.

mod turn;
mod wheel;

pub(crate) use turn::{Scheduler, run};
#[cfg(feature = "measure")]
pub use wheel::Wheel;
