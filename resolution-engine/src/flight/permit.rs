//! Limits on concurrent provider calls: all together, and of one provider.

use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::sync::lock;

/// The two limits a call passes. Cold callers queue in order; background renewals only take what
/// would otherwise be idle, and leave a quarter, at least one of several, for the cold.
#[derive(Clone)]
pub(crate) struct Calls {
    all: Arc<Semaphore>,
    provider: Arc<Semaphore>,
    reserve: (usize, usize),
    freed: Arc<Notify>,
}

/// The right to call. Dropping it wakes the scheduler.
pub(crate) struct CallPermit {
    permits: Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
    freed: Arc<Notify>,
}

impl Calls {
    pub(crate) fn new(
        all: Arc<Semaphore>,
        all_limit: usize,
        provider_limit: usize,
        freed: Arc<Notify>,
    ) -> Self {
        let provider = Arc::new(Semaphore::new(provider_limit));
        let reserve = |limit: usize| (limit / 4).max(usize::from(limit > 1));
        Self { all, provider, reserve: (reserve(all_limit), reserve(provider_limit)), freed }
    }

    /// Waits for the right to call, in order. Cancel-safe.
    pub(crate) async fn acquire(&self) -> Option<CallPermit> {
        // The narrower limit first: waiting for a busy provider takes nothing from the others.
        let provider = self.provider.clone().acquire_owned().await.ok()?;
        let all = self.all.clone().acquire_owned().await.ok()?;
        Some(self.permit(provider, all))
    }

    /// The right to call if there is room beyond the reserve for cold callers.
    pub(crate) fn try_acquire_background(&self) -> Option<CallPermit> {
        if self.provider.available_permits() <= self.reserve.1
            || self.all.available_permits() <= self.reserve.0
        {
            return None;
        }
        let provider = self.provider.clone().try_acquire_owned().ok()?;
        let all = self.all.clone().try_acquire_owned().ok()?;
        Some(self.permit(provider, all))
    }

    fn permit(&self, provider: OwnedSemaphorePermit, all: OwnedSemaphorePermit) -> CallPermit {
        CallPermit { permits: Some((provider, all)), freed: self.freed.clone() }
    }
}

impl Drop for CallPermit {
    fn drop(&mut self) {
        self.permits = None;
        self.freed.notify_one();
    }
}

/// A flight's permit, which it gives back while it waits for another flight.
pub(crate) struct PermitSlot {
    calls: Calls,
    held: Mutex<Option<CallPermit>>,
}

impl PermitSlot {
    pub(crate) fn new(calls: Calls, held: Option<CallPermit>) -> Self {
        Self { calls, held: Mutex::new(held) }
    }

    pub(crate) fn give_back(&self) {
        let permit = lock(&self.held).take();
        drop(permit);
    }

    /// Waits until the flight may go on. Cancel-safe.
    pub(crate) async fn take(&self) {
        if lock(&self.held).is_some() {
            return;
        }
        let permit = self.calls.acquire().await;
        // Two waits of one provider may end at once: the second permit goes back at once.
        let mut held = lock(&self.held);
        let surplus = if held.is_none() { std::mem::replace(&mut *held, permit) } else { permit };
        drop(held);
        drop(surplus);
    }
}
