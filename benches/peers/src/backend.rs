//! The source behind every peer: counts its calls and does as it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

/// What the source does when it is called.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    /// How long a call takes.
    pub delay: Duration,
    /// The first calls fail; `usize::MAX` for all.
    pub failing: usize,
}

/// A source.
#[derive(Debug, Default)]
pub struct Backend {
    plan: Plan,
    calls: AtomicUsize,
}

impl Backend {
    /// One that does this.
    pub fn new(plan: Plan) -> Arc<Self> {
        Arc::new(Self { plan, calls: AtomicUsize::new(0) })
    }

    /// Calls so far.
    pub fn calls(&self) -> usize {
        self.calls.load(SeqCst)
    }

    /// Issues, or fails.
    pub async fn call(&self) -> Result<(), &'static str> {
        let before = self.calls.fetch_add(1, SeqCst);
        if !self.plan.delay.is_zero() {
            tokio::time::sleep(self.plan.delay).await;
        }
        if before < self.plan.failing { Err("as told") } else { Ok(()) }
    }
}
