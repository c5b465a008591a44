//! What every subject is to the measurements.

use std::future::Future;

use crate::backend::Plan;

/// A cache of credentials in front of a source.
pub trait Cache: Send + Sync + 'static {
    /// Its name in the lines.
    const NAME: &'static str;
    /// Whether it tells keys apart; otherwise one object is one credential.
    const KEYED: bool = true;
    /// How many credentials its memory is measured with.
    const CROWD: usize = 100_000;

    /// One for up to `keys` credentials, in front of a source with this plan.
    fn build(plan: Plan, keys: usize) -> impl Future<Output = Self> + Send;

    /// Gets the nth credential; whether there was one.
    fn get(&self, nth: usize) -> impl Future<Output = bool> + Send;

    /// Calls of the source so far.
    fn calls(&self) -> usize;
}
