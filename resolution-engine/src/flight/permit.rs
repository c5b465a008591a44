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
    held: Mutex<Held>,
}

struct Held {
    permit: Option<CallPermit>,
    /// Waits under way: a provider may wait for several flights at once.
    waits: usize,
}

/// One wait of a flight for another; the permit is taken again after the last of them.
pub(crate) struct Pause<'a>(&'a PermitSlot);

impl PermitSlot {
    pub(crate) fn new(calls: Calls, permit: Option<CallPermit>) -> Self {
        Self { calls, held: Mutex::new(Held { permit, waits: 0 }) }
    }

    /// Gives the permit back for the length of a wait.
    pub(crate) fn pause(&self) -> Pause<'_> {
        let mut held = lock(&self.held);
        held.waits += 1;
        let permit = held.permit.take();
        drop(held);
        drop(permit);
        Pause(self)
    }

    /// Waits until the flight may go on. While it still waits for others it goes on without a
    /// permit: taking one then could starve the very flight it waits for. Cancel-safe.
    pub(crate) async fn take(&self) {
        {
            let held = lock(&self.held);
            if held.permit.is_some() || held.waits > 0 {
                return;
            }
        }
        let permit = self.calls.acquire().await;
        // Two waits may have ended at once: the second permit goes back.
        let mut held = lock(&self.held);
        let surplus = if held.permit.is_none() && held.waits == 0 {
            std::mem::replace(&mut held.permit, permit)
        } else {
            permit
        };
        drop(held);
        drop(surplus);
    }
}

impl Pause<'_> {
    /// The wait is over. Cancel-safe.
    pub(crate) async fn resume(self) {
        let slot = self.0;
        drop(self);
        slot.take().await;
    }
}

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        lock(&self.0.held).waits -= 1;
    }
}
