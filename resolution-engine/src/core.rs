//! What all parts of one engine share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use credential_provider_api::{
    Clock, CredentialError, Detail, ErrorCode, Random, Revision, Timestamp,
};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Access;
use crate::audit::Audit;
use crate::counters::Counters;
use crate::entry::Table;
use crate::events::Events;
use crate::flight::WaitGraph;
use crate::flows::Flows;
use crate::handle::Handles;
use crate::registry::Registry;
use crate::schedule::Scheduler;
use crate::tuning::Tuning;

pub(crate) struct Core {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) runtime: Handle,
    pub(crate) tuning: Tuning,
    pub(crate) table: Table,
    pub(crate) registry: Registry,
    pub(crate) access: Access,
    pub(crate) audit: Audit,
    pub(crate) handles: Handles,
    pub(crate) flows: Flows,
    pub(crate) scheduler: Scheduler,
    pub(crate) events: Events,
    pub(crate) counters: Counters,
    pub(crate) waits: WaitGraph,
    #[cfg(feature = "redaction")]
    pub(crate) redactor: Option<crate::Redactor>,
    pub(crate) waiters: Bounded,
    /// The limit on all provider calls together.
    pub(crate) calls: Arc<Semaphore>,
    /// A call ended: the scheduler may start another.
    pub(crate) freed: Arc<Notify>,
    pub(crate) tasks: TaskTracker,
    /// Cancelled when the engine stops taking requests.
    pub(crate) stop: CancellationToken,
    pub(crate) started: Timestamp,
    pub(crate) revisions: AtomicU64,
    pub(crate) flights: AtomicU64,
}

impl Core {
    /// Seconds since the engine started, never zero.
    pub(crate) fn secs(&self, at: Timestamp) -> u32 {
        u32::try_from(self.started.until(at).as_secs()).unwrap_or(u32::MAX - 1) + 1
    }

    pub(crate) fn next_revision(&self) -> Revision {
        let number = self.revisions.fetch_add(1, Ordering::Relaxed);
        Revision::new(number).unwrap_or(Revision::FIRST)
    }

    pub(crate) fn next_flight(&self) -> u64 {
        self.flights.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn jitter(&self) -> u8 {
        let mut byte = [0];
        self.random.fill(&mut byte);
        let [jitter] = byte;
        jitter
    }

    /// The tuning with a back-off that is a quarter shorter to a quarter longer.
    pub(crate) fn jittered(&self) -> Tuning {
        let mut tuning = self.tuning.clone();
        tuning.backoff = tuning.backoff.saturating_mul(u32::from(self.jitter()) + 384) / 512;
        tuning
    }

    /// Fails once the engine is shutting down.
    pub(crate) fn check_running(&self) -> Result<(), CredentialError> {
        if self.stop.is_cancelled() {
            return Err(CredentialError::new(ErrorCode::ShutDown, ""));
        }
        Ok(())
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A count that is kept under a limit.
pub(crate) struct Bounded {
    count: AtomicUsize,
    limit: usize,
    what: &'static str,
}

/// One of a bounded count; given back when dropped.
pub(crate) struct Slot<'a>(&'a Bounded);

impl Bounded {
    pub(crate) const fn new(what: &'static str, limit: usize) -> Self {
        Self { count: AtomicUsize::new(0), limit, what }
    }

    pub(crate) fn enter(&self) -> Result<Slot<'_>, CredentialError> {
        if self.count.fetch_add(1, Ordering::AcqRel) >= self.limit {
            self.count.fetch_sub(1, Ordering::AcqRel);
            let detail = format!("the limit of {} {} is reached", self.limit, self.what);
            return Err(CredentialError::new(ErrorCode::Overloaded, Detail::composed(detail)));
        }
        Ok(Slot(self))
    }

    /// Gives one back that was taken out of its [`Slot`].
    pub(crate) fn leave(&self) {
        self.count.fetch_sub(1, Ordering::AcqRel);
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}
