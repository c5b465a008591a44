//! Time as a parameter: [`Clock`], and [`ManualClock`] for tests that never sleep.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::time::Timestamp;

/// A boxed future that waits for a moment.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tells the time and waits for a moment of it.
pub trait Clock: Send + Sync {
    /// The wall-clock time now.
    fn now(&self) -> Timestamp;

    /// The time now, perhaps up to 50 ms old, for paths where reading the clock would be the cost.
    fn coarse_now(&self) -> Timestamp {
        self.now()
    }

    /// Completes once [`now`](Self::now) is at or after `when`, also when the clock was set forward
    /// or the machine slept. Dropping it is free of effects.
    fn sleep_until(&self, when: Timestamp) -> Sleep;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
    fn coarse_now(&self) -> Timestamp {
        (**self).coarse_now()
    }
    fn sleep_until(&self, when: Timestamp) -> Sleep {
        (**self).sleep_until(when)
    }
}

/// A clock that stands still until a test advances it. Clones share the time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    now: AtomicU64,
    sleepers: Mutex<Sleepers>,
}

#[derive(Debug, Default)]
struct Sleepers {
    next: u64,
    waiting: BTreeMap<(Timestamp, u64), Waker>,
}

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        let now = AtomicU64::new(start.as_millis());
        Self { shared: Arc::new(Shared { now, sleepers: Mutex::default() }) }
    }

    /// Moves the time forward and wakes whoever waited for a moment now reached.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }

    /// Sets the time, forward or back, and wakes whoever waited for a moment now reached.
    pub fn set(&self, time: Timestamp) {
        self.shared.now.store(time.as_millis(), Ordering::SeqCst);
        let due = {
            let mut sleepers = self.sleepers();
            let later = match time.as_millis().checked_add(1) {
                Some(next) => sleepers.waiting.split_off(&(Timestamp::from_millis(next), 0)),
                None => BTreeMap::new(),
            };
            std::mem::replace(&mut sleepers.waiting, later)
        };
        due.into_values().for_each(Waker::wake);
    }

    /// The earliest moment anybody waits for: advance to it to make the next thing happen.
    #[must_use]
    pub fn next_sleeper(&self) -> Option<Timestamp> {
        self.sleepers().waiting.keys().next().map(|(when, _)| *when)
    }

    fn sleepers(&self) -> MutexGuard<'_, Sleepers> {
        self.shared.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    /// Shows an arbitrary moment well away from zero: 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::new(Timestamp::from_secs(1_767_225_600))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.shared.now.load(Ordering::SeqCst))
    }

    fn sleep_until(&self, when: Timestamp) -> Sleep {
        Box::pin(ManualSleep { clock: self.clone(), when, slot: None })
    }
}

struct ManualSleep {
    clock: ManualClock,
    when: Timestamp,
    slot: Option<u64>,
}

impl Future for ManualSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        let mut sleepers = clock.sleepers();
        // Read under the lock: `set` stores before it locks, so no wake-up falls between.
        if clock.now() >= self.when {
            return Poll::Ready(());
        }
        let slot = *self.slot.get_or_insert_with(|| {
            sleepers.next += 1;
            sleepers.next
        });
        sleepers.waiting.insert((self.when, slot), cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for ManualSleep {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.clock.sleepers().waiting.remove(&(self.when, slot));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Wake;

    struct Count(AtomicU64);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_sleeper_wakes_when_its_moment_is_reached_and_not_before() {
        let clock = ManualClock::default();
        let count = Arc::new(Count(AtomicU64::new(0)));
        let waker = Waker::from(count.clone());
        let mut cx = Context::from_waker(&waker);
        let when = clock.now().plus(Duration::from_secs(2));
        let mut sleep = clock.sleep_until(when);
        assert!(sleep.as_mut().poll(&mut cx).is_pending());
        assert_eq!(clock.next_sleeper(), Some(when));
        clock.advance(Duration::from_secs(1));
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
        clock.advance(Duration::from_secs(1));
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        assert!(sleep.as_mut().poll(&mut cx).is_ready());
    }

    #[test]
    fn a_dropped_sleeper_is_forgotten() {
        let clock = ManualClock::default();
        let mut cx = Context::from_waker(Waker::noop());
        let mut sleep = clock.sleep_until(Timestamp::MAX);
        assert!(sleep.as_mut().poll(&mut cx).is_pending());
        drop(sleep);
        assert_eq!(clock.next_sleeper(), None);
    }
}
